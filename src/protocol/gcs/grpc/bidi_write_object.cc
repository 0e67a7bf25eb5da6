#include "protocol/gcs/grpc/methods.h"
#include "protocol/gcs/grpc/write_stream.h"

namespace beringia::protocol::gcs::grpc {
namespace {

using Messages = WriteMessages<v2::BidiWriteObjectRequest>;

/// One BidiWriteObject: its answers while it writes.
class BidiWrite {
 public:
  BidiWrite(GrpcCall& call, Messages& messages) : call_{call}, messages_{messages} {}

  Answer<void> run() {
    const v2::BidiWriteObjectRequest& first = messages_.message();
    switch (first.first_message_case()) {
      case v2::BidiWriteObjectRequest::kUploadId: {
        BR_TRY(name, session_of(first.upload_id()));
        return resume(name);
      }
      case v2::BidiWriteObjectRequest::kWriteObjectSpec: return begin();
      default: return append();
    }
  }

 private:
  Answer<void> resume(const SessionName& name) {
    WriteSession session{call_, name, messages_.message().common_object_request_params()};
    BR_TRY(state, write(session));
    return send(state);
  }

  /// A write of one stream. What is not finished when it ends is given up, but for appendable
  /// objects, which can be gone on with by their handle.
  Answer<void> begin() {
    const v2::BidiWriteObjectRequest& first = messages_.message();
    const bool appends = first.write_object_spec().appendable();
    BR_TRY(name, begin_session(call_, first.write_object_spec(),
                               first.common_object_request_params(), first.object_checksums()));
    if (appends) handle_ = upload_id_of(name);
    WriteSession session{call_, name, first.common_object_request_params()};
    auto state = write(session);
    if (state && state->resource) return send(*state);
    if (!appends) {
      if (auto gone = session.cancel(); !gone && state) return gone;
    }
    if (!state) return std::unexpected(std::move(state).error());
    return not_finished(appends);
  }

  /// Goes on with an appendable object that this door began.
  Answer<void> append() {
    const v2::AppendObjectSpec spec = messages_.message().append_object_spec();
    BR_TRY(bucket, bucket_of(spec.bucket()));
    if (!spec.has_write_handle()) {
      JsonCall look{.path = object_path(bucket, spec.object())};
      if (spec.generation() != 0) look.query.add("generation", spec.generation());
      BR_TRY(call_.ask_text(look));
      return refusal(Code::kFailedPrecondition,
                     "The object is finalized: nothing can be appended to it.");
    }
    BR_TRY(name, session_of(spec.write_handle().handle()));
    if (name.bucket != bucket || name.object != spec.object()) {
      return refusal(Code::kInvalidArgument, "The write_handle is of another object.");
    }
    WriteSession session{call_, name, messages_.message().common_object_request_params()};
    BR_TRY(state, write(session));
    if (!state.resource) return not_finished(true);
    return send(state);
  }

  static Answer<void> not_finished(bool appends) {
    if (!appends) {
      return refusal(Code::kInvalidArgument, "The write ended without finish_write.");
    }
    return refusal(Code::kUnimplemented,
                   "Objects that are not finalized are not offered: end the write with "
                   "finish_write. What was flushed is kept under its write_handle.");
  }

  Answer<SessionState> write(WriteSession& session) {
    return write_into(session, messages_, messages_.message().object_checksums(),
                      [this](const v2::BidiWriteObjectRequest& message,
                             const SessionState& state) -> Answer<void> {
                        if (!message.state_lookup()) return {};
                        return send(state);
                      });
  }

  Answer<void> send(const SessionState& state) {
    v2::BidiWriteObjectResponse response;
    if (state.resource) {
      *response.mutable_resource() = *state.resource;
    } else {
      response.set_persisted_size(static_cast<int64_t>(state.persisted));
    }
    if (!handle_.empty()) {
      response.mutable_write_handle()->set_handle(std::exchange(handle_, {}));
    }
    return call_.send(response);
  }

  GrpcCall& call_;
  Messages& messages_;
  std::string handle_;  // to be told with the next answer
};

}  // namespace

Answer<void> bidi_write_object(GrpcCall& call) {
  Messages messages{call};
  BR_TRY(messages.first());
  const v2::BidiWriteObjectRequest& first = messages.message();
  if (first.has_write_object_spec() && first.finish_write() &&
      !first.write_object_spec().appendable()) {
    BR_TRY(object, write_at_once(call, messages));
    v2::BidiWriteObjectResponse response;
    *response.mutable_resource() = std::move(object);
    return call.send(response);
  }
  return BidiWrite{call, messages}.run();
}

}  // namespace beringia::protocol::gcs::grpc

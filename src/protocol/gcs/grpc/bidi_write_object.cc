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
      default: return begin();
    }
  }

 private:
  Answer<void> resume(const SessionName& name) {
    WriteSession session{call_, name, messages_.message().common_object_request_params()};
    BR_TRY(state, write(session));
    return send(state);
  }

  /// A write of one stream. What is not finished when it ends is given up.
  Answer<void> begin() {
    const v2::BidiWriteObjectRequest& first = messages_.message();
    BR_TRY(name, begin_session(call_, first.write_object_spec(),
                               first.common_object_request_params(), first.object_checksums()));
    WriteSession session{call_, name, first.common_object_request_params()};
    auto state = write(session);
    if (state && state->resource) return send(*state);
    if (auto gone = session.cancel(); !gone && state) return gone;
    if (!state) return std::unexpected(std::move(state).error());
    return refusal(Code::kInvalidArgument, "The write ended without finish_write.");
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
    return call_.send(response);
  }

  GrpcCall& call_;
  Messages& messages_;
};

}  // namespace

Answer<void> bidi_write_object(GrpcCall& call) {
  Messages messages{call};
  BR_TRY(messages.first());
  const v2::BidiWriteObjectRequest& first = messages.message();
  if (first.has_write_object_spec() && first.finish_write()) {
    BR_TRY(object, write_at_once(call, messages));
    v2::BidiWriteObjectResponse response;
    *response.mutable_resource() = std::move(object);
    return call.send(response);
  }
  if (first.has_append_object_spec()) return append_object(call, messages);
  if (first.has_write_object_spec() && first.write_object_spec().appendable()) {
    return begin_appendable(call, messages);
  }
  return BidiWrite{call, messages}.run();
}

}  // namespace beringia::protocol::gcs::grpc

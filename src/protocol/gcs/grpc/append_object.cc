#include "base/encoding.h"
#include "protocol/gcs/appendable.h"
#include "protocol/gcs/grpc/write_stream.h"

namespace beringia::protocol::gcs::grpc {
namespace {

using Messages = WriteMessages<v2::BidiWriteObjectRequest>;

/// One stream that writes to an appendable object. Each ends with a new generation of the object.
class AppendableWrite {
 public:
  AppendableWrite(GrpcCall& call, Messages& messages)
      : call_{call},
        messages_{messages},
        common_{messages.message().common_object_request_params()} {}

  Answer<void> begin() {
    const v2::WriteObjectSpec& spec = messages_.message().write_object_spec();
    BR_TRY(made, create_empty(spec));
    object_ = std::move(made);
    origin_ = object_.generation();
    v2::WriteObjectSpec own = spec;
    own.clear_if_generation_not_match();
    own.clear_if_metageneration_match();
    own.clear_if_metageneration_not_match();
    own.set_if_generation_match(object_.generation());
    BR_TRY(name, begin_session(call_, own, common_, {}));
    return write(std::move(name));
  }

  Answer<void> append() {
    v2::AppendObjectSpec spec = messages_.message().append_object_spec();
    BR_TRY(bucket, bucket_of(spec.bucket()));
    bucket_ = std::move(bucket);
    if (spec.has_write_handle()) {
      BR_TRY(name, session_of(spec.write_handle().handle()));
      if (name.bucket != bucket_ || name.object != spec.object()) {
        return refusal(Code::kInvalidArgument, "The write_handle is of another object.");
      }
      const auto state = WriteSession(call_, name, common_).query();
      if (state && state->resource && state->resource->has_finalize_time()) return send(*state);
      if (state && !state->resource) {
        BR_TRY(look(spec));
        is_told_ = true;  // in the stream that began it
        return write(std::move(name));
      }
      if (!state && state.error().code != Code::kNotFound) return std::unexpected(state.error());
      // Its stream ended, and made another generation of what the client knows.
      if (state) spec.set_generation(state->resource->generation());
    }
    BR_TRY(look(spec));
    if (origin_ == 0) {
      return refusal(Code::kFailedPrecondition,
                     "The object is finalized: nothing can be appended to it.");
    }
    BR_TRY(name, take_over());
    return write(std::move(name));
  }

 private:
  /// The object without content, from now on visible.
  Answer<v2::Object> create_empty(const v2::WriteObjectSpec& spec) {
    BR_TRY(bucket, bucket_of(spec.resource().bucket()));
    bucket_ = std::move(bucket);
    BR_TRY(change, new_object_change(spec.resource(), {}));
    JsonCall ask{.method = "POST", .path = bucket_path(bucket_) + "/o"};
    ask.text = wire::gcs::render(change);
    ask.query.add("name", spec.resource().name());
    ask.query.add_text("kmsKeyName", spec.resource().kms_key());
    ask.query.add_text("predefinedAcl", spec.predefined_acl());
    add_conditions(spec, ask.query);
    add_key(ask.headers, common_);
    ask.headers.add(kAppendableHeader, std::string{kBegin});
    BR_TRY(json, call_.ask_text(ask));
    return object_of(json);
  }

  /// What there is now. A client may name it by the generation as which it began.
  Answer<void> look(const v2::AppendObjectSpec& spec) {
    JsonCall ask{.path = object_path(bucket_, spec.object())};
    add_bucket_conditions(spec, ask.query);
    add_key(ask.headers, common_);
    io::HttpResponse response = call_.ask(ask);
    if (response.on_finished) response.on_finished(response.text.size(), true);
    if (response.status >= 300) return std::unexpected(call_.status_of(response));
    BR_TRY(object, object_of(response.text));
    object_ = std::move(object);
    const auto since = parse_u64(response.headers.get_or(kAppendableHeader, "0"));
    origin_ = static_cast<int64_t>(since.value_or(0));
    const int64_t wanted = spec.generation();
    if (wanted != 0 && wanted != object_.generation() && wanted != origin_) {
      return refusal(Code::kNotFound, "There is no such generation of the object.");
    }
    return {};
  }

  /// A session that has what the object has.
  Answer<SessionName> take_over() {
    JsonCall ask;
    ask.text = "{}";
    ask.query.add("ifGenerationMatch", object_.generation());
    ask.query.add_text("kmsKeyName", object_.kms_key());
    add_key(ask.headers, common_);
    ask.headers.add(kAppendableHeader, std::string{kTakeOver});
    BR_TRY(name, begin_session(call_, {bucket_, object_.name(), {}}, std::move(ask)));
    if (object_.size() == 0) return name;
    WriteSession session{call_, name, common_};
    if (auto copied = copy_into(session); !copied) {
      static_cast<void>(session.cancel());  // it expires otherwise
      return std::unexpected(std::move(copied).error());
    }
    return name;
  }

  Answer<void> copy_into(WriteSession& session) {
    JsonCall ask{.path = object_path(bucket_, object_.name())};
    ask.query.add("alt", "media");
    ask.query.add("generation", object_.generation());
    add_key(ask.headers, common_);
    ask.headers.add("Accept-Encoding", "gzip");  // bytes as they are stored
    io::HttpResponse response = call_.ask(ask);
    if (response.status >= 300 || !response.body) {
      if (response.on_finished) response.on_finished(0, true);
      return std::unexpected(call_.status_of(response));
    }
    auto stored = session.put(*response.body, 0);
    const uint64_t bytes = stored ? stored->persisted : 0;
    if (response.on_finished) response.on_finished(bytes, stored.has_value());
    if (!stored) return std::unexpected(std::move(stored).error());
    if (bytes != static_cast<uint64_t>(object_.size())) {
      return refusal(Code::kUnavailable, "The object could not be read to its end.");
    }
    return {};
  }

  Answer<void> write(SessionName name) {
    handle_ = upload_id_of(name);
    WriteSession session{call_, std::move(name), common_};
    messages_.want_answer();
    BR_TRY(state, write_into(session, messages_, messages_.message().object_checksums(),
                             [this](const v2::BidiWriteObjectRequest& message,
                                    const SessionState& now) -> Answer<void> {
                               if (!message.state_lookup() && !messages_.wants_answer()) return {};
                               return send(now);
                             }));
    if (state.resource) return send(state);
    if (state.persisted == static_cast<uint64_t>(object_.size())) return session.cancel();
    BR_TRY(session.leave(state.persisted, origin_));
    return {};
  }

  Answer<void> send(const SessionState& state) {
    v2::BidiWriteObjectResponse response;
    if (state.resource) {
      *response.mutable_resource() = *state.resource;
    } else if (std::exchange(is_told_, true)) {
      response.set_persisted_size(static_cast<int64_t>(state.persisted));
    } else {
      *response.mutable_resource() = object_;
      response.mutable_resource()->set_size(static_cast<int64_t>(state.persisted));
      response.mutable_resource()->clear_checksums();  // of what it was
    }
    if (!handle_.empty()) {
      response.mutable_write_handle()->set_handle(std::exchange(handle_, {}));
    }
    return call_.send(response);
  }

  GrpcCall& call_;
  Messages& messages_;
  const v2::CommonObjectRequestParams common_;
  std::string bucket_;
  v2::Object object_;     // as it is, while this writes
  int64_t origin_ = 0;    // the generation as which it began; 0: it is finalized
  std::string handle_;    // to be told with the next answer
  bool is_told_ = false;  // what the object is
};

}  // namespace

Answer<void> begin_appendable(GrpcCall& call, Messages& messages) {
  return AppendableWrite{call, messages}.begin();
}

Answer<void> append_object(GrpcCall& call, Messages& messages) {
  return AppendableWrite{call, messages}.append();
}

}  // namespace beringia::protocol::gcs::grpc

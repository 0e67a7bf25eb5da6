#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/gcs/grpc/grpc_call.h"
#include "protocol/gcs/grpc/resources.h"

namespace beringia::protocol::gcs::grpc {

/// A resumable upload of the JSON API as gRPC names it:
/// projects/_/buckets/BUCKET/uploads/ID/OBJECT. Clients take the bucket out of it, to route. A size
/// that was announced stands behind the id: "ID.SIZE".
struct SessionName {
  std::string bucket;
  std::string object;
  std::string id;
  std::optional<uint64_t> size = {};
};
std::string upload_id_of(const SessionName& name);
/// @error kInvalidArgument: that is no upload_id of ours
[[nodiscard]] Answer<SessionName> session_of(std::string_view upload_id);

/// Begins one. `sums`: of the whole object, if they are known.
[[nodiscard]] Answer<SessionName> begin_session(GrpcCall& call, const v2::WriteObjectSpec& spec,
                                                const v2::CommonObjectRequestParams& common,
                                                const v2::ObjectChecksums& sums);

/// Begins the one that `ask` describes, but for its method and address.
[[nodiscard]] Answer<SessionName> begin_session(GrpcCall& call, SessionName name, JsonCall ask);

/// How far a session is.
struct SessionState {
  uint64_t persisted = 0;
  std::optional<v2::Object> resource = {};  // it is finished, and this is what came of it
};

/// What one call does with one session. Lives on the stack of its call's fiber.
class WriteSession {
 public:
  WriteSession(GrpcCall& call, SessionName name, v2::CommonObjectRequestParams common)
      : call_{call}, name_{std::move(name)}, common_{std::move(common)} {}

  const SessionName& name() const { return name_; }
  [[nodiscard]] Answer<SessionState> query();
  /// Adds what `body` gives until its end; durable at return. Bytes that are there already are
  /// skipped. @param offset  of its first byte
  [[nodiscard]] Answer<SessionState> put(io::ByteSource& body, uint64_t offset);
  /// Makes the object. @error kInvalidArgument: other checksums, or fewer bytes are there
  [[nodiscard]] Answer<SessionState> finish(uint64_t total, const v2::ObjectChecksums& sums);
  /// Makes an object that stays appendable, and began as the generation `origin`. @error as finish
  [[nodiscard]] Answer<SessionState> leave(uint64_t total, int64_t origin);
  [[nodiscard]] Answer<void> cancel();

 private:
  JsonCall address(std::string method) const;
  [[nodiscard]] Answer<SessionState> ask(const JsonCall& call);

  GrpcCall& call_;
  const SessionName name_;
  const v2::CommonObjectRequestParams common_;
};

}  // namespace beringia::protocol::gcs::grpc

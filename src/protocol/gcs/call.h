#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "access/bucket_access.h"
#include "base/time.h"
#include "core/gate.h"
#include "core/namespace.h"
#include "core/operations.h"
#include "identity/identity.h"
#include "io/http.h"
#include "protocol/gcs/caller_rate.h"
#include "protocol/gcs/parameters.h"
#include "protocol/gcs/router.h"
#include "protocol/gcs/session_turns.h"
#include "protocol/gcs/signed_body.h"

namespace beringia::protocol::gcs {

/// What the service works with; outlives every request.
struct Rooms {
  core::Namespace& names;
  core::Gate& gate;
  identity::Directory& directory;
  const Clock& clock;
  SessionTurns& turns;
  core::Operations& operations;
  std::string public_url;  // without a trailing '/'; "" = derived from each request
  bool customer_keys_over_http = false;
  bool uniform_access = true;        // of new buckets that do not say
  CallerRate* token_rate = nullptr;  // of the endpoints of tokens; never null in a service
};

/// One request on its way through the service. Lives on the stack of its fiber.
struct Call {
  const io::Context& context;
  io::HttpRequest& request;
  const Rooms& rooms;
  std::string method;  // after X-HTTP-Method-Override
  Parameters query;
  Route route;
  std::string base_url;  // "http://host:port", as the client wrote it
  std::optional<identity::Principal> principal;
  /// Every grant of this request, so that its audit records learn how it ended. A deque: verbs
  /// hold references while more are added.
  std::deque<core::Grant> grants;
  std::unique_ptr<SignedBody> signed_body = {};
  std::unique_ptr<io::ByteSource> unpacked = {};  // see unpack_body()
  /// Proven by the address alone, whose holder has no credential to send again.
  bool is_signed_url = false;
  std::string_view door_name = "gcs";
  /// The resource in the body has access lists; see shows_lists().
  bool names_lists = false;
  /// See view_of().
  mutable std::optional<std::pair<std::string, std::optional<access::BucketView>>> looked = {};

  /// Asks the gate. `generation`: which one it is about, if not the current one. @error kDenied
  [[nodiscard]] Result<const core::Grant*> admit(access::Ask ask, const Path& path,
                                                 std::optional<uint64_t> generation = {});
  /// Owner and access settings of a bucket, looked up once. Null: there is none, or they cannot be
  /// read. Valid until the next call for another bucket.
  const access::BucketView* view_of(std::string_view bucket) const;
  /// For lists of buckets: everyone may ask, and is shown what they may list.
  [[nodiscard]] Result<const core::Grant*> admit_bucket_list();
  bool may(const access::Ask& ask, const Path& path) const;
  core::Door door() const;
  /// Directory form. @error kNotFound (tag "no_bucket"): no bucket can have this name
  [[nodiscard]] Result<Path> bucket_path(std::string_view bucket) const;
  /// @error as bucket_path; kInvalid: empty or longer than 1,024 bytes
  [[nodiscard]] Result<Path> object_path(std::string_view bucket, std::string_view object) const;
  /// Same, for names that are to be made: GCS refuses ".", ".." and line ends.
  [[nodiscard]] Result<Path> new_object_path(std::string_view bucket,
                                             std::string_view object) const;
  std::string_view header(std::string_view name) const { return request.headers.get_or(name, ""); }
  /// The whole body. @error kInvalid (tag "too_large")
  [[nodiscard]] Result<std::string> read_body(size_t max_bytes) const;
};

/// From here on the body of a call of the JSON API is what it is behind Content-Encoding: gzip, as
/// Google's Java libraries send it; in the XML API that header describes the object. A signature
/// is of the bytes as they came: authenticate first. @error kUnsupported: another coding
[[nodiscard]] Result<void> unpack_body(Call& call);

/// "http://host:port" of a request; the Host header is checked before it is echoed.
std::string base_url_of(const io::HttpRequest& request, const std::string& public_url);

io::HttpResponse json_response(int status, std::string json);
io::HttpResponse empty_response(int status);

}  // namespace beringia::protocol::gcs

#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "core/gate.h"
#include "core/namespace.h"
#include "identity/identity.h"
#include "io/http.h"
#include "protocol/s3/options.h"
#include "protocol/s3/query.h"
#include "protocol/s3/router.h"
#include "wire/s3xml.h"
#include "wire/sigv4.h"

namespace beringia::protocol::s3 {

class AccessLogs;

/// What the service works with; outlives every request.
struct Rooms {
  core::Namespace& names;
  core::Gate& gate;
  identity::Directory& directory;
  const Clock& clock;
  wire::SigningKeys& signing_keys;
  const Options& options;
  AccessLogs* logs = nullptr;  // null: buckets' access logs are not kept
};

/// The grants of one request: no verb needs more than two at a time (source and target).
using Grants = std::array<std::optional<core::Grant>, 2>;

/// One request on its way through the service. Lives on the stack of its fiber.
struct Call {
  const io::Context& context;
  io::HttpRequest& request;
  const Rooms& rooms;
  Query query;
  Route route;
  // Set by authenticate().
  wire::SigV4Claim claim;
  std::optional<wire::SigV4Verified> verified;
  std::optional<identity::Principal> principal;
  /// Kept until the exchange ends, so that their audit records learn how it ended.
  Grants grants;
  /// The gate was asked, so that the request is in the audit log.
  bool is_recorded = false;
  /// Size of the object that a Range header failed on.
  std::optional<uint64_t> object_size;
  /// Tags that the request's document sets, once read: conditions of policies may ask for them.
  std::optional<meta::StringMap> request_tags;
  /// Proven by the fields of a browser's form, not by the request itself.
  bool form_signed = false;
  /// Proven by SigV2.
  bool signed_v2 = false;
  /// Asked of the bucket's website (website.h).
  bool is_website = false;
  /// Headers that an error's answer carries, too.
  std::vector<std::pair<std::string, std::string>> error_headers = {};

  /// Asks the gate; at most twice. The reference holds as long as the call. @error kDenied
  [[nodiscard]] Result<const core::Grant*> admit(core::Action action, const Path& path);
  /// As admit, for ListBuckets.
  [[nodiscard]] Result<const core::Grant*> admit_bucket_list();
  /// Asks the gate for one of many (DeleteObjects), in the context of its own fiber; its record is
  /// closed with the grant.
  /// `right` and `generation`: where the route does not tell them.
  [[nodiscard]] Result<core::Grant> admit_one(const io::Context& own, core::Action action,
                                              const Path& path,
                                              std::optional<access::Right> right = {},
                                              std::optional<uint64_t> generation = {}) const;
  core::Door door() const;
  /// Directory form. @error kInvalid (tag InvalidBucketName)
  [[nodiscard]] Result<Path> bucket_path(std::string_view bucket) const;
  [[nodiscard]] Result<Path> bucket_path() const { return bucket_path(route.bucket); }
  /// @error as bucket_path; kInvalid (tags KeyTooLongError, InvalidURI)
  [[nodiscard]] Result<Path> object_path(std::string_view bucket, std::string_view key) const;
  [[nodiscard]] Result<Path> object_path() const { return object_path(route.bucket, route.key); }
  /// Holds a grant until the exchange ends.
  [[nodiscard]] Result<const core::Grant*> keep(core::Grant grant);
  std::string_view header(std::string_view name) const { return request.headers.get_or(name, ""); }
  wire::s3::Owner self() const { return {principal->name(), principal->name()}; }
};

/// S3's own error: a kInvalid whose tag is the code.
Error s3_error(std::string code, std::string what, std::string why = {});
/// NotImplemented, in S3's words. `why` names what was asked for.
Error not_implemented(std::string why);

io::HttpResponse xml_response(int status, std::string xml);
io::HttpResponse empty_response(int status);

}  // namespace beringia::protocol::s3

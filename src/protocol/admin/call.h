#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "access/access.h"
#include "audit/audit.h"
#include "base/json_writer.h"
#include "base/time.h"
#include "core/gate.h"
#include "core/namespace.h"
#include "identity/identity.h"
#include "io/http.h"
#include "policy/policy.h"
#include "protocol/admin/estate_host.h"
#include "wire/document.h"
#include "wire/sigv4.h"

namespace beringia::audit {
class Intake;
}
namespace beringia::policy {
class InventoryKeeper;
class ScanKeeper;
}  // namespace beringia::policy

namespace beringia::protocol::admin {

/// What the admin API works with; outlives every request.
struct Rooms {
  core::Namespace& names;
  core::Gate& gate;
  identity::Directory& directory;
  access::Evaluator& evaluator;
  audit::Log& log;
  audit::Intake& intake;
  policy::Engine& engine;
  policy::InventoryKeeper& inventories;
  policy::ScanKeeper& scans;
  EstateHost& estate;
  const Clock& clock;
  wire::SigningKeys& signing_keys;
  std::string audit_directory;
  std::string token_uri;  ///< of the GCS door, for key files; "" = that door is off
  std::string version;
  uint64_t move_bandwidth_bytes_per_s = 0;  ///< of runs that do not bring their own; 0 = none
  std::function<bool()> ready;              ///< false while starting or draining
};

/// Bodies are estate files or small objects.
inline constexpr size_t kMaxBodyBytes = 4 << 20;

/// One request on its way. Lives on the stack of its fiber.
struct Call {
  const io::Context& context;
  io::HttpRequest& request;
  const Rooms& rooms;
  std::string operation;                                  // "keys.create"
  std::string path;                                       // decoded
  std::string argument;                                   // what {} in the route stood for
  std::map<std::string, std::string, std::less<>> query;  // decoded
  std::string body;                                       // read and verified
  std::optional<identity::Principal> principal;
  /// Grants of this request; their audit records learn how it ended. A deque: verbs hold
  /// references.
  std::deque<core::Grant> grants;

  /// Asks the gate. @error kDenied
  [[nodiscard]] Result<const core::Grant*> admit(core::Action action, const Path& at);
  /// The right to administer everything, "/".
  [[nodiscard]] Result<const core::Grant*> administer();
  core::Door door() const;
  std::string query_or(std::string_view name, std::string fallback) const;
  /// A bounded number of the query. @error kInvalid
  [[nodiscard]] Result<uint64_t> query_number(std::string_view name, uint64_t fallback,
                                              uint64_t most) const;
  /// The `path` of the query. @error kInvalid
  [[nodiscard]] Result<Path> query_path() const;
  /// The body as a JSON object; an empty body is an empty object. @error kInvalid
  [[nodiscard]] Result<wire::Value> json_body() const;
};

/// Who asks: a SigV4 signature with service "beringia" and the hash of the body. Reads the body.
/// @error kDenied, kInvalid
[[nodiscard]] Result<identity::Principal> authenticate(Call& call);

/// The one table from Error to status.
int status_of(const Error& error);
/// {"error": {"code", "message", "why", "hint", "id"}}
io::HttpResponse error_response(const Error& error);

io::HttpResponse json_response(std::string json, int status = 200);
io::HttpResponse text_response(std::string text, std::string_view type, int status = 200);

}  // namespace beringia::protocol::admin

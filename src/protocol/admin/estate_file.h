#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/access.h"
#include "identity/identity.h"
#include "meta/estate.h"

namespace beringia::protocol::admin {

/// Everything that an estate file can declare.
struct DeclaredEstate {
  meta::Estate estate;
  std::vector<identity::PrincipalRecord> principals;
  std::vector<access::GrantRule> grants;
};

/// What a file (lake.toml, docs/estate.md) says. A section that it does not mention is left as it
/// is; one that is there, even empty ("alias = []"), is exactly what shall be.
struct EstateFile {
  std::optional<std::vector<meta::BackendDeclaration>> backends;  // without ids
  std::optional<std::vector<meta::MountDeclaration>> mounts;
  std::optional<std::vector<meta::AliasDeclaration>> aliases;
  std::optional<std::vector<identity::PrincipalRecord>> principals;
  std::optional<std::vector<access::GrantRule>> grants;
  std::optional<std::vector<meta::PolicyDeclaration>> policies;
  std::optional<std::vector<meta::IdentityProviderDeclaration>> identity_providers;
  std::optional<std::vector<meta::NotificationTargetDeclaration>> notification_targets;
};

inline constexpr size_t kMaxEstateBytes = 4 << 20;

/// @error kInvalid: not TOML, an unknown key (with a suggestion), a wrong value; names the line
[[nodiscard]] Result<EstateFile> read_estate_file(std::string_view text,
                                                  const std::string& subject);

/// `now` with what the file says in place of it; gives ids to backends (a backend keeps its id
/// while its name, or else its URL, stays) and counts the epoch when backends or mounts change.
/// @error kInvalid: names twice, unknown backends, a mount without locations ...
[[nodiscard]] Result<DeclaredEstate> with_file(const DeclaredEstate& now, EstateFile file);

/// Ids as with_file(): for estates that come from flags.
void assign_backend_ids(const meta::Estate& before, meta::Estate& after);
/// @error kInvalid
[[nodiscard]] Result<void> check_estate(const meta::Estate& estate);

}  // namespace beringia::protocol::admin

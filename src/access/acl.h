#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "access/right.h"
#include "base/error.h"
#include "identity/principal.h"

namespace beringia::access {

/// An access control list of a bucket or an object: who wrote it, and who else may.
/// Bounds: kMaxAclGrants.
struct Acl {
  enum class Grantee : uint8_t {
    kPrincipal,    ///< `name`
    kEveryone,     ///< with or without a credential
    kVerified,     ///< every principal that proved itself
    kLogging,      ///< the delivery of access logs: kLogDelivery
    kGroup,        ///< principals of group `name`
    kDomain,       ///< principals whose name is an address "...@`name`"
    kBucketOwner,  ///< whoever owns the bucket
  };
  enum class Permission : uint8_t { kRead, kWrite, kReadAcl, kWriteAcl, kFull };
  struct Grant {
    Grantee grantee = Grantee::kPrincipal;
    std::string name;
    Permission permission = Permission::kRead;
    bool operator==(const Grant&) const = default;
  };
  std::string owner;
  std::vector<Grant> grants;
  bool operator==(const Acl&) const = default;

  /// Some grant is for everyone, or for everyone who has an account.
  bool is_public() const;
  /// Whether a grant gives it. `of_object`: the list is an object's, else a bucket's.
  bool gives(const identity::Principal& principal, Right right, bool of_object, bool ignore_public,
             std::string_view bucket_owner) const;
};
/// The service that delivers access logs, see identity::Principal::service().
inline constexpr const char* kLogDelivery = "logging.s3.amazonaws.com";
/// The service that delivers inventories.
inline constexpr const char* kInventoryDelivery = "s3.amazonaws.com";
inline constexpr size_t kMaxAclGrants = 100;  // S3 User Guide, "Access control list overview"

/// The owner has everything, nobody else anything.
Acl private_acl(std::string owner);

/// One line per part, for the catalog: "o alice\n", "fp alice\n", "re\n".
std::string encode(const Acl& acl);
/// @error kCorrupt
[[nodiscard]] Result<Acl> parse_acl(std::string_view text);

}  // namespace beringia::access

#include "access/acl.h"

#include <algorithm>
#include <utility>

namespace beringia::access {
namespace {

constexpr std::string_view kPermissions = "rwRWf";  // in the order of Acl::Permission
constexpr std::string_view kGrantees = "pevlgdb";   // in the order of Acl::Grantee

bool has_name(Acl::Grantee grantee) {
  return grantee == Acl::Grantee::kPrincipal || grantee == Acl::Grantee::kGroup ||
         grantee == Acl::Grantee::kDomain;
}

bool is_of_domain(std::string_view name, std::string_view domain) {
  const size_t at = name.find('@');
  return at != std::string_view::npos && name.substr(at + 1) == domain;
}

/// The permission that a right needs; S3 User Guide, "Mapping of ACL permissions and access policy
/// permissions". False: no list gives it.
bool permission_for(Right right, bool of_object, Acl::Permission& permission) {
  using enum Acl::Permission;
  switch (right) {
    case Right::kReadObject:
    case Right::kReadVersion:
    case Right::kReadObjectAttributes:
    case Right::kReadVersionAttributes: permission = kRead; return of_object;
    case Right::kReadObjectAcl:
    case Right::kReadVersionAcl: permission = kReadAcl; return of_object;
    case Right::kWriteObjectAcl:
    case Right::kWriteVersionAcl: permission = kWriteAcl; return of_object;
    case Right::kListBucket:
    case Right::kListVersions:
    case Right::kListUploads: permission = kRead; return !of_object;
    case Right::kWriteObject:
    case Right::kDeleteObject:
    case Right::kAbortUpload:
    case Right::kListParts: permission = kWrite; return !of_object;
    case Right::kReadBucketAcl: permission = kReadAcl; return !of_object;
    case Right::kWriteBucketAcl: permission = kWriteAcl; return !of_object;
    default: return false;
  }
}

bool is_for(const Acl::Grant& grant, const identity::Principal& principal, bool ignore_public,
            std::string_view bucket_owner) {
  const bool is_someone = !principal.is_anonymous() && !principal.is_service();
  switch (grant.grantee) {
    case Acl::Grantee::kPrincipal:
      return !principal.is_anonymous() && grant.name == principal.name();
    case Acl::Grantee::kGroup:
      return is_someone &&
             std::ranges::find(principal.groups(), grant.name) != principal.groups().end();
    case Acl::Grantee::kDomain: return is_someone && is_of_domain(principal.name(), grant.name);
    case Acl::Grantee::kBucketOwner:
      return is_someone && !bucket_owner.empty() && principal.name() == bucket_owner;
    case Acl::Grantee::kEveryone: return !ignore_public;
    case Acl::Grantee::kVerified:
      return !ignore_public && !principal.is_anonymous() && !principal.is_service();
    case Acl::Grantee::kLogging:
      return principal.is_service() &&
             principal.name() == identity::Principal::service(kLogDelivery).name();
  }
  return false;
}

}  // namespace

bool Acl::is_public() const {
  return std::ranges::any_of(grants, [](const Grant& grant) {
    return grant.grantee == Grantee::kEveryone || grant.grantee == Grantee::kVerified;
  });
}

bool Acl::gives(const identity::Principal& principal, Right right, bool of_object,
                bool ignore_public, std::string_view bucket_owner) const {
  Permission needed{};
  if (!permission_for(right, of_object, needed)) return false;
  return std::ranges::any_of(grants, [&](const Grant& grant) {
    return (grant.permission == needed || grant.permission == Permission::kFull) &&
           is_for(grant, principal, ignore_public, bucket_owner);
  });
}

Acl private_acl(std::string owner) {
  Acl acl;
  acl.grants.push_back({Acl::Grantee::kPrincipal, owner, Acl::Permission::kFull});
  acl.owner = std::move(owner);
  return acl;
}

std::string encode(const Acl& acl) {
  std::string text = "o " + acl.owner + "\n";
  for (const Acl::Grant& grant : acl.grants) {
    text += kPermissions[static_cast<size_t>(grant.permission)];
    text += kGrantees[static_cast<size_t>(grant.grantee)];
    if (has_name(grant.grantee)) text += " " + grant.name;
    text += '\n';
  }
  return text;
}

Result<Acl> parse_acl(std::string_view text) {
  const auto damaged = [] { return corrupt("reading an access control list", "it is damaged"); };
  if (!text.starts_with("o ")) return std::unexpected(damaged());
  Acl acl;
  bool first = true;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos || end < 2) return std::unexpected(damaged());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (std::exchange(first, false)) {
      acl.owner = line.substr(2);
      continue;
    }
    const size_t permission = kPermissions.find(line[0]);
    const size_t grantee = kGrantees.find(line[1]);
    if (permission == std::string_view::npos || grantee == std::string_view::npos ||
        acl.grants.size() == kMaxAclGrants) {
      return std::unexpected(damaged());
    }
    Acl::Grant grant;
    grant.permission = static_cast<Acl::Permission>(permission);
    grant.grantee = static_cast<Acl::Grantee>(grantee);
    if (has_name(grant.grantee)) {
      if (line.size() < 4) return std::unexpected(damaged());
      grant.name = line.substr(3);
    } else if (line.size() != 2) {
      return std::unexpected(damaged());
    }
    acl.grants.push_back(std::move(grant));
  }
  return acl;
}

}  // namespace beringia::access

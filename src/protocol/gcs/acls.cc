#include "protocol/gcs/acls.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "protocol/gcs/object_resource.h"

namespace beringia::protocol::gcs {
namespace {

using access::Acl;
using Grantee = Acl::Grantee;
using Permission = Acl::Permission;

constexpr std::string_view kReader = "READER";
constexpr std::string_view kWriter = "WRITER";
constexpr std::string_view kOwner = "OWNER";

Result<Acl::Grant> grantee_of(const Call& call, const std::string& entity) {
  if (entity == "allUsers") return Acl::Grant{Grantee::kEveryone, {}, {}};
  if (entity == "allAuthenticatedUsers") return Acl::Grant{Grantee::kVerified, {}, {}};
  // There are no projects: what a project's owners have, the bucket's owner has.
  if (entity.starts_with("project-owners-")) return Acl::Grant{Grantee::kBucketOwner, {}, {}};
  const size_t dash = entity.find('-');
  const std::string kind = entity.substr(0, dash);
  std::string name = dash == std::string::npos ? "" : entity.substr(dash + 1);
  const bool plain = !name.empty() && name.find_first_of(" \n\r") == std::string::npos;
  if (plain && kind == "user") {
    return Acl::Grant{Grantee::kPrincipal, call.rooms.directory.principal_of_email(name), {}};
  }
  if (plain && kind == "group") return Acl::Grant{Grantee::kGroup, std::move(name), {}};
  if (plain && kind == "domain") return Acl::Grant{Grantee::kDomain, std::move(name), {}};
  return std::unexpected(
      invalid("Invalid argument.", "there is no entity \"" + entity.substr(0, 128) + "\" here"));
}

/// The permissions of a role; a bucket's writer may list, too.
Result<std::vector<Permission>> permissions_of(const std::string& role, AclOf what) {
  if (equals_ignoring_case(role, kReader)) return std::vector{Permission::kRead};
  if (equals_ignoring_case(role, kOwner)) return std::vector{Permission::kFull};
  if (equals_ignoring_case(role, kWriter) && what == AclOf::kBucket) {
    return std::vector{Permission::kRead, Permission::kWrite};
  }
  return std::unexpected(invalid(
      "Invalid argument.", "there is no role \"" + role.substr(0, 64) + "\" for this resource"));
}

/// What an entity has, in the order in which it first stands in the list.
struct Line {
  Acl::Grant grant;
  bool full = false, writes = false, reads = false;
  std::string_view role() const {
    return full ? kOwner : writes ? kWriter : reads ? kReader : std::string_view{};
  }
};

std::vector<Line> lines_of(const Acl& acl) {
  std::vector<Line> lines;
  for (const Acl::Grant& grant : acl.grants) {
    auto found = std::ranges::find_if(lines, [&](const Line& line) {
      return line.grant.grantee == grant.grantee && line.grant.name == grant.name;
    });
    if (found == lines.end()) found = lines.insert(lines.end(), Line{grant});
    found->full = found->full || grant.permission == Permission::kFull;
    found->writes = found->writes || grant.permission == Permission::kWrite;
    found->reads = found->reads || grant.permission == Permission::kRead;
  }
  // Grants of S3 to read or write a list only have no form here.
  std::erase_if(lines, [](const Line& line) { return line.role().empty(); });
  return lines;
}

void add_full(Acl& acl, Acl::Grant grant) {
  grant.permission = Permission::kFull;
  if (std::ranges::find(acl.grants, grant) == acl.grants.end()) acl.grants.push_back(grant);
}

/// GCS: objects whose writer says nothing, in a bucket that says nothing.
Acl project_private(const std::string& owner) {
  Acl acl;
  acl.owner = owner;
  add_full(acl, {Grantee::kBucketOwner, {}, {}});
  add_full(acl, {Grantee::kPrincipal, owner, {}});
  return acl;
}

}  // namespace

std::string entity_of(const Call& call, const Acl::Grant& grant) {
  switch (grant.grantee) {
    case Grantee::kPrincipal: return "user-" + call.rooms.directory.email_of(grant.name);
    case Grantee::kEveryone: return "allUsers";
    case Grantee::kVerified: return "allAuthenticatedUsers";
    case Grantee::kLogging: return "group-cloud-storage-analytics@google.com";
    case Grantee::kGroup: return "group-" + grant.name;
    case Grantee::kDomain: return "domain-" + grant.name;
    case Grantee::kBucketOwner: return "project-owners-0";
  }
  return {};
}

Result<Acl> acl_of(const Call& call, const std::vector<wire::gcs::AccessControl>& controls,
                   const std::string& owner, AclOf what) {
  Acl acl;
  acl.owner = owner;
  for (const wire::gcs::AccessControl& control : controls) {
    // Convenience values of projects give nobody anything here; they are always there at Google's.
    if (control.entity.starts_with("project-editors-") ||
        control.entity.starts_with("project-viewers-")) {
      continue;
    }
    BR_TRY(grant, grantee_of(call, control.entity));
    BR_TRY(permissions, permissions_of(control.role, what));
    for (const Permission permission : permissions) {
      grant.permission = permission;
      acl.grants.push_back(grant);
    }
  }
  if (!owner.empty()) add_full(acl, {Grantee::kPrincipal, owner, {}});
  if (acl.grants.size() > access::kMaxAclGrants) {
    return std::unexpected(invalid("An access control list has at most 100 entries"));
  }
  return acl;
}

std::string render_acl(const Call& call, const Acl& acl, AclOf what, std::string_view object,
                       uint64_t generation) {
  const bool of_object = what == AclOf::kObject;
  JsonWriter json;
  json.begin_array();
  for (const Line& line : lines_of(acl)) {
    json.begin_object();
    json.member("kind", of_object ? "storage#objectAccessControl" : "storage#bucketAccessControl");
    if (!object.empty() || !of_object) json.member("bucket", call.route.bucket);
    if (!object.empty()) {
      json.member("object", object);
      json.member("generation", std::to_string(generation));
    }
    const std::string entity = entity_of(call, line.grant);
    json.member("entity", entity).member("role", line.role());
    if (entity.starts_with("user-")) json.member("email", entity.substr(5));
    if (entity.starts_with("group-")) json.member("email", entity.substr(6));
    if (entity.starts_with("domain-")) json.member("domain", line.grant.name);
    if (entity.starts_with("project-")) {
      json.key("projectTeam").begin_object();
      json.member("projectNumber", "0").member("team", "owners").end_object();
    }
    json.member("etag", json_etag(generation, 1)).end_object();
  }
  return json.end_array().take();
}

Result<void> check_not_public(const access::BucketAccess& access, const Acl& acl) {
  if (!access.block.block_acls || !acl.is_public()) return {};
  return std::unexpected(
      conflict("The member bindings allUsers and allAuthenticatedUsers are not allowed since "
               "public access prevention is enforced.")
          .with_tag("not_allowed_now"));
}

Result<void> check_lists_hold(const access::BucketView* view) {
  if (view == nullptr || view->access->has_acls()) return {};
  return std::unexpected(
      invalid("Cannot use ACL API when uniform bucket-level access is enabled. Read more at "
              "https://cloud.google.com/storage/docs/uniform-bucket-level-access"));
}

Result<Acl> predefined_acl(const std::string& name, const std::string& owner, AclOf what) {
  Acl acl;
  acl.owner = owner;
  const bool of_bucket = what == AclOf::kBucket;
  if (name == "publicRead" || (of_bucket && name == "publicReadWrite")) {
    acl.grants.push_back({Grantee::kEveryone, {}, Permission::kRead});
    if (of_bucket && name == "publicReadWrite") {
      acl.grants.push_back({Grantee::kEveryone, {}, Permission::kWrite});
    }
  } else if (name == "authenticatedRead") {
    acl.grants.push_back({Grantee::kVerified, {}, Permission::kRead});
  } else if (name == "projectPrivate" || (!of_bucket && name == "bucketOwnerFullControl")) {
    acl.grants.push_back({Grantee::kBucketOwner, {}, Permission::kFull});
  } else if (!of_bucket && name == "bucketOwnerRead") {
    acl.grants.push_back({Grantee::kBucketOwner, {}, Permission::kRead});
  } else if (name != "private") {
    return std::unexpected(invalid("Invalid value for a predefined ACL",
                                   "\"" + name.substr(0, 64) + "\" is none of this resource"));
  }
  if (!owner.empty()) add_full(acl, {Grantee::kPrincipal, owner, {}});
  return acl;
}

Result<std::string> acl_of_new_object(
    Call& call, std::string_view bucket, const std::string& predefined,
    const std::optional<std::vector<wire::gcs::AccessControl>>& asked) {
  const bool has_list = asked && !asked->empty();
  if (has_list) call.names_lists = true;
  const access::BucketView* view = call.view_of(bucket);
  if (view == nullptr) return std::string{};  // the write says that there is no bucket
  // Nobody can come back as the owner of what came without a credential.
  const std::string& owner = call.principal->is_anonymous() ? view->owner : call.principal->name();
  if (!view->access->has_acls()) {
    if (!predefined.empty()) {
      BR_TRY(acl, predefined_acl(predefined, owner, AclOf::kObject));
      if (acl.is_public()) BR_TRY(check_lists_hold(view));
    }
    if (has_list) BR_TRY(check_lists_hold(view));
    return std::string{};
  }
  Acl acl = project_private(owner);
  if (!predefined.empty()) {
    BR_TRY(wanted, predefined_acl(predefined, owner, AclOf::kObject));
    acl = std::move(wanted);
  } else if (has_list) {
    BR_TRY(wanted, acl_of(call, *asked, owner, AclOf::kObject));
    acl = std::move(wanted);
  } else if (view->access->default_acl) {
    acl = *view->access->default_acl;
    acl.owner = owner;
    add_full(acl, {Grantee::kPrincipal, owner, {}});
  }
  BR_TRY(check_not_public(*view->access, acl));
  return access::encode(acl);
}

Result<Acl> acl_of_entry(const access::BucketView& view, const meta::EntryRecord& record) {
  if (record.acl.empty()) {
    return access::private_acl(record.owner.empty() ? view.owner : record.owner);
  }
  return access::parse_acl(record.acl);
}

Result<void> add_bucket_lists(Call& call, const std::string& json, const std::string& owner,
                              bool uniform, const access::BucketAccess& access,
                              meta::StringMap& attributes) {
  struct Asked {
    const char *member, *parameter;
    std::string_view attribute;
    AclOf what;
    std::string owner;
  };
  const Asked kinds[] = {{"acl", "predefinedAcl", access::kAclAttribute, AclOf::kBucket, owner},
                         {"defaultObjectAcl", "predefinedDefaultObjectAcl",
                          access::kDefaultAclAttribute, AclOf::kObject, ""}};
  for (const Asked& one : kinds) {
    BR_TRY(controls, wire::gcs::parse_access_controls_of(json, one.member));
    const std::string& predefined = call.query.get(one.parameter);
    const bool has_list = controls && !controls->empty();
    if (has_list) call.names_lists = true;
    if (!has_list && predefined.empty()) continue;
    auto acl = predefined.empty() ? acl_of(call, *controls, one.owner, one.what)
                                  : predefined_acl(predefined, one.owner, one.what);
    if (!acl) return std::unexpected(std::move(acl).error());
    if (uniform) {
      if (predefined.empty() || acl->is_public()) {
        return std::unexpected(
            invalid("Cannot use ACL API when uniform bucket-level access is enabled. Read more at "
                    "https://cloud.google.com/storage/docs/uniform-bucket-level-access"));
      }
      continue;
    }
    BR_TRY(check_not_public(access, *acl));
    attributes[std::string{one.attribute}] = access::encode(*acl);
  }
  return {};
}

}  // namespace beringia::protocol::gcs

// Access control lists: of headers, of documents, and the four operations on them.
#include "protocol/s3/acls.h"

#include <cstddef>
#include <utility>

#include "base/encoding.h"
#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {
namespace {

using access::Acl;
using Grantee = Acl::Grantee;
using Permission = Acl::Permission;

constexpr std::string_view kAllUsers = "http://acs.amazonaws.com/groups/global/AllUsers";
constexpr std::string_view kVerifiedUsers =
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
constexpr std::string_view kLogDelivery = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// Grantees that S3 has no form for; no principal has a ':' in its name.
constexpr std::pair<std::string_view, Grantee> kMarked[] = {
    {"group:", Grantee::kGroup},
    {"domain:", Grantee::kDomain},
    {"bucket-owner:", Grantee::kBucketOwner}};

struct PermissionName {
  Permission permission;
  std::string_view word;    // in documents
  std::string_view header;  // behind "x-amz-grant-"
};
constexpr PermissionName kPermissions[] = {{Permission::kFull, "FULL_CONTROL", "full-control"},
                                           {Permission::kRead, "READ", "read"},
                                           {Permission::kWrite, "WRITE", "write"},
                                           {Permission::kReadAcl, "READ_ACP", "read-acp"},
                                           {Permission::kWriteAcl, "WRITE_ACP", "write-acp"}};

Error not_supported() {
  return s3_error("AccessControlListNotSupported", "The bucket does not allow ACLs",
                  "set its object ownership to ObjectWriter, or grant on paths and by policy");
}

/// A grantee by what it is named with. @error kInvalid
Result<Acl::Grant> grant_for(const Call& call, std::string_view kind, const std::string& id,
                             Permission permission) {
  if (kind == "Group" || kind == "uri") {
    if (id == kAllUsers) return Acl::Grant{Grantee::kEveryone, {}, permission};
    if (id == kVerifiedUsers) return Acl::Grant{Grantee::kVerified, {}, permission};
    if (id == kLogDelivery) return Acl::Grant{Grantee::kLogging, {}, permission};
    return std::unexpected(s3_error("InvalidArgument", "Invalid group uri"));
  }
  if (kind == "AmazonCustomerByEmail" || kind == "emailAddress") {
    return std::unexpected(
        s3_error("UnresolvableGrantByEmailAddress",
                 "The e-mail address you provided does not match any account on record."));
  }
  // As document_of() shows what was set over GCS.
  for (const auto& [mark, grantee] : kMarked) {
    if (id == mark && grantee == Grantee::kBucketOwner) return Acl::Grant{grantee, {}, permission};
    if (id.starts_with(mark) && id.size() > mark.size() && grantee != Grantee::kBucketOwner) {
      return Acl::Grant{grantee, id.substr(mark.size()), permission};
    }
  }
  if (!call.rooms.directory.principal_named(call.context, id, "acl")) {
    return std::unexpected(s3_error("InvalidArgument", "Invalid id"));
  }
  return Acl::Grant{Grantee::kPrincipal, id, permission};
}

/// S3 User Guide, "Canned ACL". Groups first, as S3 lists them.
Result<Acl> canned(std::string_view name, const std::string& owner,
                   const std::string& bucket_owner) {
  Acl acl;
  acl.owner = owner;
  const Acl::Grant full{Grantee::kPrincipal, owner, Permission::kFull};
  if (name == "public-read" || name == "public-read-write") {
    acl.grants.push_back({Grantee::kEveryone, {}, Permission::kRead});
    if (name == "public-read-write") {
      acl.grants.push_back({Grantee::kEveryone, {}, Permission::kWrite});
    }
  } else if (name == "authenticated-read") {
    acl.grants.push_back({Grantee::kVerified, {}, Permission::kRead});
  } else if (name == "log-delivery-write") {
    acl.grants.push_back({Grantee::kLogging, {}, Permission::kWrite});
    acl.grants.push_back({Grantee::kLogging, {}, Permission::kReadAcl});
  } else if (name != "private" && name != "bucket-owner-read" &&
             name != "bucket-owner-full-control" && name != "aws-exec-read") {
    return std::unexpected(s3_error("InvalidArgument", "Invalid canned ACL"));
  }
  acl.grants.push_back(full);
  if (name.starts_with("bucket-owner-") && owner != bucket_owner) {
    acl.grants.push_back({Grantee::kPrincipal, bucket_owner,
                          name == "bucket-owner-read" ? Permission::kRead : Permission::kFull});
  }
  return acl;
}

/// id="...", uri="...", emailAddress="...", comma-separated.
Result<void> read_grant_header(const Call& call, std::string_view text, Permission permission,
                               Acl& acl) {
  while (!text.empty()) {
    std::string_view item = next_list_item(text);
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos || acl.grants.size() == access::kMaxAclGrants) {
      return std::unexpected(s3_error("InvalidArgument", "Argument format not recognized"));
    }
    const std::string_view kind = item.substr(0, equals);
    std::string_view id = item.substr(equals + 1);
    if (id.size() >= 2 && id.starts_with('"') && id.ends_with('"')) {
      id = id.substr(1, id.size() - 2);
    }
    if (kind != "id" && kind != "uri" && kind != "emailAddress") {
      return std::unexpected(s3_error("InvalidArgument", "Argument format not recognized"));
    }
    BR_TRY(grant, grant_for(call, kind, std::string{id}, permission));
    acl.grants.push_back(std::move(grant));
  }
  return {};
}

wire::s3::AclDocument document_of(const Acl& acl) {
  wire::s3::AclDocument document;
  document.owner = {acl.owner, acl.owner};
  ptrdiff_t groups = 0;
  for (const Acl::Grant& grant : acl.grants) {
    wire::s3::AclDocument::Grant out;
    const bool is_group = grant.grantee == Grantee::kEveryone ||
                          grant.grantee == Grantee::kVerified || grant.grantee == Grantee::kLogging;
    out.type = is_group ? "Group" : "CanonicalUser";
    switch (grant.grantee) {
      case Grantee::kPrincipal: out.id = grant.name; break;
      case Grantee::kEveryone: out.id = kAllUsers; break;
      case Grantee::kVerified: out.id = kVerifiedUsers; break;
      case Grantee::kLogging: out.id = kLogDelivery; break;
      case Grantee::kGroup:
      case Grantee::kDomain:
      case Grantee::kBucketOwner:
        for (const auto& [mark, grantee] : kMarked) {
          if (grantee == grant.grantee) out.id = std::string{mark} + grant.name;
        }
        break;
    }
    for (const PermissionName& name : kPermissions) {
      if (name.permission == grant.permission) out.permission = name.word;
    }
    // Groups first, as S3 shows them.
    const auto at =
        out.type == "Group" ? document.grants.begin() + groups++ : document.grants.end();
    document.grants.insert(at, std::move(out));
  }
  return document;
}

/// The list that a request puts: of its document, else of its headers.
Result<Acl> acl_put(const Call& call, const std::string& document, const std::string& owner,
                    const std::string& bucket_owner) {
  if (document.empty()) return acl_of_headers(call, owner, bucket_owner);
  if (names_acl(call)) {
    return std::unexpected(s3_error("UnexpectedContent", "This request does not support content"));
  }
  BR_TRY(parsed, wire::s3::parse_acl(document));
  if (parsed.owner.id != owner) {
    return std::unexpected(
        denied("Access Denied", "the owner of a list cannot be changed").with_tag("AccessDenied"));
  }
  Acl acl;
  acl.owner = owner;
  for (const auto& grant : parsed.grants) {
    std::optional<Permission> permission;
    for (const PermissionName& name : kPermissions) {
      if (name.word == grant.permission) permission = name.permission;
    }
    if (!permission) {
      return std::unexpected(s3_error("MalformedACLError", "The permission is not known"));
    }
    BR_TRY(made, grant_for(call, grant.type, grant.id, *permission));
    acl.grants.push_back(std::move(made));
  }
  return acl;
}

Result<void> check_not_blocked(const access::BucketAccess& access, const Acl& acl) {
  if (!access.block.block_acls || !acl.is_public()) return {};
  return std::unexpected(denied("Access Denied", "the public access block refuses public lists")
                             .with_tag("AccessDenied"));
}

/// Where lists are off, only what changes nothing is taken.
Result<void> check_says_nothing(const Call& call, const std::string& document = {}) {
  if (document.empty() && !names_acl(call)) return {};
  const std::string_view name = call.header("x-amz-acl");
  if (document.empty() && (name == "private" || name == "bucket-owner-full-control")) return {};
  return std::unexpected(not_supported());
}

Result<std::string> optional_document(Call& call) {
  if (!call.request.has_body || call.request.content_length.value_or(1) == 0) {
    return std::string{};
  }
  return read_document(call, wire::s3::kMaxXmlBytes);
}

}  // namespace

bool names_acl(const Call& call) {
  if (call.request.headers.has("x-amz-acl")) return true;
  for (const PermissionName& name : kPermissions) {
    if (call.request.headers.has("x-amz-grant-" + std::string{name.header})) return true;
  }
  return false;
}

Result<Acl> acl_of_headers(const Call& call, const std::string& owner,
                           const std::string& bucket_owner) {
  Acl acl;
  acl.owner = owner;
  bool granted = false;
  for (const PermissionName& name : kPermissions) {
    const auto header = call.request.headers.get("x-amz-grant-" + std::string{name.header});
    if (!header) continue;
    granted = true;
    BR_TRY(read_grant_header(call, *header, name.permission, acl));
  }
  const std::string_view name = call.header("x-amz-acl");
  if (!granted) return canned(name.empty() ? "private" : name, owner, bucket_owner);
  if (!name.empty()) {
    return std::unexpected(
        s3_error("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed"));
  }
  return acl;
}

Result<std::string> acl_for_write(const Call& call, const core::Grant& grant) {
  BR_TRY(view, call.rooms.gate.look(grant.path()));
  if (!view || !view->access->has_acls()) {
    BR_TRY(check_says_nothing(call));
    return std::string{};
  }
  // Nobody can come back as the owner of what came without a credential.
  std::string owner = call.principal->is_anonymous() ? view->owner : call.principal->name();
  // S3 User Guide, "Controlling ownership of objects": preferred, if the writer gives full control.
  if (view->access->ownership == access::Ownership::kBucketOwnerPreferred &&
      call.header("x-amz-acl") == "bucket-owner-full-control") {
    owner = view->owner;
  }
  if (!names_acl(call) && view->access->default_acl) {
    Acl acl = *view->access->default_acl;
    acl.owner = owner;
    acl.grants.push_back({Grantee::kPrincipal, owner, Permission::kFull});
    return access::encode(acl);
  }
  BR_TRY(acl, acl_of_headers(call, owner, view->owner));
  BR_TRY(check_not_blocked(*view->access, acl));
  if (acl == access::private_acl(call.principal->name())) return std::string{};
  return access::encode(acl);
}

Result<std::string> owner_of_upload(const Call& call, const Path& path,
                                    const meta::UploadRecord& upload) {
  BR_TRY(view, call.rooms.gate.look(path));
  if (view && !view->access->has_acls()) return view->owner;
  if (upload.acl.empty()) return upload.owner;
  BR_TRY(acl, access::parse_acl(upload.acl));
  return acl.owner;
}

Result<meta::StringMap> access_of_new_bucket(const Call& call) {
  std::string_view word = call.header("x-amz-object-ownership");
  if (word.empty()) word = call.rooms.options.object_ownership;
  const auto ownership = access::parse_ownership(word);
  if (!ownership) {
    return std::unexpected(s3_error("InvalidArgument", "Invalid x-amz-object-ownership header"));
  }
  if (*ownership == access::Ownership::kBucketOwner) {
    if (!check_says_nothing(call)) {
      return std::unexpected(s3_error(
          "InvalidBucketAclWithObjectOwnership",
          "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"));
    }
    return meta::StringMap{};
  }
  meta::StringMap attributes{{std::string{access::kOwnershipAttribute}, std::string{word}}};
  const std::string& owner = call.principal->name();
  BR_TRY(acl, acl_of_headers(call, owner, owner));
  if (acl != access::private_acl(owner)) {
    attributes[std::string{access::kAclAttribute}] = access::encode(acl);
  }
  return attributes;
}

Result<io::HttpResponse> get_bucket_acl(Call& call) {
  BR_TRY(info, read_bucket(call));
  BR_TRY(view, call.rooms.gate.look(info.path));
  const bool listed = view && view->access->has_acls();
  return xml_response(
      200, wire::s3::render(
               document_of(listed ? view->access->acl : access::private_acl(info.record.owner))));
}

Result<io::HttpResponse> put_bucket_acl(Call& call) {
  BR_TRY(document, optional_document(call));
  BR_TRY(bucket, open_bucket(call));
  if (!bucket.view.access->has_acls()) {
    BR_TRY(check_says_nothing(call, document));
    return empty_response(200);
  }
  BR_TRY(acl, acl_put(call, document, bucket.view.owner, bucket.view.owner));
  BR_TRY(check_not_blocked(*bucket.view.access, acl));
  BR_TRY(set_attribute(call, bucket, access::kAclAttribute, access::encode(acl)));
  return empty_response(200);
}

namespace {

/// An object's list as it holds now.
Result<Acl> acl_of_entry(const access::BucketView& view, const meta::EntryRecord& record) {
  if (!view.access->has_acls()) return access::private_acl(view.owner);
  if (record.acl.empty()) {
    return access::private_acl(record.owner.empty() ? view.owner : record.owner);
  }
  return access::parse_acl(record.acl);
}

Result<access::BucketView> view_of(const Call& call, const Path& path) {
  BR_TRY(view, call.rooms.gate.look(path));
  if (!view) return std::unexpected(not_found("the bucket is gone").with_tag("no_bucket"));
  return std::move(*view);
}

}  // namespace

Result<io::HttpResponse> get_object_acl(Call& call) {
  BR_TRY(version_of(call));
  BR_TRY(path, call.object_path());
  BR_TRY(grant, call.admit(core::Action::kRead, path));
  BR_TRY(entry, stat_version(call, *grant));
  BR_TRY(view, view_of(call, path));
  BR_TRY(acl, acl_of_entry(view, entry.record));
  io::HttpResponse response = xml_response(200, wire::s3::render(document_of(acl)));
  add_version_header(response, entry);
  return response;
}

Result<io::HttpResponse> put_object_acl(Call& call) {
  BR_TRY(version_of(call));
  BR_TRY(document, optional_document(call));
  BR_TRY(path, call.object_path());
  BR_TRY(grant, call.admit(core::Action::kAdminister, path));
  BR_TRY(entry, stat_version(call, *grant));
  BR_TRY(view, view_of(call, path));
  if (!view.access->has_acls()) {
    BR_TRY(check_says_nothing(call, document));
    return empty_response(200);
  }
  BR_TRY(before, acl_of_entry(view, entry.record));
  BR_TRY(acl, acl_put(call, document, before.owner, view.owner));
  BR_TRY(check_not_blocked(*view.access, acl));
  core::AttributePatch patch;
  patch.acl = access::encode(acl);
  patch.generation = entry.record.generation;
  BR_TRY(changed, call.rooms.names.set_attributes(call.context, *grant, patch));
  io::HttpResponse response = empty_response(200);
  add_version_header(response, changed);
  return response;
}

}  // namespace beringia::protocol::s3

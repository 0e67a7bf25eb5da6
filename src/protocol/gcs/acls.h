#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "access/acl.h"
#include "core/namespace.h"
#include "protocol/gcs/call.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {

// Access control lists in Google's dialect: entities and the roles READER, WRITER and OWNER. They
// are the lists that S3 has (access/acl.h), and hold where uniform bucket-level access is off.

enum class AclOf { kBucket, kObject };

/// "user-NAME@INSTANCE.beringia.local", "group-...", "allUsers", "project-owners-0" ...
std::string entity_of(const Call& call, const access::Acl::Grant& grant);
/// The list that a client sends. The owner has OWNER whatever it says.
/// @error kInvalid: unknown entity or role, too many
[[nodiscard]] Result<access::Acl> acl_of(const Call& call,
                                         const std::vector<wire::gcs::AccessControl>& controls,
                                         const std::string& owner, AclOf what);
/// As JSON: an array of access controls.
std::string render_acl(const Call& call, const access::Acl& acl, AclOf what,
                       std::string_view object = {}, uint64_t generation = 0);

/// Refused where it would make something public that may not be. @error kConflict
/// ("not_allowed_now")
[[nodiscard]] Result<void> check_not_public(const access::BucketAccess& access,
                                            const access::Acl& acl);
/// @error kInvalid: uniform bucket-level access is on
[[nodiscard]] Result<void> check_lists_hold(const access::BucketView* view);

/// The list of a new object, for WriteAttributes::acl: of `predefined` ("" = not said), else as
/// `asked` by its resource, whose lists the answer shows then, else the bucket's default. "" where
/// lists are off. @error kInvalid, kConflict (as check_not_public)
[[nodiscard]] Result<std::string> acl_of_new_object(
    Call& call, std::string_view bucket, const std::string& predefined,
    const std::optional<std::vector<wire::gcs::AccessControl>>& asked = std::nullopt);
/// A predefined list of Google's for what `owner` owns. @error kInvalid: there is none such
[[nodiscard]] Result<access::Acl> predefined_acl(const std::string& name, const std::string& owner,
                                                 AclOf what);

/// An object's list as it holds now.
[[nodiscard]] Result<access::Acl> acl_of_entry(const access::BucketView& view,
                                               const meta::EntryRecord& record);

/// What a bucket's body and query ask of its lists, as attributes of its directory.
/// @param uniform  whether it will be on. @error as check_lists_hold, check_not_public, acl_of
[[nodiscard]] Result<void> add_bucket_lists(Call& call, const std::string& json,
                                            const std::string& owner, bool uniform,
                                            const access::BucketAccess& access,
                                            meta::StringMap& attributes);

}  // namespace beringia::protocol::gcs

#pragma once

#include <string>

#include "access/access.h"
#include "access/bucket_access.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// The request says something about a list: x-amz-acl or x-amz-grant-*.
bool names_acl(const Call& call);

/// The list that the headers name for something that `owner` will own in a bucket of
/// `bucket_owner`; private when they name none.
/// @error kInvalid (tag InvalidArgument): no such canned list, both kinds of header, no such
/// grantee
[[nodiscard]] Result<access::Acl> acl_of_headers(const Call& call, const std::string& owner,
                                                 const std::string& bucket_owner);

/// The list of an object that is being written, for WriteAttributes::acl: "" where lists are off,
/// or when it is private.
/// @param grant  to write the object
/// @error as acl_of_headers; kInvalid (tag AccessControlListNotSupported); kDenied: the public
///        access block refuses it
[[nodiscard]] Result<std::string> acl_for_write(const Call& call, const core::Grant& grant);

/// Who will own the object that an upload makes.
[[nodiscard]] Result<std::string> owner_of_upload(const Call& call, const Path& path,
                                                  const meta::UploadRecord& upload);

/// Attributes of a bucket that is being made: its ownership and its list.
/// @error as acl_for_write; kInvalid (tag InvalidBucketAclWithObjectOwnership)
[[nodiscard]] Result<meta::StringMap> access_of_new_bucket(const Call& call);

}  // namespace beringia::protocol::s3

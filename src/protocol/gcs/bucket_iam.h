#pragma once

#include <optional>
#include <string>

#include "access/iam_policy.h"
#include "core/namespace.h"
#include "protocol/gcs/call.h"

namespace beringia::protocol::gcs {

// IAM policies of buckets and of managed folders: attributes of the bucket's directory, which the
// one evaluator reads (access/iam_policy.h).

/// A policy as it is shown. @param resource  "BUCKET" or "BUCKET/managedFolders/NAME"
/// @param requested_version  below 3 conditions are not shown, and the roles cannot be set
io::HttpResponse iam_policy_response(const std::string& resource,
                                     const meta::DirectoryEntry& bucket,
                                     const std::optional<access::IamPolicy>& policy,
                                     uint64_t requested_version);
/// The policy that the body sets. @error kInvalid; kConflict: the etag is another one, conditions
/// without uniform access, or it makes public what may not be ("not_allowed_now")
[[nodiscard]] Result<access::IamPolicy> read_iam_policy(Call& call,
                                                        const meta::DirectoryEntry& bucket);
/// Those of the query's permissions that the caller has on the path.
io::HttpResponse permissions_response(const Call& call, const Path& path);

}  // namespace beringia::protocol::gcs

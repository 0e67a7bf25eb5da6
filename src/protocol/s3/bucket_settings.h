#pragma once

#include <string>
#include <string_view>

#include "access/bucket_access.h"
#include "core/namespace.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

// What the settings of buckets share: they are attributes of the bucket's directory.

/// Asks the gate and reads the bucket. @error as admit; kNotFound (tag no_bucket)
[[nodiscard]] Result<core::DirectoryInfo> read_bucket(Call& call);

/// A bucket of which something is to be set, admitted.
struct BucketToChange {
  const core::Grant* grant = nullptr;
  access::BucketView view;
};
/// @error as read_bucket; kUnsupported: the name is an alias of something below a bucket
[[nodiscard]] Result<BucketToChange> open_bucket(Call& call);

/// Sets one attribute; "" removes it.
[[nodiscard]] Result<void> set_attribute(Call& call, const BucketToChange& bucket,
                                         std::string_view name, std::string value);

/// "" if it is not set.
const std::string& attribute_of(const core::DirectoryInfo& info, std::string_view name);

/// The 404 of a setting that was never set, with its own code.
Error not_set(const Call& call);

}  // namespace beringia::protocol::s3

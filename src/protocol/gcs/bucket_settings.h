#pragma once

#include <string>

#include "core/namespace.h"
#include "protocol/gcs/call.h"
#include "wire/document.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {

/// A change of a bucket: what its body asks for becomes attributes of the bucket's directory.
struct BucketChange {
  const Call& call;
  const wire::Value& body;  // a table
  /// Of the bucket; null while it is made.
  const meta::DirectoryEntry* before = nullptr;
  bool replaces = false;  // PUT: what is not named goes
  meta::StringMap attributes;

  /// "" if it is not set.
  const std::string& was(std::string_view name) const;
  void set(std::string_view name, std::string value) {
    attributes[std::string{name}] = std::move(value);
  }
  /// As it will be: of `attributes`, else as it was.
  const std::string& will_be(std::string_view name) const;
};

/// Members of a bucket that have no rule of their own elsewhere: retention, holds, CORS, logging,
/// requester pays, soft delete, Autoclass, recovery point, data locations, access, IP filter,
/// enforcement of encryption, hierarchy. @error kInvalid, kUnsupported, kConflict, kDenied
[[nodiscard]] Result<void> add_settings(BucketChange& change);
/// iamConfiguration; also the default of new buckets. @error as add_settings
[[nodiscard]] Result<void> add_access_settings(BucketChange& change);

/// What the attributes say, as members of the resource.
void show_settings(const meta::DirectoryEntry& record, wire::gcs::BucketResource& bucket);

/// The answer of verbs that end with a bucket: its resource.
io::HttpResponse bucket_response(const Call& call, const std::string& name,
                                 const meta::DirectoryEntry& record);

/// "multi-region", "dual-region" or "region".
std::string location_type_of(const meta::DirectoryEntry& record);
/// Uniform bucket-level access is on.
bool is_uniform(const meta::StringMap& attributes);

}  // namespace beringia::protocol::gcs

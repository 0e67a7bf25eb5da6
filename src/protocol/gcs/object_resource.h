#pragma once

#include <string>
#include <string_view>

#include "core/namespace.h"
#include "protocol/gcs/call.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {

/// An entry as GCS shows it.
wire::gcs::ObjectResource object_resource(const Call& call, std::string_view bucket,
                                          std::string_view name, const meta::EntryRecord& record);
/// Likewise where nobody asks: with all checksums, and addresses below `base_url`.
wire::gcs::ObjectResource object_resource(const std::string& base_url, std::string_view bucket,
                                          std::string_view name, const meta::EntryRecord& record);
/// Likewise of a generation that may be noncurrent, which shows when it became so.
wire::gcs::ObjectResource object_resource(const Call& call, std::string_view bucket,
                                          std::string_view name, const core::Entry& entry);

/// restoreToken of what was deleted softly: tells it from others, as its generation does here.
std::string restore_token_of(std::string_view name, uint64_t generation, Timestamp deleted);

/// The answer of verbs that end with an object: its resource, with partial `fields` as asked.
io::HttpResponse object_response(const Call& call, std::string_view bucket, std::string_view name,
                                 const meta::EntryRecord& record);
io::HttpResponse object_response(const Call& call, std::string_view bucket, std::string_view name,
                                 const core::Entry& entry);

/// A parameter that names one generation, current or not; 0 names none, as gcsfuse says "the live
/// one" (and as the same field of the gRPC API is unset).
[[nodiscard]] Result<std::optional<uint64_t>> named_generation(const Parameters& query,
                                                               std::string_view name);

/// GCS's ETag of the JSON API: base64 of a message {1: generation, 2: metageneration}.
std::string json_etag(uint64_t generation, uint64_t metageneration);

/// In Google's words.
std::string storage_class_of(const meta::EntryRecord& record);

using core::kCustomTime;

/// What the client wants stored with a new object. @error kInvalid: bad class, metadata over 8 KiB,
/// bad retention
[[nodiscard]] Result<core::WriteAttributes> attributes_of(const wire::gcs::ObjectChange& change,
                                                          Timestamp now);
/// `change` laid over the attributes of an existing object (copy, rewrite).
/// @param keeps_contexts  the source's, too
[[nodiscard]] Result<core::WriteAttributes> merged_attributes(const meta::EntryRecord& source,
                                                              const wire::gcs::ObjectChange& change,
                                                              Timestamp now,
                                                              bool keeps_contexts = true);
/// Whether the change names any attribute at all (name and bucket are not attributes).
bool names_attributes(const wire::gcs::ObjectChange& change);
/// As a patch: null removes. @error as attributes_of; kInvalid: customTime would go back
[[nodiscard]] Result<core::AttributePatch> patch_of(const wire::gcs::ObjectChange& change,
                                                    const meta::EntryRecord& old, Timestamp now);
/// As a full replacement: what is absent is removed. @error as attributes_of
[[nodiscard]] Result<core::AttributePatch> replacement_of(const wire::gcs::ObjectChange& change,
                                                          const meta::EntryRecord& old,
                                                          Timestamp now);

/// Total bytes of user metadata, keys and values.
inline constexpr size_t kMaxMetadataBytes = 8 << 10;  // GCS quotas: 8 KiB
[[nodiscard]] Result<void> check_attributes(const core::WriteAttributes& attributes);
/// The answer shows lists. JSON API reference, `projection`: unless it says otherwise, changes show
/// all, and what is made does where its resource names lists.
bool shows_lists(const Call& call);

}  // namespace beringia::protocol::gcs

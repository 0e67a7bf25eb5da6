#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "wire/lifecycle.h"

/// The JSON texts of the Google Cloud Storage JSON API, both ways: the GCS front end renders what
/// the GCS backend parses. Pure functions; parsers are bounded, ignore unknown members and refuse
/// members of the wrong type.
namespace beringia::wire::gcs {

using StringMap = std::map<std::string, std::string>;

/// Resources that clients send (metadata of an upload, patches, compose and batch parts).
inline constexpr size_t kMaxResourceBytes = 1 << 20;
/// Answers of a server that we read (a page of 1,000 objects with full metadata is about 2 MiB).
inline constexpr size_t kMaxAnswerBytes = 32 << 20;

/// An object as the service shows it ("storage#object"). Empty text, nullopt and time 0 mean
/// "absent" and are not rendered; generation, metageneration and size always are.
struct ObjectResource {
  std::string bucket;
  std::string name;
  std::string id;         ///< rendered as "bucket/name/generation" when empty
  std::string self_link;  ///< absent when empty
  std::string media_link;
  uint64_t generation = 0;
  uint64_t metageneration = 1;
  uint64_t size = 0;
  std::optional<uint32_t> crc32c;  ///< base64 of 4 bytes big-endian on the wire
  std::optional<std::string> md5;  ///< 16 raw bytes; absent for composed objects
  std::string etag;
  std::string content_type;
  std::string content_encoding;
  std::string cache_control;
  std::string content_disposition;
  std::string content_language;
  std::string storage_class;
  Timestamp time_created;
  Timestamp time_finalized;  ///< absent while it can be appended to
  Timestamp updated;
  Timestamp time_storage_class_updated;
  Timestamp time_deleted;
  Timestamp soft_delete_time;
  Timestamp hard_delete_time;
  std::string restore_token;   ///< rendered, never parsed; "" = absent
  std::string custom_time;     ///< RFC 3339, as the client wrote it
  std::string retention_mode;  ///< "Unlocked" or "Locked"
  Timestamp retain_until;
  Timestamp retention_expiration;
  std::string owner_entity;  ///< "user-NAME"
  std::string acl;           ///< rendered as it is; "" = absent
  std::optional<uint64_t> component_count;
  bool event_based_hold = false;  ///< rendered only when true
  bool temporary_hold = false;    ///< rendered only when true
  StringMap metadata;
  std::string contexts;  ///< contexts.custom, rendered as it is; "" = absent
  std::string kms_key_name;
  std::string customer_key_sha256;  ///< customerEncryption.keySha256: base64
  bool operator==(const ObjectResource&) const = default;
};

/// One member of a resource sent by a client: absent, null (reset it) or a text.
struct FieldChange {
  enum class Kind { kAbsent, kNull, kText } kind = Kind::kAbsent;
  std::string text;
  bool present() const { return kind != Kind::kAbsent; }
  /// The text, or "" for null and absent.
  const std::string& value() const { return text; }
  bool operator==(const FieldChange&) const = default;
};

/// One line of an access control list: "user-NAME", "allUsers" ... and "READER", "OWNER" ...
struct AccessControl {
  std::string entity;
  std::string role;
  bool operator==(const AccessControl&) const = default;
};

/// The writable members of an object as clients send them: metadata of an insert, body of patch
/// and update, destination of copy, rewrite and compose.
struct ObjectChange {
  FieldChange name;
  FieldChange bucket;
  FieldChange content_type;
  FieldChange content_encoding;
  FieldChange cache_control;
  FieldChange content_disposition;
  FieldChange content_language;
  FieldChange storage_class;
  FieldChange custom_time;     ///< RFC 3339
  bool has_retention = false;  ///< "retention" was sent; without a mode it takes it off
  std::string retention_mode;
  Timestamp retain_until;
  std::optional<std::vector<AccessControl>> acl;
  std::optional<bool> event_based_hold;
  std::optional<bool> temporary_hold;
  std::optional<uint32_t> crc32c;
  std::optional<std::string> md5;                              ///< 16 raw bytes
  bool metadata_null = false;                                  ///< "metadata": null: removes all
  bool has_metadata = false;                                   ///< "metadata": {...} was sent
  std::map<std::string, std::optional<std::string>> metadata;  ///< nullopt = remove this key
  bool contexts_null = false;  ///< "contexts" or its "custom" was null: removes all
  bool has_contexts = false;   ///< "contexts": {"custom": {...}} was sent
  std::map<std::string, std::optional<std::string>> contexts;  ///< values; nullopt = remove
};

struct BucketResource {
  std::string name;
  std::string id;  ///< rendered as `name` when empty
  std::string self_link;
  std::string project_number;
  std::string location;       ///< "US", "EU", ...
  std::string location_type;  ///< "multi-region", "region"
  std::string storage_class;
  std::string etag;
  uint64_t metageneration = 1;
  Timestamp time_created;
  Timestamp updated;
  std::optional<bool> versioning;    ///< versioning.enabled
  std::optional<bool> hierarchical;  ///< hierarchicalNamespace.enabled
  FieldChange default_kms_key;       ///< encryption.defaultKmsKeyName; null removes
  StringMap labels;
  std::vector<std::string> removed_labels;  ///< sent as null by a patch; never rendered
  std::string lifecycle;                    ///< rendered as it is; "" = absent
  std::optional<uint64_t> generation;
  StringMap more;  ///< further members, rendered as they are: name -> JSON
  bool operator==(const BucketResource&) const = default;
};

struct ObjectList {
  std::vector<ObjectResource> items;
  std::vector<std::string> prefixes;
  std::string next_page_token;
};

struct BucketList {
  std::vector<BucketResource> items;
  std::string next_page_token;
};

/// Google's error body. `reason` is the machine-readable word ("notFound", "conditionNotMet" ...).
struct ErrorBody {
  int code = 0;
  std::string message;
  std::string reason;
  std::string domain = "global";
  std::string location;  ///< e.g. "If-Match"; with location_type "header"
  std::string location_type;
};

struct ComposeSource {
  std::string name;
  std::optional<uint64_t> generation;
  std::optional<uint64_t> if_generation_match;
};

struct ComposeBody {
  std::vector<ComposeSource> sources;
  ObjectChange destination;
  bool delete_sources = false;
};

struct RewriteAnswer {
  uint64_t total_bytes_rewritten = 0;
  uint64_t object_size = 0;
  bool done = false;
  std::string rewrite_token;               ///< set while !done
  std::optional<ObjectResource> resource;  ///< set when done
};

/// OAuth 2.0 token answer (RFC 6749, 5.1) and error (5.2).
struct TokenAnswer {
  std::string access_token;
  std::string token_type = "Bearer";
  int64_t expires_in_s = 0;
};
struct TokenError {
  std::string error;  ///< "invalid_grant", ...
  std::string description;
};

// ---- parsing. @error kInvalid: not JSON, over the bound, a member of the wrong type ------------

[[nodiscard]] Result<ObjectResource> parse_object(std::string_view json);
[[nodiscard]] Result<ObjectChange> parse_object_change(std::string_view json);
[[nodiscard]] Result<BucketResource> parse_bucket(std::string_view json);
[[nodiscard]] Result<ObjectList> parse_object_list(std::string_view json);
[[nodiscard]] Result<BucketList> parse_bucket_list(std::string_view json);
/// A bucketAccessControl or objectAccessControl.
[[nodiscard]] Result<AccessControl> parse_access_control(std::string_view json);
/// The member of that name, a list of them; nullopt: there is none, or null.
[[nodiscard]] Result<std::optional<std::vector<AccessControl>>> parse_access_controls_of(
    std::string_view json, std::string_view member);
[[nodiscard]] Result<ComposeBody> parse_compose(std::string_view json);
[[nodiscard]] Result<RewriteAnswer> parse_rewrite(std::string_view json);
[[nodiscard]] Result<TokenAnswer> parse_token(std::string_view json);
[[nodiscard]] Result<TokenError> parse_token_error(std::string_view json);
/// Never fails: what is not Google's error JSON becomes {code: status, message: first 512 bytes}.
ErrorBody parse_error(std::string_view json, int status);

/// The member "lifecycle" of a bucket that a client sends; nullopt: it has none. Empty rules (or
/// null) take the lifecycle away. @error kInvalid: also what is not offered, with the reason
[[nodiscard]] Result<std::optional<Lifecycle>> parse_lifecycle_of(std::string_view bucket_json);
/// Whether Google has a form for what the rule says. It may have come through another door.
bool is_told_by_google(const LifecycleRule& rule);

// ---- rendering --------------------------------------------------------------------------------

std::string render(const ObjectResource& object);
std::string render(const BucketResource& bucket);
/// For BucketResource::lifecycle; "" = no rule that Google can tell.
std::string render_lifecycle(const Lifecycle& lifecycle);
std::string render(const ObjectList& list);
std::string render(const BucketList& list);
std::string render(const ErrorBody& error);
std::string render(const RewriteAnswer& answer);
std::string render(const TokenAnswer& token);
std::string render(const TokenError& error);
std::string render(const ObjectChange& change);
std::string render(const ComposeBody& compose);

/// Keeps only what a partial-response selector names, e.g. "items(name,size),nextPageToken",
/// "items/name", "*", "metadata/owner". "" keeps all. @error kInvalid: bad selector or JSON
[[nodiscard]] Result<std::string> select_fields(std::string_view json, std::string_view fields);

/// "crc32c=AAAAAA==,md5=..." as in x-goog-hash (one header; md5 may be absent).
std::string hash_header(std::optional<uint32_t> crc32c, const std::optional<std::string>& md5);
struct Hashes {
  std::optional<uint32_t> crc32c;
  std::optional<std::string> md5;  ///< 16 raw bytes
};
/// Adds what one x-goog-hash header value names (there may be two headers). Unknown kinds are
/// skipped. @error kInvalid: a value that is not base64 of the right length
[[nodiscard]] Result<void> add_hash_header(Hashes& hashes, std::string_view value);

/// base64 of 4 bytes big-endian; nullopt: bad base64 or length.
std::optional<uint32_t> parse_crc32c(std::string_view base64);
std::string render_crc32c(uint32_t value);

}  // namespace beringia::wire::gcs

#include <charconv>
#include <utility>

#include "base/encoding.h"
#include "wire/gcsjson.h"
#include "wire/json_reader.h"

namespace beringia::wire::gcs {

namespace {

namespace dom = simdjson::dom;

std::string text_of(dom::element element) {
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) return {};
  return std::string{text};
}

/// Sets `out` when `element` is a text; null counts as absent.
Result<void> read_text(std::string_view key, dom::element element, std::string& out) {
  if (element.is_null()) return {};
  if (!element.is_string()) return std::unexpected(wrong_member(key, "a text"));
  out = text_of(element);
  return {};
}

/// GCS sends 64-bit integers as decimal texts; clients may send numbers.
Result<void> read_u64(std::string_view key, dom::element element, uint64_t& out) {
  if (element.is_null()) return {};
  if (uint64_t number = 0; element.get(number) == simdjson::SUCCESS) {
    out = number;
    return {};
  }
  auto number = element.is_string() ? parse_u64(text_of(element)) : std::nullopt;
  if (!number) return std::unexpected(wrong_member(key, "an unsigned integer"));
  out = *number;
  return {};
}

Result<void> read_bool(std::string_view key, dom::element element, bool& out) {
  if (element.is_null()) return {};
  if (element.get(out) == simdjson::SUCCESS) return {};
  return std::unexpected(wrong_member(key, "true or false"));
}

Result<void> read_time(std::string_view key, dom::element element, Timestamp& out) {
  std::string text;
  BR_TRY(read_text(key, element, text));
  if (text.empty()) return {};
  out = parse_rfc3339(text);
  if (out.micros == 0 && !text.starts_with("1970-01-01T00:00:00")) {
    return std::unexpected(wrong_member(key, "an RFC 3339 time"));
  }
  return {};
}

Result<void> read_crc32c(std::string_view key, dom::element element, std::optional<uint32_t>& out) {
  std::string text;
  BR_TRY(read_text(key, element, text));
  if (text.empty()) return {};
  out = parse_crc32c(text);
  if (!out) return std::unexpected(wrong_member(key, "base64 of 4 bytes"));
  return {};
}

Result<void> read_md5(std::string_view key, dom::element element, std::optional<std::string>& out) {
  std::string text;
  BR_TRY(read_text(key, element, text));
  if (text.empty()) return {};
  out = from_base64(text);
  if (!out || out->size() != 16) return std::unexpected(wrong_member(key, "base64 of 16 bytes"));
  return {};
}

Result<void> read_map(std::string_view key, dom::element element, StringMap& out) {
  if (element.is_null()) return {};
  dom::object object;
  if (element.get(object) != simdjson::SUCCESS) {
    return std::unexpected(wrong_member(key, "an object of texts"));
  }
  for (auto [name, value] : object) {
    if (value.is_null()) continue;
    if (!value.is_string()) return std::unexpected(wrong_member(key, "an object of texts"));
    out[std::string{name}] = text_of(value);
  }
  return {};
}

Result<dom::array> array_of(std::string_view key, dom::element element) {
  dom::array array;
  if (element.get(array) != simdjson::SUCCESS) return std::unexpected(wrong_member(key, "a list"));
  return array;
}

Result<dom::object> object_of(std::string_view key, dom::element element) {
  dom::object object;
  if (element.get(object) != simdjson::SUCCESS) {
    return std::unexpected(wrong_member(key, "an object"));
  }
  return object;
}

Result<void> read_object_time(ObjectResource& out, std::string_view key, dom::element value) {
  if (key == "timeCreated") return read_time(key, value, out.time_created);
  if (key == "timeFinalized") return read_time(key, value, out.time_finalized);
  if (key == "updated") return read_time(key, value, out.updated);
  if (key == "timeDeleted") return read_time(key, value, out.time_deleted);
  if (key == "softDeleteTime") return read_time(key, value, out.soft_delete_time);
  if (key == "hardDeleteTime") return read_time(key, value, out.hard_delete_time);
  if (key == "customTime") return read_text(key, value, out.custom_time);
  if (key == "timeStorageClassUpdated") {
    return read_time(key, value, out.time_storage_class_updated);
  }
  return {};
}

Result<void> read_customer_key(ObjectResource& out, dom::element element) {
  if (element.is_null()) return {};
  BR_TRY(object, object_of("customerEncryption", element));
  for (auto [name, value] : object) {
    if (name == "keySha256") BR_TRY(read_text(name, value, out.customer_key_sha256));
  }
  return {};
}

Result<void> read_object_member(ObjectResource& out, std::string_view key, dom::element value) {
  if (key == "bucket") return read_text(key, value, out.bucket);
  if (key == "name") return read_text(key, value, out.name);
  if (key == "id") return read_text(key, value, out.id);
  if (key == "selfLink") return read_text(key, value, out.self_link);
  if (key == "mediaLink") return read_text(key, value, out.media_link);
  if (key == "generation") return read_u64(key, value, out.generation);
  if (key == "metageneration") return read_u64(key, value, out.metageneration);
  if (key == "size") return read_u64(key, value, out.size);
  if (key == "crc32c") return read_crc32c(key, value, out.crc32c);
  if (key == "md5Hash") return read_md5(key, value, out.md5);
  if (key == "etag") return read_text(key, value, out.etag);
  if (key == "contentType") return read_text(key, value, out.content_type);
  if (key == "contentEncoding") return read_text(key, value, out.content_encoding);
  if (key == "cacheControl") return read_text(key, value, out.cache_control);
  if (key == "contentDisposition") return read_text(key, value, out.content_disposition);
  if (key == "contentLanguage") return read_text(key, value, out.content_language);
  if (key == "storageClass") return read_text(key, value, out.storage_class);
  if (key == "eventBasedHold") return read_bool(key, value, out.event_based_hold);
  if (key == "temporaryHold") return read_bool(key, value, out.temporary_hold);
  if (key == "metadata") return read_map(key, value, out.metadata);
  if (key == "kmsKeyName") return read_text(key, value, out.kms_key_name);
  if (key == "customerEncryption") return read_customer_key(out, value);
  if (key == "componentCount") {
    if (value.is_null()) return {};
    return read_u64(key, value, out.component_count.emplace());
  }
  return read_object_time(out, key, value);
}

Result<ObjectResource> object_from(const dom::object& object) {
  ObjectResource out;
  for (auto [key, value] : object) BR_TRY(read_object_member(out, key, value));
  return out;
}

Result<void> read_change(std::string_view key, dom::element element, FieldChange& out) {
  if (element.is_null()) {
    out.kind = FieldChange::Kind::kNull;
    out.text.clear();
    return {};
  }
  if (!element.is_string()) return std::unexpected(wrong_member(key, "a text"));
  out.kind = FieldChange::Kind::kText;
  out.text = text_of(element);
  return {};
}

Result<void> read_metadata_change(ObjectChange& out, dom::element element) {
  out.metadata_null = element.is_null();
  out.has_metadata = !out.metadata_null;
  out.metadata.clear();
  if (out.metadata_null) return {};
  BR_TRY(object, object_of("metadata", element));
  for (auto [name, value] : object) {
    auto& slot = out.metadata[std::string{name}];
    if (value.is_null()) {
      slot.reset();
    } else if (value.is_string()) {
      slot = text_of(value);
    } else {
      return std::unexpected(wrong_member("metadata", "an object of texts"));
    }
  }
  return {};
}

/// {"custom": {"KEY": {"value": "..."}}}; times are the service's and not read.
Result<void> read_contexts_change(ObjectChange& out, dom::element element) {
  dom::element custom = element;
  if (!element.is_null()) {
    BR_TRY(contexts, object_of("contexts", element));
    if (contexts["custom"].get(custom) != simdjson::SUCCESS) return {};
  }
  out.contexts_null = custom.is_null();
  out.has_contexts = !out.contexts_null;
  if (out.contexts_null) return {};
  BR_TRY(object, object_of("contexts", custom));
  for (auto [name, payload] : object) {
    auto& slot = out.contexts[std::string{name}];
    slot.reset();
    if (payload.is_null()) continue;
    std::string_view value;
    if (payload["value"].get(value) != simdjson::SUCCESS) {
      return std::unexpected(wrong_member("contexts", "an object of objects with a value"));
    }
    slot = value;
  }
  return {};
}

/// {"mode": "Unlocked", "retainUntilTime": "..."}; null, or members that are null: none.
Result<void> read_retention_change(ObjectChange& out, dom::element element) {
  out.has_retention = true;
  if (element.is_null()) return {};
  BR_TRY(object, object_of("retention", element));
  for (auto [name, value] : object) {
    if (name == "mode") BR_TRY(read_text(name, value, out.retention_mode));
    if (name == "retainUntilTime") BR_TRY(read_time(name, value, out.retain_until));
  }
  return {};
}

Result<AccessControl> access_control_from(const dom::object& object) {
  AccessControl out;
  for (auto [key, value] : object) {
    if (key == "entity") BR_TRY(read_text(key, value, out.entity));
    if (key == "role") BR_TRY(read_text(key, value, out.role));
  }
  return out;
}

Result<std::vector<AccessControl>> access_controls_from(std::string_view key,
                                                        dom::element element) {
  std::vector<AccessControl> out;
  BR_TRY(items, array_of(key, element));
  for (dom::element item : items) {
    BR_TRY(object, object_of(key, item));
    BR_TRY(one, access_control_from(object));
    out.push_back(std::move(one));
  }
  return out;
}

Result<void> read_change_member(ObjectChange& out, std::string_view key, dom::element value) {
  if (key == "name") return read_change(key, value, out.name);
  if (key == "bucket") return read_change(key, value, out.bucket);
  if (key == "contentType") return read_change(key, value, out.content_type);
  if (key == "contentEncoding") return read_change(key, value, out.content_encoding);
  if (key == "cacheControl") return read_change(key, value, out.cache_control);
  if (key == "contentDisposition") return read_change(key, value, out.content_disposition);
  if (key == "contentLanguage") return read_change(key, value, out.content_language);
  if (key == "storageClass") return read_change(key, value, out.storage_class);
  if (key == "metadata") return read_metadata_change(out, value);
  if (key == "contexts") return read_contexts_change(out, value);
  if (key == "crc32c") return read_crc32c(key, value, out.crc32c);
  if (key == "md5Hash") return read_md5(key, value, out.md5);
  if (key == "customTime") {
    BR_TRY(read_change(key, value, out.custom_time));
    Timestamp checked;
    return read_time(key, value, checked);
  }
  if (key == "retention") return read_retention_change(out, value);
  if (value.is_null()) return {};
  if (key == "acl") {
    BR_TRY(acl, access_controls_from(key, value));
    out.acl = std::move(acl);
    return {};
  }
  if (key == "eventBasedHold") return read_bool(key, value, out.event_based_hold.emplace());
  if (key == "temporaryHold") return read_bool(key, value, out.temporary_hold.emplace());
  return {};
}

Result<ObjectChange> change_from(const dom::object& object) {
  ObjectChange out;
  for (auto [key, value] : object) BR_TRY(read_change_member(out, key, value));
  return out;
}

/// Reads {"enabled": bool} at `element`.
Result<void> read_enabled(std::string_view key, dom::element element, std::optional<bool>& out) {
  if (element.is_null()) return {};
  BR_TRY(object, object_of(key, element));
  for (auto [name, value] : object) {
    if (name == "enabled" && !value.is_null()) BR_TRY(read_bool(name, value, out.emplace()));
  }
  return {};
}

Result<void> read_labels(BucketResource& out, dom::element element) {
  BR_TRY(read_map("labels", element, out.labels));
  dom::object labels;
  if (element.get(labels) != simdjson::SUCCESS) return {};
  for (auto [name, value] : labels) {
    if (value.is_null()) out.removed_labels.emplace_back(name);
  }
  return {};
}

/// "encryption": null, or with a key name that is a text or null.
Result<void> read_default_key(BucketResource& out, dom::element element) {
  if (element.is_null()) return read_change("encryption", element, out.default_kms_key);
  BR_TRY(object, object_of("encryption", element));
  for (auto [name, value] : object) {
    if (name == "defaultKmsKeyName") BR_TRY(read_change(name, value, out.default_kms_key));
  }
  return {};
}

Result<void> read_bucket_member(BucketResource& out, std::string_view key, dom::element value) {
  if (key == "name") return read_text(key, value, out.name);
  if (key == "id") return read_text(key, value, out.id);
  if (key == "selfLink") return read_text(key, value, out.self_link);
  if (key == "location") return read_text(key, value, out.location);
  if (key == "locationType") return read_text(key, value, out.location_type);
  if (key == "storageClass") return read_text(key, value, out.storage_class);
  if (key == "etag") return read_text(key, value, out.etag);
  if (key == "metageneration") return read_u64(key, value, out.metageneration);
  if (key == "timeCreated") return read_time(key, value, out.time_created);
  if (key == "updated") return read_time(key, value, out.updated);
  if (key == "labels") return read_labels(out, value);
  if (key == "encryption") return read_default_key(out, value);
  if (key == "versioning" && value.is_null()) {
    out.versioning = false;  // as in a patch, where null takes a setting away
    return {};
  }
  if (key == "versioning") return read_enabled(key, value, out.versioning);
  if (key == "hierarchicalNamespace") return read_enabled(key, value, out.hierarchical);
  if (key == "projectNumber") {
    uint64_t number = 0;
    BR_TRY(read_u64(key, value, number));
    out.project_number = std::to_string(number);
    return {};
  }
  return {};
}

Result<BucketResource> bucket_from(const dom::object& object) {
  BucketResource out;
  for (auto [key, value] : object) BR_TRY(read_bucket_member(out, key, value));
  return out;
}

Result<ComposeSource> compose_source_from(const dom::object& object) {
  ComposeSource out;
  for (auto [key, value] : object) {
    if (key == "name") {
      BR_TRY(read_text(key, value, out.name));
    } else if (key == "generation" && !value.is_null()) {
      BR_TRY(read_u64(key, value, out.generation.emplace()));
    } else if (key == "objectPreconditions" && !value.is_null()) {
      BR_TRY(conditions, object_of(key, value));
      for (auto [name, inner] : conditions) {
        if (name == "ifGenerationMatch" && !inner.is_null()) {
          BR_TRY(read_u64(name, inner, out.if_generation_match.emplace()));
        }
      }
    }
  }
  if (out.name.empty()) {
    return std::unexpected(invalid("cannot read a compose source", "it has no \"name\""));
  }
  return out;
}

}  // namespace

Result<ObjectResource> parse_object(std::string_view json) {
  BR_TRY(document, JsonDocument::parse(json, kMaxAnswerBytes, "an object resource"));
  return object_from(document.root());
}

Result<ObjectChange> parse_object_change(std::string_view json) {
  // What Google's Go libraries send when there is nothing to say.
  while (json.ends_with('\n') || json.ends_with('\r') || json.ends_with(' ')) json.remove_suffix(1);
  if (json == "null") return ObjectChange{};
  BR_TRY(document, JsonDocument::parse(json, kMaxResourceBytes, "object metadata"));
  return change_from(document.root());
}

Result<BucketResource> parse_bucket(std::string_view json) {
  BR_TRY(document, JsonDocument::parse(json, kMaxResourceBytes, "a bucket resource"));
  return bucket_from(document.root());
}

Result<AccessControl> parse_access_control(std::string_view json) {
  BR_TRY(document, JsonDocument::parse(json, kMaxResourceBytes, "an access control"));
  return access_control_from(document.root());
}

Result<std::optional<std::vector<AccessControl>>> parse_access_controls_of(
    std::string_view json, std::string_view member) {
  BR_TRY(document, JsonDocument::parse(json, kMaxResourceBytes, "a resource"));
  for (auto [key, value] : document.root()) {
    if (key != member || value.is_null()) continue;
    BR_TRY(controls, access_controls_from(key, value));
    return std::optional{std::move(controls)};
  }
  return std::optional<std::vector<AccessControl>>{};
}

Result<ObjectList> parse_object_list(std::string_view json) {
  BR_TRY(document, JsonDocument::parse(json, kMaxAnswerBytes, "a list of objects"));
  ObjectList out;
  for (auto [key, value] : document.root()) {
    if (key == "nextPageToken") {
      BR_TRY(read_text(key, value, out.next_page_token));
    } else if (key == "prefixes" && !value.is_null()) {
      BR_TRY(prefixes, array_of(key, value));
      for (dom::element prefix : prefixes) {
        BR_TRY(read_text(key, prefix, out.prefixes.emplace_back()));
      }
    } else if (key == "items" && !value.is_null()) {
      BR_TRY(items, array_of(key, value));
      for (dom::element item : items) {
        BR_TRY(object, object_of(key, item));
        BR_TRY(resource, object_from(object));
        out.items.push_back(std::move(resource));
      }
    }
  }
  return out;
}

Result<BucketList> parse_bucket_list(std::string_view json) {
  BR_TRY(document, JsonDocument::parse(json, kMaxAnswerBytes, "a list of buckets"));
  BucketList out;
  for (auto [key, value] : document.root()) {
    if (key == "nextPageToken") {
      BR_TRY(read_text(key, value, out.next_page_token));
    } else if (key == "items" && !value.is_null()) {
      BR_TRY(items, array_of(key, value));
      for (dom::element item : items) {
        BR_TRY(object, object_of(key, item));
        BR_TRY(resource, bucket_from(object));
        out.items.push_back(std::move(resource));
      }
    }
  }
  return out;
}

Result<ComposeBody> parse_compose(std::string_view json) {
  BR_TRY(document, JsonDocument::parse(json, kMaxResourceBytes, "a compose request"));
  ComposeBody out;
  for (auto [key, value] : document.root()) {
    if (key == "sourceObjects") {
      BR_TRY(sources, array_of(key, value));
      for (dom::element source : sources) {
        BR_TRY(object, object_of(key, source));
        BR_TRY(parsed, compose_source_from(object));
        out.sources.push_back(std::move(parsed));
      }
    } else if (key == "destination" && !value.is_null()) {
      BR_TRY(object, object_of(key, value));
      BR_TRY(change, change_from(object));
      out.destination = std::move(change);
    } else if (key == "deleteSourceObjects") {
      BR_TRY(read_bool(key, value, out.delete_sources));
    }
  }
  return out;
}

Result<RewriteAnswer> parse_rewrite(std::string_view json) {
  BR_TRY(document, JsonDocument::parse(json, kMaxAnswerBytes, "a rewrite answer"));
  RewriteAnswer out;
  for (auto [key, value] : document.root()) {
    if (key == "totalBytesRewritten") {
      BR_TRY(read_u64(key, value, out.total_bytes_rewritten));
    } else if (key == "objectSize") {
      BR_TRY(read_u64(key, value, out.object_size));
    } else if (key == "done") {
      BR_TRY(read_bool(key, value, out.done));
    } else if (key == "rewriteToken") {
      BR_TRY(read_text(key, value, out.rewrite_token));
    } else if (key == "resource" && !value.is_null()) {
      BR_TRY(object, object_of(key, value));
      BR_TRY(resource, object_from(object));
      out.resource = std::move(resource);
    }
  }
  return out;
}

Result<TokenAnswer> parse_token(std::string_view json) {
  BR_TRY(document, JsonDocument::parse(json, kMaxResourceBytes, "a token answer"));
  TokenAnswer out;
  for (auto [key, value] : document.root()) {
    if (key == "access_token") {
      BR_TRY(read_text(key, value, out.access_token));
    } else if (key == "token_type") {
      BR_TRY(read_text(key, value, out.token_type));
    } else if (key == "expires_in") {
      uint64_t seconds = 0;
      BR_TRY(read_u64(key, value, seconds));
      out.expires_in_s = static_cast<int64_t>(std::min<uint64_t>(seconds, 365ULL * 86400));
    }
  }
  if (out.access_token.empty()) {
    return std::unexpected(invalid("cannot read a token answer", "it has no \"access_token\""));
  }
  return out;
}

Result<TokenError> parse_token_error(std::string_view json) {
  BR_TRY(document, JsonDocument::parse(json, kMaxResourceBytes, "a token error"));
  TokenError out;
  for (auto [key, value] : document.root()) {
    if (key == "error") BR_TRY(read_text(key, value, out.error));
    if (key == "error_description") BR_TRY(read_text(key, value, out.description));
  }
  return out;
}

namespace {

constexpr size_t kMaxForeignMessageBytes = 512;

void read_error_detail(dom::element element, ErrorBody& out) {
  dom::object detail;
  if (element.get(detail) != simdjson::SUCCESS) return;
  for (auto [key, value] : detail) {
    if (key == "reason") out.reason = text_of(value);
    if (key == "domain") out.domain = text_of(value);
    if (key == "location") out.location = text_of(value);
    if (key == "locationType") out.location_type = text_of(value);
    if (key == "message" && out.message.empty()) out.message = text_of(value);
  }
}

bool read_error(dom::element element, ErrorBody& out) {
  dom::object error;
  if (element.get(error) != simdjson::SUCCESS) return false;
  for (auto [key, value] : error) {
    if (key == "message") out.message = text_of(value);
    if (uint64_t code = 0; key == "code" && value.get(code) == simdjson::SUCCESS && code < 1000) {
      out.code = static_cast<int>(code);
    }
    dom::array details;
    if (key == "errors" && value.get(details) == simdjson::SUCCESS) {
      for (dom::element detail : details) {
        read_error_detail(detail, out);
        break;
      }
    }
  }
  return true;
}

}  // namespace

ErrorBody parse_error(std::string_view json, int status) {
  ErrorBody out;
  out.code = status;
  auto document = JsonDocument::parse(json, kMaxResourceBytes, "an error answer");
  if (document) {
    dom::element error;
    if (document->root()["error"].get(error) == simdjson::SUCCESS && read_error(error, out)) {
      return out;
    }
  }
  out.message = std::string{json.substr(0, kMaxForeignMessageBytes)};
  while (!out.message.empty() && (out.message.back() == '\n' || out.message.back() == '\r')) {
    out.message.pop_back();
  }
  return out;
}

std::optional<uint32_t> parse_crc32c(std::string_view base64) {
  auto bytes = from_base64(base64);
  if (!bytes || bytes->size() != 4) return std::nullopt;
  return read_be32(*bytes);
}

Result<void> add_hash_header(Hashes& hashes, std::string_view value) {
  while (!value.empty()) {
    const std::string_view item = next_list_item(value);
    if (item.starts_with("crc32c=")) {
      hashes.crc32c = parse_crc32c(item.substr(7));
      if (!hashes.crc32c) return std::unexpected(wrong_member("crc32c", "base64 of 4 bytes"));
    } else if (item.starts_with("md5=")) {
      hashes.md5 = from_base64(item.substr(4));
      if (!hashes.md5 || hashes.md5->size() != 16) {
        return std::unexpected(wrong_member("md5", "base64 of 16 bytes"));
      }
    }
  }
  return {};
}

}  // namespace beringia::wire::gcs

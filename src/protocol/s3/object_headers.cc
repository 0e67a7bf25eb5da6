#include "protocol/s3/object_headers.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"
#include "protocol/s3/checksums.h"
#include "protocol/s3/encryption_headers.h"
#include "protocol/s3/object_lock.h"
#include "wire/storage_class.h"

namespace beringia::protocol::s3 {
namespace {

constexpr std::string_view kMetadata = "x-amz-meta-";
constexpr size_t kMaxMetadataBytes = 2048;  // S3 API: names and values together
constexpr size_t kMaxHttpValue = 4096;

/// Headers that are kept and given back: name in the record, name on the wire.
struct KeptHeader {
  std::string stored;
  std::string wire;
};
const std::array kKeptHeaders = {
    KeptHeader{"cache-control", "Cache-Control"},
    KeptHeader{"content-disposition", "Content-Disposition"},
    KeptHeader{"content-encoding", "Content-Encoding"},
    KeptHeader{"content-language", "Content-Language"},
    KeptHeader{"expires", "Expires"},
    KeptHeader{"x-amz-website-redirect-location", "x-amz-website-redirect-location"}};

// S3 API, StorageClass.
constexpr std::string_view kStorageClasses[] = {
    "STANDARD", "REDUCED_REDUNDANCY",  "STANDARD_IA",  "ONEZONE_IA",
    "GLACIER",  "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "GLACIER_IR"};

// Asking for any of these and being answered 200 would be a lie.
constexpr std::string_view kRefusedHeaders[] = {"x-amz-write-offset-bytes"};

/// Content-Encoding without "aws-chunked", which is framing and not content.
std::string content_encoding(std::string_view header) {
  if (ascii_lower(header).find("aws-chunked") == std::string::npos) return std::string{header};
  std::string kept;
  while (!header.empty()) {
    std::string_view coding = next_list_item(header);
    if (coding.empty() || equals_ignoring_case(coding, "aws-chunked")) continue;
    if (!kept.empty()) kept += ", ";
    kept += coding;
  }
  return kept;
}

/// Clients send UTF-8 or Latin-1; the catalog holds UTF-8.
std::string as_utf8(std::string_view value) {
  if (is_utf8(value)) return std::string{value};
  std::string text;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xC0 | (byte >> 6));
      text += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return text;
}

Result<meta::StringMap> metadata_of(const Call& call) {
  meta::StringMap metadata;
  size_t bytes = 0;
  for (const auto& [name, value] : call.request.headers.fields()) {
    if (name.size() <= kMetadata.size()) continue;
    const std::string lower = ascii_lower(name);
    if (!lower.starts_with(kMetadata)) continue;
    bytes += lower.size() - kMetadata.size() + value.size();
    metadata[lower.substr(kMetadata.size())] = as_utf8(value);
  }
  if (bytes > kMaxMetadataBytes) {
    return std::unexpected(s3_error(
        "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size",
        std::to_string(bytes) + " of " + std::to_string(kMaxMetadataBytes) + " bytes"));
  }
  return metadata;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

/// User metadata may have come through another door and hold anything.
bool is_header_safe(std::string_view name, std::string_view value) {
  return std::ranges::all_of(
             name,
             [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                      std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
             }) &&
         !has_control(value);
}

}  // namespace

Result<void> check_offered(const Call& call) {
  for (const auto& [name, value] : call.request.headers.fields()) {
    if (name.size() < 9 || !equals_ignoring_case(std::string_view{name}.substr(0, 6), "x-amz-")) {
      continue;
    }
    const std::string lower = ascii_lower(name);
    if (std::ranges::find(kRefusedHeaders, lower) != std::end(kRefusedHeaders)) {
      return std::unexpected(not_implemented(lower));
    }
  }
  return {};
}

Result<meta::StringMap> tags_of(std::string_view header) {
  auto parsed = Query::parse(header);
  if (!parsed) {
    return std::unexpected(
        s3_error("InvalidArgument",
                 "The header 'x-amz-tagging' shall be encoded as UTF-8 then "
                 "URLEncoded URL query parameters without tag name duplicates."));
  }
  BR_TRY(wire::s3::check_tags(parsed->items()));
  return meta::StringMap{parsed->items().begin(), parsed->items().end()};
}

Result<core::WriteAttributes> attributes_of(const Call& call) {
  core::WriteAttributes attributes;
  attributes.content_type = as_utf8(call.header("content-type"));
  for (const KeptHeader& header : kKeptHeaders) {
    const std::string_view value = call.header(header.wire);
    if (value.empty()) continue;
    if (value.size() > kMaxHttpValue) {
      return std::unexpected(s3_error("MetadataTooLarge", header.wire + " is too long"));
    }
    std::string kept =
        header.stored == "content-encoding" ? content_encoding(value) : as_utf8(value);
    if (!kept.empty()) attributes.http[header.stored] = std::move(kept);
  }
  const std::string_view storage_class = call.header("x-amz-storage-class");
  if (!storage_class.empty()) {
    if (std::ranges::find(kStorageClasses, storage_class) == std::end(kStorageClasses)) {
      return std::unexpected(
          s3_error("InvalidStorageClass", "The storage class you specified is not valid"));
    }
    if (storage_class != "STANDARD") attributes.storage_class = storage_class;
  }
  BR_TRY(lock, lock_of_headers(call));
  attributes.lock = lock;
  BR_TRY(metadata, metadata_of(call));
  attributes.metadata = std::move(metadata);
  if (const std::string_view tagging = call.header("x-amz-tagging"); !tagging.empty()) {
    BR_TRY(tags, tags_of(tagging));
    attributes.tags = std::move(tags);
  }
  return attributes;
}

std::string quoted_etag(const meta::EntryRecord& record) {
  std::string quoted;
  const std::string etag = record.effective_etag();
  quoted.reserve(etag.size() + 2);
  quoted += '"';
  quoted += etag;
  quoted += '"';
  return quoted;
}

std::string storage_class_of(const std::string& stored) {
  return stored.empty() ? "STANDARD" : wire::s3_class(stored);
}

void describe_bytes(const meta::EntryRecord& record, wire::s3::ListedObject& object) {
  object.etag = record.effective_etag();
  object.size = record.size;
  object.storage_class = storage_class_of(record.storage_class);
  if (const auto stored = stored_checksum(record)) {
    object.checksum_algorithm = wire_name(stored->algorithm);
    object.checksum_type = stored->type;
  }
}

void add_object_headers(io::HttpResponse& response, const meta::EntryRecord& record) {
  io::HttpHeaders& headers = response.headers;
  headers.add("ETag", quoted_etag(record));
  headers.add("Last-Modified", to_http_date(record.created));
  headers.add("Accept-Ranges", "bytes");
  headers.add("Content-Type",
              record.content_type.empty() ? "binary/octet-stream" : record.content_type);
  if (std::string word = storage_class_of(record.storage_class); word != "STANDARD") {
    headers.add("x-amz-storage-class", std::move(word));
  }
  add_encryption_headers(response, record.encryption);
  add_lock_headers(response, record.lock);
  if (!record.tags.empty()) {
    headers.add("x-amz-tagging-count", std::to_string(record.tags.size()));
  }
  if (!record.http.empty()) {
    for (const KeptHeader& header : kKeptHeaders) {
      const auto found = record.http.find(header.stored);
      if (found != record.http.end()) headers.add(header.wire, found->second);
    }
  }
  for (const auto& [name, value] : record.metadata) {
    if (is_header_safe(name, value)) headers.add(std::string{kMetadata} + name, value);
  }
}

void add_checksum_headers(const Call& call, io::HttpResponse& response,
                          const meta::EntryRecord& record) {
  if (!equals_ignoring_case(call.header("x-amz-checksum-mode"), "ENABLED")) return;
  const auto stored = stored_checksum(record);
  if (!stored) return;
  response.headers.add(header_name(stored->algorithm), stored->value);
  response.headers.add("x-amz-checksum-type", stored->type);
}

void add_part_checksum_headers(const Call& call, io::HttpResponse& response,
                               const meta::EntryRecord& record, size_t index) {
  if (!equals_ignoring_case(call.header("x-amz-checksum-mode"), "ENABLED")) return;
  const auto stored = stored_checksum(record);
  if (!stored) return;
  std::string value = part_checksum(record, stored->algorithm, index);
  if (value.empty()) return;
  response.headers.add(header_name(stored->algorithm), std::move(value));
  response.headers.add("x-amz-checksum-type", stored->type);
}

Result<void> override_headers(const Call& call, io::HttpResponse& response) {
  constexpr std::pair<std::string_view, std::string_view> kOverrides[] = {
      {"response-content-type", "Content-Type"},
      {"response-content-language", "Content-Language"},
      {"response-expires", "Expires"},
      {"response-cache-control", "Cache-Control"},
      {"response-content-disposition", "Content-Disposition"},
      {"response-content-encoding", "Content-Encoding"}};
  for (const auto& [parameter, header] : kOverrides) {
    if (!call.query.has(parameter)) continue;
    const std::string& value = call.query.get(parameter);
    if (has_control(value)) {
      return std::unexpected(
          s3_error("InvalidArgument", std::string{parameter} + " holds a control character"));
    }
    response.headers.set(header, value);
  }
  return {};
}

}  // namespace beringia::protocol::s3

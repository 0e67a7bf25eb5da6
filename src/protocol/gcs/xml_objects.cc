// Object calls of the XML API: GET, HEAD, PUT (also as a copy) and DELETE.
#include <utility>

#include "base/encoding.h"
#include "protocol/gcs/acls.h"
#include "protocol/gcs/encryption_headers.h"
#include "protocol/gcs/media.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/size_range.h"
#include "protocol/gcs/verbs.h"
#include "protocol/gcs/xml_headers.h"
#include "protocol/gcs/xml_text.h"

namespace beringia::protocol::gcs {
namespace {

constexpr std::string_view kMetadata = "x-goog-meta-";

void append_etags(std::vector<std::string>& etags, std::string_view header) {
  while (!header.empty()) {
    std::string_view etag = next_list_item(header);
    if (etag.starts_with("W/")) etag.remove_prefix(2);
    if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) {
      etag = etag.substr(1, etag.size() - 2);
    }
    if (!etag.empty()) etags.emplace_back(etag);
  }
}

Result<std::optional<uint64_t>> number_header(const Call& call, std::string_view name) {
  const std::string_view text = call.header(name);
  if (text.empty()) return std::nullopt;
  const auto number = parse_u64(text);
  if (!number) return std::unexpected(invalid("Invalid value for header " + std::string{name}));
  return number;
}

io::HttpResponse written(const core::Entry& entry) {
  const meta::EntryRecord& record = entry.record;
  io::HttpResponse response = empty_response(200);
  response.headers.add("ETag", "\"" + record.effective_etag() + "\"");
  response.headers.add("x-goog-generation", std::to_string(record.generation));
  response.headers.add("x-goog-metageneration", std::to_string(record.metageneration));
  response.headers.add("x-goog-hash", wire::gcs::hash_header(record.crc32c, record.md5));
  response.headers.add("x-goog-stored-content-length", std::to_string(record.size));
  add_encryption_headers(response, record.encryption);
  return response;
}

/// "/bucket/object", percent-encoded, without query.
Result<Path> copy_source(const Call& call, std::string_view header) {
  if (header.starts_with('/')) header.remove_prefix(1);
  const auto text = percent_decode(header);
  const size_t slash = text ? text->find('/') : std::string::npos;
  if (slash == std::string::npos || !is_utf8(*text)) {
    return std::unexpected(invalid("Invalid x-goog-copy-source header"));
  }
  return call.object_path(std::string_view{*text}.substr(0, slash),
                          std::string_view{*text}.substr(slash + 1));
}

Result<io::HttpResponse> xml_copy_object(Call& call, std::string_view source_header) {
  BR_TRY(source, copy_source(call, source_header));
  BR_TRY(target, call.new_object_path(call.route.bucket, call.route.object));
  core::CopyRequest request;
  BR_TRY(conditions, xml_conditions_of(call));
  request.conditions = std::move(conditions);
  request.conditions.etag_match.clear();
  request.conditions.etag_none_match.clear();
  BR_TRY(match, number_header(call, "x-goog-copy-source-if-generation-match"));
  request.source_conditions.generation_match = match;
  BR_TRY(meta_match, number_header(call, "x-goog-copy-source-if-metageneration-match"));
  request.source_conditions.metageneration_match = meta_match;
  append_etags(request.source_conditions.etag_match, call.header("x-goog-copy-source-if-match"));
  append_etags(request.source_conditions.etag_none_match,
               call.header("x-goog-copy-source-if-none-match"));
  BR_TRY(generation, number_header(call, "x-goog-copy-source-generation"));
  if (generation == core::kUnversioned) {
    return std::unexpected(not_found("there is no generation 0"));
  }
  request.source_generation = generation;
  if (equals_ignoring_case(call.header("x-goog-metadata-directive"), "REPLACE")) {
    BR_TRY(attributes, xml_attributes_of(call));
    request.attributes = std::move(attributes);
  }
  BR_TRY(from, call.admit(core::Action::kRead, source));
  BR_TRY(to, call.admit(core::Action::kWrite, target));
  BR_TRY(source_key, source_key_of(call));
  request.source_key = std::move(source_key);
  BR_TRY(encryption, encryption_of(call, "kmsKeyName"));
  if (encryption.method != meta::Encryption::Method::kNone) {
    if (!request.attributes) {
      BR_TRY(kept, call.rooms.names.stat(call.context, *from, request.source_generation));
      BR_TRY(attributes, merged_attributes(kept.record, {}, call.rooms.clock.wall()));
      request.attributes = std::move(attributes);
      if (!request.source_conditions.generation_match) {
        request.source_conditions.generation_match = kept.record.generation;
      }
    }
    request.attributes->encryption = std::move(encryption);
  }
  BR_TRY(entry, call.rooms.names.copy(call.context, *from, *to, request));
  io::HttpResponse response = written(entry);
  std::string xml = "<?xml version='1.0' encoding='UTF-8'?><CopyObjectResult>";
  append_xml(xml, "LastModified", to_iso8601(entry.record.modified));
  append_xml(xml, "ETag", "\"" + entry.record.effective_etag() + "\"");
  response.text = xml + "</CopyObjectResult>";
  response.headers.add("Content-Type", "application/xml; charset=UTF-8");
  return response;
}

}  // namespace

Result<core::Conditions> xml_conditions_of(const Call& call) {
  core::Conditions conditions;
  BR_TRY(match, number_header(call, "x-goog-if-generation-match"));
  conditions.generation_match = match;
  BR_TRY(meta_match, number_header(call, "x-goog-if-metageneration-match"));
  conditions.metageneration_match = meta_match;
  append_etags(conditions.etag_match, call.header("If-Match"));
  append_etags(conditions.etag_none_match, call.header("If-None-Match"));
  if (call.request.headers.has("If-Modified-Since")) {
    const Timestamp time = parse_http_date(std::string{call.header("If-Modified-Since")});
    if (time.micros != 0) conditions.modified_since = time;
  }
  if (call.request.headers.has("If-Unmodified-Since")) {
    const Timestamp time = parse_http_date(std::string{call.header("If-Unmodified-Since")});
    if (time.micros != 0) conditions.unmodified_since = time;
  }
  return conditions;
}

Result<core::WriteAttributes> xml_attributes_of(const Call& call) {
  core::WriteAttributes attributes;
  attributes.content_type = call.header("Content-Type");
  attributes.storage_class = call.header("x-goog-storage-class");
  for (const auto& [name, header] : {std::pair{"cache-control", "Cache-Control"},
                                     std::pair{"content-disposition", "Content-Disposition"},
                                     std::pair{"content-encoding", "Content-Encoding"},
                                     std::pair{"content-language", "Content-Language"}}) {
    if (const std::string_view value = call.header(header); !value.empty()) {
      attributes.http[name] = value;
    }
  }
  if (const std::string_view time = call.header(kCustomTime); !time.empty()) {
    if (parse_rfc3339(std::string{time}).micros == 0) {
      return std::unexpected(invalid("Invalid value for header x-goog-custom-time"));
    }
    attributes.http[kCustomTime] = time;
  }
  for (const auto& [name, value] : call.request.headers.fields()) {
    const std::string lower = ascii_lower(name);
    if (lower.starts_with(kMetadata)) attributes.metadata[lower.substr(kMetadata.size())] = value;
  }
  BR_TRY(check_attributes(attributes));
  return attributes;
}

std::string xml_predefined_acl(const Call& call) {
  static constexpr std::pair<std::string_view, const char*> kNames[] = {
      {"public-read", "publicRead"},
      {"public-read-write", "publicReadWrite"},
      {"authenticated-read", "authenticatedRead"},
      {"bucket-owner-read", "bucketOwnerRead"},
      {"bucket-owner-full-control", "bucketOwnerFullControl"},
      {"project-private", "projectPrivate"}};
  const std::string_view word = call.header("x-goog-acl");
  for (const auto& [wire, name] : kNames) {
    if (word == wire) return name;
  }
  return std::string{word};
}

Result<io::HttpResponse> xml_get_object(Call& call) {
  core::ReadRequest request;
  BR_TRY(conditions, xml_conditions_of(call));
  request.conditions = std::move(conditions);
  BR_TRY(response, send_media(call, std::move(request)));
  // XML API, "Query string parameters": what the address says comes before what is stored.
  for (const auto& [parameter, header] :
       {std::pair{"response-content-type", "Content-Type"},
        std::pair{"response-content-disposition", "Content-Disposition"}}) {
    const std::string& value = call.query.get(parameter);
    if (!value.empty() && is_header_safe(header, value)) response.headers.set(header, value);
  }
  return std::move(response);
}

Result<io::HttpResponse> xml_put_object(Call& call) {
  if (const std::string_view source = call.header("x-goog-copy-source"); !source.empty()) {
    return xml_copy_object(call, source);
  }
  BR_TRY(path, call.new_object_path(call.route.bucket, call.route.object));
  core::WriteRequest request;
  BR_TRY(attributes, xml_attributes_of(call));
  request.attributes = std::move(attributes);
  BR_TRY(conditions, xml_conditions_of(call));
  request.conditions = std::move(conditions);
  BR_TRY(expected, expected_body_of(call));
  request.expected = std::move(expected);
  io::StringSource nothing{""};
  BR_TRY(range, size_range_of(call));
  if (request.expected.size) BR_TRY(range.check(*request.expected.size));
  BoundedSource bounded{call.request.body != nullptr ? *call.request.body : nothing, range};
  request.body = &bounded;
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(encryption, encryption_of(call, "kmsKeyName"));
  request.attributes.encryption = std::move(encryption);
  BR_TRY(acl, acl_of_new_object(call, call.route.bucket, xml_predefined_acl(call)));
  request.attributes.acl = std::move(acl);
  BR_TRY(entry, call.rooms.names.write(call.context, *grant, request));
  return written(entry);
}

Result<io::HttpResponse> xml_delete_object(Call& call) {
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  BR_TRY(conditions, xml_conditions_of(call));
  BR_TRY(generation, named_generation(call.query, "generation"));
  BR_TRY(grant, call.admit(core::Action::kDelete, path));
  BR_TRY(remove_entry(call, *grant, conditions, generation));
  return empty_response(204);
}

}  // namespace beringia::protocol::gcs

#include <memory>
#include <utility>

#include "base/encoding.h"
#include "core/encryption.h"
#include "protocol/gcs/encryption_headers.h"
#include "protocol/gcs/gunzip_source.h"
#include "protocol/gcs/http_range.h"
#include "protocol/gcs/media.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {
namespace {

std::string_view http_value(const meta::EntryRecord& record, const char* name) {
  const auto found = record.http.find(name);
  return found == record.http.end() ? std::string_view{} : std::string_view{found->second};
}

/// "gzip" stands in a list of codings without q=0.
bool accepts_gzip(std::string_view header) {
  const std::string lower = ascii_lower(header);
  std::string_view rest{lower};
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    std::string_view item = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    const size_t first = item.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    item.remove_prefix(first);
    if (!item.starts_with("gzip")) continue;
    const size_t q = item.find("q=");
    if (q == std::string_view::npos) return true;
    return item.substr(q + 2).find_first_of("123456789") != std::string_view::npos;
  }
  return false;
}

bool is_transcoded(const Call& call, const meta::EntryRecord& record) {
  return http_value(record, "content-encoding") == "gzip" &&
         !accepts_gzip(call.header("Accept-Encoding")) &&
         http_value(record, "cache-control").find("no-transform") == std::string_view::npos;
}

/// @param whole  the body is all of the object: only then a hash invites verification
void add_media_headers(const Call& call, io::HttpResponse& response,
                       const meta::EntryRecord& record, bool whole) {
  io::HttpHeaders& headers = response.headers;
  headers.set("Content-Type",
              record.content_type.empty() ? "application/octet-stream" : record.content_type);
  headers.set("ETag", "\"" + record.effective_etag() + "\"");
  headers.set("Last-Modified", to_http_date(record.modified));
  for (const auto& [name, header] : {std::pair{"cache-control", "Cache-Control"},
                                     std::pair{"content-disposition", "Content-Disposition"},
                                     std::pair{"content-encoding", "Content-Encoding"},
                                     std::pair{"content-language", "Content-Language"}}) {
    const std::string_view value = http_value(record, name);
    if (!value.empty()) headers.set(header, std::string{value});
  }
  headers.set("Accept-Ranges", "bytes");
  headers.set("x-goog-generation", std::to_string(record.generation));
  headers.set("x-goog-metageneration", std::to_string(record.metageneration));
  headers.set("x-goog-storage-class", storage_class_of(record));
  const std::string_view encoding = http_value(record, "content-encoding");
  headers.set("x-goog-stored-content-encoding",
              encoding.empty() ? "identity" : std::string{encoding});
  headers.set("x-goog-stored-content-length", std::to_string(record.size));
  add_encryption_headers(response, record.encryption);
  if (whole && record.crc32c && shows_checksums(call, record.encryption)) {
    headers.set("x-goog-hash", wire::gcs::hash_header(record.crc32c, record.md5));
  }
  for (const auto& [key, value] : record.metadata) {
    if (is_header_safe(key, value)) headers.add("x-goog-meta-" + key, value);
  }
}

io::HttpResponse unsatisfiable(uint64_t size, const Call& call, const Error& error) {
  io::HttpResponse response = error_response(call, error);
  response.headers.set("Content-Range", "bytes */" + std::to_string(size));
  return response;
}

}  // namespace

bool is_header_safe(std::string_view name, std::string_view value) {
  for (const char c : name) {
    const bool token = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
    if (!token) return false;
  }
  return value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos;
}

Result<io::HttpResponse> send_media(Call& call, core::ReadRequest request) {
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  BR_TRY(generation, named_generation(call.query, "generation"));
  request.generation = generation;
  BR_TRY(grant, call.admit(core::Action::kRead, path, generation));
  BR_TRY(customer_key, customer_key_of(call));
  request.customer_key = customer_key;

  uint64_t size = 0;
  bool transcoded = false;
  std::optional<io::ByteRange> range;
  auto choose = [&](const core::Entry& entry) -> Result<std::optional<io::ByteRange>> {
    if (!call.route.is_xml) BR_TRY(check_json_etags(call, entry.record));
    size = entry.record.size;
    transcoded = is_transcoded(call, entry.record);
    if (transcoded) return std::nullopt;  // GCS: ranges of transcoded objects are ignored
    BR_TRY(found, parse_range(call.header("Range"), size));
    range = found;
    return range;
  };
  core::OpenRead open;
  if (call.request.method == "HEAD") {
    BR_TRY(entry, call.rooms.names.stat(call.context, *grant, request.generation));
    BR_TRY(core::check_conditions(request.conditions, entry.record, true));
    // Metadata is told without the key, but not to whoever has another one.
    if (customer_key) BR_TRY(core::check_customer_key(entry.record.encryption, customer_key));
    BR_TRY(chosen, choose(entry));
    open.range = chosen.value_or(io::ByteRange{0, size});
    open.entry = std::move(entry);
  } else {
    request.range = choose;
    auto opened = call.rooms.names.read(call.context, *grant, request);
    if (!opened && opened.error().tag() == "range") {
      return unsatisfiable(size, call, opened.error());
    }
    if (!opened) return std::unexpected(std::move(opened).error());
    open = std::move(*opened);
  }

  const meta::EntryRecord& record = open.entry.record;
  io::HttpResponse response;
  add_media_headers(call, response, record, !range || range->length == size);
  // Each API has ETags of its own.
  if (!call.route.is_xml) {
    response.headers.set("ETag", json_etag(record.generation, record.metageneration));
  }
  if (transcoded) {
    response.headers.remove("Content-Encoding");
    response.headers.remove("Accept-Ranges");
    response.headers.set("Warning", "214 UploadServer gunzipped");
    if (open.body) response.body = std::make_unique<GunzipSource>(std::move(open.body));
    return response;
  }
  if (range) {
    response.status = 206;
    response.headers.set("Content-Range", "bytes " + std::to_string(range->offset) + "-" +
                                              std::to_string(range->offset + range->length - 1) +
                                              "/" + std::to_string(size));
  }
  response.content_length = open.range.length;
  response.body = std::move(open.body);
  return response;
}

Result<io::HttpResponse> download_object(Call& call) {
  core::ReadRequest request;
  BR_TRY(conditions, conditions_of(call.query));
  request.conditions = std::move(conditions);
  return send_media(call, std::move(request));
}

}  // namespace beringia::protocol::gcs

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "core/encryption.h"
#include "protocol/s3/checksums.h"
#include "protocol/s3/encryption_headers.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/verbs.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {
namespace {

constexpr uint64_t kMaxParts = 1000;

struct Wanted {
  bool etag = false, checksum = false, parts = false, storage_class = false, size = false;
};

Result<Wanted> wanted_of(const Call& call) {
  Wanted wanted;
  std::string text;
  for (const std::string_view value : call.request.headers.all("x-amz-object-attributes")) {
    text += ',';
    text += value;
  }
  bool any = false;
  std::string_view rest{text};
  while (!rest.empty()) {
    std::string_view word = next_list_item(rest);
    if (word.empty()) continue;
    bool* slot = word == "ETag"           ? &wanted.etag
                 : word == "Checksum"     ? &wanted.checksum
                 : word == "ObjectParts"  ? &wanted.parts
                 : word == "StorageClass" ? &wanted.storage_class
                 : word == "ObjectSize"   ? &wanted.size
                                          : nullptr;
    if (slot == nullptr) {
      return std::unexpected(s3_error("InvalidArgument", "Invalid attribute name specified."));
    }
    any = *slot = true;
  }
  if (any) return wanted;
  return std::unexpected(
      s3_error("InvalidRequest",
               "The x-amz-object-attributes header specifying the attributes to be retrieved is "
               "either missing or empty"));
}

Result<uint64_t> number_header(const Call& call, std::string_view name, uint64_t fallback) {
  const std::string_view text = call.header(name);
  if (text.empty()) return fallback;
  const auto number = parse_u64(text);
  if (number && *number <= INT32_MAX) return *number;
  return std::unexpected(
      s3_error("InvalidArgument", "Provided " + std::string{name} + " not an integer"));
}

/// The sizes of the parts are always kept, their checksums up to a bound.
Result<void> add_parts(const Call& call, const meta::EntryRecord& record,
                       wire::s3::XmlWriter& xml) {
  BR_TRY(limit, number_header(call, "x-amz-max-parts", kMaxParts));
  BR_TRY(marker, number_header(call, "x-amz-part-number-marker", 0));
  const auto stored = stored_checksum(record);
  const uint64_t count = record.part_sizes.size();
  const uint64_t first = std::min(marker, count);
  const uint64_t end = first + std::min({limit, kMaxParts, count - first});
  xml.open("ObjectParts").number("PartsCount", count).number("PartNumberMarker", marker);
  xml.number("NextPartNumberMarker", end).number("MaxParts", std::min(limit, kMaxParts));
  xml.flag("IsTruncated", end < count);
  for (uint64_t i = first; i < end; ++i) {
    xml.open("Part").number("PartNumber", i + 1).number("Size", record.part_sizes[i]);
    const std::string sum = stored ? part_checksum(record, stored->algorithm, i) : "";
    if (!sum.empty()) xml.text(wire::s3::checksum_element(name_of(stored->algorithm)), sum);
    xml.close();
  }
  xml.close();
  return {};
}

}  // namespace

Result<io::HttpResponse> get_object_attributes(Call& call) {
  BR_TRY(version_of(call));
  BR_TRY(wanted, wanted_of(call));
  BR_TRY(path, call.object_path());
  BR_TRY(grant, call.admit(core::Action::kRead, path));
  BR_TRY(entry, stat_version(call, *grant));
  BR_TRY(customer_key, reader_key_of(call));
  BR_TRY(core::check_customer_key(entry.record.encryption, customer_key));
  const meta::EntryRecord& record = entry.record;
  wire::s3::XmlWriter xml{"GetObjectAttributesResponse"};
  if (wanted.etag) xml.text("ETag", record.effective_etag());
  if (wanted.checksum) {
    if (const auto stored = stored_checksum(record)) {
      xml.open("Checksum");
      // Amazon's server leaves out here the "-N" of checksums of checksums ('-' is no Base64).
      xml.text(wire::s3::checksum_element(name_of(stored->algorithm)),
               stored->value.substr(0, stored->value.find('-')));
      xml.text("ChecksumType", stored->type).close();
    }
  }
  if (wanted.parts && !record.part_sizes.empty()) BR_TRY(add_parts(call, record, xml));
  if (wanted.storage_class) xml.text("StorageClass", storage_class_of(record.storage_class));
  if (wanted.size) xml.number("ObjectSize", record.size);
  io::HttpResponse response = xml_response(200, xml.take());
  response.headers.add("Last-Modified", to_http_date(record.created));
  add_version_header(response, entry);
  return response;
}

}  // namespace beringia::protocol::s3

// Multipart uploads of the XML API that are under way: those of a bucket, and the parts of one.
#include <algorithm>
#include <utility>

#include "access/right.h"
#include "base/encoding.h"
#include "protocol/gcs/media.h"
#include "protocol/gcs/resumable_session.h"
#include "protocol/gcs/verbs.h"
#include "protocol/gcs/xml_text.h"

namespace beringia::protocol::gcs {
namespace {

constexpr uint64_t kMaxPage = 1000;
constexpr const char* kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

std::string begin_xml(const char* root) {
  return std::string{"<?xml version='1.0' encoding='UTF-8'?><"} + root + " xmlns='" + kNamespace +
         "'>";
}

std::string shown_class(const meta::UploadRecord& upload) {
  return upload.storage_class.empty() ? "STANDARD" : upload.storage_class;
}

/// A page of uploads, which come by key and then by their start.
struct UploadPage {
  size_t first = 0;
  size_t end = 0;
  bool truncated = false;
};

/// Behind the markers: a greater key, or the same key behind the upload that is named.
UploadPage page_of(const std::vector<meta::UploadRecord>& uploads, size_t name_at,
                   const std::string& key_marker, const std::string& id_marker, size_t limit) {
  const auto key_of = [&](const meta::UploadRecord& upload) {
    return std::string_view{upload.path}.substr(name_at);
  };
  UploadPage page;
  if (!key_marker.empty()) {
    const auto named = std::ranges::find_if(uploads, [&](const auto& upload) {
      return upload.id == id_marker && key_of(upload) == key_marker;
    });
    const auto behind = named != uploads.end()
                            ? std::next(named)
                            : std::ranges::find_if(uploads, [&](const auto& upload) {
                                return key_of(upload) > key_marker;
                              });
    page.first = static_cast<size_t>(behind - uploads.begin());
  }
  page.end = std::min(uploads.size(), page.first + limit);
  page.truncated = page.end < uploads.size();
  return page;
}

}  // namespace

/// XML API reference, "List multipart uploads".
Result<io::HttpResponse> xml_list_uploads(Call& call) {
  BR_TRY(asked, call.query.number("max-uploads"));
  if (asked && *asked == 0) return std::unexpected(invalid("max-uploads must be 1 or more"));
  if (!call.query.get("delimiter").empty()) {
    return std::unexpected(
        unsupported("delimiter of a list of uploads is not offered", "", "use prefix"));
  }
  const size_t limit = std::min(asked.value_or(kMaxPage), kMaxPage);
  const std::string& prefix = call.query.get("prefix");
  const std::string& key_marker = call.query.get("key-marker");
  const bool url_encoded = call.query.get("encoding-type") == "url";
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit({core::Action::kList, access::Right::kListUploads}, path));
  BR_TRY(call.rooms.names.stat_directory(call.context, *grant));
  BR_TRY(uploads,
         call.rooms.names.list_uploads(call.context, *grant, std::string{kXmlUploadProtocol}));
  const size_t name_at = path.text().size();
  std::erase_if(uploads, [&](const meta::UploadRecord& upload) {
    return !std::string_view{upload.path}.substr(name_at).starts_with(prefix);
  });
  const UploadPage page =
      page_of(uploads, name_at, key_marker, call.query.get("upload-id-marker"), limit);
  const auto shown = [&](std::string_view name) {
    return url_encoded ? percent_encode(std::string{name}, true) : std::string{name};
  };
  std::string xml = begin_xml("ListMultipartUploadsResult");
  append_xml(xml, "Bucket", call.route.bucket);
  append_xml(xml, "KeyMarker", shown(key_marker));
  append_xml(xml, "UploadIdMarker", call.query.get("upload-id-marker"));
  if (page.truncated) {
    const meta::UploadRecord& last = uploads[page.end - 1];
    append_xml(xml, "NextKeyMarker", shown(last.path.substr(name_at)));
    append_xml(xml, "NextUploadIdMarker", last.id);
  }
  if (!prefix.empty()) append_xml(xml, "Prefix", shown(prefix));
  if (url_encoded) append_xml(xml, "EncodingType", "url");
  append_xml(xml, "MaxUploads", std::to_string(limit));
  append_xml(xml, "IsTruncated", page.truncated ? "true" : "false");
  for (size_t i = page.first; i < page.end; ++i) {
    xml += "<Upload>";
    append_xml(xml, "Key", shown(uploads[i].path.substr(name_at)));
    append_xml(xml, "UploadId", uploads[i].id);
    append_xml(xml, "StorageClass", shown_class(uploads[i]));
    append_xml(xml, "Initiated", to_iso8601(uploads[i].started));
    xml += "</Upload>";
  }
  return xml_response(200, xml + "</ListMultipartUploadsResult>");
}

/// XML API reference, "List object parts".
Result<io::HttpResponse> xml_list_parts(Call& call) {
  BR_TRY(asked, call.query.number("max-parts"));
  BR_TRY(marker, call.query.number("part-number-marker"));
  const size_t limit = std::min(asked.value_or(kMaxPage), kMaxPage);
  const std::string& id = call.query.get("uploadId");
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  BR_TRY(grant, call.admit({core::Action::kWrite, access::Right::kListParts}, path));
  BR_TRY(upload, own_upload(call, *grant, id, kXmlUploadProtocol));
  BR_TRY(parts, call.rooms.names.list_parts(call.context, *grant, id));
  std::erase_if(parts, [&](const auto& part) { return part.number <= marker.value_or(0); });
  const bool truncated = parts.size() > limit;
  if (truncated) parts.resize(limit);
  std::string xml = begin_xml("ListPartsResult");
  append_xml(xml, "Bucket", call.route.bucket);
  append_xml(xml, "Key", call.route.object);
  append_xml(xml, "UploadId", id);
  append_xml(xml, "StorageClass", shown_class(upload));
  append_xml(xml, "PartNumberMarker", std::to_string(marker.value_or(0)));
  if (truncated && !parts.empty()) {
    append_xml(xml, "NextPartNumberMarker", std::to_string(parts.back().number));
  }
  append_xml(xml, "MaxParts", std::to_string(limit));
  append_xml(xml, "IsTruncated", truncated ? "true" : "false");
  for (const meta::PartRecord& part : parts) {
    xml += "<Part>";
    append_xml(xml, "PartNumber", std::to_string(part.number));
    append_xml(xml, "LastModified", to_iso8601(part.modified));
    append_xml(xml, "ETag", "\"" + to_hex(part.md5) + "\"");
    append_xml(xml, "Size", std::to_string(part.size));
    xml += "</Part>";
  }
  return xml_response(200, xml + "</ListPartsResult>");
}

}  // namespace beringia::protocol::gcs

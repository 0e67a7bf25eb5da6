// Listing in the XML API: buckets, and objects in both versions.
#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"
#include "protocol/gcs/xml_text.h"

namespace beringia::protocol::gcs {
namespace {

constexpr uint64_t kMaxKeys = 1000;
constexpr const char* kNamespace = "http://doc.s3.amazonaws.com/2006-03-01";

std::string name_as_asked(const std::string& name, bool url_encoded) {
  return url_encoded ? percent_encode(name, true) : name;
}

void append_item(std::string& xml, const core::ListPage::Item& item, bool url_encoded) {
  const meta::EntryRecord& record = item.record;
  xml += "<Contents>";
  append_xml(xml, "Key", name_as_asked(item.name, url_encoded));
  append_xml(xml, "Generation", std::to_string(record.generation));
  append_xml(xml, "MetaGeneration", std::to_string(record.metageneration));
  append_xml(xml, "LastModified", to_iso8601(record.modified));
  append_xml(xml, "ETag", "\"" + record.effective_etag() + "\"");
  append_xml(xml, "Size", std::to_string(record.size));
  append_xml(xml, "StorageClass", storage_class_of(record));
  xml += "</Contents>";
}

}  // namespace

Result<io::HttpResponse> xml_list_buckets(Call& call) {
  BR_TRY(grant, call.admit_bucket_list());
  std::string xml = "<?xml version='1.0' encoding='UTF-8'?><ListAllMyBucketsResult xmlns='";
  xml.append(kNamespace).append("'><Buckets>");
  std::string after;
  for (;;) {
    BR_TRY(directories, call.rooms.names.list_directories(call.context, *grant, after, kMaxKeys));
    for (const core::DirectoryInfo& info : directories) {
      if (!call.rooms.gate.shows(*call.principal, info.path)) continue;
      xml += "<Bucket>";
      append_xml(xml, "Name", info.path.bucket());
      append_xml(xml, "CreationDate", to_iso8601(info.record.created));
      xml += "</Bucket>";
    }
    if (directories.size() < kMaxKeys) break;
    after = directories.back().path.bucket();
  }
  return xml_response(200, xml + "</Buckets></ListAllMyBucketsResult>");
}

Result<io::HttpResponse> xml_head_bucket(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit(core::Action::kList, path));
  BR_TRY(call.rooms.names.stat_directory(call.context, *grant));
  return empty_response(200);
}

Result<io::HttpResponse> xml_list_objects(Call& call) {
  const bool second = call.query.get("list-type") == "2";
  const bool url_encoded = call.query.get("encoding-type") == "url";
  core::ListRequest request;
  request.prefix = call.query.get("prefix");
  request.delimiter = call.query.get("delimiter");
  BR_TRY(keys, call.query.number("max-keys"));
  request.limit = std::min(keys.value_or(kMaxKeys), kMaxKeys);
  request.start_after = call.query.get(second ? "start-after" : "marker");
  if (const std::string& token = call.query.get("continuation-token"); second && !token.empty()) {
    auto position = from_base64url(token);
    if (!position || !is_utf8(*position)) {
      return std::unexpected(invalid("Invalid value for parameter continuation-token"));
    }
    request.start_after = std::move(*position);
  }
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit(core::Action::kList, path));
  BR_TRY(page, call.rooms.names.list(call.context, *grant, request));

  std::string xml = "<?xml version='1.0' encoding='UTF-8'?><ListBucketResult xmlns='";
  xml.append(kNamespace).append("'>");
  append_xml(xml, "Name", call.route.bucket);
  append_xml(xml, "Prefix", name_as_asked(request.prefix, url_encoded));
  if (!request.delimiter.empty()) {
    append_xml(xml, "Delimiter", name_as_asked(request.delimiter, url_encoded));
  }
  if (url_encoded) append_xml(xml, "EncodingType", "url");
  append_xml(xml, "MaxKeys", std::to_string(request.limit));
  append_xml(xml, "IsTruncated", page.truncated ? "true" : "false");
  if (second) {
    append_xml(xml, "KeyCount", std::to_string(page.items.size() + page.prefixes.size()));
    if (page.truncated) append_xml(xml, "NextContinuationToken", to_base64url(page.last));
  } else {
    append_xml(xml, "Marker", name_as_asked(call.query.get("marker"), url_encoded));
    if (page.truncated) append_xml(xml, "NextMarker", name_as_asked(page.last, url_encoded));
  }
  for (const auto& item : page.items) append_item(xml, item, url_encoded);
  for (const std::string& prefix : page.prefixes) {
    xml += "<CommonPrefixes>";
    append_xml(xml, "Prefix", name_as_asked(prefix, url_encoded));
    xml += "</CommonPrefixes>";
  }
  return xml_response(200, xml + "</ListBucketResult>");
}

}  // namespace beringia::protocol::gcs

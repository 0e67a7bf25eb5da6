// Multipart uploads of the XML API, as object_store's GCS client writes large objects.
#include <pugixml.hpp>
#include <utility>

#include "base/encoding.h"
#include "protocol/gcs/acls.h"
#include "protocol/gcs/encryption_headers.h"
#include "protocol/gcs/media.h"
#include "protocol/gcs/resumable_session.h"
#include "protocol/gcs/verbs.h"
#include "protocol/gcs/xml_headers.h"
#include "protocol/gcs/xml_text.h"

namespace beringia::protocol::gcs {
namespace {

constexpr size_t kMaxCompleteBytes = 2 << 20;
constexpr size_t kMaxParts = 10'000;  // GCS: part numbers 1 to 10,000

Error bad_xml() { return invalid("The XML you provided was not well-formed."); }

Result<std::vector<core::CompleteUpload::Part>> parse_parts(const std::string& xml) {
  pugi::xml_document document;
  // pugixml knows no external entities and expands none that a document declares.
  if (!document.load_buffer(xml.data(), xml.size())) return std::unexpected(bad_xml());
  std::vector<core::CompleteUpload::Part> parts;
  for (const pugi::xml_node node : document.child("CompleteMultipartUpload").children("Part")) {
    const auto number = parse_u64(node.child("PartNumber").text().as_string());
    std::string etag = node.child("ETag").text().as_string();
    if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
      etag = etag.substr(1, etag.size() - 2);
    }
    if (!number || *number < 1 || *number > kMaxParts || parts.size() == kMaxParts ||
        (!parts.empty() && parts.back().number >= *number)) {
      return std::unexpected(invalid("The parts are not in order").with_tag("bad_part"));
    }
    parts.push_back({static_cast<uint32_t>(*number), std::move(etag)});
  }
  if (parts.empty()) return std::unexpected(bad_xml());
  return parts;
}

}  // namespace

Result<io::HttpResponse> xml_begin_multipart(Call& call) {
  BR_TRY(path, call.new_object_path(call.route.bucket, call.route.object));
  core::BeginUpload begin;
  begin.protocol = kXmlUploadProtocol;
  BR_TRY(attributes, xml_attributes_of(call));
  begin.attributes = std::move(attributes);
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(encryption, encryption_of(call, "kmsKeyName"));
  begin.attributes.encryption = std::move(encryption);
  BR_TRY(acl, acl_of_new_object(call, call.route.bucket, xml_predefined_acl(call)));
  begin.attributes.acl = std::move(acl);
  BR_TRY(upload, call.rooms.names.begin_upload(call.context, *grant, begin));
  std::string xml =
      "<?xml version='1.0' encoding='UTF-8'?>"
      "<InitiateMultipartUploadResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>";
  append_xml(xml, "Bucket", call.route.bucket);
  append_xml(xml, "Key", call.route.object);
  append_xml(xml, "UploadId", upload.id);
  return xml_response(200, xml + "</InitiateMultipartUploadResult>");
}

Result<io::HttpResponse> xml_upload_part(Call& call) {
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  BR_TRY(number, call.query.number("partNumber"));
  if (!number || *number < 1 || *number > kMaxParts) {
    return std::unexpected(invalid("Part numbers are 1 to 10000"));
  }
  core::PutPart part;
  part.upload_id = call.query.get("uploadId");
  part.number = static_cast<uint32_t>(*number);
  BR_TRY(expected, expected_body_of(call));
  part.expected = std::move(expected);
  io::StringSource nothing{""};
  part.body = call.request.body != nullptr ? call.request.body : &nothing;
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(own_upload(call, *grant, part.upload_id, kXmlUploadProtocol));
  BR_TRY(customer_key, customer_key_of(call));
  part.customer_key = std::move(customer_key);
  BR_TRY(stored, call.rooms.names.put_part(call.context, *grant, part));
  io::HttpResponse response = empty_response(200);
  response.headers.add("ETag", "\"" + to_hex(stored.md5) + "\"");
  response.headers.add("x-goog-hash", wire::gcs::hash_header(stored.crc32c, stored.md5));
  return response;
}

Result<io::HttpResponse> xml_complete_multipart(Call& call) {
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  BR_TRY(body, call.read_body(kMaxCompleteBytes));
  core::CompleteUpload request;
  request.upload_id = call.query.get("uploadId");
  BR_TRY(parts, parse_parts(body));
  request.parts = std::move(parts);
  BR_TRY(conditions, xml_conditions_of(call));
  request.conditions = std::move(conditions);
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  const auto upload = own_upload(call, *grant, request.upload_id, kXmlUploadProtocol);
  // A finished upload answers with its object again.
  if (!upload && upload.error().tag() != "no_upload") return std::unexpected(upload.error());
  BR_TRY(entry, call.rooms.names.complete_upload(call.context, *grant, request));
  std::string xml =
      "<?xml version='1.0' encoding='UTF-8'?>"
      "<CompleteMultipartUploadResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>";
  append_xml(xml, "Location",
             call.base_url + "/" + percent_encode(call.route.bucket) + "/" +
                 percent_encode(call.route.object, true));
  append_xml(xml, "Bucket", call.route.bucket);
  append_xml(xml, "Key", call.route.object);
  append_xml(xml, "ETag", "\"" + entry.record.effective_etag() + "\"");
  io::HttpResponse response = xml_response(200, xml + "</CompleteMultipartUploadResult>");
  response.headers.add("x-goog-generation", std::to_string(entry.record.generation));
  if (shows_checksums(call, entry.record.encryption)) {
    response.headers.add("x-goog-hash",
                         wire::gcs::hash_header(entry.record.crc32c, entry.record.md5));
  }
  return response;
}

Result<io::HttpResponse> xml_abort_multipart(Call& call) {
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  const std::string& id = call.query.get("uploadId");
  BR_TRY(own_upload(call, *grant, id, kXmlUploadProtocol));
  BR_TRY(call.rooms.names.abort_upload(call.context, *grant, id));
  return empty_response(204);
}

}  // namespace beringia::protocol::gcs

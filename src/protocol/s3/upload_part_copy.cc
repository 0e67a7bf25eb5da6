#include <utility>

#include "base/encoding.h"
#include "protocol/s3/conditions.h"
#include "protocol/s3/copy_source.h"
#include "protocol/s3/encryption_headers.h"
#include "protocol/s3/http_range.h"
#include "protocol/s3/multipart_terms.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {

Result<io::HttpResponse> upload_part_copy(Call& call) {
  BR_TRY(wanted, copy_source(call));
  BR_TRY(path, call.object_path());
  BR_TRY(check_offered(call));
  core::PutPart part;
  part.upload_id = call.query.get("uploadId");
  BR_TRY(number, part_number_of(call));
  part.number = number;
  BR_TRY(from, call.admit(core::Action::kRead, wanted.path));
  BR_TRY(to, call.admit(core::Action::kWrite, path));
  from->note_target(path);
  BR_TRY(upload, call.rooms.names.find_upload(call.context, *to, part.upload_id));
  BR_TRY(customer_key, customer_key_of(call));
  part.customer_key = std::move(customer_key);
  const UploadTerms terms = terms_of(upload);

  core::ReadRequest read;
  BR_TRY(source_key, source_key_of(call));
  read.customer_key = std::move(source_key);
  read.generation = wanted.generation;
  read.range = [&](const core::Entry& source) -> Result<std::optional<io::ByteRange>> {
    // All conditions of a copy's source fail with 412, hence "not a read".
    BR_TRY(core::check_conditions(source_conditions(call), source.record, false));
    const std::string_view range = call.header("x-amz-copy-source-range");
    if (!range.empty()) return parse_copy_range(range, source.record.size);
    return std::nullopt;
  };
  BR_TRY(open, call.rooms.names.read(call.context, *from, read));
  if (open.range.length > kMaxCopyBytes) {
    return std::unexpected(s3_error(
        "InvalidRequest",
        "The specified copy source is larger than the maximum allowable size for a copy source: " +
            std::to_string(kMaxCopyBytes)));
  }
  ChecksumSource body{*open.body, terms.algorithm};
  part.body = &body;
  part.expected.size = open.range.length;
  std::string checksum;
  part.at_end = [&]() -> Result<meta::StringMap> {
    checksum = body.finish();
    return meta::StringMap{{name_of(terms.algorithm), checksum}};
  };
  BR_TRY(stored, call.rooms.names.put_part(call.context, *to, part));
  wire::s3::XmlWriter xml{"CopyPartResult"};
  xml.time("LastModified", stored.modified).text("ETag", "\"" + to_hex(stored.md5) + "\"");
  if (terms.is_asked) xml.text(wire::s3::checksum_element(name_of(terms.algorithm)), checksum);
  io::HttpResponse response = xml_response(200, xml.take());
  add_encryption_headers(response, upload.encryption);
  add_source_version_header(response, open.entry);
  return response;
}

}  // namespace beringia::protocol::s3

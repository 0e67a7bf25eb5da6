#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "protocol/s3/acls.h"
#include "protocol/s3/multipart_terms.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

constexpr uint64_t kMaxParts = 1000;

wire::s3::ListedPart listed(const meta::PartRecord& part, const UploadTerms& terms) {
  wire::s3::ListedPart listed{part.number, part.modified, to_hex(part.md5), part.size, {}};
  const auto checksum = part.checksums.find(name_of(terms.algorithm));
  if (terms.is_asked && checksum != part.checksums.end()) {
    listed.checksums.emplace_back(checksum->first, checksum->second);
  }
  return listed;
}

}  // namespace

Result<io::HttpResponse> list_parts(Call& call) {
  BR_TRY(path, call.object_path());
  wire::s3::PartList list;
  list.bucket = call.route.bucket;
  list.key = call.route.key;
  list.upload_id = call.query.get("uploadId");
  BR_TRY(limit, call.query.number("max-parts", kMaxParts));
  BR_TRY(marker, call.query.number("part-number-marker", 0));
  list.max_parts = std::min(limit, kMaxParts);
  list.marker = marker;
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(upload, call.rooms.names.find_upload(call.context, *grant, list.upload_id));
  BR_TRY(parts, call.rooms.names.list_parts(call.context, *grant, list.upload_id));
  const UploadTerms terms = terms_of(upload);
  list.storage_class = storage_class_of(upload.storage_class);
  list.owner = list.initiator = {upload.owner, upload.owner};
  BR_TRY(owner, owner_of_upload(call, path, upload));
  list.owner = {owner, owner};
  if (terms.is_asked) {
    list.checksum_algorithm = wire_name(terms.algorithm);
    list.checksum_type = terms.type;
  }
  for (const auto& part : parts) {
    if (part.number <= marker || list.max_parts == 0) continue;
    list.truncated = list.parts.size() == list.max_parts;
    if (list.truncated) break;
    list.parts.push_back(listed(part, terms));
  }
  return xml_response(200, wire::s3::render(list));
}

}  // namespace beringia::protocol::s3

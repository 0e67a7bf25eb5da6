// GetObjectTagging, PutObjectTagging, DeleteObjectTagging.
#include <utility>

#include "protocol/s3/object_headers.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

Result<void> set_tags(Call& call, meta::StringMap tags) {
  BR_TRY(check_version_id(call.query.get("versionId")));
  BR_TRY(path, call.object_path());
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  core::AttributePatch patch;
  patch.tags = std::move(tags);
  BR_TRY(call.rooms.names.set_attributes(call.context, *grant, patch));
  return {};
}

}  // namespace

Result<io::HttpResponse> get_object_tagging(Call& call) {
  BR_TRY(check_version_id(call.query.get("versionId")));
  BR_TRY(path, call.object_path());
  BR_TRY(grant, call.admit(core::Action::kRead, path));
  BR_TRY(entry, call.rooms.names.stat(call.context, *grant));
  const wire::s3::Tags tags{entry.record.tags.begin(), entry.record.tags.end()};
  return xml_response(200, wire::s3::render_tagging(tags));
}

Result<io::HttpResponse> put_object_tagging(Call& call) {
  BR_TRY(document, read_document(call, wire::s3::kMaxXmlBytes));
  BR_TRY(tags, wire::s3::parse_tagging(document));
  BR_TRY(wire::s3::check_tags(tags));
  call.request_tags = meta::StringMap{tags.begin(), tags.end()};
  BR_TRY(set_tags(call, *call.request_tags));
  return empty_response(200);
}

Result<io::HttpResponse> delete_object_tagging(Call& call) {
  BR_TRY(set_tags(call, {}));
  return empty_response(204);
}

}  // namespace beringia::protocol::s3

// GetObjectTagging, PutObjectTagging, DeleteObjectTagging.
#include <utility>

#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {
namespace {

Result<io::HttpResponse> set_tags(Call& call, meta::StringMap tags, int status) {
  BR_TRY(generation, version_of(call));
  BR_TRY(path, call.object_path());
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  core::AttributePatch patch;
  patch.tags = std::move(tags);
  patch.generation = generation;
  auto entry = call.rooms.names.set_attributes(call.context, *grant, patch);
  if (!entry) {
    return std::unexpected(absence(call, *grant, generation, std::move(entry).error()));
  }
  io::HttpResponse response = empty_response(status);
  add_version_header(response, *entry);
  return response;
}

}  // namespace

Result<io::HttpResponse> get_object_tagging(Call& call) {
  BR_TRY(version_of(call));
  BR_TRY(path, call.object_path());
  BR_TRY(grant, call.admit(core::Action::kRead, path));
  BR_TRY(entry, stat_version(call, *grant));
  const wire::s3::Tags tags{entry.record.tags.begin(), entry.record.tags.end()};
  io::HttpResponse response = xml_response(200, wire::s3::render_tagging(tags));
  add_version_header(response, entry);
  return response;
}

Result<io::HttpResponse> put_object_tagging(Call& call) {
  BR_TRY(document, read_document(call, wire::s3::kMaxXmlBytes));
  BR_TRY(tags, wire::s3::parse_tagging(document));
  BR_TRY(wire::s3::check_tags(tags));
  call.request_tags = meta::StringMap{tags.begin(), tags.end()};
  return set_tags(call, *call.request_tags, 200);
}

Result<io::HttpResponse> delete_object_tagging(Call& call) { return set_tags(call, {}, 204); }

}  // namespace beringia::protocol::s3

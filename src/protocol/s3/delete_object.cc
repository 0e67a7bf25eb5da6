#include <utility>

#include "protocol/s3/conditions.h"
#include "protocol/s3/object_lock.h"
#include "protocol/s3/verbs.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {

Result<core::Removed> remove_object(const Call& call, const io::Context& context,
                                    const core::Grant& grant, const DeleteTerms& terms) {
  core::RemoveRequest request;
  BR_TRY(conditions, delete_conditions(context, call.rooms.names, grant, terms));
  request.conditions = std::move(conditions);
  request.generation = terms.generation;
  request.brings_back = true;
  request.marks_absent = true;
  request.bypasses_governance = terms.generation && bypasses_governance(call, grant.path());
  auto removed = call.rooms.names.remove(context, grant, request);
  if (removed) return removed;
  // S3: what is not there is deleted, unless a condition asked for it.
  const Error& error = removed.error();
  const bool is_absent =
      error.code() == Code::kNotFound && error.tag() != "no_bucket" && request.conditions.empty();
  if (is_absent) return core::Removed{};
  return removed;
}

Result<io::HttpResponse> delete_object(Call& call) {
  BR_TRY(path, call.object_path());
  BR_TRY(terms, delete_terms(call));
  BR_TRY(grant, call.admit(core::Action::kDelete, path));
  BR_TRY(removed, remove_object(call, call.context, *grant, terms));
  io::HttpResponse response = empty_response(204);
  if (removed.marker) {
    response.headers.add("x-amz-delete-marker", "true");
    response.headers.add("x-amz-version-id", version_id_of(removed.marker->record));
  } else if (terms.generation && removed.entry) {
    add_version_header(response, *removed.entry);
  }
  return response;
}

}  // namespace beringia::protocol::s3

#include <utility>

#include "protocol/s3/conditions.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {

Result<io::HttpResponse> delete_object(Call& call) {
  BR_TRY(check_version_id(call.query.get("versionId")));
  BR_TRY(path, call.object_path());
  BR_TRY(terms, delete_terms(call));
  BR_TRY(grant, call.admit(core::Action::kDelete, path));
  BR_TRY(conditions, delete_conditions(call.context, call.rooms.names, *grant, terms));
  auto removed = call.rooms.names.remove(call.context, *grant, {conditions, {}});
  // S3: what is not there is deleted, unless a condition asked for it.
  const bool is_absent = !removed && removed.error().code() == Code::kNotFound &&
                         removed.error().tag().empty() && conditions.empty();
  if (!removed && !is_absent) return std::unexpected(std::move(removed).error());
  return empty_response(204);
}

}  // namespace beringia::protocol::s3

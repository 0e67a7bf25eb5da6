// What was deleted softly: shown, and brought back.
#include <utility>

#include "access/bucket_access.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {
namespace {

Result<uint64_t> generation_of(const Call& call) {
  BR_TRY(generation, named_generation(call.query, "generation"));
  if (generation) return *generation;
  return std::unexpected(
      invalid("Required parameter: generation", "it says which of the soft-deleted ones is meant"));
}

/// restoreToken, where it is sent, must be that of the generation. @error kNotFound
Result<void> check_token(const Call& call, const core::Entry& entry) {
  const std::string& token = call.query.get("restoreToken");
  const std::string own =
      restore_token_of(call.route.object, entry.record.generation, entry.became_noncurrent);
  if (token.empty() || token == own) return {};
  return std::unexpected(not_found("no soft-deleted object has this restoreToken"));
}

}  // namespace

Result<io::HttpResponse> get_soft_deleted(Call& call) {
  const Route& route = call.route;
  BR_TRY(path, call.object_path(route.bucket, route.object));
  BR_TRY(conditions, conditions_of(call.query));
  BR_TRY(generation, generation_of(call));
  BR_TRY(grant, call.admit(core::Action::kRead, path));
  BR_TRY(entry, call.rooms.names.find_soft_deleted(call.context, *grant, generation));
  BR_TRY(check_token(call, entry));
  BR_TRY(core::check_conditions(conditions, entry.record, true));
  return object_response(call, route.bucket, route.object, entry);
}

/// JSON API reference, Objects: restore. A copy of what was; the conditions are of what is there.
Result<io::HttpResponse> restore_object(Call& call) {
  const Route& route = call.route;
  BR_TRY(path, call.object_path(route.bucket, route.object));
  BR_TRY(generation, generation_of(call));
  core::CopyRequest request;
  request.source_generation = generation;
  request.source_soft_deleted = true;
  BR_TRY(conditions, conditions_of(call.query));
  request.conditions = std::move(conditions);
  BR_TRY(keeps_acl, call.query.flag("copySourceAcl", false));
  request.keeps_acl = keeps_acl;
  BR_TRY(from, call.admit({core::Action::kRead, access::Right::kRestoreObject}, path));
  BR_TRY(to, call.admit(core::Action::kWrite, path));
  if (keeps_acl) {
    BR_TRY(lists, call.admit({core::Action::kAdminister, access::Right::kWriteObjectAcl}, path));
    (void)lists;
  }
  if (!call.query.get("restoreToken").empty()) {
    BR_TRY(deleted, call.rooms.names.find_soft_deleted(call.context, *from, generation));
    BR_TRY(check_token(call, deleted));
  }
  BR_TRY(entry, call.rooms.names.copy(call.context, *from, *to, request));
  return object_response(call, route.bucket, route.object, entry.record);
}

}  // namespace beringia::protocol::gcs

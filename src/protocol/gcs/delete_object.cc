#include "protocol/gcs/media.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {

Result<void> remove_entry(Call& call, const core::Grant& grant, const core::Conditions& conditions,
                          bool named_only) {
  auto removed = call.rooms.names.remove(call.context, grant, {conditions, {}});
  if (removed) return {};
  if (removed.error().tag() == "precondition") {
    // GCS: what is not there is not found, whatever the preconditions say; nor is a generation that
    // is not current.
    auto entry = call.rooms.names.stat(call.context, grant);
    if (!entry && entry.error().code() == Code::kNotFound) return std::unexpected(entry.error());
    if (named_only) {
      return std::unexpected(not_found("there is no such generation of " + grant.path().text()));
    }
  }
  return std::unexpected(std::move(removed).error());
}

Result<io::HttpResponse> delete_object(Call& call) {
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  BR_TRY(conditions, conditions_of(call.query));
  BR_TRY(generation, call.query.number("generation"));
  BR_TRY(grant, call.admit(core::Action::kDelete, path));
  const bool named_only = generation && !conditions.generation_match;
  if (generation) {
    if (conditions.generation_match && *conditions.generation_match != *generation) {
      return std::unexpected(conflict("the generation is another one").with_tag("precondition"));
    }
    conditions.generation_match = generation;
  }
  BR_TRY(remove_entry(call, *grant, conditions, named_only));
  return empty_response(204);
}

}  // namespace beringia::protocol::gcs

#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {

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
  auto removed = call.rooms.names.remove(call.context, *grant, conditions);
  if (!removed) {
    // Of a generation that is not current there is nothing to delete.
    if (named_only && removed.error().tag() == "precondition") {
      return std::unexpected(not_found("there is no such generation of " + path.text()));
    }
    return std::unexpected(std::move(removed).error());
  }
  return empty_response(204);
}

}  // namespace beringia::protocol::gcs

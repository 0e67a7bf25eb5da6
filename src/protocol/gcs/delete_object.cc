#include "protocol/gcs/media.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {

Result<void> remove_entry(Call& call, const core::Grant& grant, const core::Conditions& conditions,
                          std::optional<uint64_t> generation) {
  // GCS: with a generation that one goes for good, and nothing becomes current in its place.
  auto removed = call.rooms.names.remove(call.context, grant, {conditions, generation});
  if (removed) return {};
  if (removed.error().tag() == "precondition") {
    // GCS: what is not there is not found, whatever the preconditions say.
    auto entry = call.rooms.names.stat(call.context, grant, generation);
    if (!entry && entry.error().code() == Code::kNotFound) return std::unexpected(entry.error());
  }
  return std::unexpected(std::move(removed).error());
}

Result<io::HttpResponse> delete_object(Call& call) {
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  BR_TRY(conditions, conditions_of(call.query));
  BR_TRY(generation, named_generation(call.query, "generation"));
  BR_TRY(grant, call.admit(core::Action::kDelete, path));
  BR_TRY(remove_entry(call, *grant, conditions, generation));
  return empty_response(204);
}

}  // namespace beringia::protocol::gcs

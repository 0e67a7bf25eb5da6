#include <utility>

#include "protocol/gcs/acls.h"
#include "protocol/gcs/encryption_headers.h"
#include "protocol/gcs/media.h"
#include "protocol/gcs/object_contexts.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {
namespace {

constexpr size_t kMaxSources = 32;  // GCS: compose takes 1 to 32 sources

/// The generations to join: those named, or those that met their precondition.
Result<std::vector<std::optional<uint64_t>>> source_generations(
    Call& call, const std::vector<wire::gcs::ComposeSource>& sources,
    const std::vector<const core::Grant*>& grants) {
  std::vector<std::optional<uint64_t>> generations;
  for (size_t i = 0; i < sources.size(); ++i) {
    std::optional<uint64_t> generation = sources[i].generation;
    if (generation == core::kUnversioned) {
      return std::unexpected(not_found("there is no generation 0 of " + sources[i].name));
    }
    if (sources[i].if_generation_match) {
      BR_TRY(entry, call.rooms.names.stat(call.context, *grants[i], generation));
      if (entry.record.generation != *sources[i].if_generation_match) {
        return std::unexpected(conflict("the generation of " + sources[i].name + " is another one")
                                   .with_tag("precondition"));
      }
      if (!generation) generation = entry.record.generation;
    }
    generations.push_back(generation);
  }
  return generations;
}

struct Removable {
  const core::Grant* grant = nullptr;
  uint64_t generation = 0;
};

/// deleteSourceObjects: what is to go once the destination is there, but for the destination.
Result<std::vector<Removable>> find_removable(Call& call,
                                              const std::vector<wire::gcs::ComposeSource>& sources,
                                              const std::vector<const core::Grant*>& reads,
                                              std::vector<std::optional<uint64_t>>& generations) {
  std::vector<Removable> spent;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].name == call.route.object) continue;
    BR_TRY(path, call.object_path(call.route.bucket, sources[i].name));
    BR_TRY(grant, call.admit(core::Action::kDelete, path));
    BR_TRY(entry, call.rooms.names.stat(call.context, *reads[i], generations[i]));
    generations[i] = entry.record.generation;  // what is joined is what goes
    if (entry.is_current) spent.push_back({grant, entry.record.generation});
  }
  return spent;
}

}  // namespace

Result<io::HttpResponse> compose_object(Call& call) {
  const Route& route = call.route;
  BR_TRY(path, call.new_object_path(route.bucket, route.object));
  BR_TRY(body, call.read_body(wire::gcs::kMaxResourceBytes));
  BR_TRY(compose, wire::gcs::parse_compose(body));
  if (compose.sources.empty()) {
    return std::unexpected(
        invalid("You must provide at least one source component.").with_tag("required"));
  }
  if (compose.sources.size() > kMaxSources) {
    return std::unexpected(invalid("The number of source components provided (" +
                                   std::to_string(compose.sources.size()) +
                                   ") exceeds the maximum (32)"));
  }
  BR_TRY(attributes, attributes_of(compose.destination, call.rooms.clock.wall()));
  BR_TRY(drops_contexts(call));  // contexts are those that the request names, never the sources'
  BR_TRY(conditions, conditions_of(call.query));
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(encryption, encryption_of(call, "kmsKeyName"));
  attributes.encryption = std::move(encryption);
  std::vector<const core::Grant*> sources;
  for (const wire::gcs::ComposeSource& source : compose.sources) {
    BR_TRY(source_path, call.object_path(route.bucket, source.name));
    BR_TRY(source_grant, call.admit(core::Action::kRead, source_path, source.generation));
    sources.push_back(source_grant);
  }
  BR_TRY(generations, source_generations(call, compose.sources, sources));
  std::vector<Removable> spent;
  if (compose.delete_sources) {
    BR_TRY(found, find_removable(call, compose.sources, sources, generations));
    spent = std::move(found);
  }
  BR_TRY(acl, acl_of_new_object(call, route.bucket, call.query.get("destinationPredefinedAcl"),
                                compose.destination.acl));
  attributes.acl = std::move(acl);
  BR_TRY(entry, call.rooms.names.compose(call.context, *grant, sources, generations, attributes,
                                         conditions));
  for (const Removable& source : spent) {
    // One that was written again meanwhile is another one, and stays.
    core::Conditions same;
    same.generation_match = source.generation;
    auto removed = remove_entry(call, *source.grant, same, std::nullopt);
    if (!removed) source.grant->note_error(removed.error());
  }
  return object_response(call, route.bucket, route.object, entry.record);
}

}  // namespace beringia::protocol::gcs

#include <utility>

#include "protocol/gcs/encryption_headers.h"
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

}  // namespace

Result<io::HttpResponse> compose_object(Call& call) {
  BR_TRY(check_predefined_acl(call.query));
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
  if (compose.delete_sources) {
    return std::unexpected(unsupported("deleteSourceObjects is not offered", "",
                                       "delete the sources after the compose request"));
  }
  BR_TRY(attributes, attributes_of(compose.destination));
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
  if (attributes.content_type.empty() && !compose.destination.content_type.present()) {
    // GCS: the content type of the first source, if the request names none.
    auto first = call.rooms.names.stat(call.context, *sources[0]);
    if (first) attributes.content_type = first->record.content_type;
  }
  BR_TRY(entry, call.rooms.names.compose(call.context, *grant, sources, generations, attributes,
                                         conditions));
  return object_response(call, route.bucket, route.object, entry.record);
}

}  // namespace beringia::protocol::gcs

#include <utility>

#include "protocol/gcs/acls.h"
#include "protocol/gcs/encryption_headers.h"
#include "protocol/gcs/object_contexts.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {
namespace {

/// GCS: the metadata of a copy is the source's, overlaid with what the request names.
Result<std::optional<core::WriteAttributes>> new_attributes(Call& call, const core::Grant& from,
                                                            core::CopyRequest& request,
                                                            core::EncryptionChoice encryption) {
  BR_TRY(body, call.read_body(wire::gcs::kMaxResourceBytes));
  BR_TRY(change, wire::gcs::parse_object_change(body.empty() ? "{}" : body));
  const bool encrypts = encryption.method != meta::Encryption::Method::kNone;
  BR_TRY(acl, acl_of_new_object(call, call.route.to_bucket,
                                call.query.get("destinationPredefinedAcl"), change.acl));
  BR_TRY(drops, drops_contexts(call));
  if (!names_attributes(change) && !encrypts && acl.empty() && !drops) return std::nullopt;
  BR_TRY(source, call.rooms.names.stat(call.context, from, request.source_generation));
  // The attributes must belong to the bytes that are copied.
  if (!request.source_conditions.generation_match) {
    request.source_conditions.generation_match = source.record.generation;
  }
  BR_TRY(attributes, merged_attributes(source.record, change, call.rooms.clock.wall(), !drops));
  attributes.encryption = std::move(encryption);
  attributes.acl = std::move(acl);
  return std::move(attributes);
}

}  // namespace

Result<io::HttpResponse> copy_object(Call& call) {
  const Route& route = call.route;
  BR_TRY(source, call.object_path(route.bucket, route.object));
  BR_TRY(target, call.new_object_path(route.to_bucket, route.to_object));
  core::CopyRequest request;
  BR_TRY(source_conditions, source_conditions_of(call.query));
  request.source_conditions = std::move(source_conditions);
  BR_TRY(conditions, conditions_of(call.query));
  request.conditions = std::move(conditions);
  BR_TRY(generation, named_generation(call.query, "sourceGeneration"));
  request.source_generation = generation;
  BR_TRY(from, call.admit(core::Action::kRead, source, generation));
  BR_TRY(to, call.admit(core::Action::kWrite, target));
  BR_TRY(source_key, source_key_of(call));
  request.source_key = std::move(source_key);
  BR_TRY(encryption, encryption_of(call, "destinationKmsKeyName"));
  BR_TRY(attributes, new_attributes(call, *from, request, std::move(encryption)));
  request.attributes = std::move(attributes);
  BR_TRY(entry, call.rooms.names.copy(call.context, *from, *to, request));
  if (route.verb == Verb::kCopyObject) {
    return object_response(call, route.to_bucket, route.to_object, entry.record);
  }
  // One request does it all: bytes never pass through the client, so there is no token to go on.
  wire::gcs::RewriteAnswer answer;
  answer.total_bytes_rewritten = entry.record.size;
  answer.object_size = entry.record.size;
  answer.done = true;
  answer.resource = object_resource(call, route.to_bucket, route.to_object, entry.record);
  return json_response(200, wire::gcs::render(answer));
}

}  // namespace beringia::protocol::gcs

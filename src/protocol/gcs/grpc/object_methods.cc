#include <google/protobuf/empty.pb.h>

#include "base/encoding.h"
#include "protocol/gcs/grpc/methods.h"
#include "protocol/gcs/grpc/resources.h"

namespace beringia::protocol::gcs::grpc {
namespace {

Answer<void> send_object(GrpcCall& call, const JsonCall& ask) {
  BR_TRY(json, call.ask_text(ask));
  BR_TRY(object, object_of(json));
  return call.send(object);
}

}  // namespace

Answer<void> get_object(GrpcCall& call) {
  v2::GetObjectRequest request;
  BR_TRY(call.read(request));
  BR_TRY(bucket, bucket_of(request.bucket()));
  JsonCall ask{.path = object_path(bucket, request.object())};
  ask.query.add("projection", "full");
  if (request.generation() != 0) ask.query.add("generation", request.generation());
  if (request.soft_deleted()) ask.query.add("softDeleted", "true");
  add_conditions(request, ask.query);
  add_key(ask.headers, request.common_object_request_params());
  BR_TRY(json, call.ask_text(ask));
  BR_TRY(object, object_of(json));
  trim(request, object);
  return call.send(object);
}

Answer<void> list_objects(GrpcCall& call) {
  v2::ListObjectsRequest request;
  BR_TRY(call.read(request));
  BR_TRY(bucket, bucket_of(request.parent()));
  JsonCall ask{.path = bucket_path(bucket) + "/o"};
  ask.query.add_text("prefix", request.prefix());
  ask.query.add_text("delimiter", request.delimiter());
  ask.query.add_text("pageToken", request.page_token());
  ask.query.add_text("startOffset", request.lexicographic_start());
  ask.query.add_text("endOffset", request.lexicographic_end());
  ask.query.add_text("matchGlob", request.match_glob());
  if (request.page_size() > 0) ask.query.add("maxResults", request.page_size());
  if (request.versions()) ask.query.add("versions", "true");
  if (request.soft_deleted()) ask.query.add("softDeleted", "true");
  if (request.include_trailing_delimiter()) ask.query.add("includeTrailingDelimiter", "true");
  if (request.include_folders_as_prefixes()) ask.query.add("includeFoldersAsPrefixes", "true");
  BR_TRY(json, call.ask_text(ask));
  const auto list = wire::gcs::parse_object_list(json);
  if (!list) return refusal(Code::kInternal, list.error().what());
  v2::ListObjectsResponse response;
  for (const auto& item : list->items) {
    v2::Object object = object_of(item);
    trim(request, object);
    *response.add_objects() = std::move(object);
  }
  for (const std::string& prefix : list->prefixes) response.add_prefixes(prefix);
  response.set_next_page_token(list->next_page_token);
  return call.send(response);
}

Answer<void> delete_object(GrpcCall& call) {
  v2::DeleteObjectRequest request;
  BR_TRY(call.read(request));
  BR_TRY(bucket, bucket_of(request.bucket()));
  JsonCall ask{.method = "DELETE", .path = object_path(bucket, request.object())};
  if (request.generation() != 0) ask.query.add("generation", request.generation());
  add_conditions(request, ask.query);
  add_key(ask.headers, request.common_object_request_params());
  BR_TRY(call.ask_text(ask));
  return call.send(google::protobuf::Empty{});
}

Answer<void> update_object(GrpcCall& call) {
  v2::UpdateObjectRequest request;
  BR_TRY(call.read(request));
  const v2::Object& object = request.object();
  BR_TRY(bucket, bucket_of(object.bucket()));
  BR_TRY(change, patch_of(object, request.update_mask()));
  JsonCall ask{.method = "PATCH", .path = object_path(bucket, object.name())};
  ask.text = wire::gcs::render(change);
  ask.query.add("projection", "full");
  if (object.generation() != 0) ask.query.add("generation", object.generation());
  ask.query.add_text("predefinedAcl", request.predefined_acl());
  if (request.override_unlocked_retention()) ask.query.add("overrideUnlockedRetention", "true");
  add_conditions(request, ask.query);
  add_key(ask.headers, request.common_object_request_params());
  return send_object(call, ask);
}

Answer<void> restore_object(GrpcCall& call) {
  v2::RestoreObjectRequest request;
  BR_TRY(call.read(request));
  BR_TRY(bucket, bucket_of(request.bucket()));
  JsonCall ask{.method = "POST", .path = object_path(bucket, request.object()) + "/restore"};
  if (request.generation() != 0) ask.query.add("generation", request.generation());
  if (request.copy_source_acl()) ask.query.add("copySourceAcl", "true");
  add_conditions(request, ask.query);
  add_key(ask.headers, request.common_object_request_params());
  return send_object(call, ask);
}

Answer<void> move_object(GrpcCall& call) {
  v2::MoveObjectRequest request;
  BR_TRY(call.read(request));
  BR_TRY(bucket, bucket_of(request.bucket()));
  JsonCall ask{.method = "POST",
               .path = object_path(bucket, request.source_object()) + "/moveTo/o/" +
                       percent_encode(request.destination_object())};
  add_source_conditions(request, ask.query);
  add_conditions(request, ask.query);
  return send_object(call, ask);
}

Answer<void> compose_object(GrpcCall& call) {
  v2::ComposeObjectRequest request;
  BR_TRY(call.read(request));
  const v2::Object& destination = request.destination();
  BR_TRY(bucket, bucket_of(destination.bucket()));
  wire::gcs::ComposeBody body;
  for (const auto& source : request.source_objects()) {
    wire::gcs::ComposeSource& into = body.sources.emplace_back();
    into.name = source.name();
    if (source.generation() != 0) into.generation = static_cast<uint64_t>(source.generation());
    if (source.object_preconditions().has_if_generation_match()) {
      into.if_generation_match =
          static_cast<uint64_t>(source.object_preconditions().if_generation_match());
    }
  }
  BR_TRY(change, change_of(destination));
  body.destination = change;
  body.delete_sources = request.delete_source_objects();
  JsonCall ask{.method = "POST", .path = object_path(bucket, destination.name()) + "/compose"};
  ask.text = wire::gcs::render(body);
  if (request.has_if_generation_match()) {
    ask.query.add("ifGenerationMatch", request.if_generation_match());
  }
  if (request.has_if_metageneration_match()) {
    ask.query.add("ifMetagenerationMatch", request.if_metageneration_match());
  }
  ask.query.add_text("kmsKeyName", request.kms_key());
  ask.query.add_text("destinationPredefinedAcl", request.destination_predefined_acl());
  add_key(ask.headers, request.common_object_request_params());
  return send_object(call, ask);
}

Answer<void> rewrite_object(GrpcCall& call) {
  v2::RewriteObjectRequest request;
  BR_TRY(call.read(request));
  BR_TRY(from, bucket_of(request.source_bucket()));
  BR_TRY(to, bucket_of(request.destination_bucket()));
  JsonCall ask{.method = "POST",
               .path = object_path(from, request.source_object()) + "/rewriteTo/b/" +
                       percent_encode(to) + "/o/" + percent_encode(request.destination_name())};
  if (request.has_destination()) {
    BR_TRY(change, change_of(request.destination()));
    ask.text = wire::gcs::render(change);
  }
  if (request.source_generation() != 0) {
    ask.query.add("sourceGeneration", request.source_generation());
  }
  add_source_conditions(request, ask.query);
  add_conditions(request, ask.query);
  ask.query.add_text("rewriteToken", request.rewrite_token());
  ask.query.add_text("destinationKmsKeyName", request.destination_kms_key());
  ask.query.add_text("destinationPredefinedAcl", request.destination_predefined_acl());
  add_key(ask.headers, request.common_object_request_params());
  add_key(ask.headers, "x-goog-copy-source-encryption-", request.copy_source_encryption_algorithm(),
          request.copy_source_encryption_key_bytes(),
          request.copy_source_encryption_key_sha256_bytes());
  BR_TRY(json, call.ask_text(ask));
  const auto answer = wire::gcs::parse_rewrite(json);
  if (!answer) return refusal(Code::kInternal, answer.error().what());
  v2::RewriteResponse response;
  response.set_total_bytes_rewritten(static_cast<int64_t>(answer->total_bytes_rewritten));
  response.set_object_size(static_cast<int64_t>(answer->object_size));
  response.set_done(answer->done);
  response.set_rewrite_token(answer->rewrite_token);
  if (answer->resource) *response.mutable_resource() = object_of(*answer->resource);
  return call.send(response);
}

}  // namespace beringia::protocol::gcs::grpc

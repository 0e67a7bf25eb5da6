#include <google/protobuf/empty.pb.h>
#include <google/protobuf/util/json_util.h>

#include "protocol/gcs/grpc/methods.h"
#include "protocol/gcs/grpc/resources.h"
#include "protocol/gcs/grpc/storage_control.pb.h"

namespace beringia::protocol::gcs::grpc {
namespace {

namespace control = google::storage::control::v2;

google::protobuf::util::JsonParseOptions lenient() {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return options;
}

}  // namespace

Answer<void> get_storage_layout(GrpcCall& call) {
  control::GetStorageLayoutRequest request;
  BR_TRY(call.read(request));
  constexpr std::string_view kSuffix = "/storageLayout";
  std::string_view name{request.name()};
  if (!name.ends_with(kSuffix)) {
    return refusal(Code::kInvalidArgument,
                   "The name is not of the form projects/_/buckets/NAME/storageLayout.");
  }
  name.remove_suffix(kSuffix.size());
  BR_TRY(bucket, bucket_of(name));
  JsonCall ask{.path = bucket_path(bucket) + "/storageLayout"};
  ask.query.add_text("prefix", request.prefix());
  BR_TRY(json, call.ask_text(ask));
  control::StorageLayout layout;
  if (!google::protobuf::util::JsonStringToMessage(json, &layout, lenient()).ok()) {
    return refusal(Code::kInternal, "the storage layout could not be told");
  }
  layout.set_name(request.name());
  return call.send(layout);
}

Answer<void> get_bucket(GrpcCall& call) {
  v2::GetBucketRequest request;
  BR_TRY(call.read(request));
  BR_TRY(bucket, bucket_of(request.name()));
  JsonCall ask{.path = bucket_path(bucket)};
  ask.query.add("projection", "full");
  add_bucket_conditions(request, ask.query);
  BR_TRY(json, call.ask_text(ask));
  BR_TRY(message, bucket_message(json));
  trim(request, message);
  return call.send(message);
}

Answer<void> list_buckets(GrpcCall& call) {
  v2::ListBucketsRequest request;
  BR_TRY(call.read(request));
  JsonCall ask{.path = "/storage/v1/b"};
  ask.query.add_text("prefix", request.prefix());
  ask.query.add_text("pageToken", request.page_token());
  ask.query.add("project", request.parent());
  ask.query.add("projection", "full");
  if (request.page_size() > 0) ask.query.add("maxResults", request.page_size());
  BR_TRY(json, call.ask_text(ask));
  v2::ListBucketsResponse list;
  if (!google::protobuf::util::JsonStringToMessage(json, &list, lenient()).ok()) {
    return refusal(Code::kInternal, "the list of buckets could not be told");
  }
  for (v2::Bucket& bucket : *list.mutable_buckets()) {
    complete_from_json(bucket);
    trim(request, bucket);
  }
  return call.send(list);
}

Answer<void> create_bucket(GrpcCall& call) {
  v2::CreateBucketRequest request;
  BR_TRY(call.read(request));
  v2::Bucket bucket = request.bucket();
  bucket.clear_name();
  bucket.clear_project();
  bucket.set_bucket_id(request.bucket_id());
  JsonCall ask{.method = "POST", .path = "/storage/v1/b"};
  BR_TRY(text, bucket_json(std::move(bucket)));
  ask.text = std::move(text);
  ask.query.add("project", request.parent());
  ask.query.add_text("predefinedAcl", request.predefined_acl());
  ask.query.add_text("predefinedDefaultObjectAcl", request.predefined_default_object_acl());
  if (request.enable_object_retention()) ask.query.add("enableObjectRetention", "true");
  BR_TRY(json, call.ask_text(ask));
  BR_TRY(made, bucket_message(json));
  return call.send(made);
}

Answer<void> delete_bucket(GrpcCall& call) {
  v2::DeleteBucketRequest request;
  BR_TRY(call.read(request));
  BR_TRY(bucket, bucket_of(request.name()));
  JsonCall ask{.method = "DELETE", .path = bucket_path(bucket)};
  add_bucket_conditions(request, ask.query);
  auto done = call.ask_text(ask);
  if (!done) {
    Status status = std::move(done).error();
    // JSON's 409 has two meanings; here it is a bucket that is not empty.
    if (status.code == Code::kAlreadyExists) status.code = Code::kFailedPrecondition;
    return std::unexpected(std::move(status));
  }
  return call.send(google::protobuf::Empty{});
}

Answer<void> update_bucket(GrpcCall& call) {
  v2::UpdateBucketRequest request;
  BR_TRY(call.read(request));
  BR_TRY(bucket, bucket_of(request.bucket().name()));
  JsonCall ask{.method = "PATCH", .path = bucket_path(bucket)};
  BR_TRY(text, bucket_patch(request.bucket(), request.update_mask()));
  ask.text = std::move(text);
  ask.query.add("projection", "full");
  ask.query.add_text("predefinedAcl", request.predefined_acl());
  ask.query.add_text("predefinedDefaultObjectAcl", request.predefined_default_object_acl());
  add_bucket_conditions(request, ask.query);
  BR_TRY(json, call.ask_text(ask));
  BR_TRY(changed, bucket_message(json));
  return call.send(changed);
}

Answer<void> lock_bucket_retention_policy(GrpcCall& call) {
  v2::LockBucketRetentionPolicyRequest request;
  BR_TRY(call.read(request));
  BR_TRY(bucket, bucket_of(request.bucket()));
  JsonCall ask{.method = "POST", .path = bucket_path(bucket) + "/lockRetentionPolicy"};
  ask.query.add("ifMetagenerationMatch", request.if_metageneration_match());
  BR_TRY(json, call.ask_text(ask));
  BR_TRY(locked, bucket_message(json));
  return call.send(locked);
}

}  // namespace beringia::protocol::gcs::grpc

#include <google/protobuf/empty.pb.h>
#include <google/protobuf/util/field_mask_util.h>
#include <google/protobuf/util/json_util.h>

#include "protocol/gcs/grpc/methods.h"
#include "protocol/gcs/grpc/resources.h"
#include "protocol/gcs/grpc/storage_control.pb.h"

namespace beringia::protocol::gcs::grpc {
namespace {

using google::protobuf::util::FieldMaskUtil;
namespace control = google::storage::control::v2;

template <class Request, class Message>
void trim(const Request& request, Message& message) {
  if (!request.has_read_mask()) return;
  const auto& mask = request.read_mask();
  for (const std::string& path : mask.paths()) {
    if (path == "*") return;
  }
  FieldMaskUtil::TrimMessage(mask, &message);
}

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
  if (request.page_size() > 0) ask.query.add("maxResults", request.page_size());
  BR_TRY(json, call.ask_text(ask));
  v2::ListBucketsResponse list;
  if (!google::protobuf::util::JsonStringToMessage(json, &list, lenient()).ok()) {
    return refusal(Code::kInternal, "the list of buckets could not be told");
  }
  for (v2::Bucket& bucket : *list.mutable_buckets()) {
    bucket.set_name(name_of(bucket.bucket_id()));
    bucket.set_project("projects/_");
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
  if (!google::protobuf::util::MessageToJsonString(bucket, &ask.text).ok()) {
    return refusal(Code::kInvalidArgument, "the bucket could not be read");
  }
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

}  // namespace beringia::protocol::gcs::grpc

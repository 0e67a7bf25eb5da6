// IAM policies of buckets and managed folders, for both services.
#include <google/protobuf/util/json_util.h>

#include "base/encoding.h"
#include "protocol/gcs/grpc/iam.pb.h"
#include "protocol/gcs/grpc/methods.h"
#include "protocol/gcs/grpc/resources.h"

namespace beringia::protocol::gcs::grpc {
namespace {

namespace iam = google::iam::v1;

google::protobuf::util::JsonParseOptions lenient() {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return options;
}

/// Where the JSON API has what "projects/_/buckets/B", ".../managedFolders/F" or ".../objects/O"
/// names. @error kInvalidArgument
Answer<std::string> path_of(std::string_view resource) {
  for (const auto& [kind, part] :
       {std::pair<std::string_view, const char*>{"/managedFolders/", "/managedFolders/"},
        {"/objects/", "/o/"}}) {
    const size_t at = resource.find(kind);
    if (at == std::string_view::npos) continue;
    BR_TRY(bucket, bucket_of(resource.substr(0, at)));
    return bucket_path(bucket) + part + percent_encode(resource.substr(at + kind.size())) + "/iam";
  }
  BR_TRY(bucket, bucket_of(resource));
  return bucket_path(bucket) + "/iam";
}

template <class Message>
Answer<void> send_json(GrpcCall& call, const JsonCall& ask) {
  BR_TRY(json, call.ask_text(ask));
  Message message;
  if (!google::protobuf::util::JsonStringToMessage(json, &message, lenient()).ok()) {
    return refusal(Code::kInternal, "the IAM policy could not be told");
  }
  return call.send(message);
}

}  // namespace

Answer<void> get_iam_policy(GrpcCall& call) {
  iam::GetIamPolicyRequest request;
  BR_TRY(call.read(request));
  BR_TRY(path, path_of(request.resource()));
  JsonCall ask{.path = path};
  if (const int version = request.options().requested_policy_version(); version != 0) {
    ask.query.add("optionsRequestedPolicyVersion", version);
  }
  return send_json<iam::Policy>(call, ask);
}

Answer<void> set_iam_policy(GrpcCall& call) {
  iam::SetIamPolicyRequest request;
  BR_TRY(call.read(request));
  BR_TRY(path, path_of(request.resource()));
  for (const std::string& field : request.update_mask().paths()) {
    if (field != "bindings" && field != "etag" && field != "version") {
      return refusal(Code::kInvalidArgument, "update_mask names what a policy has not");
    }
  }
  JsonCall ask{.method = "PUT", .path = path};
  if (!google::protobuf::util::MessageToJsonString(request.policy(), &ask.text).ok()) {
    return refusal(Code::kInvalidArgument, "the IAM policy could not be read");
  }
  return send_json<iam::Policy>(call, ask);
}

Answer<void> test_iam_permissions(GrpcCall& call) {
  iam::TestIamPermissionsRequest request;
  BR_TRY(call.read(request));
  BR_TRY(path, path_of(request.resource()));
  JsonCall ask{.path = path + "/testPermissions"};
  for (const std::string& permission : request.permissions()) {
    ask.query.add("permissions", permission);
  }
  return send_json<iam::TestIamPermissionsResponse>(call, ask);
}

}  // namespace beringia::protocol::gcs::grpc

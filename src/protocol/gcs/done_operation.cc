#include "protocol/gcs/done_operation.h"

#include "base/encoding.h"
#include "core/operations.h"

namespace beringia::protocol::gcs {
namespace {

// google/rpc/code.proto
constexpr int kDeadlineExceeded = 4;
constexpr int kNotFound = 5;
constexpr int kPermissionDenied = 7;
constexpr int kAborted = 10;

int rpc_code(const Error& error) {
  if (error.code() == Code::kDenied) return kPermissionDenied;
  if (error.code() == Code::kNotFound) return kNotFound;
  return error.code() == Code::kBusy ? kDeadlineExceeded : kAborted;
}

}  // namespace

io::HttpResponse finish_operation(Call& call, const core::Grant& grant, DoneOperation operation) {
  const std::string& bucket = call.route.bucket;
  const std::string id = core::Operations::make_id(operation.began);
  const std::string now = to_iso8601(call.rooms.clock.wall());
  JsonWriter json;
  json.begin_object().member("kind", "storage#operation");
  json.member("name", "projects/_/buckets/" + bucket + "/operations/" + id);
  json.member("selfLink",
              call.base_url + "/storage/v1/b/" + percent_encode(bucket) + "/operations/" + id);
  json.member("done", true);
  json.key("metadata").begin_object();
  if (operation.metadata) operation.metadata(json);
  json.key("commonMetadata").begin_object();
  json.member("createTime", to_iso8601(operation.began)).member("endTime", now);
  json.member("updateTime", now).member("type", operation.type);
  json.member("requestedCancellation", false);
  json.member("progressPercent", 100).end_object().end_object();
  if (operation.error) {
    json.key("error").begin_object().member("code", rpc_code(*operation.error));
    json.member("message", operation.error->to_string()).end_object();
  } else {
    json.key("response").raw(operation.response);
  }
  std::string text = json.end_object().take();
  auto noted = call.rooms.operations.add(call.context, {bucket, id, text});
  if (!noted) grant.note_error(noted.error());
  return json_response(200, std::move(text));
}

}  // namespace beringia::protocol::gcs

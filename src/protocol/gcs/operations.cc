// Long-running operations of buckets. All of ours are done when they are answered.
#include "core/operations.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "protocol/gcs/query_terms.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {
namespace {

constexpr uint64_t kMaxPage = 1000;

}  // namespace

Result<io::HttpResponse> list_operations(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit(core::Action::kList, path));
  BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
  if (!call.query.get("filter").empty()) {
    return std::unexpected(unsupported("filter of storage.buckets.operations.list is not offered",
                                       "all operations of the bucket can be listed"));
  }
  BR_TRY(size, call.query.number("pageSize"));
  const size_t limit = std::clamp<uint64_t>(size.value_or(kMaxPage), 1, kMaxPage);
  BR_TRY(after, page_position(call.query));
  BR_TRY(found, call.rooms.operations.of(call.context, call.route.bucket, info.record.created,
                                         after, limit + 1));
  JsonWriter json;
  json.begin_object().member("kind", "storage#operations").key("operations").begin_array();
  for (size_t i = 0; i < std::min(limit, found.size()); ++i) json.raw(found[i].json);
  json.end_array();
  if (found.size() > limit) json.member("nextPageToken", to_base64url(found[limit - 1].id));
  return json_response(200, json.end_object().take());
}

Result<io::HttpResponse> get_operation(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit(core::Action::kList, path));
  BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
  BR_TRY(found, call.rooms.operations.find(call.context, call.route.bucket, info.record.created,
                                           call.route.entity));
  if (!found) {
    return std::unexpected(not_found("The specified operation does not exist.", call.route.entity)
                               .with_tag("no_operation"));
  }
  // What is done cannot be cancelled any more: Google answers that the wish was heard.
  return call.method == "POST" ? empty_response(204) : json_response(200, std::move(*found));
}

}  // namespace beringia::protocol::gcs

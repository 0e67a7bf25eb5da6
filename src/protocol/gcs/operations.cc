#include "protocol/gcs/operations.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "protocol/gcs/query_terms.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {

void Operations::add(Finished operation) {
  const std::lock_guard lock{mutex_};
  kept_.push_back(std::move(operation));
  if (kept_.size() > kMaxKept) kept_.pop_front();
}

std::optional<std::string> Operations::find(std::string_view bucket, std::string_view id) const {
  const std::lock_guard lock{mutex_};
  for (const Finished& one : kept_) {
    if (one.bucket == bucket && one.id == id) return one.json;
  }
  return std::nullopt;
}

std::vector<Operations::Finished> Operations::of(std::string_view bucket, std::string_view after,
                                                 size_t limit) const {
  const std::lock_guard lock{mutex_};
  std::vector<Finished> found;
  for (const Finished& one : kept_) {
    if (one.bucket == bucket && one.id > after && found.size() < limit) found.push_back(one);
  }
  return found;
}

namespace {
constexpr uint64_t kMaxPage = 1000;
}

Result<io::HttpResponse> list_operations(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit(core::Action::kList, path));
  BR_TRY(call.rooms.names.stat_directory(call.context, *grant));
  if (!call.query.get("filter").empty()) {
    return std::unexpected(unsupported("filter of storage.buckets.operations.list is not offered",
                                       "all operations of the bucket can be listed"));
  }
  BR_TRY(size, call.query.number("pageSize"));
  const size_t limit = std::clamp<uint64_t>(size.value_or(kMaxPage), 1, kMaxPage);
  BR_TRY(after, page_position(call.query));
  JsonWriter json;
  json.begin_object().member("kind", "storage#operations").key("operations").begin_array();
  const auto found = call.rooms.operations.of(call.route.bucket, after, limit + 1);
  for (size_t i = 0; i < std::min(limit, found.size()); ++i) json.raw(found[i].json);
  json.end_array();
  if (found.size() > limit) json.member("nextPageToken", to_base64url(found[limit - 1].id));
  return json_response(200, json.end_object().take());
}

Result<io::HttpResponse> get_operation(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(call.admit(core::Action::kList, path));
  auto found = call.rooms.operations.find(call.route.bucket, call.route.entity);
  if (!found) {
    return std::unexpected(not_found("The specified operation does not exist.", call.route.entity)
                               .with_tag("no_operation"));
  }
  // What is done cannot be cancelled any more: Google answers that the wish was heard.
  return call.method == "POST" ? empty_response(204) : json_response(200, std::move(*found));
}

}  // namespace beringia::protocol::gcs

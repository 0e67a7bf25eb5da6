#include "protocol/gcs/operations.h"

#include <utility>

#include "base/json_writer.h"
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

std::vector<std::string> Operations::of(std::string_view bucket) const {
  const std::lock_guard lock{mutex_};
  std::vector<std::string> found;
  for (const Finished& one : kept_) {
    if (one.bucket == bucket) found.push_back(one.json);
  }
  return found;
}

Result<io::HttpResponse> list_operations(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit(core::Action::kList, path));
  BR_TRY(call.rooms.names.stat_directory(call.context, *grant));
  std::string json = R"j({"kind":"storage#operations","operations":[)j";
  bool first = true;
  for (const std::string& one : call.rooms.operations.of(call.route.bucket)) {
    if (!std::exchange(first, false)) json += ',';
    json += one;
  }
  return json_response(200, json + "]}");
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

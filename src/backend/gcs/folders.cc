#include "backend/gcs/folders.h"

#include <simdjson.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "io/runtime.h"

namespace beringia::backend::gcs {
namespace {

namespace dom = simdjson::dom;

constexpr size_t kMaxFolders = 1000;  // empty ones that are removed for one rename
constexpr Duration kFirstLook = std::chrono::milliseconds{50};
constexpr Duration kLongestPause = std::chrono::seconds{2};
constexpr Duration kLongestRename = std::chrono::minutes{10};

/// An operation resource (google.longrunning.Operation).
struct Operation {
  std::string id;
  bool done = false;
  int error_code = 0;  // of google.rpc.Code
  std::string error_message;
};

Result<Operation> parse_operation(std::string_view json) {
  dom::parser parser;
  dom::element root;
  if (parser.parse(json.data(), json.size(), true).get(root) != simdjson::SUCCESS) {
    return std::unexpected(unavailable("cannot read an operation", "it is no JSON"));
  }
  Operation out;
  std::string_view text;
  int64_t code = 0;
  if (root.at_pointer("/name").get(text) == simdjson::SUCCESS) {
    out.id = text.substr(text.rfind('/') + 1);
  }
  if (root.at_pointer("/done").get(out.done) != simdjson::SUCCESS) out.done = false;
  if (root.at_pointer("/error/code").get(code) == simdjson::SUCCESS) {
    out.error_code = static_cast<int>(code);
  }
  if (root.at_pointer("/error/message").get(text) == simdjson::SUCCESS) out.error_message = text;
  return out;
}

Error error_of(const Operation& operation, const std::string& what) {
  constexpr int kNotFoundCode = 5;
  constexpr int kAlreadyExistsCode = 6;
  constexpr int kPermissionDenied = 7;
  const std::string subject = "cannot " + what;
  const std::string why = "Cloud Storage: " + operation.error_message;
  switch (operation.error_code) {
    case kNotFoundCode: return not_found(subject, why);
    case kAlreadyExistsCode: return {Code::kAlreadyExists, Retry::kNever, subject, why};
    case kPermissionDenied: return denied(subject, why);
    default: return unavailable(subject, why);
  }
}

/// "a/b/c/" -> "a/b/"; "" at the top.
std::string parent_of(const std::string& name) {
  const auto slash = name.rfind('/', name.size() < 2 ? 0 : name.size() - 2);
  return slash == std::string::npos ? std::string{} : name.substr(0, slash + 1);
}

}  // namespace

std::string Folders::target(std::string_view name) const {
  return "/storage/v1/b/" + at_.bucket() + "/folders/" + percent_encode(at_.full_name(name));
}

Result<ApiAnswer> Folders::call(const io::Context& context, std::string method, std::string target,
                                std::string body, const std::string& what) const {
  ApiRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  if (!body.empty()) request.headers.set("Content-Type", "application/json; charset=UTF-8");
  request.body = std::move(body);
  request.what = what;
  return api_.call(context, request);
}

Result<void> Folders::check(const io::Context& context, const std::string& name) const {
  const auto what = "look at the folder " + at_.display(name);
  BR_TRY(answer, call(context, "GET", target(name), {}, what));
  if (answer.ok()) return {};
  return std::unexpected(gcs::error_of(answer, what));
}

Result<void> Folders::make(const io::Context& context, const std::string& name) const {
  const auto what = "make the folder " + at_.display(name);
  JsonWriter json;
  json.begin_object().member("name", at_.full_name(name)).end_object();
  BR_TRY(answer, call(context, "POST", "/storage/v1/b/" + at_.bucket() + "/folders?recursive=true",
                      json.take(), what));
  if (answer.ok() || answer.status == 409) return {};  // there already
  return std::unexpected(gcs::error_of(answer, what));
}

Result<std::vector<std::string>> Folders::below(const io::Context& context,
                                                const std::string& name) const {
  const auto what = "list the folders below " + at_.display(name);
  std::vector<std::string> out;
  std::string token;
  do {
    std::string asked =
        "/storage/v1/b/" + at_.bucket() + "/folders?prefix=" + percent_encode(at_.full_name(name));
    if (!token.empty()) asked += "&pageToken=" + percent_encode(token);
    BR_TRY(answer, call(context, "GET", std::move(asked), {}, what));
    if (!answer.ok()) return std::unexpected(gcs::error_of(answer, what));
    dom::parser parser;
    dom::element root;
    if (parser.parse(answer.body).get(root) != simdjson::SUCCESS) {
      return std::unexpected(unavailable("cannot " + what, "the answer is no JSON"));
    }
    dom::array items;
    if (root.at_pointer("/items").get(items) == simdjson::SUCCESS) {
      for (const auto item : items) {
        std::string_view text;
        if (item.at_pointer("/name").get(text) != simdjson::SUCCESS) continue;
        if (text.starts_with(at_.prefix())) out.emplace_back(text.substr(at_.prefix().size()));
      }
    }
    std::string_view next;
    token = root.at_pointer("/nextPageToken").get(next) == simdjson::SUCCESS ? std::string{next}
                                                                             : std::string{};
    if (out.size() > kMaxFolders) {
      return std::unexpected(Error{Code::kAlreadyExists, Retry::kNever, "cannot " + what,
                                   "there are more than " + std::to_string(kMaxFolders)});
    }
  } while (!token.empty());
  return out;
}

Result<void> Folders::clear(const io::Context& context, const std::string& name) const {
  BR_TRY(folders, below(context, name));
  std::ranges::sort(folders, std::greater{});  // what lies below comes first
  for (const auto& folder : folders) {
    const auto what = "remove the folder " + at_.display(folder);
    // The service refuses it if anything is in it: nothing can be lost.
    BR_TRY(answer, call(context, "DELETE", target(folder), {}, what));
    if (answer.ok() || answer.status == 404) continue;
    if (answer.status == 409 || answer.status == 412) {
      return std::unexpected(
          Error{Code::kAlreadyExists, Retry::kNever, "cannot " + what, "something lies below it"});
    }
    return std::unexpected(gcs::error_of(answer, what));
  }
  return {};
}

Result<void> Folders::wait(const io::Context& context, std::string operation,
                           const std::string& what) const {
  const auto end = io::now() + kLongestRename;
  for (Duration pause = kFirstLook; io::now() < end; pause = std::min(pause * 2, kLongestPause)) {
    BR_TRY(io::sleep_for(context, pause));
    BR_TRY(answer,
           call(context, "GET",
                "/storage/v1/b/" + at_.bucket() + "/operations/" + percent_encode(operation), {},
                what));
    if (!answer.ok()) return std::unexpected(gcs::error_of(answer, what));
    BR_TRY(state, parse_operation(answer.body));
    if (!state.done) continue;
    if (state.error_code != 0) return std::unexpected(error_of(state, what));
    return {};
  }
  return std::unexpected(Error{Code::kUnavailable, Retry::kMaybeApplied, "cannot " + what,
                               "the service is not done after 10 minutes"});
}

Result<void> Folders::rename(const io::Context& context, const std::string& from,
                             const std::string& to) const {
  BR_TRY(check(context, from));
  if (from == to) return {};
  BR_TRY(clear(context, to));
  const auto parent = parent_of(to);
  if (!parent.empty()) BR_TRY(make(context, parent));
  const auto what = "rename the folder " + at_.display(from) + " to " + at_.display(to);
  BR_TRY(answer,
         call(context, "POST",
              target(from) + "/renameTo/folders/" + percent_encode(at_.full_name(to)), {}, what));
  if (!answer.ok()) {
    // The echo of an earlier attempt whose answer was lost? What is there now tells.
    if (answer.status == 404 && answer.maybe_applied_before) return check(context, to);
    auto error = gcs::error_of(answer, what);
    if (answer.status != 409 || !answer.maybe_applied_before) {
      return std::unexpected(std::move(error));
    }
    return std::unexpected(
        Error{Code::kUnavailable, Retry::kMaybeApplied, "cannot " + what, error.why()});
  }
  BR_TRY(operation, parse_operation(answer.body));
  if (operation.done) {
    if (operation.error_code != 0) return std::unexpected(error_of(operation, what));
    return {};
  }
  if (operation.id.empty()) {
    return std::unexpected(Error{Code::kUnavailable, Retry::kMaybeApplied, "cannot " + what,
                                 "the service names no operation to wait for"});
  }
  return wait(context, std::move(operation.id), what);
}

}  // namespace beringia::backend::gcs

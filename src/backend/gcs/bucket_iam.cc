#include "backend/gcs/bucket_iam.h"

#include <simdjson.h>

#include <algorithm>

#include "backend/gcs/api_client.h"
#include "backend/gcs/connection.h"
#include "base/encoding.h"
#include "base/json_writer.h"

namespace beringia::backend::gcs {

namespace {

constexpr int kMaxRounds = 5;  // of a change that others come before
constexpr int kPolicyVersion = 3;
constexpr size_t kMaxFolders = 1000;
constexpr std::string_view kFullControl = "https://www.googleapis.com/auth/devstorage.full_control";

std::string text_of(simdjson::dom::object object, std::string_view name) {
  std::string_view text;
  return object[name].get(text) == simdjson::SUCCESS ? std::string{text} : std::string{};
}

/// Appends the names of a page. @return the token of the next one; "" = none
Result<std::string> read_folders(std::string_view json, std::vector<std::string>& out) {
  simdjson::dom::parser parser;
  simdjson::dom::object root;
  if (parser.parse(json.data(), json.size(), true).get(root) != simdjson::SUCCESS) {
    return std::unexpected(unavailable("cannot read a list of managed folders"));
  }
  simdjson::dom::array items;
  if (root["items"].get(items) == simdjson::SUCCESS) {
    for (const auto element : items) {
      simdjson::dom::object item;
      if (element.get(item) != simdjson::SUCCESS) continue;
      out.push_back(text_of(item, "name"));
    }
  }
  return text_of(root, "nextPageToken");
}

class HttpBucketIam final : public BucketIam {
 public:
  HttpBucketIam(std::string bucket, Connection connection, const GcsSpec& spec, Rng& rng)
      : bucket_{std::move(bucket)},
        http_{std::move(connection.http)},
        credentials_{std::move(connection.credentials)},
        pace_{spec.name, {}},
        api_{*http_, *credentials_, pace_, spec.retry, spec.user_project, rng} {}

  Result<std::optional<IamPolicy>> get(const io::Context& context,
                                       const std::string& folder) override {
    ApiRequest request;
    request.target = target(folder) + "?optionsRequestedPolicyVersion=3";
    request.what = "read the IAM policy of " + display(folder);
    BR_TRY(answer, api_.call(context, request));
    if (answer.status == 404 && !folder.empty()) return std::optional<IamPolicy>{};
    if (!answer.ok()) return std::unexpected(error_of(answer, request.what));
    auto policy = parse_iam_policy(answer.body);
    if (!policy) return std::unexpected(std::move(policy).error().during(request.what));
    return std::optional{std::move(*policy)};
  }

  Result<std::vector<std::string>> folders(const io::Context& context,
                                           const std::string& prefix) override {
    std::vector<std::string> out;
    std::string token;
    do {
      ApiRequest request;
      request.cost = CallClass::kA;
      request.target =
          "/storage/v1/b/" + bucket_ + "/managedFolders?prefix=" + percent_encode(prefix);
      if (!token.empty()) request.target += "&pageToken=" + percent_encode(token);
      request.what = "list the managed folders of " + display(prefix);
      BR_TRY(answer, api_.call(context, request));
      if (!answer.ok()) return std::unexpected(error_of(answer, request.what));
      BR_TRY(next, read_folders(answer.body, out));
      token = std::move(next);
      if (out.size() > kMaxFolders) {
        return std::unexpected(invalid("cannot " + request.what,
                                       "there are more than " + std::to_string(kMaxFolders)));
      }
    } while (!token.empty());
    return out;
  }

  Result<void> change(const io::Context& context, const std::string& folder,
                      const std::vector<IamChange>& changes) override {
    for (int round = 1;; ++round) {
      BR_TRY(policy, get(context, folder));
      if (!policy && round == kMaxRounds) {
        return std::unexpected(unavailable("cannot change the IAM policy of " + display(folder),
                                           "the managed folder does not stay"));
      }
      if (!policy) {
        BR_TRY(make_folder(context, folder));
        continue;
      }
      if (!change_policy(*policy, changes)) return {};
      ApiRequest request;
      request.method = "PUT";
      request.target = target(folder);
      request.headers.set("Content-Type", "application/json; charset=UTF-8");
      request.body = render_iam_policy(*policy);
      request.what = "set the IAM policy of " + display(folder);
      BR_TRY(answer, api_.call(context, request));  // idempotent by its etag
      if (answer.ok()) return {};
      const bool raced = answer.status == 409 || answer.status == 412;
      if (!raced || round == kMaxRounds) return std::unexpected(error_of(answer, request.what));
    }
  }

 private:
  std::string target(const std::string& folder) const {
    const std::string bucket = "/storage/v1/b/" + bucket_;
    return folder.empty() ? bucket + "/iam"
                          : bucket + "/managedFolders/" + percent_encode(folder) + "/iam";
  }
  std::string display(const std::string& folder) const { return "gs://" + bucket_ + "/" + folder; }

  Result<void> make_folder(const io::Context& context, const std::string& folder) {
    ApiRequest request;
    request.method = "POST";
    request.target = "/storage/v1/b/" + bucket_ + "/managedFolders";
    request.headers.set("Content-Type", "application/json; charset=UTF-8");
    JsonWriter json;
    json.begin_object().member("name", folder).end_object();
    request.body = json.take();
    request.what = "make the managed folder " + display(folder);
    BR_TRY(answer, api_.call(context, request));
    if (answer.ok() || answer.status == 409) return {};  // there now
    return std::unexpected(error_of(answer, request.what));
  }

  const std::string bucket_;
  const std::unique_ptr<io::HttpClient> http_;
  const std::unique_ptr<Credentials> credentials_;
  Pace pace_;
  const ApiClient api_;
};

}  // namespace

Result<IamPolicy> parse_iam_policy(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::object root;
  auto bad = [](std::string why) {
    return std::unexpected(invalid("cannot read an IAM policy", std::move(why)));
  };
  if (parser.parse(json.data(), json.size(), true).get(root) != simdjson::SUCCESS) {
    return bad("it is not a JSON object");
  }
  IamPolicy policy;
  policy.etag = text_of(root, "etag");
  simdjson::dom::array bindings;
  if (root["bindings"].get(bindings) != simdjson::SUCCESS) return policy;  // nobody has any right
  for (const auto element : bindings) {
    simdjson::dom::object one;
    if (element.get(one) != simdjson::SUCCESS) return bad("a binding is no object");
    IamBinding binding;
    binding.role = text_of(one, "role");
    simdjson::dom::element condition;
    if (one["condition"].get(condition) == simdjson::SUCCESS) {
      binding.condition = simdjson::minify(condition);
    }
    simdjson::dom::array members;
    if (one["members"].get(members) == simdjson::SUCCESS) {
      for (const auto member : members) {
        std::string_view text;
        if (member.get(text) != simdjson::SUCCESS) return bad("a member is no text");
        binding.members.emplace_back(text);
      }
    }
    policy.bindings.push_back(std::move(binding));
  }
  return policy;
}

std::string render_iam_policy(const IamPolicy& policy) {
  JsonWriter json;
  json.begin_object().member("version", uint64_t{kPolicyVersion});
  if (!policy.etag.empty()) json.member("etag", policy.etag);
  json.key("bindings").begin_array();
  for (const auto& binding : policy.bindings) {
    if (binding.members.empty()) continue;
    json.begin_object().member("role", binding.role).key("members").begin_array();
    for (const auto& member : binding.members) json.value(member);
    json.end_array();
    if (!binding.condition.empty()) json.key("condition").raw(binding.condition);
    json.end_object();
  }
  json.end_array().end_object();
  return json.take();
}

bool change_policy(IamPolicy& policy, const std::vector<IamChange>& changes) {
  bool changed = false;
  for (const auto& change : changes) {
    auto binding = std::ranges::find_if(policy.bindings, [&](const IamBinding& one) {
      return one.role == change.role && one.condition.empty();
    });
    if (binding == policy.bindings.end()) {
      if (!change.add) continue;
      policy.bindings.push_back({change.role, {}, {}});
      binding = std::prev(policy.bindings.end());
    }
    auto& members = binding->members;
    const bool there = std::ranges::find(members, change.member) != members.end();
    if (there == change.add) continue;
    changed = true;
    if (change.add) {
      members.push_back(change.member);
    } else {
      std::erase(members, change.member);
    }
  }
  return changed;
}

Result<std::unique_ptr<BucketIam>> make_bucket_iam(const GcsSpec& spec, Rng& rng) {
  BR_TRY(location, Location::parse(spec.url));
  BR_TRY(connection, connect(spec, std::string{kFullControl}, rng));
  return std::unique_ptr<BucketIam>{
      std::make_unique<HttpBucketIam>(location.bucket(), std::move(connection), spec, rng)};
}

}  // namespace beringia::backend::gcs

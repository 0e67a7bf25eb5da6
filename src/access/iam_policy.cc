#include "access/iam_policy.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/json_writer.h"
#include "base/time.h"
#include "wire/document.h"

namespace beringia::access {
namespace {

namespace cel = wire::cel;

constexpr size_t kMaxTextBytes = 4096;  // of a condition's parts, a role, a member
constexpr std::string_view kOwnDomain = ".beringia.local";

Error wrong(std::string why) { return invalid("Invalid policy", std::move(why)); }

/// The variables of a condition; there are no others.
struct Variables {
  cel::Declarations known;
  size_t resource = 0, request = 0;

  static const Variables& get() {
    static const Variables kVariables = [] {
      Variables variables;
      variables.resource =
          variables.known.add("resource", cel::Type::map(cel::Type::string(), cel::Type::string()),
                              "name, type and service of what is asked for");
      variables.request = variables.known.add(
          "request", cel::Type::map(cel::Type::string(), cel::Type::timestamp()), "time");
      return variables;
    }();
    return kVariables;
  }
};

/// "request": {"time": ...}
class RequestMap final : public cel::MapSource {
 public:
  explicit RequestMap(Timestamp time) : time_{time} {}
  size_t size() const override { return 1; }
  std::optional<cel::Value> find(const cel::Value& key) const override {
    if (key.kind() != cel::Kind::kString || key.as_text() != "time") return std::nullopt;
    return cel::Value::timestamp(time_);
  }
  cel::Value key_at(size_t /*index*/) const override { return cel::Value::string("time"); }

 private:
  Timestamp time_;
};

bool is_project_member(std::string_view member) {
  return member.starts_with("projectOwner:") || member.starts_with("projectEditor:") ||
         member.starts_with("projectViewer:");
}

Result<void> check_member(const std::string& member) {
  if (member == "allUsers" || member == "allAuthenticatedUsers") return {};
  const size_t colon = member.find(':');
  const bool known = member.starts_with("user:") || member.starts_with("serviceAccount:") ||
                     member.starts_with("group:") || member.starts_with("domain:") ||
                     is_project_member(member);
  if (known && colon + 1 < member.size() && member.size() <= kMaxTextBytes) return {};
  return std::unexpected(wrong("member \"" + member.substr(0, 128) + "\" is of no known kind"));
}

/// "serviceAccount:etl@lake.beringia.local" is etl.
bool is_account(std::string_view address, std::string_view name) {
  if (address == name) return true;
  return address.size() > name.size() + 1 && address.starts_with(name) &&
         address[name.size()] == '@' && address.ends_with(kOwnDomain);
}

bool is_member(std::string_view member, const identity::Principal& principal, bool ignore_public,
               std::string_view bucket_owner) {
  if (member == "allUsers") return !ignore_public;
  if (principal.is_anonymous() || principal.is_service()) return false;
  if (member == "allAuthenticatedUsers") return !ignore_public;
  const std::string_view name = principal.name();
  const std::string_view who = member.substr(member.find(':') + 1);
  if (member.starts_with("user:") || member.starts_with("serviceAccount:")) {
    return is_account(who, name);
  }
  if (member.starts_with("group:")) {
    return std::ranges::find(principal.groups(), who) != principal.groups().end();
  }
  if (member.starts_with("domain:")) {
    const size_t at = name.find('@');
    return at != std::string_view::npos && name.substr(at + 1) == who;
  }
  // There are no projects: what a project's owners have, the bucket's owner has.
  return is_project_member(member) && !bucket_owner.empty() && name == bucket_owner;
}

Result<IamPolicy::Binding> read_binding(const wire::Value& value) {
  IamPolicy::Binding binding;
  const wire::Value* role = value.find("role");
  const wire::Value* members = value.find("members");
  if (role == nullptr || !role->is(wire::Value::Kind::kText)) {
    return std::unexpected(wrong("a binding has no role"));
  }
  binding.role = role->text;
  if (members != nullptr && members->is(wire::Value::Kind::kArray)) {
    for (const wire::Value& member : members->items) {
      if (!member.is(wire::Value::Kind::kText)) {
        return std::unexpected(wrong("a member is not a text"));
      }
      BR_TRY(check_member(member.text));
      binding.members.push_back(member.text);
    }
  }
  const wire::Value* condition = value.find("condition");
  if (condition == nullptr || condition->is(wire::Value::Kind::kNull)) return binding;
  wire::TableReader reader{*condition, "the condition of a binding"};
  IamPolicy::Condition read;
  read.title = reader.text("title");
  read.description = reader.text("description");
  read.expression = reader.required_text("expression");
  reader.text("location");
  BR_TRY(reader.finish());
  if (read.title.size() > kMaxTextBytes || read.description.size() > kMaxTextBytes) {
    return std::unexpected(wrong("a condition's title or description is too long"));
  }
  binding.condition = std::move(read);
  return binding;
}

}  // namespace

Result<IamPolicy> IamPolicy::parse(std::string_view json, std::string_view bucket) {
  BR_TRY(root, wire::parse_json(json, kMaxIamPolicyBytes, "an IAM policy"));
  IamPolicy policy;
  policy.bucket_ = bucket;
  if (const wire::Value* version = root.find("version");
      version != nullptr && version->is(wire::Value::Kind::kInteger)) {
    policy.version_ = static_cast<int>(std::clamp<int64_t>(version->integer, 0, 100));
  }
  if (policy.version_ == 0) policy.version_ = 1;
  if (policy.version_ != 1 && policy.version_ != kIamConditionsVersion) {
    return std::unexpected(wrong("the version of a policy is 1 or 3"));
  }
  const wire::Value* bindings = root.find("bindings");
  size_t members = 0;
  if (bindings != nullptr && bindings->is(wire::Value::Kind::kArray)) {
    for (const wire::Value& item : bindings->items) {
      BR_TRY(binding, read_binding(item));
      BR_TRY(rights, rights_of_iam_role(binding.role));
      Compiled compiled{rights, std::nullopt};
      if (binding.condition) {
        BR_TRY(program,
               cel::Program::compile(binding.condition->expression, Variables::get().known));
        compiled.condition = std::move(program);
      }
      members += binding.members.size();
      if (members > kMaxIamMembers) return std::unexpected(wrong("it has more than 1500 members"));
      policy.bindings_.push_back(std::move(binding));
      policy.compiled_.push_back(std::move(compiled));
    }
  }
  return policy;
}

std::string IamPolicy::text() const {
  JsonWriter json;
  json.begin_object().key("bindings").begin_array();
  for (const Binding& binding : bindings_) {
    json.begin_object();
    if (binding.condition) {
      json.key("condition").begin_object();
      if (!binding.condition->description.empty()) {
        json.member("description", binding.condition->description);
      }
      json.member("expression", binding.condition->expression);
      if (!binding.condition->title.empty()) json.member("title", binding.condition->title);
      json.end_object();
    }
    json.key("members").begin_array();
    for (const std::string& member : binding.members) json.value(member);
    json.end_array().member("role", binding.role).end_object();
  }
  json.end_array().member("version", version_).end_object();
  return json.take();
}

bool IamPolicy::has_conditions() const {
  return std::ranges::any_of(bindings_,
                             [](const Binding& one) { return one.condition.has_value(); });
}

bool IamPolicy::is_public() const {
  return std::ranges::any_of(bindings_, [](const Binding& one) {
    return std::ranges::any_of(one.members, [](const std::string& member) {
      return member == "allUsers" || member == "allAuthenticatedUsers";
    });
  });
}

bool IamPolicy::holds(const cel::Program& condition, Right right, std::string_view key,
                      const Facts& facts) const {
  const bool of_object = is_of_object(right);
  std::map<std::string, std::string> resource;
  resource["name"] = "projects/_/buckets/" + bucket_;
  if (of_object) resource["name"].append("/objects/").append(key);
  resource["type"] = of_object ? "storage.googleapis.com/Object" : "storage.googleapis.com/Bucket";
  resource["service"] = "storage.googleapis.com";
  const cel::StringMap resource_map{resource};
  std::vector<std::string> time;
  facts.find("aws:currenttime", time);
  const RequestMap request{time.empty() ? Timestamp{} : parse_rfc3339(time.front())};
  cel::Activation activation;
  activation.set(Variables::get().resource, cel::Value::map(resource_map));
  // Without a time a condition on it has no value, and gives nothing.
  if (!time.empty()) activation.set(Variables::get().request, cel::Value::map(request));
  return condition.evaluate(activation).value_or(false);
}

std::string IamPolicy::role_for(const identity::Principal& principal, Right right,
                                std::string_view key, const Facts& facts, bool ignore_public,
                                std::string_view bucket_owner) const {
  for (size_t i = 0; i < bindings_.size(); ++i) {
    if (!compiled_[i].rights.test(static_cast<size_t>(right))) continue;
    const bool meant = std::ranges::any_of(bindings_[i].members, [&](const std::string& member) {
      return is_member(member, principal, ignore_public, bucket_owner);
    });
    if (!meant) continue;
    if (compiled_[i].condition && !holds(*compiled_[i].condition, right, key, facts)) continue;
    return bindings_[i].role;
  }
  return {};
}

}  // namespace beringia::access

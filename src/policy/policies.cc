#include "policy/policies.h"

#include <algorithm>
#include <set>

#include "policy/policy.h"
#include "policy/prices.h"

namespace beringia::policy {
namespace {

using wire::cel::Declarations;
using wire::cel::Type;
using wire::cel::Value;

constexpr size_t kMaxPolicies = 1000;
constexpr size_t kMaxPlaces = 4;

/// The variables of conditions and their places.
struct Known {
  Declarations declarations;
  size_t path, name, bucket, size, age, created, modified, now, storage_class, owner, tags,
      metadata, content_type, backends;

  Known() {
    auto& d = declarations;
    path = d.add("path", Type::string(), "the entry's path, \"/bucket/key\"");
    name = d.add("name", Type::string(), "last component of the path");
    bucket = d.add("bucket", Type::string(), "first component of the path");
    size = d.add("size", Type::integer(), "bytes");
    age = d.add("age", Type::duration(), "time since these bytes were written");
    created = d.add("created", Type::timestamp(), "when these bytes were written");
    modified = d.add("modified", Type::timestamp(), "last change, attributes included");
    now = d.add("now", Type::timestamp(), "when the plan is made");
    storage_class = d.add("class", Type::string(), "storage class of its first copy, \"STANDARD\"");
    owner = d.add("owner", Type::string(), "principal that wrote it");
    tags = d.add("tags", Type::map(Type::string(), Type::string()), "object tags");
    metadata = d.add("metadata", Type::map(Type::string(), Type::string()), "user metadata");
    content_type = d.add("content_type", Type::string(), "MIME type");
    backends = d.add("backends", Type::list(Type::string()), "names of the backends that hold it");
  }
};

const Known& known() {
  static const Known instance;
  return instance;
}

Error bad_policy(const std::string& name, std::string why, std::string hint = {}) {
  return invalid("policy \"" + name + "\" cannot be used", std::move(why), std::move(hint));
}

Result<void> check_places(const meta::Estate& estate, const meta::PolicyDeclaration& policy) {
  if (policy.place.empty()) {
    return std::unexpected(
        bad_policy(policy.name, "it names no place", "add: place = [{ backend = \"NAME\" }]"));
  }
  if (policy.place.size() > kMaxPlaces) {
    return std::unexpected(
        bad_policy(policy.name, "it names more than " + std::to_string(kMaxPlaces) + " places"));
  }
  std::set<std::string> seen;
  for (const auto& place : policy.place) {
    const auto backend = std::find_if(estate.backends.begin(), estate.backends.end(),
                                      [&](const auto& b) { return b.name == place.backend; });
    if (backend == estate.backends.end()) {
      return std::unexpected(bad_policy(policy.name,
                                        "there is no backend \"" + place.backend + "\"",
                                        "declare it, or name another"));
    }
    if (!seen.insert(place.backend).second) {
      return std::unexpected(
          bad_policy(policy.name, "backend \"" + place.backend + "\" stands there twice"));
    }
    if (!place.storage_class.empty() && !is_billed(*backend)) {
      return std::unexpected(bad_policy(policy.name,
                                        "backend \"" + place.backend + "\" has no storage classes",
                                        "leave out class = \"" + place.storage_class + "\""));
    }
  }
  return {};
}

}  // namespace

std::vector<Variable> variables() {
  std::vector<Variable> result;
  for (const auto& variable : known().declarations.variables()) {
    result.push_back({variable.name, wire::cel::to_string(variable.type), variable.help});
  }
  return result;
}

Result<void> validate(const meta::Estate& estate) {
  BR_TRY(Policies::compile(estate));
  return {};
}

Result<std::shared_ptr<const Policies>> Policies::compile(const meta::Estate& estate) {
  if (estate.policies.size() > kMaxPolicies) {
    return std::unexpected(
        invalid("there are too many policies", "at most " + std::to_string(kMaxPolicies)));
  }
  auto result = std::make_shared<Policies>();
  for (const auto& declaration : estate.policies) {
    if (result->find(declaration.name) != nullptr) {
      return std::unexpected(bad_policy(declaration.name, "there are two of this name"));
    }
    BR_TRY(check_places(estate, declaration));
    auto program = wire::cel::Program::compile(declaration.when, known().declarations);
    if (!program) {
      return std::unexpected(
          bad_policy(declaration.name,
                     program.error().why().empty() ? program.error().what() : program.error().why(),
                     program.error().hint()));
    }
    std::string prefix = program->required_prefix(known().path);
    if (prefix.empty() || prefix.front() != '/') prefix = "/";
    result->policies_.push_back({declaration, std::move(*program), std::move(prefix)});
  }
  return std::shared_ptr<const Policies>{std::move(result)};
}

const CompiledPolicy* Policies::find(const std::string& name) const {
  const auto found = std::find_if(policies_.begin(), policies_.end(),
                                  [&](const auto& p) { return p.declaration.name == name; });
  return found == policies_.end() ? nullptr : &*found;
}

Result<std::vector<const CompiledPolicy*>> Policies::select(
    const std::vector<std::string>& names) const {
  std::vector<const CompiledPolicy*> chosen;
  for (const auto& name : names) {
    if (find(name) == nullptr) {
      return std::unexpected(not_found("there is no policy \"" + name + "\"", {},
                                       "declare it in the estate file, then: apply"));
    }
  }
  for (const auto& policy : policies_) {
    const bool wanted = names.empty() || std::find(names.begin(), names.end(),
                                                   policy.declaration.name) != names.end();
    if (wanted) chosen.push_back(&policy);
  }
  return chosen;
}

Match Policies::match(const std::vector<const CompiledPolicy*>& policies, const Facts& facts) {
  const Known& k = known();
  const meta::EntryRecord& record = facts.record;
  const std::string_view path = facts.path;
  const size_t second = path.find('/', 1);
  std::vector<std::string> backends;
  std::string storage_class = record.storage_class;
  for (const auto& copy : record.copies) {
    if (copy.state != meta::CopyState::kValid) continue;
    if (backends.empty()) storage_class = copy.storage_class;
    const auto live = facts.mounts.backend(copy.backend);
    if (live) backends.push_back(live->declaration.name);
  }
  storage_class = class_word(storage_class);
  const wire::cel::StringMap tags{record.tags};
  const wire::cel::StringMap metadata{record.metadata};
  const wire::cel::StringList holders{backends};
  wire::cel::Activation entry;
  entry.set(k.path, Value::string(path));
  entry.set(k.name, Value::string(path.substr(path.rfind('/') + 1)));
  entry.set(k.bucket, Value::string(path.substr(1, second == path.npos ? 0 : second - 1)));
  entry.set(k.size, Value::integer(static_cast<int64_t>(record.size)));
  entry.set(k.age,
            Value::duration(std::chrono::microseconds{facts.now.micros - record.created.micros}));
  entry.set(k.created, Value::timestamp(record.created));
  entry.set(k.modified, Value::timestamp(record.modified));
  entry.set(k.now, Value::timestamp(facts.now));
  entry.set(k.storage_class, Value::string(storage_class));
  entry.set(k.owner, Value::string(record.owner));
  entry.set(k.tags, Value::map(tags));
  entry.set(k.metadata, Value::map(metadata));
  entry.set(k.content_type, Value::string(record.content_type));
  entry.set(k.backends, Value::list(holders));
  for (const CompiledPolicy* policy : policies) {
    if (!path.starts_with(policy->prefix)) continue;
    auto matches = policy->condition.evaluate(entry);
    // An unclear condition might have decided otherwise: no later policy may.
    if (!matches) return {nullptr, std::move(matches).error(), policy};
    if (*matches) return {policy, {}, nullptr};
  }
  return {};
}

}  // namespace beringia::policy

#include "access/compiled_rules.h"

#include <algorithm>
#include <utility>

namespace beringia::access {
namespace {

constexpr std::string_view kGroup = "group:";

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '@' || c == '-';
  });
}

bool is_rule_id(std::string_view id) {
  return !id.empty() && id.size() <= 128 &&
         std::ranges::all_of(id, [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_subject(std::string_view subject) {
  if (subject == "*") return true;
  if (subject.starts_with(kGroup)) subject.remove_prefix(kGroup.size());
  return is_name(subject);
}

void keep_smaller(const GrantRule*& slot, const GrantRule* rule) {
  if (rule != nullptr && (slot == nullptr || rule->id < slot->id)) slot = rule;
}

}  // namespace

bool includes(Role role, Action action) {
  if (role == Role::kCreator) return action == Action::kCreateBucket;
  switch (action) {
    case Action::kRead:
    case Action::kList: return true;
    case Action::kWrite:
    case Action::kDelete: return role != Role::kReader;
    case Action::kAdminister:
    case Action::kCreateBucket: return role == Role::kOwner;
  }
  return false;
}

Result<GrantRule> canonical_rule(GrantRule rule) {
  const std::string what = "storing grant " + rule.id;
  if (!is_rule_id(rule.id)) {
    return std::unexpected(
        invalid(what, "the id is not possible", "use 1 to 128 printable ASCII characters"));
  }
  if (rule.principals.empty() || rule.principals.size() > kMaxPrincipalsPerRule) {
    return std::unexpected(invalid(what, "it names no principal, or more than 1000"));
  }
  for (const std::string& subject : rule.principals) {
    if (!is_subject(subject)) {
      return std::unexpected(invalid(what, "\"" + subject + "\" is not a principal",
                                     "write a name, \"group:NAME\" or \"*\""));
    }
  }
  auto prefix = Path::parse(rule.prefix);
  if (!prefix) return std::unexpected(std::move(prefix).error().during(what));
  rule.prefix = prefix->as_directory().text();
  return rule;
}

void CompiledRules::Rights::add(const GrantRule& rule) {
  for (size_t i = 0; i < kActionCount; ++i) {
    if (includes(rule.role, static_cast<Action>(i))) {
      keep_smaller(rule.deny ? deny[i] : allow[i], &rule);
    }
  }
}

CompiledRules::CompiledRules(const Rules& rules) {
  rules_.reserve(rules.size());
  for (const auto& [id, rule] : rules) rules_.push_back(rule);
  for (const GrantRule& rule : rules_) {
    Node& node = node_of(rule.prefix);
    for (const std::string& subject : rule.principals) {
      if (subject == "*") {
        if (!node.everyone) node.everyone = std::make_unique<Rights>();
        node.everyone->add(rule);
      } else if (subject.starts_with(kGroup)) {
        node.groups[subject.substr(kGroup.size())].add(rule);
      } else {
        node.principals[subject].add(rule);
      }
    }
  }
}

// A prefix has up to 1,280 components, so nodes are taken apart without recursion.
CompiledRules::~CompiledRules() {
  std::vector<std::unique_ptr<Node>> waiting;
  auto take_children = [&](Node& node) {
    for (auto& [name, child] : node.children) waiting.push_back(std::move(child));
    node.children.clear();
  };
  take_children(root_);
  while (!waiting.empty()) {
    const std::unique_ptr<Node> node = std::move(waiting.back());
    waiting.pop_back();
    take_children(*node);
  }
}

CompiledRules::Node& CompiledRules::node_of(const std::string& prefix) {
  Node* node = &root_;
  const auto path = Path::parse(prefix);  // canonical_rule() has checked it
  if (!path) return *node;
  for (const std::string_view component : path->directories()) {
    auto& child = node->children[std::string{component}];
    if (!child) child = std::make_unique<Node>();
    node = child.get();
  }
  return *node;
}

void CompiledRules::look(const Node& node, const identity::Principal& principal, size_t action,
                         Found& found) {
  const GrantRule* allow = nullptr;
  const GrantRule* deny = nullptr;
  auto take = [&](const Rights& rights) {
    keep_smaller(allow, rights.allow[action]);
    keep_smaller(deny, rights.deny[action]);
  };
  if (node.everyone) take(*node.everyone);
  if (!node.principals.empty()) {
    const auto rights = node.principals.find(std::string_view{principal.name()});
    if (rights != node.principals.end()) take(rights->second);
  }
  if (!node.groups.empty()) {
    for (const std::string& group : principal.groups()) {
      const auto rights = node.groups.find(std::string_view{group});
      if (rights != node.groups.end()) take(rights->second);
    }
  }
  if (allow != nullptr) found.allow = allow;
  if (deny != nullptr) found.deny = deny;
}

const GrantRule* CompiledRules::decide(const identity::Principal& principal, Action action,
                                       const Path& path) const {
  const auto index = static_cast<size_t>(action);
  Found found;
  const Node* node = &root_;
  look(*node, principal, index, found);
  auto step = [&](std::string_view component) {
    const auto child = node->children.find(component);
    if (child == node->children.end()) return false;
    node = child->second.get();
    look(*node, principal, index, found);
    return true;
  };
  // Components in place, as Path::directories() has them plus a last name: no allocation.
  std::string_view rest{path.text()};
  rest.remove_prefix(1);
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    if (!step(rest.substr(0, slash)) || slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return found.deny != nullptr ? found.deny : found.allow;
}

}  // namespace beringia::access

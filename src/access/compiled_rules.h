#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "access/access.h"

namespace beringia::access {

/// Grant rules as a trie of path components. Immutable after making, so any number of threads may
/// ask it. A decision walks the path once; its cost does not depend on the number of rules.
class CompiledRules {
 public:
  using Rules = std::map<std::string, GrantRule>;  // by id

  explicit CompiledRules(const Rules& rules);
  ~CompiledRules();
  CompiledRules(const CompiledRules&) = delete;
  CompiledRules& operator=(const CompiledRules&) = delete;

  /// The rule that decides, by the order of Evaluator; null if none matches.
  const GrantRule* decide(const identity::Principal& principal, Action action,
                          const Path& path) const;

 private:
  /// Rules of one prefix for one subject: per action the smallest id that allows and that denies.
  struct Rights {
    std::array<const GrantRule*, kActionCount> allow{};
    std::array<const GrantRule*, kActionCount> deny{};
    void add(const GrantRule& rule);
  };
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  template <class T>
  using ByText = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;
  struct Node {
    ByText<std::unique_ptr<Node>> children;
    ByText<Rights> principals;
    ByText<Rights> groups;
    std::unique_ptr<Rights> everyone;
  };
  struct Found {
    const GrantRule* allow = nullptr;  // of the deepest node that has one
    const GrantRule* deny = nullptr;
  };

  Node& node_of(const std::string& prefix);
  static void look(const Node& node, const identity::Principal& principal, size_t action,
                   Found& found);

  std::vector<GrantRule> rules_;  // what the trie points into
  Node root_;
};

/// The actions that a role includes, as in access.h.
bool includes(Role role, Action action);

/// "/sales" -> "/sales/"; and checks. @error kInvalid
[[nodiscard]] Result<GrantRule> canonical_rule(GrantRule rule);

}  // namespace beringia::access

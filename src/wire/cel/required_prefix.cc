#include "wire/cel/required_prefix.h"

#include <algorithm>
#include <optional>

namespace beringia::wire::cel {

namespace {

std::string_view shared_prefix(std::string_view a, std::string_view b) {
  const auto [end, other] = std::ranges::mismatch(a, b);
  auto size = static_cast<size_t>(end - a.begin());
  // Not in the middle of a character.
  while (size > 0 && size < a.size() && (static_cast<unsigned char>(a[size]) & 0xC0) == 0x80)
    --size;
  return a.substr(0, size);
}

class PrefixFinder {
 public:
  PrefixFinder(const Tree& tree, size_t variable) : tree_{tree}, variable_{variable} {}

  /// nullopt: the node is never true.
  std::optional<std::string_view> find(const Node& node) const {
    switch (node.op) {
      case Op::kConstant:
        if (node.constant.kind() == Kind::kBool && !node.constant.as_bool()) return std::nullopt;
        return "";
      case Op::kCall: return of_call(node);
      case Op::kAnd: return of_all(node);
      case Op::kOr: return of_any(node);
      default: return "";
    }
  }

 private:
  bool is_variable(const Node& node) const {
    return node.op == Op::kVariable && node.slot == variable_;
  }

  std::string_view of_call(const Node& node) const {
    if (node.child_count != 2) return "";
    const Node& a = tree_.child(node, 0);
    const Node& b = tree_.child(node, 1);
    auto text = [](const Node& one) -> std::string_view {
      return one.op == Op::kConstant && one.constant.kind() == Kind::kString
                 ? one.constant.as_text()
                 : "";
    };
    if (node.function == Function::kStartsWith && is_variable(a)) return text(b);
    if (node.function == Function::kEqual && is_variable(a)) return text(b);
    if (node.function == Function::kEqual && is_variable(b)) return text(a);
    if (node.function == Function::kIn && is_variable(a) && b.op == Op::kConstant &&
        b.constant.kind() == Kind::kList) {
      return of_list(b.constant.as_list());
    }
    return "";
  }

  static std::string_view of_list(const ListSource& list) {
    std::optional<std::string_view> common;
    for (size_t i = 0; i < list.size(); ++i) {
      const Value item = list.at(i);
      if (item.kind() != Kind::kString) continue;  // equals no text
      common = common ? shared_prefix(*common, item.as_text()) : item.as_text();
    }
    return common.value_or("");
  }

  std::optional<std::string_view> of_all(const Node& node) const {
    std::string_view longest;
    for (size_t i = 0; i < node.child_count; ++i) {
      const auto prefix = find(tree_.child(node, i));
      if (!prefix) return std::nullopt;
      if (prefix->size() > longest.size()) longest = *prefix;
    }
    return longest;
  }

  std::optional<std::string_view> of_any(const Node& node) const {
    std::optional<std::string_view> common;
    for (size_t i = 0; i < node.child_count; ++i) {
      const auto prefix = find(tree_.child(node, i));
      if (!prefix) continue;
      common = common ? shared_prefix(*common, *prefix) : *prefix;
    }
    return common;
  }

  const Tree& tree_;
  size_t variable_;
};

}  // namespace

std::string required_prefix(const Tree& tree, size_t variable) {
  return std::string{PrefixFinder{tree, variable}.find(tree.nodes[tree.root]).value_or("")};
}

}  // namespace beringia::wire::cel

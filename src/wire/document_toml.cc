#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "wire/document.h"

namespace beringia::wire {
namespace {

/// @return false: nested too deep, or of a type that we have no use for (dates)
bool convert(const toml::node& node, size_t depth, Value& value) {
  if (depth > kMaxDocumentDepth) return false;
  value.line = node.source().begin.line;
  if (const auto* table = node.as_table()) {
    value.kind = Value::Kind::kTable;
    for (const auto& [key, child] : *table) {
      Value member;
      if (!convert(child, depth + 1, member)) return false;
      if (!child.is_table() && !child.is_array()) member.line = key.source().begin.line;
      value.members.push_back({std::string{key.str()}, std::move(member)});
    }
    return true;
  }
  if (const auto* array = node.as_array()) {
    value.kind = Value::Kind::kArray;
    for (const auto& child : *array) {
      if (!convert(child, depth + 1, value.items.emplace_back())) return false;
    }
    return true;
  }
  if (const auto* text = node.as_string()) {
    value.kind = Value::Kind::kText;
    value.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value.kind = Value::Kind::kInteger;
    value.integer = integer->get();
    value.number = static_cast<double>(value.integer);
  } else if (const auto* number = node.as_floating_point()) {
    value.kind = Value::Kind::kFloat;
    value.number = number->get();
  } else if (const auto* boolean = node.as_boolean()) {
    value.kind = Value::Kind::kBoolean;
    value.boolean = boolean->get();
  } else {
    return false;
  }
  return true;
}

}  // namespace

Result<Value> parse_toml(std::string_view text, size_t max_bytes, std::string_view subject) {
  const std::string what = "cannot read " + std::string{subject};
  if (text.size() > max_bytes) {
    return std::unexpected(
        invalid(what, "it is larger than " + std::to_string(max_bytes) + " bytes"));
  }
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return std::unexpected(invalid(what, std::string{parsed.error().description()} + ", line " +
                                             std::to_string(parsed.error().source().begin.line)));
  }
  Value root;
  if (!convert(parsed.table(), 0, root)) {
    return std::unexpected(invalid(what, "it holds a date or is nested too deep"));
  }
  return root;
}

}  // namespace beringia::wire

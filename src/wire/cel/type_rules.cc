#include "wire/cel/type_rules.h"

#include "wire/cel/values.h"

namespace beringia::wire::cel {

namespace {

bool has_order(Kind kind) {
  return is_number(kind) || kind == Kind::kBool || kind == Kind::kString || kind == Kind::kBytes ||
         kind == Kind::kTimestamp || kind == Kind::kDuration || kind == Kind::kDyn;
}

std::optional<Type> order_type(const Type& a, const Type& b) {
  if (!has_order(a.kind) || !has_order(b.kind)) return std::nullopt;
  const bool numbers = is_number(a.kind) && is_number(b.kind);
  if (numbers || compatible(a, b)) return Type::boolean();
  return std::nullopt;
}

std::optional<Type> member_type(const Type& item, const Type& container) {
  if (container.kind == Kind::kDyn) return Type::boolean();
  if (container.kind != Kind::kList && container.kind != Kind::kMap) return std::nullopt;
  if (!compatible(item, container.parameters[0])) return std::nullopt;
  return Type::boolean();
}

std::optional<Type> element_type(const Type& container, const Type& key) {
  if (container.kind == Kind::kDyn) return Type::dyn();
  if (container.kind == Kind::kList && compatible(key, Type::integer())) {
    return container.parameters[0];
  }
  if (container.kind == Kind::kMap && compatible(key, container.parameters[0])) {
    return container.parameters[1];
  }
  return std::nullopt;
}

}  // namespace

bool compatible(const Type& a, const Type& b) {
  if (a.kind == Kind::kDyn || b.kind == Kind::kDyn) return true;
  if (a.kind != b.kind) return false;
  for (size_t i = 0; i < a.parameters.size(); ++i) {
    if (!compatible(a.parameters[i], b.parameters[i])) return false;
  }
  return true;
}

std::optional<Type> join_types(const Type& a, const Type& b) {
  if (!compatible(a, b)) return std::nullopt;
  if (a.kind == Kind::kDyn || b.kind == Kind::kDyn) return Type::dyn();
  Type joined = a;
  for (size_t i = 0; i < a.parameters.size(); ++i) {
    joined.parameters[i] = *join_types(a.parameters[i], b.parameters[i]);
  }
  return joined;
}

bool is_generic(Function function) {
  return function >= Function::kEqual && function <= Function::kIndex;
}

std::optional<Type> operator_type(Function function, const Type& a, const Type& b) {
  switch (function) {
    case Function::kAdd:
      if (a.kind != Kind::kList || b.kind != Kind::kList) return std::nullopt;
      return join_types(a, b);
    case Function::kEqual:
    case Function::kNotEqual:
      return compatible(a, b) ? std::optional{Type::boolean()} : std::nullopt;
    case Function::kLess:
    case Function::kLessOrEqual:
    case Function::kGreater:
    case Function::kGreaterOrEqual: return order_type(a, b);
    case Function::kIn: return member_type(a, b);
    case Function::kIndex: return element_type(a, b);
    default: return std::nullopt;
  }
}

std::string operator_hint(Function function, const Type& a, const Type& b) {
  auto either = [&](Kind one, Kind other) {
    return (a.kind == one && b.kind == other) || (a.kind == other && b.kind == one);
  };
  if (function == Function::kIn || function == Function::kIndex) {
    if (function == Function::kIn && b.kind == Kind::kString) return "write text.contains(part)";
    return {};
  }
  if (either(Kind::kDuration, Kind::kInt) || either(Kind::kDuration, Kind::kString)) {
    return "write durations as duration(\"720h\")";
  }
  if (either(Kind::kTimestamp, Kind::kString) || either(Kind::kTimestamp, Kind::kInt)) {
    return "write moments as timestamp(\"2026-01-31T00:00:00Z\")";
  }
  if (either(Kind::kInt, Kind::kString)) return "compare numbers with numbers: 1024, not \"1024\"";
  if (either(Kind::kInt, Kind::kUint) || either(Kind::kInt, Kind::kDouble) ||
      either(Kind::kUint, Kind::kDouble)) {
    return "convert one side: int(x), uint(x) or double(x)";
  }
  if (a.kind == Kind::kString && function == Function::kAdd) {
    return "join texts with texts: string(x)";
  }
  return {};
}

}  // namespace beringia::wire::cel

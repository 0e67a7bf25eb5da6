#include <re2/re2.h>

#include "wire/cel/evaluation.h"
#include "wire/cel/patterns.h"
#include "wire/cel/values.h"

namespace beringia::wire::cel {

Value Evaluation::call(const Node& node, uint32_t index, const Value& a, const Value& b) {
  switch (node.function) {
    case Function::kEqual:
    case Function::kNotEqual:
      if (!charge(weight_of(a))) return fail(Fault::kTooMuchWork, index);
      return Value::boolean(equal(a, b) == (node.function == Function::kEqual));
    case Function::kLess:
    case Function::kLessOrEqual:
    case Function::kGreater:
    case Function::kGreaterOrEqual: return compare_values(node.function, index, a, b);
    case Function::kNot:
      if (a.kind() != Kind::kBool) return fail(Fault::kOverload, index);
      return Value::boolean(!a.as_bool());
    case Function::kIn: return member(index, a, b);
    case Function::kIndex: return element(index, a, b);
    case Function::kSize: return size_of(index, a);
    case Function::kStartsWith:
    case Function::kEndsWith:
    case Function::kContains: return search(node, index, a, b);
    case Function::kMatches: return matches(node, index, a, b);
    case Function::kLowerAscii: return change_case(index, a, false);
    case Function::kUpperAscii: return change_case(index, a, true);
    case Function::kTypeOf: return Value::type(a.kind());
    case Function::kNegate: return negate(index, a);
    case Function::kAdd:
    case Function::kSubtract:
    case Function::kMultiply:
    case Function::kDivide:
    case Function::kModulo: return arithmetic(node.function, index, a, b);
    default: break;
  }
  return node.function >= Function::kGetFullYear ? part_of_time(node.function, index, a, b)
                                                 : convert(node.function, index, a);
}

Value Evaluation::compare_values(Function function, uint32_t index, const Value& a,
                                 const Value& b) {
  const auto order = compare(a, b);
  if (!order) return fail(Fault::kOverload, index);
  switch (function) {
    case Function::kLess: return Value::boolean(*order < 0);
    case Function::kLessOrEqual: return Value::boolean(*order <= 0);
    case Function::kGreater: return Value::boolean(*order > 0);
    default: return Value::boolean(*order >= 0);
  }
}

Value Evaluation::member(uint32_t index, const Value& item, const Value& container) {
  if (container.kind() == Kind::kMap) {
    return Value::boolean(container.as_map().find(item).has_value());
  }
  if (container.kind() != Kind::kList) return fail(Fault::kOverload, index);
  const ListSource& list = container.as_list();
  for (size_t i = 0; i < list.size(); ++i) {
    const Value other = list.at(i);
    if (!charge(1 + weight_of(other))) return fail(Fault::kTooMuchWork, index);
    if (equal(item, other)) return Value::boolean(true);
  }
  return Value::boolean(false);
}

Value Evaluation::element(uint32_t index, const Value& container, const Value& key) {
  if (container.kind() == Kind::kMap) {
    const auto found = container.as_map().find(key);
    return found ? *found : fail(Fault::kNoSuchKey, index);
  }
  if (container.kind() != Kind::kList) return fail(Fault::kOverload, index);
  const auto place = as_whole(key);
  if (!place) return fail(Fault::kOverload, index);
  const ListSource& list = container.as_list();
  if (*place < 0 || static_cast<uint64_t>(*place) >= list.size()) {
    return fail(Fault::kIndexRange, index);
  }
  return list.at(static_cast<size_t>(*place));
}

Value Evaluation::size_of(uint32_t index, const Value& value) {
  size_t size = 0;
  switch (value.kind()) {
    case Kind::kString:
      if (!charge(weight_of(value))) return fail(Fault::kTooMuchWork, index);
      size = count_characters(value.as_text());
      break;
    case Kind::kBytes: size = value.as_text().size(); break;
    case Kind::kList: size = value.as_list().size(); break;
    case Kind::kMap: size = value.as_map().size(); break;
    default: return fail(Fault::kOverload, index);
  }
  return Value::integer(static_cast<int64_t>(size));
}

Value Evaluation::search(const Node& node, uint32_t index, const Value& text, const Value& part) {
  if (text.kind() != Kind::kString || part.kind() != Kind::kString) {
    return fail(Fault::kOverload, index);
  }
  const std::string_view all = text.as_text();
  if (node.function == Function::kStartsWith) {
    return Value::boolean(all.starts_with(part.as_text()));
  }
  if (node.function == Function::kEndsWith) return Value::boolean(all.ends_with(part.as_text()));
  // string_view::find may take size * size of the part at worst; policies look for short parts.
  if (!charge((all.size() / 64 + 1) * (part.as_text().size() / 64 + 1))) {
    return fail(Fault::kTooMuchWork, index);
  }
  return Value::boolean(all.find(part.as_text()) != std::string_view::npos);
}

Value Evaluation::matches(const Node& node, uint32_t index, const Value& text,
                          const Value& pattern) {
  if (text.kind() != Kind::kString || pattern.kind() != Kind::kString) {
    return fail(Fault::kOverload, index);
  }
  if (!charge(1 + text.as_text().size() / 16)) return fail(Fault::kTooMuchWork, index);
  if (node.regex >= 0) {
    return Value::boolean(RE2::PartialMatch(to_piece(text.as_text()),
                                            *tree_.regexes[static_cast<size_t>(node.regex)]));
  }
  if (!charge(kPatternSteps)) return fail(Fault::kTooMuchWork, index);
  const auto compiled = compile_pattern(pattern.as_text());
  if (!compiled) return fail(Fault::kBadPattern, index);
  return Value::boolean(RE2::PartialMatch(to_piece(text.as_text()), **compiled));
}

Value Evaluation::change_case(uint32_t index, const Value& text, bool upper) {
  if (text.kind() != Kind::kString) return fail(Fault::kOverload, index);
  if (!charge(weight_of(text))) return fail(Fault::kTooMuchWork, index);
  const size_t size = text.as_text().size();
  auto* place = static_cast<char*>(arena_.allocate(size));
  if (place == nullptr) return fail(Fault::kTooMuchMemory, index);
  for (size_t i = 0; i < size; ++i) {
    const char c = text.as_text()[i];
    const bool turns = upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
    place[i] = turns ? static_cast<char>(c ^ 0x20) : c;
  }
  return Value::string({place, size});
}

Value Evaluation::join_lists(uint32_t index, const ListSource& a, const ListSource& b) {
  const size_t size = a.size() + b.size();
  if (!charge(size)) return fail(Fault::kTooMuchWork, index);
  Value* items = arena_.make_values(size);
  if (items == nullptr) return fail(Fault::kTooMuchMemory, index);
  for (size_t i = 0; i < size; ++i) items[i] = i < a.size() ? a.at(i) : b.at(i - a.size());
  auto* list = arena_.make<ValueList>(std::span<const Value>{items, size});
  return list ? Value::list(*list) : fail(Fault::kTooMuchMemory, index);
}

}  // namespace beringia::wire::cel

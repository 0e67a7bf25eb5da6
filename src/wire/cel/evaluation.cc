#include "wire/cel/evaluation.h"

#include "wire/cel/values.h"

namespace beringia::wire::cel {

namespace {

bool is_error(const Value& value) { return value.kind() == Kind::kError; }
bool is_true(const Value& value) { return value.kind() == Kind::kBool && value.as_bool(); }
bool is_false(const Value& value) { return value.kind() == Kind::kBool && !value.as_bool(); }

size_t range_size(const Value& range) {
  return range.kind() == Kind::kList ? range.as_list().size() : range.as_map().size();
}

Value range_item(const Value& range, size_t i) {
  return range.kind() == Kind::kList ? range.as_list().at(i) : range.as_map().key_at(i);
}

}  // namespace

std::string_view to_string(Fault fault) {
  switch (fault) {
    case Fault::kUnset: return "this variable has no value here";
    case Fault::kNoSuchKey: return "the map has no such key";
    case Fault::kIndexRange: return "the index lies outside the list";
    case Fault::kOverload: return "this is not defined for values of these types";
    case Fault::kOverflow: return "the number overflows";
    case Fault::kDivisionByZero: return "division by zero";
    case Fault::kTimeRange: return "the time is out of range";
    case Fault::kBadInteger: return "this is not a whole number that fits";
    case Fault::kBadDouble: return "this is not a number";
    case Fault::kBadBool: return "this is neither \"true\" nor \"false\"";
    case Fault::kBadDuration: return "this is not a duration";
    case Fault::kBadTimestamp: return "this is not a timestamp";
    case Fault::kBadZone: return "this is not a time zone";
    case Fault::kBadPattern: return "this is not a regular expression";
    case Fault::kNotUtf8: return "these bytes are not UTF-8";
    case Fault::kKeyKind: return "keys of a map are bool, int, uint or string";
    case Fault::kDuplicateKey: return "the map has this key twice";
    case Fault::kTooMuchWork: return "the evaluation takes too many steps";
    case Fault::kTooMuchMemory: return "the evaluation takes too much memory";
  }
  return "?";
}

Value Evaluation::run(uint32_t root) {
  const Value value = eval(root);
  // What ran out of steps has no value, even where && or || absorbed the error.
  return exhausted_ ? fail(Fault::kTooMuchWork, root) : value;
}

Evaluation::Failure Evaluation::failure(const Value& error) {
  return {static_cast<Fault>(error.nanos_), static_cast<uint32_t>(error.data_.uinteger)};
}

Value Evaluation::fail(Fault fault, uint32_t index) {
  Value error;
  error.kind_ = Kind::kError;
  error.nanos_ = static_cast<int32_t>(fault);
  error.data_.uinteger = index;
  return error;
}

bool Evaluation::charge(size_t steps) {
  steps_ += steps;
  if (steps_ > kMaxSteps) exhausted_ = true;
  return !exhausted_;
}

Value Evaluation::make_text(uint32_t index, std::string_view text) {
  const auto copy = arena_.copy(text);
  return copy ? Value::string(*copy) : fail(Fault::kTooMuchMemory, index);
}

Value Evaluation::eval(uint32_t index) {
  if (!charge(1)) return fail(Fault::kTooMuchWork, index);
  const Node& node = tree_.nodes[index];
  switch (node.op) {
    case Op::kConstant: return node.constant;
    case Op::kVariable: {
      const Value value = activation_ ? activation_->get(node.slot) : Value{};
      return value.kind() == Kind::kUnset ? fail(Fault::kUnset, index) : value;
    }
    case Op::kLocal: return locals_[node.slot];
    case Op::kSelect:
    case Op::kHas: return eval_select(node, index);
    case Op::kCall: return eval_call(node, index);
    case Op::kAnd: return eval_logic(node, index, false);
    case Op::kOr: return eval_logic(node, index, true);
    case Op::kTernary: return eval_ternary(node, index);
    case Op::kList: return eval_list(node, index);
    case Op::kMap: return eval_map(node, index);
    case Op::kComprehension: return eval_comprehension(node, index);
    case Op::kName:
    case Op::kUnresolved: break;
  }
  return fail(Fault::kOverload, index);
}

// CEL: the decisive value (true for ||) wins over errors on either side.
Value Evaluation::eval_logic(const Node& node, uint32_t index, bool decisive) {
  Value error;
  for (size_t i = 0; i < node.child_count; ++i) {
    Value value = eval(tree_.child_index(node, i));
    if (value.kind() == Kind::kBool) {
      if (value.as_bool() == decisive) return value;
      continue;
    }
    if (!is_error(value)) value = fail(Fault::kOverload, index);
    if (!is_error(error)) error = value;
  }
  return is_error(error) ? error : Value::boolean(!decisive);
}

Value Evaluation::eval_ternary(const Node& node, uint32_t index) {
  const Value condition = eval(tree_.child_index(node, 0));
  if (is_error(condition)) return condition;
  if (condition.kind() != Kind::kBool) return fail(Fault::kOverload, index);
  return eval(tree_.child_index(node, condition.as_bool() ? 1 : 2));
}

Value Evaluation::eval_select(const Node& node, uint32_t index) {
  const Value operand = eval(tree_.child_index(node, 0));
  if (is_error(operand)) return operand;
  if (operand.kind() != Kind::kMap) return fail(Fault::kOverload, index);
  const auto found = operand.as_map().find(Value::string(node.name));
  if (node.op == Op::kHas) return Value::boolean(found.has_value());
  return found ? *found : fail(Fault::kNoSuchKey, index);
}

Value Evaluation::eval_call(const Node& node, uint32_t index) {
  Value a;
  Value b;
  if (node.child_count > 0) a = eval(tree_.child_index(node, 0));
  if (is_error(a)) return a;
  if (node.child_count > 1) b = eval(tree_.child_index(node, 1));
  if (is_error(b)) return b;
  return call(node, index, a, b);
}

Value Evaluation::eval_list(const Node& node, uint32_t index) {
  Value* items = arena_.make_values(node.child_count);
  if (items == nullptr) return fail(Fault::kTooMuchMemory, index);
  for (size_t i = 0; i < node.child_count; ++i) {
    items[i] = eval(tree_.child_index(node, i));
    if (is_error(items[i])) return items[i];
  }
  auto* list = arena_.make<ValueList>(std::span<const Value>{items, node.child_count});
  return list ? Value::list(*list) : fail(Fault::kTooMuchMemory, index);
}

Value Evaluation::eval_map(const Node& node, uint32_t index) {
  Value* pairs = arena_.make_values(node.child_count);
  if (pairs == nullptr) return fail(Fault::kTooMuchMemory, index);
  for (size_t i = 0; i < node.child_count; ++i) {
    pairs[i] = eval(tree_.child_index(node, i));
    if (is_error(pairs[i])) return pairs[i];
    if (i % 2 != 0) continue;
    const Kind kind = pairs[i].kind();
    if (kind != Kind::kBool && kind != Kind::kInt && kind != Kind::kUint && kind != Kind::kString) {
      return fail(Fault::kKeyKind, tree_.child_index(node, i));
    }
    if (!charge(i / 2)) return fail(Fault::kTooMuchWork, index);
    for (size_t j = 0; j < i; j += 2) {
      if (equal(pairs[j], pairs[i])) return fail(Fault::kDuplicateKey, tree_.child_index(node, i));
    }
  }
  auto* map = arena_.make<ValueMap>(std::span<const Value>{pairs, node.child_count});
  return map ? Value::map(*map) : fail(Fault::kTooMuchMemory, index);
}

Value Evaluation::eval_comprehension(const Node& node, uint32_t index) {
  const Value range = eval(tree_.child_index(node, 0));
  if (is_error(range)) return range;
  if (range.kind() != Kind::kList && range.kind() != Kind::kMap) {
    return fail(Fault::kOverload, index);
  }
  switch (node.macro) {
    case Macro::kAll:
    case Macro::kExists: return eval_quantifier(node, index, range);
    case Macro::kExistsOne: return eval_exists_one(node, index, range);
    case Macro::kFilter:
    case Macro::kMap:
    case Macro::kMapIf: break;
  }
  return eval_transformation(node, index, range);
}

// As && (all) or || (exists) over the elements, errors absorbed in the same way.
Value Evaluation::eval_quantifier(const Node& node, uint32_t index, const Value& range) {
  const bool decisive = node.macro == Macro::kExists;
  Value error;
  for (size_t i = 0; i < range_size(range); ++i) {
    locals_[node.slot] = range_item(range, i);
    Value value = eval(tree_.child_index(node, 1));
    if (exhausted_) return value;
    if (decisive ? is_true(value) : is_false(value)) return value;
    if (value.kind() == Kind::kBool) continue;
    if (!is_error(value)) value = fail(Fault::kOverload, index);
    if (!is_error(error)) error = value;
  }
  return is_error(error) ? error : Value::boolean(!decisive);
}

Value Evaluation::eval_exists_one(const Node& node, uint32_t index, const Value& range) {
  size_t found = 0;
  for (size_t i = 0; i < range_size(range); ++i) {
    locals_[node.slot] = range_item(range, i);
    const Value value = eval(tree_.child_index(node, 1));
    if (is_error(value)) return value;
    if (value.kind() != Kind::kBool) return fail(Fault::kOverload, index);
    if (value.as_bool()) ++found;
  }
  return Value::boolean(found == 1);
}

Value Evaluation::eval_transformation(const Node& node, uint32_t index, const Value& range) {
  const size_t size = range_size(range);
  Value* items = arena_.make_values(size);
  if (items == nullptr) return fail(Fault::kTooMuchMemory, index);
  size_t count = 0;
  for (size_t i = 0; i < size; ++i) {
    const Value item = range_item(range, i);
    locals_[node.slot] = item;
    if (node.macro != Macro::kMap) {
      const Value wanted = eval(tree_.child_index(node, 1));
      if (is_error(wanted)) return wanted;
      if (wanted.kind() != Kind::kBool) return fail(Fault::kOverload, index);
      if (!wanted.as_bool()) continue;
    }
    if (node.macro == Macro::kFilter) {
      items[count++] = item;
      continue;
    }
    const Value made = eval(tree_.child_index(node, node.macro == Macro::kMapIf ? 2 : 1));
    if (is_error(made)) return made;
    items[count++] = made;
  }
  auto* list = arena_.make<ValueList>(std::span<const Value>{items, count});
  return list ? Value::list(*list) : fail(Fault::kTooMuchMemory, index);
}

}  // namespace beringia::wire::cel

#include "wire/cel/checker.h"

#include <algorithm>

#include "wire/cel/evaluation.h"
#include "wire/cel/functions.h"
#include "wire/cel/patterns.h"
#include "wire/cel/times.h"
#include "wire/cel/type_rules.h"

namespace beringia::wire::cel {

namespace {

using Index = uint32_t;

constexpr std::pair<std::string_view, Kind> kTypeNames[] = {
    {"bool", Kind::kBool},     {"int", Kind::kInt},       {"uint", Kind::kUint},
    {"double", Kind::kDouble}, {"string", Kind::kString}, {"bytes", Kind::kBytes},
    {"list", Kind::kList},     {"map", Kind::kMap},       {"null_type", Kind::kNull},
    {"type", Kind::kType}};

constexpr std::pair<std::string_view, Kind> kMessageTypeNames[] = {{"Timestamp", Kind::kTimestamp},
                                                                   {"Duration", Kind::kDuration}};

std::unexpected<Mistake> wrong(size_t offset, std::string message, std::string hint = {}) {
  return std::unexpected(Mistake{offset, std::move(message), std::move(hint)});
}

std::string quoted(std::string_view name) { return "\"" + std::string{name} + "\""; }

bool takes(Kind parameter, const Type& argument) {
  return parameter == Kind::kDyn || argument.kind == Kind::kDyn || argument.kind == parameter;
}

class Checker {
 public:
  Checker(Tree& tree, const Declarations& declarations) : tree_{tree}, declarations_{declarations} {
    tree_.types.resize(tree_.nodes.size());
  }
  [[nodiscard]] Checked<void> visit(Index index);

 private:
  struct Local {
    std::string_view name;
    Type type;
  };

  [[nodiscard]] Checked<Type> type_of(Index index);
  [[nodiscard]] Checked<Type> name(Node& node);
  [[nodiscard]] Checked<Type> select(Node& node);
  [[nodiscard]] Checked<Type> call(Node& node);
  [[nodiscard]] Checked<Type> choose(Node& node, const std::vector<const Overload*>& named);
  [[nodiscard]] Checked<Type> operation(Node& node);
  [[nodiscard]] Checked<Type> logic(Node& node);
  [[nodiscard]] Checked<Type> ternary(Node& node);
  [[nodiscard]] Checked<Type> list(Node& node);
  [[nodiscard]] Checked<Type> map(Node& node);
  [[nodiscard]] Checked<Type> comprehension(Node& node);
  [[nodiscard]] Checked<void> expect_bool(Index index, std::string_view what);
  [[nodiscard]] Checked<void> fold(Index index);
  [[nodiscard]] Checked<void> prepare_texts(Node& node);
  bool message_type(Node& node);
  std::vector<std::string_view> known_names() const;
  const Type& child_type(const Node& node, size_t i) const {
    return tree_.types[tree_.child_index(node, i)];
  }

  Tree& tree_;
  const Declarations& declarations_;
  std::vector<Local> locals_;
};

}  // namespace

Checked<void> check(Tree& tree, const Declarations& declarations) {
  return Checker{tree, declarations}.visit(tree.root);
}

namespace {

Checked<void> Checker::visit(Index index) {
  Node& node = tree_.nodes[index];
  if (node.op == Op::kSelect && message_type(node)) {
    tree_.types[index] = Type{Kind::kType, {}};
    return {};
  }
  if (node.op != Op::kComprehension) {
    for (size_t i = 0; i < node.child_count; ++i) BR_TRY(visit(tree_.child_index(node, i)));
  }
  BR_TRY(type, type_of(index));
  tree_.types[index] = std::move(type);
  return fold(index);
}

Checked<Type> Checker::type_of(Index index) {
  Node& node = tree_.nodes[index];
  switch (node.op) {
    case Op::kName: return name(node);
    case Op::kSelect:
    case Op::kHas: return select(node);
    case Op::kUnresolved: return call(node);
    case Op::kCall: return operation(node);
    case Op::kAnd:
    case Op::kOr: return logic(node);
    case Op::kTernary: return ternary(node);
    case Op::kList: return list(node);
    case Op::kMap: return map(node);
    case Op::kComprehension: return comprehension(node);
    default: return Type{node.constant.kind(), {}};
  }
}

Checked<Type> Checker::name(Node& node) {
  for (size_t i = locals_.size(); i-- > 0;) {
    if (locals_[i].name != node.name) continue;
    node.op = Op::kLocal;
    node.slot = static_cast<uint8_t>(i);
    return locals_[i].type;
  }
  if (const auto found = declarations_.find(node.name)) {
    node.op = Op::kVariable;
    node.slot = static_cast<uint8_t>(*found);
    return declarations_.variables()[*found].type;
  }
  for (const auto& [type_name, kind] : kTypeNames) {
    if (type_name != node.name) continue;
    node.op = Op::kConstant;
    node.constant = Value::type(kind);
    return Type{Kind::kType, {}};
  }
  return wrong(node.offset, "unknown variable " + quoted(node.name),
               suggest(node.name, known_names()));
}

std::vector<std::string_view> Checker::known_names() const {
  std::vector<std::string_view> names;
  for (const auto& local : locals_) names.push_back(local.name);
  for (const auto& variable : declarations_.variables()) names.push_back(variable.name);
  return names;
}

// google.protobuf.Timestamp and Duration: the names of two types.
bool Checker::message_type(Node& node) {
  const Node& package = tree_.child(node, 0);
  if (package.op != Op::kSelect || package.name != "protobuf") return false;
  const Node& root = tree_.child(package, 0);
  if (root.op != Op::kName || root.name != "google" || declarations_.find("google")) return false;
  for (const auto& [type_name, kind] : kMessageTypeNames) {
    if (type_name != node.name) continue;
    node.op = Op::kConstant;
    node.child_count = 0;
    node.constant = Value::type(kind);
    return true;
  }
  return false;
}

Checked<Type> Checker::select(Node& node) {
  const Type& operand = child_type(node, 0);
  const bool text_keys =
      operand.kind == Kind::kMap &&
      (operand.parameters[0].kind == Kind::kString || operand.parameters[0].kind == Kind::kDyn);
  if (operand.kind != Kind::kDyn && !text_keys) {
    for (const auto& overload : overloads()) {
      if (overload.name == node.name && overload.method) {
        return wrong(node.offset, quoted(node.name) + " is a function",
                     "write " + std::string{node.name} + "()");
      }
    }
    return wrong(node.offset, "a " + to_string(operand) + " has no field " + quoted(node.name));
  }
  if (node.op == Op::kHas) return Type::boolean();
  return operand.kind == Kind::kDyn ? Type::dyn() : operand.parameters[1];
}

Checked<Type> Checker::call(Node& node) {
  std::vector<const Overload*> named;
  std::vector<std::string_view> known;
  bool other_form = false;
  for (const auto& overload : overloads()) {
    const bool fits = node.method ? overload.method : overload.global;
    const bool receives = !node.method || takes(overload.arguments[0], child_type(node, 0));
    if (fits && overload.name == node.name) named.push_back(&overload);
    if (fits && receives) known.push_back(overload.name);
    other_form |= !fits && overload.name == node.name && (overload.method || overload.global);
  }
  if (!named.empty()) return choose(node, named);
  if (other_form) {
    const std::string text{node.name};
    return wrong(node.offset, quoted(node.name) + " is not called like this",
                 node.method ? "write " + text + "(x)" : "write x." + text + "(...)");
  }
  if (node.method) {
    known.insert(known.end(), {"all", "exists", "exists_one", "filter", "map"});
  } else {
    known.push_back("has");
  }
  return wrong(node.offset, "unknown function " + quoted(node.name), suggest(node.name, known));
}

Checked<Type> Checker::choose(Node& node, const std::vector<const Overload*>& named) {
  std::string given;
  for (size_t i = 0; i < node.child_count; ++i) {
    given += (i == 0 ? "" : ", ") + to_string(child_type(node, i));
  }
  std::optional<Type> result;
  std::string takes_instead;
  for (const Overload* overload : named) {
    bool fits = overload->arity() == node.child_count;
    for (size_t i = 0; fits && i < node.child_count; ++i) {
      fits = takes(overload->arguments[i], child_type(node, i));
    }
    if (fits) {
      const Type type{overload->result, {}};
      result = !result || *result == type ? type : Type::dyn();
    }
    std::string form;
    for (size_t i = 0; i < overload->arity(); ++i) {
      form += (i == 0 ? "" : ", ") + std::string{to_string(overload->arguments[i])};
    }
    takes_instead += (takes_instead.empty() ? "(" : " or (") + form + ")";
  }
  if (!result) {
    return wrong(node.offset, quoted(named[0]->name) + " is not defined for (" + given + ")",
                 "it takes " + takes_instead);
  }
  node.op = Op::kCall;
  node.function = named[0]->function;
  BR_TRY(prepare_texts(node));
  return *result;
}

Checked<Type> Checker::operation(Node& node) {
  const Type& a = child_type(node, 0);
  const Type none{Kind::kUnset, {}};
  const Type& b = node.child_count > 1 ? child_type(node, 1) : none;
  std::optional<Type> result = operator_type(node.function, a, b);
  for (const auto& overload : overloads()) {
    if (result && result->kind == Kind::kDyn) break;
    if (overload.function != node.function || overload.arity() != node.child_count) continue;
    if (!takes(overload.arguments[0], a)) continue;
    if (node.child_count > 1 && !takes(overload.arguments[1], b)) continue;
    const Type type{overload.result, {}};
    result = !result || *result == type ? type : Type::dyn();
  }
  if (result) return *result;
  const std::string sign = quoted(name_of(node.function));
  if (node.child_count == 1) {
    return wrong(node.offset, sign + " is not defined for " + to_string(a));
  }
  return wrong(node.offset,
               sign + " is not defined between " + to_string(a) + " and " + to_string(b),
               operator_hint(node.function, a, b));
}

Checked<void> Checker::expect_bool(Index index, std::string_view what) {
  const Kind kind = tree_.types[index].kind;
  if (kind == Kind::kBool || kind == Kind::kDyn) return {};
  return wrong(tree_.nodes[index].offset,
               std::string{what} + " must be a bool, but this is " + to_string(tree_.types[index]));
}

Checked<Type> Checker::logic(Node& node) {
  const std::string what = node.op == Op::kAnd ? "each side of \"&&\"" : "each side of \"||\"";
  for (size_t i = 0; i < node.child_count; ++i) {
    BR_TRY(expect_bool(tree_.child_index(node, i), what));
  }
  return Type::boolean();
}

Checked<Type> Checker::ternary(Node& node) {
  BR_TRY(expect_bool(tree_.child_index(node, 0), "what stands before \"?\""));
  const Type& yes = child_type(node, 1);
  const Type& no = child_type(node, 2);
  const auto joined = join_types(yes, no);
  if (joined) return *joined;
  return wrong(node.offset,
               "the two sides of \":\" differ: " + to_string(yes) + " and " + to_string(no),
               "wrap one in dyn(...) if that is meant");
}

Checked<Type> Checker::list(Node& node) {
  if (node.child_count == 0) return Type::list(Type::dyn());
  Type element = child_type(node, 0);
  for (size_t i = 1; i < node.child_count; ++i) {
    element = join_types(element, child_type(node, i)).value_or(Type::dyn());
  }
  return Type::list(std::move(element));
}

Checked<Type> Checker::map(Node& node) {
  if (node.child_count == 0) return Type::map(Type::dyn(), Type::dyn());
  Type key = child_type(node, 0);
  Type value = child_type(node, 1);
  for (size_t i = 0; i < node.child_count; i += 2) {
    const Kind kind = child_type(node, i).kind;
    if (kind != Kind::kBool && kind != Kind::kInt && kind != Kind::kUint && kind != Kind::kString &&
        kind != Kind::kDyn) {
      return wrong(tree_.child(node, i).offset, "keys of a map are bool, int, uint or string");
    }
    key = join_types(key, child_type(node, i)).value_or(Type::dyn());
    value = join_types(value, child_type(node, i + 1)).value_or(Type::dyn());
  }
  return Type::map(std::move(key), std::move(value));
}

Checked<Type> Checker::comprehension(Node& node) {
  const Index range_index = tree_.child_index(node, 0);
  BR_TRY(visit(range_index));
  const Type& range = tree_.types[range_index];
  if (range.kind != Kind::kList && range.kind != Kind::kMap && range.kind != Kind::kDyn) {
    return wrong(node.offset, "this goes over a list or a map, not over " + to_string(range));
  }
  if (locals_.size() == kMaxLocals) {
    return wrong(node.offset,
                 "too many macros inside macros (over " + std::to_string(kMaxLocals) + ")");
  }
  const Type item = range.kind == Kind::kDyn ? Type::dyn() : range.parameters[0];
  node.slot = static_cast<uint8_t>(locals_.size());
  locals_.push_back({node.name, item});
  for (size_t i = 1; i < node.child_count; ++i) BR_TRY(visit(tree_.child_index(node, i)));
  locals_.pop_back();
  if (node.macro == Macro::kMap) return Type::list(child_type(node, 1));
  BR_TRY(expect_bool(tree_.child_index(node, 1), "the condition"));
  if (node.macro == Macro::kMapIf) return Type::list(child_type(node, 2));
  return node.macro == Macro::kFilter ? Type::list(item) : Type::boolean();
}

// Constant patterns and zones are looked at now: their mistakes show when the policy is written.
Checked<void> Checker::prepare_texts(Node& node) {
  if (node.child_count < 2 || tree_.child(node, 1).op != Op::kConstant) return {};
  const Node& argument = tree_.child(node, 1);
  if (argument.constant.kind() != Kind::kString) return {};
  const std::string_view text = argument.constant.as_text();
  if (node.function == Function::kMatches) {
    auto compiled = compile_pattern(text);
    if (!compiled) {
      return wrong(argument.offset, "not a regular expression: " + compiled.error(),
                   "the syntax is that of RE2; a raw text r\"...\" keeps backslashes");
    }
    node.regex = static_cast<int32_t>(tree_.regexes.size());
    tree_.regexes.push_back(std::move(*compiled));
  }
  if (node.function >= Function::kGetFullYear && !parse_zone(text)) {
    return wrong(argument.offset, quoted(text) + " is not a time zone",
                 "write \"UTC\" or a distance from it, such as \"-06:00\"");
  }
  return {};
}

// Computes a node whose children are all constant. What has no value stays, and fails when it is
// evaluated (&& and || may absorb that), but for texts that can only be mistakes.
Checked<void> Checker::fold(Index index) {
  Node& node = tree_.nodes[index];
  if (node.op != Op::kCall && node.op != Op::kList && node.op != Op::kMap) return {};
  for (size_t i = 0; i < node.child_count; ++i) {
    if (tree_.child(node, i).op != Op::kConstant) return {};
  }
  const Value value = Evaluation{tree_, nullptr, tree_.pool}.run(index);
  if (value.kind() != Kind::kError) {
    node.op = Op::kConstant;
    node.child_count = 0;
    node.constant = value;
    return {};
  }
  const Fault fault = Evaluation::failure(value).fault;
  const size_t offset = node.child_count > 0 ? tree_.child(node, 0).offset : node.offset;
  if (fault == Fault::kBadDuration) {
    return wrong(offset, "this is not a duration",
                 "units are h, m, s, ms, us, ns: thirty days are \"720h\"");
  }
  if (fault == Fault::kBadTimestamp) {
    return wrong(offset, "this is not a timestamp", "write it as \"2026-01-31T00:00:00Z\"");
  }
  if (fault == Fault::kTooMuchMemory || fault == Fault::kTooMuchWork) {
    return wrong(node.offset, std::string{to_string(fault)});
  }
  return {};
}

}  // namespace

}  // namespace beringia::wire::cel

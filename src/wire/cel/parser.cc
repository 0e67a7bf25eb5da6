#include "wire/cel/parser.h"

#include <algorithm>
#include <optional>

#include "wire/cel/lexer.h"

namespace beringia::wire::cel {

namespace {

using Index = uint32_t;

constexpr std::string_view kKeywords[] = {"true", "false", "null", "in"};
// CEL language definition, RESERVED.
constexpr std::string_view kReserved[] = {
    "as",  "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
    "let", "loop",  "package", "namespace", "return", "var", "void",     "while"};

bool contains(std::span<const std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

struct BinarySign {
  std::string_view sign;
  int level;  // of precedence: higher binds tighter
  Function function;
};

constexpr int kOrLevel = 1;
constexpr int kRelationLevel = 3;
constexpr int kUnaryLevel = 6;
constexpr BinarySign kBinarySigns[] = {
    {"||", kOrLevel, Function::kNone}, {"&&", 2, Function::kNone},
    {"==", 3, Function::kEqual},       {"!=", 3, Function::kNotEqual},
    {"<", 3, Function::kLess},         {"<=", 3, Function::kLessOrEqual},
    {">", 3, Function::kGreater},      {">=", 3, Function::kGreaterOrEqual},
    {"+", 4, Function::kAdd},          {"-", 4, Function::kSubtract},
    {"*", 5, Function::kMultiply},     {"/", 5, Function::kDivide},
    {"%", 5, Function::kModulo}};

struct MacroForm {
  std::string_view name;
  size_t arguments;
  Macro macro;
};

constexpr MacroForm kMacros[] = {{"all", 2, Macro::kAll},
                                 {"exists", 2, Macro::kExists},
                                 {"exists_one", 2, Macro::kExistsOne},
                                 {"filter", 2, Macro::kFilter},
                                 {"map", 2, Macro::kMap},
                                 {"map", 3, Macro::kMapIf}};

std::unexpected<Mistake> wrong(size_t offset, std::string message, std::string hint = {}) {
  return std::unexpected(Mistake{offset, std::move(message), std::move(hint)});
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case Token::Kind::kEnd: return "the end";
    case Token::Kind::kIdentifier:
    case Token::Kind::kQuotedName:
    case Token::Kind::kPunctuation: return "\"" + std::string{token.text} + "\"";
    case Token::Kind::kString:
    case Token::Kind::kBytes: return "a text";
    default: return "a number";
  }
}

/// What somebody meant who wrote SQL or Python.
std::string word_hint(const Token& token) {
  if (token.kind != Token::Kind::kIdentifier) return {};
  if (token.text == "and" || token.text == "AND") return "write &&";
  if (token.text == "or" || token.text == "OR") return "write ||";
  if (token.text == "not" || token.text == "NOT") return "write !";
  if (token.text == "like" || token.text == "LIKE") return "write x.matches(\"...\")";
  return {};
}

class Parser {
 public:
  explicit Parser(Tree& tree) : tree_{tree}, lexer_{tree.source, tree.pool} {}
  [[nodiscard]] Checked<void> run();

 private:
  [[nodiscard]] Checked<void> advance();
  [[nodiscard]] Checked<void> expect(std::string_view sign, std::string_view after);
  [[nodiscard]] Checked<Index> expression();
  [[nodiscard]] Checked<Index> binary(int level);
  [[nodiscard]] Checked<Index> logic(int level);
  [[nodiscard]] Checked<Index> unary();
  [[nodiscard]] Checked<Index> negated_number(size_t offset);
  [[nodiscard]] Checked<Index> member();
  [[nodiscard]] Checked<Index> member_of(Index operand);
  [[nodiscard]] Checked<Index> primary();
  [[nodiscard]] Checked<Index> name();
  [[nodiscard]] Checked<Index> list(size_t offset);
  [[nodiscard]] Checked<Index> map(size_t offset);
  [[nodiscard]] Checked<std::vector<Index>> arguments();
  [[nodiscard]] Checked<Index> call(const Token& name, std::optional<Index> receiver);
  [[nodiscard]] Checked<Index> has(const Token& name, const std::vector<Index>& arguments);
  [[nodiscard]] Checked<Index> macro(const MacroForm& form, const Token& name, Index range,
                                     const std::vector<Index>& arguments);
  [[nodiscard]] Checked<Index> add(Node node, std::span<const Index> children);
  [[nodiscard]] Checked<Index> constant(size_t offset, const Value& value);
  std::optional<BinarySign> binary_sign() const;

  Tree& tree_;
  Lexer lexer_;
  Token token_;
  size_t nesting_ = 0;
};

}  // namespace

Checked<void> parse(Tree& tree) { return Parser{tree}.run(); }

namespace {

Checked<void> Parser::run() {
  BR_TRY(advance());
  if (token_.kind == Token::Kind::kEnd) return wrong(0, "the expression is empty");
  BR_TRY(root, expression());
  if (token_.kind != Token::Kind::kEnd) {
    return wrong(token_.offset, describe(token_) + " does not go on an expression",
                 word_hint(token_));
  }
  tree_.root = root;
  return {};
}

Checked<void> Parser::advance() {
  BR_TRY(token, lexer_.next());
  token_ = token;
  return {};
}

Checked<void> Parser::expect(std::string_view sign, std::string_view after) {
  if (!token_.is(sign)) {
    return wrong(token_.offset,
                 "\"" + std::string{sign} + "\" is missing " + std::string{after} + "; here is " +
                     describe(token_),
                 word_hint(token_));
  }
  return advance();
}

Checked<Index> Parser::add(Node node, std::span<const Index> children) {
  node.first_child = static_cast<uint32_t>(tree_.children.size());
  node.child_count = static_cast<uint32_t>(children.size());
  for (const Index child : children) {
    node.height = std::max<uint16_t>(node.height, tree_.nodes[child].height + 1);
  }
  if (node.height > kMaxHeight) {
    return wrong(node.offset, "the expression is too deep (over " + std::to_string(kMaxHeight) +
                                  " operators one upon another)");
  }
  tree_.children.insert(tree_.children.end(), children.begin(), children.end());
  tree_.nodes.push_back(node);
  return static_cast<Index>(tree_.nodes.size() - 1);
}

Checked<Index> Parser::constant(size_t offset, const Value& value) {
  Node node;
  node.op = Op::kConstant;
  node.offset = static_cast<uint32_t>(offset);
  node.constant = value;
  return add(node, {});
}

Checked<Index> Parser::expression() {
  if (++nesting_ > kMaxNesting) {
    return wrong(token_.offset, "the expression is nested too deeply (over " +
                                    std::to_string(kMaxNesting) + " brackets)");
  }
  BR_TRY(condition, binary(1));
  Index result = condition;
  if (token_.is("?")) {
    Node node;
    node.op = Op::kTernary;
    node.offset = static_cast<uint32_t>(token_.offset);
    BR_TRY(advance());
    BR_TRY(yes, binary(1));
    BR_TRY(expect(":", "after \"condition ? value\""));
    BR_TRY(no, expression());
    const Index children[] = {condition, yes, no};
    BR_TRY(ternary, add(node, children));
    result = ternary;
  }
  --nesting_;
  return result;
}

std::optional<BinarySign> Parser::binary_sign() const {
  if (token_.kind == Token::Kind::kIdentifier && token_.text == "in") {
    return BinarySign{"in", kRelationLevel, Function::kIn};
  }
  if (token_.kind != Token::Kind::kPunctuation) return std::nullopt;
  for (const auto& sign : kBinarySigns) {
    if (token_.text == sign.sign) return sign;
  }
  return std::nullopt;
}

Checked<Index> Parser::binary(int level) {
  if (level == kUnaryLevel) return unary();
  if (level < kRelationLevel) return logic(level);
  BR_TRY(left, binary(level + 1));
  Index result = left;
  for (;;) {
    const auto sign = binary_sign();
    if (!sign || sign->level != level) return result;
    Node node;
    node.op = Op::kCall;
    node.function = sign->function;
    node.offset = static_cast<uint32_t>(token_.offset);
    BR_TRY(advance());
    BR_TRY(right, binary(level + 1));
    const Index children[] = {result, right};
    BR_TRY(joined, add(node, children));
    result = joined;
  }
}

// Chains of && and || become one flat node, so that long rules are not deep.
Checked<Index> Parser::logic(int level) {
  BR_TRY(first, binary(level + 1));
  std::vector<Index> operands{first};
  Node node;
  node.op = level == kOrLevel ? Op::kOr : Op::kAnd;
  for (;;) {
    const auto sign = binary_sign();
    if (!sign || sign->level != level) break;
    if (operands.size() == 1) node.offset = static_cast<uint32_t>(token_.offset);
    BR_TRY(advance());
    BR_TRY(next, binary(level + 1));
    operands.push_back(next);
  }
  return operands.size() == 1 ? Checked<Index>{first} : add(node, operands);
}

Checked<Index> Parser::unary() {
  std::vector<size_t> offsets;
  if (token_.is("-")) {
    const size_t offset = token_.offset;
    BR_TRY(advance());
    if (token_.kind == Token::Kind::kInt || token_.kind == Token::Kind::kDouble) {
      return negated_number(offset);
    }
    offsets.push_back(offset);
  }
  const std::string_view sign = offsets.empty() ? "!" : "-";
  while (token_.is(sign)) {
    offsets.push_back(token_.offset);
    BR_TRY(advance());
    if (offsets.size() > kMaxHeight) return wrong(token_.offset, "too many signs in a row");
  }
  BR_TRY(operand, member());
  Index result = operand;
  for (auto offset = offsets.rbegin(); offset != offsets.rend(); ++offset) {
    Node node;
    node.op = Op::kCall;
    node.function = sign == "!" ? Function::kNot : Function::kNegate;
    node.offset = static_cast<uint32_t>(*offset);
    const Index children[] = {result};
    BR_TRY(negated, add(node, children));
    result = negated;
  }
  return result;
}

// The sign belongs to the literal, so that the smallest int can be written.
Checked<Index> Parser::negated_number(size_t offset) {
  const Token number = token_;
  constexpr uint64_t kSmallest = uint64_t{1} << 63;
  if (number.kind == Token::Kind::kInt && number.number > kSmallest) {
    return wrong(offset, "this number does not fit an int");
  }
  const Value value = number.kind == Token::Kind::kDouble
                          ? Value::floating(-number.floating)
                          : Value::integer(static_cast<int64_t>(~number.number + 1));
  BR_TRY(advance());
  BR_TRY(operand, constant(offset, value));
  return member_of(operand);
}

Checked<Index> Parser::member() {
  BR_TRY(operand, primary());
  return member_of(operand);
}

Checked<Index> Parser::member_of(Index operand) {
  Index result = operand;
  for (;;) {
    const size_t offset = token_.offset;
    if (token_.is("[")) {
      BR_TRY(advance());
      BR_TRY(key, expression());
      BR_TRY(expect("]", "after an index"));
      Node node;
      node.op = Op::kCall;
      node.function = Function::kIndex;
      node.offset = static_cast<uint32_t>(offset);
      const Index children[] = {result, key};
      BR_TRY(indexed, add(node, children));
      result = indexed;
      continue;
    }
    if (!token_.is(".")) return result;
    BR_TRY(advance());
    const Token selector = token_;
    const bool named =
        selector.kind == Token::Kind::kIdentifier && !contains(kKeywords, selector.text);
    if (!named && selector.kind != Token::Kind::kQuotedName) {
      return wrong(selector.offset, "a name is missing after \".\"; here is " + describe(selector));
    }
    BR_TRY(advance());
    if (named && token_.is("(")) {
      BR_TRY(called, call(selector, result));
      result = called;
      continue;
    }
    Node node;
    node.op = Op::kSelect;
    node.offset = static_cast<uint32_t>(selector.offset);
    node.name = selector.text;
    const Index children[] = {result};
    BR_TRY(selected, add(node, children));
    result = selected;
  }
}

Checked<Index> Parser::primary() {
  const Token token = token_;
  switch (token.kind) {
    case Token::Kind::kIdentifier: return name();
    case Token::Kind::kInt:
      if (token.number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return wrong(token.offset, "this number does not fit an int", "write a u behind it (uint)");
      }
      BR_TRY(advance());
      return constant(token.offset, Value::integer(static_cast<int64_t>(token.number)));
    case Token::Kind::kUint:
      BR_TRY(advance());
      return constant(token.offset, Value::uinteger(token.number));
    case Token::Kind::kDouble:
      BR_TRY(advance());
      return constant(token.offset, Value::floating(token.floating));
    case Token::Kind::kString:
      BR_TRY(advance());
      return constant(token.offset, Value::string(token.text));
    case Token::Kind::kBytes:
      BR_TRY(advance());
      return constant(token.offset, Value::bytes(token.text));
    default: break;
  }
  if (token.is("[")) return list(token.offset);
  if (token.is("{")) return map(token.offset);
  if (token.is(".")) {  // a name of the root scope: the only scope here
    BR_TRY(advance());
    if (token_.kind == Token::Kind::kIdentifier) return name();
  }
  if (token.is("(")) {
    BR_TRY(advance());
    BR_TRY(inner, expression());
    BR_TRY(expect(")", "to close \"(\""));
    return inner;
  }
  return wrong(token_.offset, "a value is missing; here is " + describe(token_));
}

Checked<Index> Parser::name() {
  const Token token = token_;
  BR_TRY(advance());
  if (token.text == "true" || token.text == "false") {
    return constant(token.offset, Value::boolean(token.text == "true"));
  }
  if (token.text == "null") return constant(token.offset, Value::null());
  if (token.text == "in") return wrong(token.offset, "a value is missing before \"in\"");
  if (contains(kReserved, token.text)) {
    return wrong(token.offset, "\"" + std::string{token.text} + "\" is a reserved word of CEL");
  }
  if (token_.is("(")) return call(token, std::nullopt);
  if (token_.is("{")) {
    return wrong(token_.offset, "messages cannot be made here",
                 "maps are written {\"key\": value}");
  }
  if (const auto hint = word_hint(token); !hint.empty() && token.text.starts_with('n')) {
    return wrong(token.offset, describe(token) + " is no operator", hint);
  }
  Node node;
  node.op = Op::kName;
  node.offset = static_cast<uint32_t>(token.offset);
  node.name = token.text;
  return add(node, {});
}

Checked<Index> Parser::list(size_t offset) {
  BR_TRY(advance());
  std::vector<Index> elements;
  while (!token_.is("]")) {
    BR_TRY(element, expression());
    elements.push_back(element);
    if (!token_.is(",")) break;
    BR_TRY(advance());
  }
  BR_TRY(expect("]", "to close \"[\""));
  Node node;
  node.op = Op::kList;
  node.offset = static_cast<uint32_t>(offset);
  return add(node, elements);
}

Checked<Index> Parser::map(size_t offset) {
  BR_TRY(advance());
  std::vector<Index> pairs;
  while (!token_.is("}")) {
    BR_TRY(key, expression());
    BR_TRY(expect(":", "after a key"));
    BR_TRY(value, expression());
    pairs.push_back(key);
    pairs.push_back(value);
    if (!token_.is(",")) break;
    BR_TRY(advance());
  }
  BR_TRY(expect("}", "to close \"{\""));
  Node node;
  node.op = Op::kMap;
  node.offset = static_cast<uint32_t>(offset);
  return add(node, pairs);
}

Checked<std::vector<Index>> Parser::arguments() {
  BR_TRY(advance());  // "("
  std::vector<Index> all;
  if (!token_.is(")")) {
    for (;;) {
      BR_TRY(argument, expression());
      all.push_back(argument);
      if (!token_.is(",")) break;
      BR_TRY(advance());
    }
  }
  BR_TRY(expect(")", "to close the arguments"));
  return all;
}

Checked<Index> Parser::call(const Token& name, std::optional<Index> receiver) {
  BR_TRY(all, arguments());
  if (!receiver && name.text == "has") return has(name, all);
  if (receiver) {
    for (const auto& form : kMacros) {
      if (form.name == name.text && form.arguments == all.size()) {
        return macro(form, name, *receiver, all);
      }
    }
    all.insert(all.begin(), *receiver);
  }
  Node node;
  node.op = Op::kUnresolved;
  node.method = receiver.has_value();
  node.offset = static_cast<uint32_t>(name.offset);
  node.name = name.text;
  return add(node, all);
}

Checked<Index> Parser::has(const Token& name, const std::vector<Index>& arguments) {
  if (arguments.size() != 1 || tree_.nodes[arguments[0]].op != Op::kSelect) {
    return wrong(name.offset, "has() takes one selection", "write has(tags.owner)");
  }
  tree_.nodes[arguments[0]].op = Op::kHas;
  return arguments[0];
}

Checked<Index> Parser::macro(const MacroForm& form, const Token& name, Index range,
                             const std::vector<Index>& arguments) {
  const Node& variable = tree_.nodes[arguments[0]];
  if (variable.op != Op::kName) {
    return wrong(variable.offset,
                 "the first argument of " + std::string{name.text} + "() is a name for the element",
                 "write list." + std::string{name.text} + "(x, ...)");
  }
  Node node;
  node.op = Op::kComprehension;
  node.macro = form.macro;
  node.offset = static_cast<uint32_t>(name.offset);
  node.name = variable.name;
  std::vector<Index> children{range};
  children.insert(children.end(), arguments.begin() + 1, arguments.end());
  return add(node, children);
}

}  // namespace

}  // namespace beringia::wire::cel

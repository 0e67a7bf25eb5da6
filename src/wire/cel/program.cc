#include <re2/re2.h>

#include <algorithm>

#include "base/encoding.h"
#include "wire/cel/checker.h"
#include "wire/cel/evaluation.h"
#include "wire/cel/parser.h"
#include "wire/cel/required_prefix.h"

namespace beringia::wire::cel {

namespace {

constexpr std::string_view kCannotCompile = "cannot compile the condition";

Error evaluation_error(const Tree& tree, const Value& error) {
  const auto failure = Evaluation::failure(error);
  const Node& node = tree.nodes[failure.node];
  std::string message{to_string(failure.fault)};
  if (node.op == Op::kSelect) message += ": \"" + std::string{node.name} + "\"";
  return to_error("cannot evaluate the condition", tree.source, {node.offset, message, {}});
}

/// The variables that are still read after what is constant was computed.
uint64_t find_variables(const Tree& tree, uint32_t index) {
  const Node& node = tree.nodes[index];
  uint64_t found = node.op == Op::kVariable ? uint64_t{1} << node.slot : 0;
  for (size_t i = 0; i < node.child_count; ++i) {
    found |= find_variables(tree, tree.child_index(node, i));
  }
  return found;
}

}  // namespace

Tree::Tree() = default;
Tree::~Tree() = default;

size_t Declarations::add(std::string name, Type type, std::string help) {
  variables_.push_back({std::move(name), std::move(type), std::move(help)});
  return variables_.size() - 1;
}

std::optional<size_t> Declarations::find(std::string_view name) const {
  const auto found = std::ranges::find(variables_, name, &Variable::name);
  if (found == variables_.end()) return std::nullopt;
  return static_cast<size_t>(found - variables_.begin());
}

Result<Program> Program::compile_value(std::string_view source, const Declarations& declarations) {
  if (source.size() > kMaxSourceBytes) {
    return std::unexpected(
        invalid(std::string{kCannotCompile},
                "it is longer than " + std::to_string(kMaxSourceBytes) + " bytes"));
  }
  if (!is_utf8(source)) {
    return std::unexpected(invalid(std::string{kCannotCompile}, "it is not UTF-8"));
  }
  if (declarations.variables().size() > kMaxVariables) {
    return std::unexpected(internal(std::string{kCannotCompile}, "too many variables declared"));
  }
  auto tree = std::make_shared<Tree>();
  tree->source = source;
  for (const auto& variable : declarations.variables()) {
    tree->variable_names.push_back(variable.name);
  }
  auto done = parse(*tree);
  if (done) done = check(*tree, declarations);
  if (!done) return std::unexpected(to_error(kCannotCompile, source, done.error()));
  tree->variables_read = find_variables(*tree, tree->root);
  return Program{std::move(tree)};
}

Result<Program> Program::compile(std::string_view source, const Declarations& declarations) {
  BR_TRY(program, compile_value(source, declarations));
  const Kind kind = program.result_type().kind;
  if (kind == Kind::kBool || kind == Kind::kDyn) return std::move(program);
  const Node& root = program.tree_->nodes[program.tree_->root];
  return std::unexpected(to_error(
      kCannotCompile, source,
      {root.offset, "a condition is true or false, but this is " + to_string(program.result_type()),
       "compare it with something"}));
}

Result<bool> Program::evaluate(const Activation& activation) const {
  Arena arena;
  const Value value = Evaluation{*tree_, &activation, arena}.run(tree_->root);
  if (value.kind() == Kind::kBool) return value.as_bool();
  if (value.kind() == Kind::kError) return std::unexpected(evaluation_error(*tree_, value));
  return std::unexpected(
      to_error("cannot evaluate the condition", tree_->source,
               {tree_->nodes[tree_->root].offset,
                "a condition is true or false, but this is " + std::string{to_string(value.kind())},
                {}}));
}

Result<Value> Program::evaluate_value(const Activation& activation, Scratch& scratch) const {
  const Value value = Evaluation{*tree_, &activation, *scratch.arena_}.run(tree_->root);
  if (value.kind() == Kind::kError) return std::unexpected(evaluation_error(*tree_, value));
  return value;
}

const std::string& Program::source() const { return tree_->source; }
const Type& Program::result_type() const { return tree_->types[tree_->root]; }
bool Program::reads(size_t variable) const {
  return variable < kMaxVariables && (tree_->variables_read >> variable & 1) != 0;
}

std::vector<std::string> Program::variables_read() const {
  std::vector<std::string> names;
  for (size_t i = 0; i < tree_->variable_names.size(); ++i) {
    if (reads(i)) names.push_back(tree_->variable_names[i]);
  }
  return names;
}

std::string Program::required_prefix(size_t variable) const {
  return cel::required_prefix(*tree_, variable);
}

}  // namespace beringia::wire::cel

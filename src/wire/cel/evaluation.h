#pragma once

#include <array>
#include <optional>

#include "wire/cel/ast.h"

namespace beringia::wire::cel {

/// Why an expression has no value.
enum class Fault : uint8_t {
  kUnset,
  kNoSuchKey,
  kIndexRange,
  kOverload,
  kOverflow,
  kDivisionByZero,
  kTimeRange,
  kBadInteger,
  kBadDouble,
  kBadBool,
  kBadDuration,
  kBadTimestamp,
  kBadZone,
  kBadPattern,
  kNotUtf8,
  kKeyKind,
  kDuplicateKey,
  kTooMuchWork,
  kTooMuchMemory,
};

std::string_view to_string(Fault fault);

/// One evaluation of a tree. Errors are values while it runs, because && and || may absorb them.
/// Lives on the stack of its caller.
class Evaluation {
 public:
  /// `activation` may be null for constants.
  Evaluation(const Tree& tree, const Activation* activation, Arena& arena)
      : tree_{tree}, activation_{activation}, arena_{arena} {}
  /// kError if there is no value: then failure() tells.
  Value run(uint32_t root);
  struct Failure {
    Fault fault;
    uint32_t node;
  };
  static Failure failure(const Value& error);

 private:
  Value eval(uint32_t index);
  Value eval_logic(const Node& node, uint32_t index, bool decisive);
  Value eval_ternary(const Node& node, uint32_t index);
  Value eval_select(const Node& node, uint32_t index);
  Value eval_call(const Node& node, uint32_t index);
  Value eval_list(const Node& node, uint32_t index);
  Value eval_map(const Node& node, uint32_t index);
  Value eval_comprehension(const Node& node, uint32_t index);
  Value eval_quantifier(const Node& node, uint32_t index, const Value& range);
  Value eval_exists_one(const Node& node, uint32_t index, const Value& range);
  Value eval_transformation(const Node& node, uint32_t index, const Value& range);

  // calls.cc
  Value call(const Node& node, uint32_t index, const Value& a, const Value& b);
  Value compare_values(Function function, uint32_t index, const Value& a, const Value& b);
  Value member(uint32_t index, const Value& item, const Value& container);
  Value element(uint32_t index, const Value& container, const Value& key);
  Value size_of(uint32_t index, const Value& value);
  Value search(const Node& node, uint32_t index, const Value& text, const Value& part);
  Value matches(const Node& node, uint32_t index, const Value& text, const Value& pattern);
  Value change_case(uint32_t index, const Value& text, bool upper);
  Value join_lists(uint32_t index, const ListSource& a, const ListSource& b);
  // arithmetic.cc
  Value arithmetic(Function function, uint32_t index, const Value& a, const Value& b);
  Value int_arithmetic(Function function, uint32_t index, int64_t a, int64_t b);
  Value uint_arithmetic(Function function, uint32_t index, uint64_t a, uint64_t b);
  Value time_arithmetic(Function function, uint32_t index, const Value& a, const Value& b);
  Value negate(uint32_t index, const Value& value);
  // conversions.cc
  Value convert(Function function, uint32_t index, const Value& value);
  Value to_int(uint32_t index, const Value& value);
  Value to_uint(uint32_t index, const Value& value);
  Value to_double(uint32_t index, const Value& value);
  Value to_text(uint32_t index, const Value& value);
  Value part_of_time(Function function, uint32_t index, const Value& time, const Value& zone);

  Value fail(Fault fault, uint32_t index);
  /// Charges work; false when there was too much.
  bool charge(size_t steps);
  /// A text copied into the arena.
  Value make_text(uint32_t index, std::string_view text);

  const Tree& tree_;
  const Activation* activation_;
  Arena& arena_;
  size_t steps_ = 0;
  bool exhausted_ = false;
  std::array<Value, kMaxLocals> locals_;
};

}  // namespace beringia::wire::cel

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wire/cel.h"
#include "wire/cel/scratch.h"

namespace re2 {
class RE2;
}

namespace beringia::wire::cel {

/// Nesting of parentheses, brackets and arguments in a source.
inline constexpr size_t kMaxNesting = 32;
/// Height of the tree: chains such as a + b + c count too (not && and ||, which are flat). Bounds
/// the recursion of checker and evaluator, which run on a fiber's stack.
inline constexpr size_t kMaxHeight = 100;
/// Macros inside macros.
inline constexpr size_t kMaxLocals = 8;

enum class Function : uint8_t {
  kNone,
  // operators
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kNegate,
  kNot,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kIn,
  kIndex,
  // functions
  kSize,
  kStartsWith,
  kEndsWith,
  kContains,
  kMatches,
  kLowerAscii,
  kUpperAscii,
  kToBool,
  kToInt,
  kToUint,
  kToDouble,
  kToString,
  kToBytes,
  kToDuration,
  kToTimestamp,
  kToDyn,
  kTypeOf,
  kGetFullYear,
  kGetMonth,
  kGetDate,
  kGetDayOfMonth,
  kGetDayOfWeek,
  kGetDayOfYear,
  kGetHours,
  kGetMinutes,
  kGetSeconds,
  kGetMilliseconds,
};

enum class Op : uint8_t {
  kName,           // until it is checked: then one of the next three
  kConstant,       // constant
  kVariable,       // slot = index in the declarations
  kLocal,          // slot = depth of its macro
  kSelect,         // name; child: operand
  kHas,            // name; child: operand
  kCall,           // function; children: arguments, the receiver first
  kUnresolved,     // a call by name, until it is checked; `method` tells how it was written
  kAnd,            // 2 or more children
  kOr,             // 2 or more children
  kTernary,        // condition, then, else
  kList,           // elements
  kMap,            // key, value, key, value ...
  kComprehension,  // macro; name of its variable; children: range, condition [, transformation]
};

enum class Macro : uint8_t { kAll, kExists, kExistsOne, kFilter, kMap, kMapIf };

struct Node {
  Op op = Op::kConstant;
  Function function = Function::kNone;
  Macro macro = Macro::kAll;
  bool method = false;
  uint8_t slot = 0;
  uint16_t height = 1;
  uint32_t offset = 0;       // in the source, of the token to point at
  uint32_t first_child = 0;  // in Tree::children
  uint32_t child_count = 0;
  int32_t regex = -1;     // kMatches with a constant pattern: in Tree::regexes
  Value constant;         // texts lie in Tree::pool or the source
  std::string_view name;  // in Tree::source
};

/// A parsed program, and once it is checked all that evaluation needs.
struct Tree {
  std::string source;
  std::vector<Node> nodes;
  std::vector<uint32_t> children;
  std::vector<Type> types;  // by node
  uint32_t root = 0;
  uint64_t variables_read = 0;  // bit = index
  std::vector<std::string> variable_names;
  Arena pool;  // constants
  std::vector<std::unique_ptr<re2::RE2>> regexes;

  Tree();
  ~Tree();
  const Node& child(const Node& node, size_t index) const {
    return nodes[children[node.first_child + index]];
  }
  uint32_t child_index(const Node& node, size_t index) const {
    return children[node.first_child + index];
  }
};

/// A mistake in a source: where and what. Becomes an Error by to_error().
struct Mistake {
  size_t offset = 0;
  std::string message;
  std::string hint;
};

template <class T>
using Checked = std::expected<T, Mistake>;

/// kInvalid; `why` = "line 1, column 8: message", the source line and a caret below the place.
Error to_error(std::string_view what, std::string_view source, const Mistake& mistake);

/// "did you mean \"size\"?" or "" if none of `known` resembles `name`.
std::string suggest(std::string_view name, const std::vector<std::string_view>& known);

}  // namespace beringia::wire::cel

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

/// CEL, the Common Expression Language of Google's IAM Conditions: compiled once against declared
/// variables, then evaluated for many entries. Reference for users: docs/policy-language.md.
///
///   cel::Declarations known;
///   size_t path = known.add("path", cel::Type::string(), "the entry's path");
///   size_t size = known.add("size", cel::Type::integer(), "bytes");
///   BR_TRY(program, cel::Program::compile("path.startsWith('/a/') && size > 10", known));
///   cel::Activation entry;                      // reused for each entry
///   entry.set(path, cel::Value::string("/a/b"));
///   entry.set(size, cel::Value::integer(11));
///   BR_TRY(matches, program.evaluate(entry));
namespace beringia::wire::cel {

enum class Kind : uint8_t {
  kUnset,  ///< a variable without a value: reading it is an error of the evaluation
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kTimestamp,
  kDuration,
  kList,
  kMap,
  kType,
  kDyn,    ///< types only: known when it is evaluated
  kError,  ///< inside an evaluation only
};

/// "int", "timestamp", ...
std::string_view to_string(Kind kind);

/// A static type. Immutable value.
struct Type {
  Kind kind = Kind::kDyn;
  std::vector<Type> parameters;  ///< list: element; map: key, value

  static Type boolean() { return {Kind::kBool, {}}; }
  static Type integer() { return {Kind::kInt, {}}; }
  static Type uinteger() { return {Kind::kUint, {}}; }
  static Type floating() { return {Kind::kDouble, {}}; }
  static Type string() { return {Kind::kString, {}}; }
  static Type bytes() { return {Kind::kBytes, {}}; }
  static Type timestamp() { return {Kind::kTimestamp, {}}; }
  static Type duration() { return {Kind::kDuration, {}}; }
  static Type dyn() { return {Kind::kDyn, {}}; }
  static Type list(Type element);
  static Type map(Type key, Type value);
  bool operator==(const Type&) const = default;
};

/// "map(string, int)".
std::string to_string(const Type& type);

class ListSource;
class MapSource;
class Arena;  // cel/scratch.h
struct Tree;  // cel/ast.h

/// One value; trivially copyable. Texts, lists and maps are views: what they show must outlive the
/// evaluation (constants live in the Program, results in a Scratch, the rest is the caller's).
class Value {
 public:
  Value() = default;  // kUnset
  static Value null();
  static Value boolean(bool value);
  static Value integer(int64_t value);
  static Value uinteger(uint64_t value);
  static Value floating(double value);
  static Value string(std::string_view value);  ///< UTF-8
  static Value bytes(std::string_view value);
  static Value list(const ListSource& value);
  static Value map(const MapSource& value);
  static Value timestamp(Timestamp value);
  /// Seconds since 1970 and 0 <= nanos < 1e9.
  static Value timestamp(int64_t seconds, int32_t nanos);
  static Value duration(Duration value);
  /// Both parts have the same sign (as in google.protobuf.Duration).
  static Value duration(int64_t seconds, int32_t nanos);
  static Value type(Kind value);

  Kind kind() const { return kind_; }
  bool as_bool() const { return data_.boolean; }
  int64_t as_int() const { return data_.integer; }
  uint64_t as_uint() const { return data_.uinteger; }
  double as_double() const { return data_.floating; }
  std::string_view as_text() const { return {data_.text.begin, data_.text.size}; }  // and bytes
  const ListSource& as_list() const { return *data_.list; }
  const MapSource& as_map() const { return *data_.map; }
  int64_t seconds() const { return data_.integer; }  // timestamp, duration
  int32_t nanos() const { return nanos_; }
  Kind as_type() const { return static_cast<Kind>(data_.integer); }

 private:
  friend class Evaluation;
  Kind kind_ = Kind::kUnset;
  int32_t nanos_ = 0;
  union {
    bool boolean;
    int64_t integer;
    uint64_t uinteger;
    double floating;
    struct {
      const char* begin;
      size_t size;
    } text;
    const ListSource* list;
    const MapSource* map;
  } data_ = {.uinteger = 0};
};

/// CEL's text of a value, e.g. `["a", 1]`, for messages and tests. At most `max_bytes`.
std::string to_string(const Value& value, size_t max_bytes = 1024);

/// A list given by the caller. Must not change while it is evaluated.
class ListSource {
 public:
  virtual ~ListSource() = default;
  virtual size_t size() const = 0;
  virtual Value at(size_t index) const = 0;  // index < size()
};

/// A map given by the caller. Keys are bool, int, uint or string.
class MapSource {
 public:
  virtual ~MapSource() = default;
  virtual size_t size() const = 0;
  virtual std::optional<Value> find(const Value& key) const = 0;
  /// Keys in a stable order, for macros: the key after `index` others. index < size()
  virtual Value key_at(size_t index) const = 0;
};

/// A list of texts; refers to its argument.
class StringList final : public ListSource {
 public:
  explicit StringList(const std::vector<std::string>& items) : items_{&items} {}
  size_t size() const override { return items_->size(); }
  Value at(size_t index) const override { return Value::string((*items_)[index]); }

 private:
  const std::vector<std::string>* items_;
};

/// A map from text to text; refers to its argument.
class StringMap final : public MapSource {
 public:
  explicit StringMap(const std::map<std::string, std::string>& items) : items_{&items} {}
  size_t size() const override { return items_->size(); }
  std::optional<Value> find(const Value& key) const override;
  Value key_at(size_t index) const override;

 private:
  const std::map<std::string, std::string>* items_;
};

inline constexpr size_t kMaxVariables = 32;
inline constexpr size_t kMaxSourceBytes = 16 << 10;
/// Steps of one evaluation (nodes visited, and one for each 64 bytes or elements looked at).
inline constexpr size_t kMaxSteps = 1'000'000;
/// Bytes that one evaluation may make (joined texts, lists, maps).
inline constexpr size_t kMaxScratchBytes = 1 << 20;

/// The variables that a program may read, by name and type. A variable's index is its place.
class Declarations {
 public:
  struct Variable {
    std::string name;
    Type type;
    std::string help;  ///< one line, for documentation and messages
  };
  /// @return the variable's index. At most kMaxVariables; names are CEL identifiers, each once.
  size_t add(std::string name, Type type, std::string help = {});
  std::optional<size_t> find(std::string_view name) const;
  const std::vector<Variable>& variables() const { return variables_; }

 private:
  std::vector<Variable> variables_;
};

/// The values of one evaluation, by index. No allocation. Unset variables are an error only where
/// they are read (and `a || b` absorbs it as CEL says).
class Activation {
 public:
  void set(size_t index, const Value& value) { values_[index] = value; }
  const Value& get(size_t index) const { return values_[index]; }
  void clear() { values_ = {}; }

 private:
  std::array<Value, kMaxVariables> values_;
};

/// Memory for values that an evaluation makes; they live as long as it. Reusable, not thread-safe.
class Scratch {
 public:
  Scratch();
  Scratch(Scratch&&) noexcept;
  Scratch& operator=(Scratch&&) noexcept;
  ~Scratch();
  void clear();

 private:
  friend class Program;
  std::unique_ptr<Arena> arena_;
};

/// A compiled expression. Immutable; cheap to copy; safe to use from any number of threads.
class Program {
 public:
  /// Parses and type-checks a condition (an expression of type bool).
  /// @error kInvalid: `why` names line and column and shows the source line with a caret below the
  /// place; `hint` suggests a name where one was misspelt.
  [[nodiscard]] static Result<Program> compile(std::string_view source,
                                               const Declarations& declarations);
  /// Same for an expression of any type; `result_type()` tells which.
  [[nodiscard]] static Result<Program> compile_value(std::string_view source,
                                                     const Declarations& declarations);

  /// Evaluates a condition. Allocates nothing unless the expression makes texts, lists or maps.
  /// @error kInvalid: the expression has no value here (missing key, overflow, unset variable,
  /// too much work ...); `why` points at the place as compile() does
  [[nodiscard]] Result<bool> evaluate(const Activation& activation) const;
  /// @error as evaluate()
  [[nodiscard]] Result<Value> evaluate_value(const Activation& activation, Scratch& scratch) const;

  const std::string& source() const;
  const Type& result_type() const;
  /// Does it read the variable of this index?
  bool reads(size_t variable) const;
  /// The names of the variables it reads, in the order of their declaration.
  std::vector<std::string> variables_read() const;
  /// The longest text with which the string variable must begin wherever the condition is true, as
  /// far as it can be told from startsWith() and ==, && and ||: "" = anything. A planner scans only
  /// below it.
  std::string required_prefix(size_t variable) const;

 private:
  explicit Program(std::shared_ptr<const Tree> tree) : tree_{std::move(tree)} {}
  std::shared_ptr<const Tree> tree_;  // owners: copies of the program
};

}  // namespace beringia::wire::cel

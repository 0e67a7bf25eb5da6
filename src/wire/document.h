#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace beringia::wire {

/// A value of a TOML or JSON text, with the line it came from (TOML only; else 0).
struct Value {
  struct Member;
  enum class Kind { kNull, kBoolean, kInteger, kFloat, kText, kArray, kTable };
  Kind kind = Kind::kNull;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;  // kInteger too
  std::string text;
  std::vector<Value> items;     // kArray
  std::vector<Member> members;  // kTable
  uint32_t line = 0;

  /// Member of a table; null if there is none (or this is no table).
  const Value* find(std::string_view name) const;
  bool is(Kind wanted) const { return kind == wanted; }
};

struct Value::Member {
  std::string name;
  Value value;
};

inline constexpr size_t kMaxDocumentDepth = 32;

/// A whole TOML text. @error kInvalid: larger than `max_bytes`, too deep, or not TOML (why has the
/// line)
[[nodiscard]] Result<Value> parse_toml(std::string_view text, size_t max_bytes,
                                       std::string_view subject);
/// A whole JSON text whose root is an object. @error kInvalid: as parse_toml
[[nodiscard]] Result<Value> parse_json(std::string_view text, size_t max_bytes,
                                       std::string_view subject);

/// Takes a table apart: known keys of known types, everything else is an error that names the line
/// and the nearest known key. The first error wins; check with finish().
class TableReader {
 public:
  /// @param where what the table is, for messages: `backend "gcs"`
  TableReader(const Value& table, std::string where);

  std::string text(std::string_view key, std::string fallback = {});
  /// Present and not empty, else an error.
  std::string required_text(std::string_view key);
  bool boolean(std::string_view key, bool fallback);
  int64_t integer(std::string_view key, int64_t fallback, int64_t least, int64_t most);
  double number(std::string_view key, double fallback);
  std::vector<std::string> texts(std::string_view key);
  /// Array of tables or any value, for nested readers; null if absent.
  const Value* value(std::string_view key);
  /// Elements of an array of tables; empty if absent.
  std::vector<const Value*> tables(std::string_view key);

  bool has(std::string_view key) const { return table_.find(key) != nullptr; }
  /// Makes `error` the outcome, with the line of `key`, unless there is one already.
  void fail(std::string_view key, const Error& error);
  /// @error the first fault, else an unknown key
  [[nodiscard]] Result<void> finish();

 private:
  const Value* known(std::string_view key);
  void wrong(std::string_view key, const Value& value, std::string_view expected);
  std::string place(uint32_t line) const;

  const Value& table_;
  std::string where_;
  std::set<std::string, std::less<>> known_;
  std::vector<Error> errors_;  // at most one
};

}  // namespace beringia::wire

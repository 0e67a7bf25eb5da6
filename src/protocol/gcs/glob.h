#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace beringia::protocol::gcs {

/// A pattern of `matchGlob`: `*` within a component, `**` across components, `?`, `[a-z]`, `[!a]`,
/// `{one,two}`, backslash escapes. Alternatives are expanded (bounded), each matched in time
/// linear in pattern times name.
class Glob {
 public:
  static constexpr size_t kMaxAlternatives = 64;
  static constexpr size_t kMaxBytes = 1024;

  /// "" matches nothing and is empty(). @error kInvalid: too long, unbalanced, too many
  /// alternatives
  static Result<Glob> parse(std::string_view pattern);
  bool empty() const { return alternatives_.empty(); }
  bool matches(std::string_view name) const;
  /// Every name that matches begins with this.
  const std::string& literal_prefix() const { return literal_prefix_; }

 private:
  /// One position of a pattern.
  struct Token {
    enum class Kind { kByte, kAny, kStar, kDoubleStar, kSet } kind = Kind::kByte;
    char byte = 0;
    bool negated = false;
    std::vector<std::pair<char, char>> ranges;  // inclusive
    bool accepts(char c) const;
  };
  using Tokens = std::vector<Token>;
  static Result<Tokens> tokenize(std::string_view pattern);
  static bool match(const Tokens& tokens, std::string_view name);

  std::vector<Tokens> alternatives_;
  std::string literal_prefix_;
};

}  // namespace beringia::protocol::gcs

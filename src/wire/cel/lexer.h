#pragma once

#include <string>
#include <string_view>

#include "wire/cel/ast.h"

namespace beringia::wire::cel {

struct Token {
  enum class Kind : uint8_t {
    kEnd,
    kIdentifier,   // text: the name
    kQuotedName,   // `a-b`; text: without the quotes
    kInt,          // number: magnitude
    kUint,         // number
    kDouble,       // floating
    kString,       // text: the bytes meant
    kBytes,        // text: the bytes meant
    kPunctuation,  // text: the sign
  };
  Kind kind = Kind::kEnd;
  size_t offset = 0;
  std::string_view text;  // in the source, or in the lexer's memory where escapes were resolved
  uint64_t number = 0;
  double floating = 0;
  bool is(std::string_view sign) const { return kind == Kind::kPunctuation && text == sign; }
};

/// Splits a source in tokens, one at a time. The source must be UTF-8 and outlive the lexer; texts
/// of tokens live as long as `pool`.
class Lexer {
 public:
  Lexer(std::string_view source, Arena& pool) : source_{source}, pool_{&pool} {}
  [[nodiscard]] Checked<Token> next();

 private:
  [[nodiscard]] Checked<void> skip_blanks();
  [[nodiscard]] Checked<Token> number();
  [[nodiscard]] Checked<Token> quoted(size_t prefix_length);
  [[nodiscard]] Checked<Token> quoted_name();
  [[nodiscard]] Checked<Token> punctuation();
  char at(size_t position) const { return position < source_.size() ? source_[position] : '\0'; }
  /// How many letters before a quote belong to a literal (r, b, br ...); npos: none begins here.
  size_t literal_prefix() const;

  std::string_view source_;
  Arena* pool_;
  size_t position_ = 0;
};

/// Resolves the escapes of a string or bytes literal (CEL language definition, "String and bytes
/// values"). `offset` is where `body` begins, for mistakes.
[[nodiscard]] Checked<std::string> unescape(std::string_view body, size_t offset, bool bytes);

}  // namespace beringia::wire::cel

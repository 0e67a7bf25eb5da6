#include "wire/cel/lexer.h"

#include <cctype>
#include <charconv>

namespace beringia::wire::cel {

namespace {

bool starts_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool continues_name(char c) { return starts_name(c) || is_digit(c); }

std::unexpected<Mistake> wrong(size_t offset, std::string message, std::string hint = {}) {
  return std::unexpected(Mistake{offset, std::move(message), std::move(hint)});
}

/// What somebody meant who wrote 10MB or 30d.
std::string unit_hint(std::string_view digits, std::string_view unit) {
  const std::string number{digits};
  if (unit == "d") return "write duration(\"" + number + "h\") with days times 24 hours";
  if (unit == "h" || unit == "m" || unit == "s") {
    return "write duration(\"" + number + std::string{unit} + "\")";
  }
  constexpr std::pair<std::string_view, std::string_view> kSizes[] = {
      {"K", " * 1024"}, {"M", " * 1024 * 1024"}, {"G", " * 1024 * 1024 * 1024"}};
  for (const auto& [letter, factor] : kSizes) {
    if (std::toupper(static_cast<unsigned char>(unit[0])) == letter[0]) {
      return "write " + number + std::string{factor};
    }
  }
  return {};
}

}  // namespace

Checked<void> Lexer::skip_blanks() {
  while (position_ < source_.size()) {
    const char c = source_[position_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
      ++position_;
    } else if (c == '/' && at(position_ + 1) == '/') {
      position_ = std::min(source_.find('\n', position_), source_.size());
    } else if (c == '#') {
      return wrong(position_, "'#' begins nothing here", "comments begin with //");
    } else {
      break;
    }
  }
  return {};
}

size_t Lexer::literal_prefix() const {
  bool raw = false;
  bool bytes = false;
  for (size_t length = 0; length <= 2; ++length) {
    const char c = at(position_ + length);
    if (c == '"' || c == '\'') return length;
    if ((c == 'r' || c == 'R') && !raw) {
      raw = true;
    } else if ((c == 'b' || c == 'B') && !bytes) {
      bytes = true;
    } else {
      break;
    }
  }
  return std::string_view::npos;
}

Checked<Token> Lexer::next() {
  if (auto done = skip_blanks(); !done) return std::unexpected(done.error());
  Token token;
  token.offset = position_;
  if (position_ >= source_.size()) return token;
  const char c = source_[position_];
  if (const size_t prefix = literal_prefix(); prefix != std::string_view::npos) {
    return quoted(prefix);
  }
  if (is_digit(c) || (c == '.' && is_digit(at(position_ + 1)))) return number();
  if (c == '`') return quoted_name();
  if (!starts_name(c)) return punctuation();
  while (continues_name(at(position_))) ++position_;
  token.kind = Token::Kind::kIdentifier;
  token.text = source_.substr(token.offset, position_ - token.offset);
  return token;
}

Checked<Token> Lexer::number() {
  Token token;
  token.offset = position_;
  const bool hex = at(position_) == '0' && (at(position_ + 1) == 'x' || at(position_ + 1) == 'X');
  bool floating = false;
  if (hex) {
    position_ += 2;
    while (std::isxdigit(static_cast<unsigned char>(at(position_)))) ++position_;
  } else {
    while (is_digit(at(position_))) ++position_;
    if (at(position_) == '.' && is_digit(at(position_ + 1))) {
      floating = true;
      for (++position_; is_digit(at(position_));) ++position_;
    }
    size_t exponent = position_ + 1;
    if (at(exponent) == '+' || at(exponent) == '-') ++exponent;
    if ((at(position_) == 'e' || at(position_) == 'E') && is_digit(at(exponent))) {
      floating = true;
      for (position_ = exponent; is_digit(at(position_));) ++position_;
    }
  }
  const std::string_view digits =
      source_.substr(token.offset + (hex ? 2 : 0), position_ - token.offset - (hex ? 2 : 0));
  const char* end = digits.data() + digits.size();
  if (floating) {
    token.kind = Token::Kind::kDouble;
    if (std::from_chars(digits.data(), end, token.floating).ec != std::errc{}) {
      return wrong(token.offset, "this number does not fit a double");
    }
  } else {
    token.kind = Token::Kind::kInt;
    if (digits.empty()) return wrong(token.offset, "a number has no digits after 0x");
    if (std::from_chars(digits.data(), end, token.number, hex ? 16 : 10).ec != std::errc{}) {
      return wrong(token.offset, "this number does not fit 64 bits");
    }
    if (at(position_) == 'u' || at(position_) == 'U') {
      token.kind = Token::Kind::kUint;
      ++position_;
    }
  }
  if (continues_name(at(position_))) {
    size_t unit_end = position_;
    while (continues_name(at(unit_end))) ++unit_end;
    const auto unit = source_.substr(position_, unit_end - position_);
    return wrong(position_, "a number runs into \"" + std::string{unit} + "\"",
                 unit_hint(digits, unit));
  }
  return token;
}

Checked<Token> Lexer::quoted(size_t prefix_length) {
  Token token;
  token.offset = position_;
  const std::string_view prefix = source_.substr(position_, prefix_length);
  const bool raw = prefix.find_first_of("rR") != std::string_view::npos;
  const bool bytes = prefix.find_first_of("bB") != std::string_view::npos;
  position_ += prefix_length;
  const char quote = at(position_);
  const std::string triple(3, quote);
  const bool is_triple = source_.substr(position_, 3) == triple;
  const std::string_view closing =
      is_triple ? std::string_view{triple} : source_.substr(position_, 1);
  position_ += closing.size();
  const size_t begin = position_;
  for (;; ++position_) {
    if (position_ >= source_.size() ||
        (!is_triple && (at(position_) == '\n' || at(position_) == '\r'))) {
      return wrong(token.offset, "this text does not end",
                   "close it with " + std::string{closing} +
                       (is_triple ? "" : "; texts over several lines need triple quotes"));
    }
    if (source_.substr(position_, closing.size()) == closing) break;
    if (!raw && at(position_) == '\\') ++position_;
  }
  const std::string_view body = source_.substr(begin, position_ - begin);
  position_ += closing.size();
  token.kind = bytes ? Token::Kind::kBytes : Token::Kind::kString;
  token.text = body;
  if (raw || body.find('\\') == std::string_view::npos) return token;
  auto text = unescape(body, begin, bytes);
  if (!text) return std::unexpected(text.error());
  token.text = *pool_->copy(*text);  // never over the bound: shorter than the source
  return token;
}

Checked<Token> Lexer::quoted_name() {
  Token token;
  token.offset = position_;
  const size_t end = source_.find('`', position_ + 1);
  if (end == std::string_view::npos) {
    return wrong(position_, "this name does not end", "close it with `");
  }
  token.kind = Token::Kind::kQuotedName;
  token.text = source_.substr(position_ + 1, end - position_ - 1);
  for (const char c : token.text) {
    // CEL language definition, ESC_IDENT.
    if (!continues_name(c) && c != '.' && c != '-' && c != '/' && c != ' ') {
      return wrong(position_, "a quoted name holds a character that may not be there",
                   "write m[\"...\"] instead of m.`...`");
    }
  }
  if (token.text.empty()) return wrong(position_, "a quoted name is empty");
  position_ = end + 1;
  return token;
}

Checked<Token> Lexer::punctuation() {
  constexpr std::string_view kSigns[] = {"==", "!=", "<=", ">=", "&&", "||", "<", ">",
                                         "+",  "-",  "*",  "/",  "%",  "!",  "?", ":",
                                         ".",  ",",  "(",  ")",  "[",  "]",  "{", "}"};
  Token token;
  token.offset = position_;
  for (const auto sign : kSigns) {
    if (source_.substr(position_, sign.size()) != sign) continue;
    token.kind = Token::Kind::kPunctuation;
    token.text = sign;
    position_ += sign.size();
    return token;
  }
  size_t length = 1;
  while ((static_cast<unsigned char>(at(position_ + length)) & 0xC0) == 0x80) ++length;
  const std::string_view sign = source_.substr(position_, length);
  std::string hint;
  if (sign == "=") hint = "write == to compare";
  if (sign == "&") hint = "write && for \"and\"";
  if (sign == "|") hint = "write || for \"or\"";
  if (sign == "\xE2\x80\x9C" || sign == "\xE2\x80\x9D" || sign == "\xE2\x80\x99") {
    hint = "write plain quotes: \" or '";
  }
  const bool visible = static_cast<unsigned char>(sign[0]) > 0x20 && sign[0] != 0x7F;
  return wrong(
      position_,
      visible ? "'" + std::string{sign} + "' begins nothing" : "a control character stands here",
      std::move(hint));
}

}  // namespace beringia::wire::cel

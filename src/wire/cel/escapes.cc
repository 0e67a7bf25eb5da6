#include <cstdint>

#include "wire/cel/lexer.h"

namespace beringia::wire::cel {

namespace {

/// RFC 3629. `point` is a scalar value.
void append_utf8(std::string& out, uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | point >> 6);
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | point >> 12);
    out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | point >> 18);
    out += static_cast<char>(0x80 | (point >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

/// Reads `count` digits of `base` at `position`; false if they are not there.
bool read_digits(std::string_view body, size_t position, size_t count, uint32_t base,
                 uint32_t& value) {
  if (position + count > body.size()) return false;
  value = 0;
  for (const char c : body.substr(position, count)) {
    uint32_t digit = 99;
    if (c >= '0' && c <= '9') digit = static_cast<uint32_t>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<uint32_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') digit = static_cast<uint32_t>(c - 'A' + 10);
    if (digit >= base) return false;
    value = value * base + digit;
  }
  return true;
}

char simple_escape(char letter) {
  constexpr std::string_view kLetters = "abfnrtv\\?\"'`";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\?\"'`";
  const size_t found = kLetters.find(letter);
  return found == std::string_view::npos ? '\0' : kMeanings[found];
}

}  // namespace

Checked<std::string> unescape(std::string_view body, size_t offset, bool bytes) {
  std::string out;
  out.reserve(body.size());
  auto wrong = [&](size_t position, std::string message, std::string hint = {}) {
    return std::unexpected(Mistake{offset + position, std::move(message), std::move(hint)});
  };
  for (size_t i = 0; i < body.size();) {
    if (body[i] != '\\') {
      out += body[i++];
      continue;
    }
    const char letter = i + 1 < body.size() ? body[i + 1] : '\0';
    if (const char meaning = simple_escape(letter); meaning != '\0') {
      out += meaning;
      i += 2;
      continue;
    }
    uint32_t value = 0;
    size_t skip = 2;  // backslash and letter
    size_t digits = 0;
    uint32_t base = 16;
    if (letter == 'x' || letter == 'X') digits = 2;
    if (letter == 'u') digits = 4;
    if (letter == 'U') digits = 8;
    if (letter >= '0' && letter <= '3') {
      skip = 1;
      digits = 3;
      base = 8;
    }
    if (digits == 0) {
      return wrong(i, "this escape is not known",
                   R"(write \\ for a backslash, or a raw text: r"...")");
    }
    if (!read_digits(body, i + skip, digits, base, value)) {
      return wrong(i, "this escape needs " + std::to_string(digits) + " digits");
    }
    const bool is_point = letter == 'u' || letter == 'U';
    if (bytes && is_point) return wrong(i, R"(bytes take \xHH and \OOO, not \u or \U)");
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
      return wrong(i, "this is not a Unicode character");
    }
    // In a text, \xHH and \OOO are characters; in bytes, octets.
    if (bytes) {
      out += static_cast<char>(value);
    } else {
      append_utf8(out, value);
    }
    i += skip + digits;
  }
  return out;
}

}  // namespace beringia::wire::cel

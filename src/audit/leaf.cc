#include "audit/leaf.h"

#include <optional>

#include "audit/merkle.h"
#include "base/encoding.h"

namespace beringia::audit {
namespace {

constexpr std::string_view kSequence = "seq";
constexpr uint64_t kMaxExactNumber = uint64_t{1} << 53;
constexpr int kMaxDepth = 16;
constexpr size_t kMaxUnreadableBytes = 40'000;  // base64 and the rest fit an entry

/// The closing quote of the string that opens at `at`; npos: none.
size_t end_of_string(std::string_view text, size_t at) {
  for (;;) {
    at = text.find('"', at + 1);
    if (at == std::string_view::npos) return at;
    size_t escapes = 0;
    while (text[at - 1 - escapes] == '\\') ++escapes;
    if (escapes % 2 == 0) return at;
  }
}

/// Where a value that begins at `at` ends; npos: nowhere. Trusts that it is JSON.
size_t skip_value(std::string_view text, size_t at) {
  int depth = 0;
  for (; at < text.size(); ++at) {
    switch (text[at]) {
      case '"':
        at = end_of_string(text, at);
        if (at == std::string_view::npos) return at;
        break;
      case '{':
      case '[': ++depth; break;
      case '}':
      case ']':
        if (depth == 0) return at;
        --depth;
        break;
      case ',':
        if (depth == 0) return at;
        break;
      default: break;
    }
  }
  return std::string_view::npos;
}

/// Where the member "seq" belongs: the offset of the first greater member's name, or of the final
/// brace. nullopt: not an object of ours, or it has that member.
std::optional<size_t> place_of_sequence(std::string_view record) {
  if (!record.starts_with('{') || !record.ends_with('}')) return std::nullopt;
  size_t at = 1;
  while (at + 1 < record.size()) {
    if (record[at] != '"') return std::nullopt;
    const size_t end = record.find('"', at + 1);
    if (end == std::string_view::npos || end + 1 >= record.size() || record[end + 1] != ':') {
      return std::nullopt;
    }
    const auto order = record.substr(at + 1, end - at - 1).compare(kSequence);
    if (order == 0) return std::nullopt;
    if (order > 0) return at;
    at = skip_value(record, end + 2);
    if (at == std::string_view::npos) return std::nullopt;
    if (record[at] == ',') ++at;
  }
  return at + 1 == record.size() ? std::optional{at} : std::nullopt;
}

/// Recursive descent over the profile of read_leaf().
class Reader {
 public:
  explicit Reader(std::string_view text) : text_{text} {}

  std::optional<uint64_t> read() {
    if (!value(0) || at_ != text_.size()) return std::nullopt;
    return sequence_;
  }

 private:
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool value(int depth) {
    if (depth > kMaxDepth || at_ >= text_.size()) return false;
    switch (text_[at_]) {
      case '{': return object(depth);
      case '[': return depth > 0 && array(depth);
      case '"': return depth > 0 && string();
      default: return depth > 0 && (word("true") || word("false") || word("null") || number());
    }
  }

  bool word(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }

  bool object(int depth) {
    ++at_;
    if (take('}')) return true;
    std::string_view previous;
    for (bool first = true;; first = false) {
      const size_t begin = at_ + 1;
      if (!string()) return false;
      const std::string_view name = text_.substr(begin, at_ - 1 - begin);
      if ((!first && name <= previous) || !is_name(name) || !take(':')) return false;
      previous = name;
      if (depth == 0 && name == kSequence) {
        if (!number()) return false;
        sequence_ = last_number_;
      } else if (!value(depth + 1)) {
        return false;
      }
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  static bool is_name(std::string_view name) {
    for (const char c : name) {
      if (c < 0x20 || c > 0x7e || c == '\\') return false;
    }
    return true;
  }

  bool array(int depth) {
    ++at_;
    if (take(']')) return true;
    for (;;) {
      if (!value(depth + 1)) return false;
      if (take(']')) return true;
      if (!take(',')) return false;
    }
  }

  bool number() {
    const size_t begin = at_;
    const bool negative = take('-');
    const size_t digits = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    const auto parsed = parse_u64(text_.substr(digits, at_ - digits));
    if (!parsed || *parsed > kMaxExactNumber) return false;
    // One spelling each: no leading zeros, no minus zero.
    if (at_ - begin != std::to_string(*parsed).size() + (negative ? 1 : 0)) return false;
    if (negative && *parsed == 0) return false;
    last_number_ = negative ? std::nullopt : parsed;
    return true;
  }

  bool string() {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c < 0x20) return false;
      ++at_;
      if (c == '"') return true;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }

  bool escape() {
    if (at_ >= text_.size()) return false;
    const char kind = text_[at_++];
    if (kind != 'u') return std::string_view{"\"\\bfnrt"}.find(kind) != std::string_view::npos;
    const std::string_view digits = text_.substr(at_, 4);
    at_ += 4;
    if (digits.size() < 4 || !digits.starts_with("00")) return false;
    const auto code = from_hex(digits.substr(2));
    if (!code || to_hex(*code) != digits.substr(2)) return false;
    const char c = code->front();
    return static_cast<unsigned char>(c) < 0x20 &&
           std::string_view{"\b\f\n\r\t"}.find(c) == std::string_view::npos;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::optional<uint64_t> last_number_;
  std::optional<uint64_t> sequence_;
};

}  // namespace

std::string with_sequence(std::string_view record, uint64_t sequence) {
  const std::string number = std::to_string(sequence);
  std::string leaf;
  const auto place = place_of_sequence(record);
  if (!place || record.size() + 32 > kMaxEntryBytes) {
    leaf = "{\"seq\":" + number + ",\"unreadable\":\"";
    leaf += to_base64(record.substr(0, kMaxUnreadableBytes));
    leaf += "\"}";
    return leaf;
  }
  leaf.reserve(record.size() + 32);
  leaf += record.substr(0, *place);
  const bool last = *place + 1 == record.size();
  if (last && *place > 1) leaf += ',';
  leaf += "\"seq\":";
  leaf += number;
  if (!last) leaf += ',';
  leaf += record.substr(*place);
  return leaf;
}

Result<uint64_t> read_leaf(std::string_view leaf) {
  if (!is_utf8(leaf)) return std::unexpected(invalid("cannot read a record", "it is not UTF-8"));
  const auto sequence = Reader{leaf}.read();
  if (!sequence) {
    return std::unexpected(
        invalid("cannot read a record", "it is not canonical JSON with a member \"seq\""));
  }
  return *sequence;
}

}  // namespace beringia::audit

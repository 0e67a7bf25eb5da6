#include <algorithm>

#include "base/encoding.h"
#include "wire/cel/ast.h"
#include "wire/cel/values.h"

namespace beringia::wire::cel {

namespace {

constexpr size_t kMaxShownBytes = 160;

/// Steps (insert, remove, replace, swap neighbours) from one name to another.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> steps(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        steps[i][j] = i + j;
        continue;
      }
      steps[i][j] = std::min(
          {steps[i - 1][j] + 1, steps[i][j - 1] + 1, steps[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        steps[i][j] = std::min(steps[i][j], steps[i - 2][j - 2] + 1);
      }
    }
  }
  return steps[a.size()][b.size()];
}

size_t character_start(std::string_view text, size_t position) {
  while (position > 0 && position < text.size() &&
         (static_cast<unsigned char>(text[position]) & 0xC0) == 0x80) {
    --position;
  }
  return position;
}

}  // namespace

Error to_error(std::string_view what, std::string_view source, const Mistake& mistake) {
  const size_t offset = std::min(mistake.offset, source.size());
  const std::string_view before = source.substr(0, offset);
  const size_t line_number = 1 + static_cast<size_t>(std::ranges::count(before, '\n'));
  const size_t newline = before.rfind('\n');
  const size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
  const size_t column = 1 + count_characters(before.substr(begin));
  const size_t end = std::min(source.find('\n', offset), source.size());
  // Of a long line, the part around the place.
  const size_t from = offset - begin > kMaxShownBytes / 2
                          ? character_start(source, offset - kMaxShownBytes / 2)
                          : begin;
  const size_t until = character_start(source, std::min(end, from + kMaxShownBytes));
  std::string shown{source.substr(from, until - from)};
  std::string caret;
  for (const char c : source.substr(from, offset - from)) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) caret += c == '\t' ? '\t' : ' ';
  }
  // Control characters would disturb the terminal of who reads this.
  std::ranges::replace_if(
      shown, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; }, ' ');
  return invalid(std::string{what},
                 "line " + std::to_string(line_number) + ", column " + std::to_string(column) +
                     ": " + mistake.message + "\n  " + shown + "\n  " + caret + "^",
                 mistake.hint);
}

std::string suggest(std::string_view name, const std::vector<std::string_view>& known) {
  std::string_view best;
  size_t best_distance = std::min<size_t>(3, name.size() / 2 + 1);
  if (name.size() > 64) return {};
  const std::string lower = ascii_lower(name);
  for (const auto other : known) {
    const size_t steps = distance(lower, ascii_lower(other));
    if (steps < best_distance) {
      best = other;
      best_distance = steps;
    }
  }
  if (!best.empty()) return "did you mean \"" + std::string{best} + "\"?";
  std::vector<std::string_view> sorted = known;
  std::ranges::sort(sorted);
  sorted.erase(std::ranges::unique(sorted).begin(), sorted.end());
  std::string all;
  for (const auto other : sorted) all += (all.empty() ? "" : ", ") + std::string{other};
  return all.empty() ? all : "known are: " + all;
}

}  // namespace beringia::wire::cel

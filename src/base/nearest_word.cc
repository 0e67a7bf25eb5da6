#include "base/nearest_word.h"

#include <algorithm>

namespace beringia {
namespace {

constexpr size_t kMaxWord = 64;
constexpr size_t kMaxEdits = 2;

/// Optimal string alignment: insertions, deletions, substitutions, swapped neighbours.
size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string nearest_word(std::string_view typed, const std::vector<std::string>& known) {
  if (typed.size() > kMaxWord) return {};
  std::string best;
  size_t best_edits = kMaxEdits + 1;
  for (const auto& word : known) {
    if (word.size() > kMaxWord) continue;
    const size_t edits = edits_between(typed, word);
    if (edits < best_edits && 2 * edits < std::max(typed.size(), word.size())) {
      best = word;
      best_edits = edits;
    }
  }
  return best;
}

}  // namespace beringia

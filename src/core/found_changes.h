#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace beringia::core {

/// What others have done to one name.
struct FoundChange {
  enum class Kind { kAdded, kChanged, kGone } kind = Kind::kAdded;
  std::string path;
  /// How long nobody noticed: from the object's native time until now; 0 = not known (what is gone
  /// tells no time).
  Duration unnoticed{0};
};

inline const char* word_of(FoundChange::Kind kind) {
  switch (kind) {
    case FoundChange::Kind::kAdded: return "added";
    case FoundChange::Kind::kChanged: return "changed";
    case FoundChange::Kind::kGone: return "gone";
  }
  return "changed";
}

/// What a scan has found that the catalog did not know. Of one fiber.
struct FoundChanges {
  static constexpr size_t kMaxShown = 100;

  uint64_t added = 0;
  uint64_t changed = 0;
  uint64_t gone = 0;
  Duration longest_unnoticed{0};
  std::vector<FoundChange> first;  ///< the first kMaxShown

  void note(FoundChange change) {
    uint64_t& count = change.kind == FoundChange::Kind::kAdded     ? added
                      : change.kind == FoundChange::Kind::kChanged ? changed
                                                                   : gone;
    ++count;
    longest_unnoticed = std::max(longest_unnoticed, change.unnoticed);
    if (first.size() < kMaxShown) first.push_back(std::move(change));
  }
  uint64_t total() const { return added + changed + gone; }
};

}  // namespace beringia::core

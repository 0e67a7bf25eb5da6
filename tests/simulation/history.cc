#include "simulation/history.h"

#include <algorithm>
#include <limits>
#include <set>

namespace beringia::simulation {
namespace {

constexpr Value kBytes = (Value{1} << kPatchShift) - 1;
constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

/// What a call does to the value: nullopt if it cannot have been answered so.
std::optional<Value> step(const Call& call, Value value) {
  switch (call.kind) {
    case Call::Kind::kWrite: return call.value;
    case Call::Kind::kWriteIfNone:
      if (call.unknown) return value == 0 ? call.value : value;
      if (call.ok) return value == 0 ? std::optional{call.value} : std::nullopt;
      return value != 0 ? std::optional{value} : std::nullopt;
    case Call::Kind::kRemove:
      if (call.unknown) return Value{0};
      return call.ok == (value != 0) ? std::optional{Value{0}} : std::nullopt;
    case Call::Kind::kWriteIf:
      if (call.unknown) return (value & kBytes) == call.expected ? call.value : value;
      if (call.ok == ((value & kBytes) == call.expected)) return call.ok ? call.value : value;
      return std::nullopt;
    case Call::Kind::kPatch: {
      if (call.unknown || call.ok == (value != 0)) {
        return value == 0 ? 0 : (value & kBytes) | (call.value << kPatchShift);
      }
      return std::nullopt;
    }
    case Call::Kind::kRead: return call.value == value ? std::optional{value} : std::nullopt;
  }
  return std::nullopt;
}

/// Depth-first search for an order of the calls that respects time and explains every answer.
class Search {
 public:
  explicit Search(std::vector<Call> calls) : calls_{std::move(calls)}, done_(calls_.size()) {
    std::sort(calls_.begin(), calls_.end(),
              [](const Call& a, const Call& b) { return a.start < b.start; });
  }
  bool run() { return explore(0); }

 private:
  bool finished() const {
    for (size_t i = 0; i < calls_.size(); ++i) {
      if (!done_[i] && !calls_[i].unknown) return false;
    }
    return true;
  }

  bool explore(Value value) {
    if (finished()) return true;
    if (!seen_.emplace(done_, value).second) return false;
    // Only calls that began before the earliest end of an open call may come next.
    uint64_t earliest_end = kNever;
    for (size_t i = 0; i < calls_.size(); ++i) {
      if (!done_[i] && !calls_[i].unknown) earliest_end = std::min(earliest_end, calls_[i].end);
    }
    for (size_t i = 0; i < calls_.size(); ++i) {
      if (done_[i] || calls_[i].start > earliest_end) continue;
      const auto next = step(calls_[i], value);
      if (!next) continue;
      done_[i] = true;
      if (explore(*next)) return true;
      done_[i] = false;
    }
    return false;
  }

  std::vector<Call> calls_;
  std::vector<bool> done_;
  std::set<std::pair<std::vector<bool>, Value>> seen_;
};

}  // namespace

std::string Call::to_string() const {
  static constexpr const char* kNames[] = {"write", "write-if-none", "remove",
                                           "read",  "write-if",      "patch"};
  const auto show = [](Value v) {
    const Value patch = v >> kPatchShift;
    const Value bytes = v & kBytes;
    return std::to_string(bytes) + (patch == 0 ? "" : "+" + std::to_string(patch));
  };
  return std::to_string(start) + ".." + (unknown ? std::string{"?"} : std::to_string(end)) + " " +
         kNames[static_cast<int>(kind)] + " " + show(value) +
         (kind == Kind::kWriteIf ? " over " + show(expected) : "") + (ok ? "" : " refused") +
         (*how == '\0' ? "" : std::string{" ("} + how + ")");
}

std::optional<std::string> History::first_violation() const {
  for (const auto& [key, calls] : calls_) {
    if (Search{calls}.run()) continue;
    std::string text = "no order of these calls on " + key + " explains all answers:\n";
    for (const auto& call : calls) text += "  " + call.to_string() + "\n";
    return text;
  }
  return std::nullopt;
}

}  // namespace beringia::simulation

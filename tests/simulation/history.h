#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace beringia::simulation {

/// The value of a key: the id of the write that made its bytes, and above kPatchShift the id of the
/// last change of its attributes; 0 = absent. Every write has its own id.
using Value = uint64_t;
inline constexpr int kPatchShift = 32;

/// One call on one key as a client saw it. Times are positions in the whole history.
struct Call {
  enum class Kind {
    kWrite,        ///< sets `value`
    kWriteIfNone,  ///< sets `value` if absent; `ok` false = it was there
    kRemove,       ///< makes it absent
    kRead,         ///< saw `value`
    kWriteIf,      ///< sets `value` if the bytes were `expected`; `ok` false = they were not
    kPatch,        ///< sets the attributes' id to `value`; `ok` false = absent
  };
  Kind kind = Kind::kRead;
  Value value = 0;
  bool ok = true;  ///< conditional writes: applied or refused; removes: existed or not
  bool unknown =
      false;  ///< no answer (crash, fault): may have happened at any later time, or never
  uint64_t start = 0;
  uint64_t end = 0;  ///< meaningless when unknown
  Value expected = 0;
  const char* how = "";  ///< for messages: which verb
  std::string to_string() const;
};

/// Collects calls per key and decides whether each key's history is linearizable (Wing and Gong's
/// search with memory; sound and complete for histories of up to 64 calls that matter at once).
/// Used by one thread.
class History {
 public:
  /// The next position in time.
  uint64_t tick() { return ++now_; }
  void add(const std::string& key, Call call) { calls_[key].push_back(call); }
  /// Text that explains the first key whose history has no explanation; nullopt = all have one.
  std::optional<std::string> first_violation() const;
  const std::map<std::string, std::vector<Call>>& calls() const { return calls_; }

 private:
  uint64_t now_ = 0;
  std::map<std::string, std::vector<Call>> calls_;
};

}  // namespace beringia::simulation

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "io/context.h"
#include "kv/store.h"

namespace beringia::core {

/// Operations that clients may ask about after they were answered, as some protocols have them.
/// This keeps what was said, in the catalog's store, so that a restart forgets none. Bounded in
/// number and time. Thread-safe.
class Operations {
 public:
  static constexpr size_t kMaxKept = 10'000;  // of all buckets; the oldest go first
  static constexpr Duration kKeptFor = std::chrono::hours{7 * 24};

  /// Both outlive this.
  Operations(kv::Store& store, const Clock& clock) : store_{store}, clock_{clock} {}

  struct Finished {
    std::string bucket, id, json;
  };
  /// Ids grow with time and say when the operation began.
  static std::string make_id(Timestamp began);
  /// Durable when it returns. @error of the store
  [[nodiscard]] Result<void> add(const io::Context& context, const Finished& operation);
  /// Of a bucket that was made at `since`: those of an older one of its name are not its own.
  [[nodiscard]] Result<std::optional<std::string>> find(const io::Context& context,
                                                        std::string_view bucket, Timestamp since,
                                                        std::string_view id);
  /// Behind the id `after` ("" = all), the newest last.
  [[nodiscard]] Result<std::vector<Finished>> of(const io::Context& context,
                                                 std::string_view bucket, Timestamp since,
                                                 std::string_view after, size_t limit);

 private:
  kv::Store& store_;
  const Clock& clock_;
};

}  // namespace beringia::core

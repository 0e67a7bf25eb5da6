#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "protocol/gcs/call.h"

namespace beringia::protocol::gcs {

/// A long-running operation that is done when it is answered, or has come as far as it may in one
/// call: then it carries an error, and the same call again goes on.
struct DoneOperation {
  Timestamp began;
  std::string_view type;                      // "rename-folder"
  std::function<void(JsonWriter&)> metadata;  // members before the common ones; may be empty
  std::string response;                       // a JSON object; "" with an error
  std::optional<Error> error;
};

/// Keeps it, so that it can be asked for again, and answers it. What it did stays done whatever
/// becomes of the note; `grant` takes that error.
io::HttpResponse finish_operation(Call& call, const core::Grant& grant, DoneOperation operation);

/// How much one call may do.
class WorkBudget {
 public:
  static constexpr size_t kMaxObjects = 10'000;
  static constexpr Duration kMaxTime = std::chrono::seconds{45};  // clients wait for 60 s

  explicit WorkBudget(const Clock& clock) : clock_{clock}, until_{clock.monotonic() + kMaxTime} {}
  /// One more object? false: the call has done its part.
  bool take() { return ++taken_ <= kMaxObjects && clock_.monotonic() < until_; }

 private:
  const Clock& clock_;
  const MonotonicTime until_;
  size_t taken_ = 0;
};

}  // namespace beringia::protocol::gcs

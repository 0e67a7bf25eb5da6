#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beringia::protocol::gcs {

/// Long-running operations that clients may ask about. All of ours are done when they are answered:
/// this keeps what the last of them said, until a restart. Thread-safe.
class Operations {
 public:
  static constexpr size_t kMaxKept = 1000;

  struct Finished {
    std::string bucket, id, json;
  };
  void add(Finished operation);
  std::optional<std::string> find(std::string_view bucket, std::string_view id) const;
  /// Behind the id `after` ("" = all), the newest last.
  std::vector<Finished> of(std::string_view bucket, std::string_view after, size_t limit) const;

 private:
  mutable std::mutex mutex_;
  std::deque<Finished> kept_;
};

}  // namespace beringia::protocol::gcs

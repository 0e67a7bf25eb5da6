#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/random.h"

namespace beringia::protocol::gcs {

/// One fault that a test of a client asks for. googleapis/storage-testbench, "Forced failures".
struct Fault {
  enum class Kind {
    kStatus,          // return-503
    kStatusAfter,     // return-503-after-256K: of an upload's bytes, which are kept
    kReset,           // return-reset-connection
    kBreakAfter,      // return-broken-stream[-after-256K]: of an answer's bytes
    kShortAnswer,     // return-broken-stream-final-chunk-after-100B: of the answer to an upload
    kStall,           // stall-for-10s-after-0K
    kRedirect,        // redirect-send-token-T (gRPC)
    kRedirectHandle,  // redirect-send-handle-and-token-T (gRPC)
    kExpectRedirect,  // redirect-expect-token-T (gRPC)
  };
  Kind kind = Kind::kStatus;
  int status = 0;
  uint64_t bytes = 0;
  int seconds = 0;
  std::string token = {};

  /// nullopt: no instruction that is known here.
  static std::optional<Fault> parse(std::string_view instruction);
};

/// The "Retry Test API" of Google's storage-testbench: which faults which calls shall meet, by the
/// header x-retry-test-id. Holds the newest kMaxTests. Thread-safe.
class FaultTests {
 public:
  static constexpr size_t kMaxTests = 1000;
  static constexpr size_t kMaxInstructions = 200;  // of one test
  static constexpr size_t kMaxBody = 64 << 10;

  /// @param json  {"instructions": {"storage.objects.get": ["return-503"]}, "transport": "HTTP"}
  /// @return its resource @error kInvalid; kUnsupported: a method that gRPC does not have
  [[nodiscard]] Result<std::string> add(std::string_view json);
  /// @error kNotFound
  [[nodiscard]] Result<std::string> show(const std::string& id) const;
  [[nodiscard]] Result<void> remove(const std::string& id);
  /// What the next call of a method shall meet; it stays until take(). nullopt: nothing.
  std::optional<Fault> next(const std::string& id, std::string_view method, bool is_grpc) const;
  /// It was met. Whoever comes second to the same fault takes nothing.
  void take(const std::string& id, std::string_view method);

 private:
  struct Test {
    bool is_grpc = false;
    std::map<std::string, std::deque<std::string>, std::less<>> instructions;
  };
  static std::string render(const std::string& id, const Test& test);

  mutable std::mutex mutex_;
  SystemRng rng_;
  std::map<std::string, Test> tests_;
  std::list<std::string> order_;  // oldest first
};

}  // namespace beringia::protocol::gcs

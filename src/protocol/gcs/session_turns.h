#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace beringia::protocol::gcs {

/// Whose turn it is on a resumable session: the request that came last. A client that lost its
/// connection sends the chunk again while the first request may still hang here; the older one must
/// not add its bytes any more. Holds sessions with requests under way only. Thread-safe.
class SessionTurns {
 public:
  /// One request's turn; ends with it.
  class Turn {
   public:
    Turn(SessionTurns& turns, std::string session);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    /// No later request of this session has come.
    bool is_last() const;

   private:
    SessionTurns& turns_;
    std::string session_;
    uint64_t number_ = 0;
  };

 private:
  struct State {
    uint64_t last = 0;
    uint64_t running = 0;
  };
  mutable std::mutex mutex_;
  std::unordered_map<std::string, State> sessions_;
};

}  // namespace beringia::protocol::gcs

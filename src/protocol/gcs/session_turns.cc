#include "protocol/gcs/session_turns.h"

#include <utility>

namespace beringia::protocol::gcs {

SessionTurns::Turn::Turn(SessionTurns& turns, std::string session)
    : turns_{turns}, session_{std::move(session)} {
  const std::lock_guard lock{turns_.mutex_};
  State& state = turns_.sessions_[session_];
  number_ = ++state.last;
  ++state.running;
}

SessionTurns::Turn::~Turn() {
  const std::lock_guard lock{turns_.mutex_};
  const auto found = turns_.sessions_.find(session_);
  if (--found->second.running == 0) turns_.sessions_.erase(found);
}

bool SessionTurns::Turn::is_last() const {
  const std::lock_guard lock{turns_.mutex_};
  return turns_.sessions_.at(session_).last == number_;
}

}  // namespace beringia::protocol::gcs

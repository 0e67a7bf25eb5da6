#include "io/group_sync.h"

#include <utility>

namespace beringia::io {

Result<void> GroupSync::sync(const std::string& key) {
  std::shared_ptr<Flight> mine;
  std::shared_ptr<Flight> before;
  bool leads = false;
  {
    std::lock_guard lock{mutex_};
    Key& entry = keys_[key];
    before = entry.running;
    std::shared_ptr<Flight>& place = before ? entry.next : entry.running;
    leads = place == nullptr;
    if (leads) place = std::make_shared<Flight>();
    mine = place;
  }
  if (!leads) {
    BR_TRY(mine->done.wait(Context{}));
    return mine->result;
  }
  if (before) {
    BR_TRY(before->done.wait(Context{}));
    // From here on newcomers need a later run: this one is about to begin.
    std::lock_guard lock{mutex_};
    Key& entry = keys_[key];
    entry.running = std::exchange(entry.next, nullptr);
  }
  mine->result = run_(key);
  {
    std::lock_guard lock{mutex_};
    Key& entry = keys_[key];
    // Who leads the next run waits for this one and then takes its place.
    if (!entry.next) keys_.erase(key);
  }
  mine->done.set();
  return mine->result;
}

}  // namespace beringia::io

#include "core/upload_slots.h"

namespace beringia::core {

std::optional<UploadSlots::Claim> UploadSlots::claim(const std::string& upload, uint32_t number,
                                                     uint64_t size) {
  const std::lock_guard lock{mutex_};
  auto found = uploads_.find(upload);
  if (found == uploads_.end()) {
    if (size == 0 || uploads_.size() >= kMaxUploads) return std::nullopt;
    found = uploads_.emplace(upload, Slots{}).first;
    found->second.unit = size;
  }
  Slots& slots = found->second;
  // Products of a part number and 5 TiB do not overflow.
  if (size == 0 || slots.closed || size > slots.unit || slots.unit > kMaxEnd) return std::nullopt;
  const uint64_t offset = (number - 1) * slots.unit;
  if (offset + size > kMaxEnd || !slots.taken.insert(number).second) return std::nullopt;
  ++slots.writing;
  return Claim{*this, upload, offset};
}

bool UploadSlots::close(const std::string& upload) {
  const std::lock_guard lock{mutex_};
  const auto found = uploads_.find(upload);
  if (found == uploads_.end()) return true;
  found->second.closed = true;
  return found->second.writing == 0;
}

void UploadSlots::forget(const std::string& upload) {
  const std::lock_guard lock{mutex_};
  const auto found = uploads_.find(upload);
  if (found == uploads_.end()) return;
  // Who still writes ends its claim later; nobody gets a new one.
  found->second.closed = true;
  if (found->second.writing == 0) uploads_.erase(found);
}

void UploadSlots::end(const std::string& upload) {
  const std::lock_guard lock{mutex_};
  const auto found = uploads_.find(upload);
  if (found != uploads_.end()) --found->second.writing;
}

}  // namespace beringia::core

#include "wire/cel/scratch.h"

#include <algorithm>
#include <cstring>

#include "wire/cel/values.h"

namespace beringia::wire::cel {

void* Arena::allocate(size_t bytes) {
  bytes = (std::max<size_t>(bytes, 1) + alignof(std::max_align_t) - 1) &
          ~(alignof(std::max_align_t) - 1);
  if (bytes > kMaxScratchBytes - used_) return nullptr;
  used_ += bytes;
  if (bytes > left_) {
    const size_t chunk = std::max(bytes, kChunkBytes);
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk));
    next_ = chunks_.back().get();
    left_ = chunk;
  }
  void* place = next_;
  next_ += bytes;
  left_ -= bytes;
  return place;
}

std::optional<std::string_view> Arena::copy(std::string_view text) {
  auto* place = static_cast<char*>(allocate(text.size()));
  if (place == nullptr) return std::nullopt;
  if (!text.empty()) std::memcpy(place, text.data(), text.size());
  return std::string_view{place, text.size()};
}

Value* Arena::make_values(size_t count) {
  if (count > kMaxScratchBytes / sizeof(Value)) return nullptr;
  auto* place = static_cast<Value*>(allocate(count * sizeof(Value)));
  if (place != nullptr) std::uninitialized_default_construct_n(place, count);
  return place;
}

void Arena::clear() {
  chunks_.clear();
  next_ = inline_;
  left_ = kInlineBytes;
  used_ = 0;
}

Scratch::Scratch() : arena_{std::make_unique<Arena>()} {}
Scratch::Scratch(Scratch&&) noexcept = default;
Scratch& Scratch::operator=(Scratch&&) noexcept = default;
Scratch::~Scratch() = default;
void Scratch::clear() { arena_->clear(); }

std::optional<Value> ValueMap::find(const Value& key) const {
  for (size_t i = 0; i < pairs_.size(); i += 2) {
    if (equal(pairs_[i], key)) return pairs_[i + 1];
  }
  return std::nullopt;
}

}  // namespace beringia::wire::cel

#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/cel.h"

namespace beringia::wire::cel {

/// Bump allocation within kMaxScratchBytes. Nothing is destroyed: only for what needs it not.
/// The first bytes are inside, so that short texts need no allocation.
class Arena {
 public:
  /// nullptr when the bound is reached.
  void* allocate(size_t bytes);
  /// A copy, or nullopt when the bound is reached.
  std::optional<std::string_view> copy(std::string_view text);
  template <class T, class... Arguments>
  T* make(Arguments&&... arguments) {
    void* place = allocate(sizeof(T));
    return place ? std::construct_at(static_cast<T*>(place), std::forward<Arguments>(arguments)...)
                 : nullptr;
  }
  /// `count` unset values; nullptr when the bound is reached.
  Value* make_values(size_t count);
  void clear();

 private:
  static constexpr size_t kInlineBytes = 512;
  static constexpr size_t kChunkBytes = 4096;
  alignas(std::max_align_t) char inline_[kInlineBytes];
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* next_ = inline_;
  size_t left_ = kInlineBytes;
  size_t used_ = 0;
};

/// Values that an evaluation made.
class ValueList final : public ListSource {
 public:
  explicit ValueList(std::span<const Value> items) : items_{items} {}
  size_t size() const override { return items_.size(); }
  Value at(size_t index) const override { return items_[index]; }

 private:
  std::span<const Value> items_;
};

/// Keys and values that an evaluation made: key, value, key, value ...
class ValueMap final : public MapSource {
 public:
  explicit ValueMap(std::span<const Value> pairs) : pairs_{pairs} {}
  size_t size() const override { return pairs_.size() / 2; }
  std::optional<Value> find(const Value& key) const override;
  Value key_at(size_t index) const override { return pairs_[2 * index]; }

 private:
  std::span<const Value> pairs_;
};

}  // namespace beringia::wire::cel

#include "io/stack.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <utility>

#include "io/sanitizers.h"

namespace beringia::io {
namespace {

// Frames are larger with sanitizers.
#if defined(BR_ASAN) || defined(BR_TSAN)
constexpr size_t kStackFactor = 4;
#else
constexpr size_t kStackFactor = 1;
#endif

constexpr size_t kMaxFree = 256;
constexpr size_t kMaxWarm = 64;  // free stacks that keep their pages

size_t page_bytes() {
  static const size_t kBytes = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return kBytes;
}

}  // namespace

Stack::Stack(size_t bytes) {
  const size_t page = page_bytes();
  bytes_ = (bytes + page - 1) / page * page;
  void* map = ::mmap(nullptr, bytes_ + page, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (map == MAP_FAILED) throw std::bad_alloc{};
  map_ = static_cast<char*>(map);
  if (::mprotect(map_, page, PROT_NONE) != 0) {
    ::munmap(map_, bytes_ + page);
    throw std::bad_alloc{};
  }
}

Stack::Stack(Stack&& other) noexcept
    : map_{std::exchange(other.map_, nullptr)}, bytes_{std::exchange(other.bytes_, 0)} {}

Stack& Stack::operator=(Stack&& other) noexcept {
  std::swap(map_, other.map_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Stack::~Stack() {
  if (map_ != nullptr) ::munmap(map_, bytes_ + page_bytes());
}

void* Stack::top() const { return map_ + page_bytes() + bytes_; }
void* Stack::bottom() const { return map_ + page_bytes(); }
void Stack::drop_pages() { ::madvise(bottom(), bytes_, MADV_DONTNEED); }

StackPool::StackPool(size_t stack_bytes) : stack_bytes_{stack_bytes * kStackFactor} {}

Stack StackPool::take() {
  if (free_.empty()) return Stack{stack_bytes_};
  Stack stack = std::move(free_.back());
  free_.pop_back();
#ifdef BR_ASAN
  // The last frame of the fiber before never returned: its red zones are still marked.
  __asan_unpoison_memory_region(stack.bottom(), stack.bytes());
#endif
  return stack;
}

void StackPool::give(Stack stack) {
  if (free_.size() >= kMaxFree) return;
  if (free_.size() < kMaxWarm) {
    free_.push_back(std::move(stack));
    return;
  }
  stack.drop_pages();
  free_.push_back(std::move(stack));
}

}  // namespace beringia::io

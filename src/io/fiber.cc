#include "io/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <boost/context/detail/fcontext.hpp>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BR_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define BR_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define BR_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define BR_TSAN 1
#endif
#ifdef BR_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef BR_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace beringia::io {
namespace {

namespace context = boost::context::detail;

thread_local Loop* current_loop = nullptr;

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

/// What crosses a switch: who comes, and what the loop shall do once the fiber has left its stack.
struct Fiber::Switch {
  Fiber* fiber;
  std::function<void()>* after;
};

Fiber::Fiber(Loop& home, Stack stack, std::function<void()> body)
    : home_{home}, stack_{std::move(stack)}, body_{std::move(body)} {
  context_ = context::make_fcontext(stack_.top(), stack_.bytes(), [](context::transfer_t from) {
    enter(from.fctx, static_cast<Switch*>(from.data)->fiber);
  });
#ifdef BR_TSAN
  tsan_fiber_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
#ifdef BR_TSAN
  if (tsan_fiber_ != nullptr) __tsan_destroy_fiber(tsan_fiber_);
#endif
}

void Fiber::enter(void* transfer_source, Fiber* self) {
#ifdef BR_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &self->loop_stack_bottom_, &self->loop_stack_bytes_);
#endif
  self->loop_context_ = transfer_source;
  try {
    self->body_();
  } catch (...) {
    std::abort();  // exceptions do not cross a room's edge: this one would have no one to tell
  }
  self->body_ = nullptr;
  self->ended_ = true;
#ifdef BR_ASAN
  __sanitizer_start_switch_fiber(nullptr, self->loop_stack_bottom_, self->loop_stack_bytes_);
#endif
#ifdef BR_TSAN
  __tsan_switch_to_fiber(self->tsan_loop_, 0);
#endif
  Switch out{self, nullptr};
  context::jump_fcontext(self->loop_context_, &out);
}

void Fiber::resume() {
  Switch in{this, nullptr};
#ifdef BR_TSAN
  tsan_loop_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(tsan_fiber_, 0);
#endif
#ifdef BR_ASAN
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, stack_.bottom(), stack_.bytes());
#endif
  Fiber* const before = std::exchange(home_.running_, this);
  const context::transfer_t back = context::jump_fcontext(context_, &in);
  home_.running_ = before;
#ifdef BR_ASAN
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
  context_ = back.fctx;
  // After this call the fiber may already run on: nothing of it may be touched.
  if (auto* after = static_cast<Switch*>(back.data)->after) {
    const std::function<void()> action = std::move(*after);
    action();
  }
}

void Fiber::suspend(std::function<void()>* after) {
  Switch out{this, after};
#ifdef BR_ASAN
  __sanitizer_start_switch_fiber(&asan_fake_stack_, loop_stack_bottom_, loop_stack_bytes_);
#endif
#ifdef BR_TSAN
  __tsan_switch_to_fiber(tsan_loop_, 0);
#endif
  const context::transfer_t back = context::jump_fcontext(loop_context_, &out);
#ifdef BR_ASAN
  __sanitizer_finish_switch_fiber(asan_fake_stack_, &loop_stack_bottom_, &loop_stack_bytes_);
#endif
  loop_context_ = back.fctx;
}

// Not inlined: the compiler must not keep a thread_local's address across a switch.
__attribute__((noinline)) Loop* Loop::current() {
  asm volatile("");
  return current_loop;
}

__attribute__((noinline)) void Loop::set_current(Loop* loop) { current_loop = loop; }

struct Parker::ThreadWait {
  std::mutex mutex;
  std::condition_variable condition;
  bool notified = false;
};

Parker::Parker() : fiber_{Loop::current() == nullptr ? nullptr : Loop::current()->running()} {
  if (fiber_ == nullptr) thread_ = std::make_unique<ThreadWait>();
}

Parker::~Parker() = default;

bool Parker::park(const std::optional<MonotonicTime>& deadline) {
  return fiber_ != nullptr ? park_fiber(deadline) : park_thread(deadline);
}

bool Parker::park_fiber(const std::optional<MonotonicTime>& deadline) {
  Loop& loop = fiber_->home();
  if (loop.crashed()) return false;
  if (state_.load(std::memory_order_acquire) == kNotified) return true;
  bool timed_out = false;
  std::optional<Loop::TimerId> timer;
  if (deadline) {
    timer = loop.add_timer(*deadline, [this, &timed_out] {
      timed_out = true;
      unpark();
    });
  }
  // Only once the fiber has left its stack may others make it run again.
  std::function<void()> after = [this, fiber = fiber_] {
    int expected = kEmpty;
    if (!state_.compare_exchange_strong(expected, kParked, std::memory_order_acq_rel)) {
      fiber->home().make_ready(fiber);
    }
  };
  fiber_->suspend(&after);
  if (timer) loop.remove_timer(*timer);
  return !timed_out && !loop.crashed();
}

bool Parker::park_thread(const std::optional<MonotonicTime>& deadline) {
  std::unique_lock lock{thread_->mutex};
  if (!deadline) {
    thread_->condition.wait(lock, [&] { return thread_->notified; });
    return true;
  }
  const Duration left = *deadline - SystemClock{}.monotonic();
  return thread_->condition.wait_for(lock, left, [&] { return thread_->notified; });
}

void Parker::unpark() {
  if (fiber_ == nullptr) {
    std::lock_guard lock{thread_->mutex};
    thread_->notified = true;
    thread_->condition.notify_all();
    return;
  }
  Fiber* const fiber = fiber_;
  if (state_.exchange(kNotified, std::memory_order_acq_rel) == kParked) {
    fiber->home().make_ready(fiber);
  }
}

}  // namespace beringia::io

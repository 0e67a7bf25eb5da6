#include "io/fiber.h"

#include <cxxabi.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "io/sanitizers.h"

namespace beringia::io {
namespace {

namespace context = boost::context::detail;

thread_local Loop* current_loop = nullptr;

}  // namespace

/// What crosses a switch: who comes, and what the loop shall do once the fiber has left its stack.
struct Fiber::Switch {
  Fiber* fiber = nullptr;
  void (*after)(void*) = nullptr;
  void* argument = nullptr;
};

Fiber::Exceptions& Fiber::thread_exceptions() {
  return *reinterpret_cast<Exceptions*>(abi::__cxa_get_globals());
}

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
  thread_exceptions() = {};
  try {
    self->body_();
  } catch (...) {
    // Exceptions do not cross a room's edge (style guide 4): this one has no one to tell.
    std::fputs("io: an exception left a fiber\n", stderr);
    std::abort();
  }
  self->body_ = nullptr;
  self->ended_ = true;
#ifdef BR_ASAN
  __sanitizer_start_switch_fiber(nullptr, self->loop_stack_bottom_, self->loop_stack_bytes_);
#endif
#ifdef BR_TSAN
  __tsan_switch_to_fiber(self->tsan_loop_, 0);
#endif
  Switch out{self};
  context::jump_fcontext(self->loop_context_, &out);
}

void Fiber::resume() {
  Switch in{this};
  const Exceptions of_loop = thread_exceptions();
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
  thread_exceptions() = of_loop;
  context_ = back.fctx;
  // After this call the fiber may already be on its way again: nothing of it may be touched.
  const Switch out = *static_cast<Switch*>(back.data);
  if (out.after != nullptr) out.after(out.argument);
}

void Fiber::suspend(void (*after)(void*), void* argument) {
  Switch out{this, after, argument};
  const Exceptions mine = thread_exceptions();
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
  thread_exceptions() = mine;
  loop_context_ = back.fctx;
}

// Not inlined: the compiler must not keep a thread_local's address across a switch.
__attribute__((noinline)) Loop* Loop::current() {
  asm volatile("");
  return current_loop;
}

__attribute__((noinline)) void Loop::set_current(Loop* loop) {
  asm volatile("");
  current_loop = loop;
}

}  // namespace beringia::io

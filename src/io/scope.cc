#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "io/fiber.h"
#include "io/sync.h"

namespace beringia::io {

struct Scope::State {
  Context context;
  std::shared_ptr<CancelToken> token = std::make_shared<CancelToken>();
  std::shared_ptr<CancelToken> parent;
  uint64_t parent_callback = 0;
  std::mutex mutex;
  size_t running = 0;
  std::optional<Error> error;
  WaitQueue ended;
  std::vector<std::thread> threads;  // children without a runtime

  void finish(Result<void> result) {
    bool failed = false;
    {
      std::lock_guard lock{mutex};
      failed = !result.has_value() && !error;
      if (failed) error = std::move(result).error();
    }
    if (failed) token->cancel();
    std::lock_guard lock{mutex};
    if (--running == 0) ended.notify_all();
  }

  /// This wait has neither deadline nor token: children end by themselves once cancelled.
  void wait_for_all() {
    std::unique_lock lock{mutex};
    while (running > 0) {
      if (ended.wait(Context{}, lock)) continue;
      lock.unlock();
      yield();  // a simulated crash: let the children unwind
      lock.lock();
    }
    std::vector<std::thread> done = std::move(threads);
    threads.clear();
    lock.unlock();
    for (auto& thread : done) thread.join();
  }
};

Scope::Scope(const Context& parent) : state_{std::make_shared<State>()} {
  state_->context = parent.with_cancel(state_->token);
  state_->parent = parent.cancel();
  if (state_->parent) {
    state_->parent_callback =
        state_->parent->on_cancel([token = state_->token] { token->cancel(); });
  }
}

Scope::~Scope() {
  cancel();
  if (state_->parent) state_->parent->remove(state_->parent_callback);
  state_->wait_for_all();
}

const Context& Scope::context() const { return state_->context; }

void Scope::spawn(std::function<Result<void>()> body) {
  auto run = [state = state_, body = std::move(body)]() mutable {
    auto result = body();
    body = nullptr;  // what it holds may refer to the parent's frame, which goes on after finish()
    state->finish(std::move(result));
  };
  std::unique_lock lock{state_->mutex};
  ++state_->running;
  if (Loop* loop = Loop::current()) {
    lock.unlock();
    loop->start(std::move(run));
  } else {
    state_->threads.emplace_back(std::move(run));
  }
}

void Scope::cancel() { state_->token->cancel(); }

Result<void> Scope::join() {
  state_->wait_for_all();
  std::lock_guard lock{state_->mutex};
  if (state_->error) return std::unexpected(*state_->error);
  return {};
}

}  // namespace beringia::io

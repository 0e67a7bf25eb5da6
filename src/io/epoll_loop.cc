#include "io/epoll_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <utility>

namespace beringia::io {
namespace {

constexpr size_t kMaxFreeStacks = 256;
constexpr size_t kReadyPerTurn = 256;  // before sockets and timers are looked at again
constexpr int kMaxEvents = 256;
constexpr Duration kStall = std::chrono::milliseconds{50};  // style guide 5
std::atomic<uint64_t> stall_count{0};

}  // namespace

bool Readiness::wait(Direction direction, const Context& context) {
  if (closed_) return false;
  if (std::exchange(edge_[direction], false)) return true;
  Parker parker;
  waiter_[direction] = &parker;
  uint64_t callback = 0;
  const auto& cancel = context.cancel();
  if (cancel) callback = cancel->on_cancel([&] { parker.unpark(); });
  parker.park(context.deadline());
  if (cancel) cancel->remove(callback);
  waiter_[direction] = nullptr;
  return !closed_ && std::exchange(edge_[direction], false);
}

void Readiness::signal(bool readable, bool writable) {
  const bool edges[2] = {readable, writable};
  for (int direction = 0; direction < 2; ++direction) {
    if (!edges[direction]) continue;
    edge_[direction] = true;
    if (waiter_[direction] != nullptr) waiter_[direction]->unpark();
  }
}

void Readiness::close() {
  closed_ = true;
  for (Parker* waiter : waiter_) {
    if (waiter != nullptr) waiter->unpark();
  }
}

EpollLoop::EpollLoop(size_t stack_bytes, BlockingPool& pool, const Clock& clock,
                     std::atomic<size_t>& fiber_count)
    : stack_bytes_{stack_bytes}, pool_{pool}, clock_{clock}, fiber_count_{fiber_count} {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (epoll_ < 0 || wake_ < 0) throw std::bad_alloc{};
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = wake_;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
}

EpollLoop::~EpollLoop() {
  ::close(wake_);
  ::close(epoll_);
}

uint64_t EpollLoop::stalls() { return stall_count.load(); }

void EpollLoop::make_ready(Fiber* fiber) {
  if (Loop::current() == this) {
    ready_.push_back(fiber);
    return;
  }
  bool wake = false;
  {
    std::lock_guard lock{mutex_};
    posted_fibers_.push_back(fiber);
    wake = std::exchange(sleeping_, false);
  }
  if (wake) ::eventfd_write(wake_, 1);
}

void EpollLoop::post(std::function<void()> task) {
  bool wake = false;
  {
    std::lock_guard lock{mutex_};
    posted_tasks_.push_back(std::move(task));
    wake = std::exchange(sleeping_, false);
  }
  if (wake) ::eventfd_write(wake_, 1);
}

Stack EpollLoop::take_stack() {
  if (free_stacks_.empty()) return Stack{stack_bytes_};
  Stack stack = std::move(free_stacks_.back());
  free_stacks_.pop_back();
  return stack;
}

void EpollLoop::start(std::function<void()> body) {
  if (Loop::current() != this) {
    post([this, body = std::move(body)]() mutable { start(std::move(body)); });
    return;
  }
  auto* fiber = std::make_unique<Fiber>(*this, take_stack(), std::move(body)).release();
  ++fibers_;
  fiber_count_.fetch_add(1, std::memory_order_relaxed);
  ready_.push_back(fiber);
}

void EpollLoop::finish(Fiber* fiber) {
  const std::unique_ptr<Fiber> owned{fiber};
  Stack stack = owned->take_stack();
  if (free_stacks_.size() < kMaxFreeStacks) {
    if (free_stacks_.size() >= kMaxFreeStacks / 4) stack.drop_pages();
    free_stacks_.push_back(std::move(stack));
  }
  --fibers_;
  fiber_count_.fetch_sub(1, std::memory_order_relaxed);
}

Loop::TimerId EpollLoop::add_timer(MonotonicTime when, std::function<void()> fire) {
  const TimerId id = next_timer_++;
  timers_.emplace(std::pair{when.nanos, id}, std::move(fire));
  timer_times_.emplace(id, when.nanos);
  return id;
}

void EpollLoop::remove_timer(TimerId id) {
  auto found = timer_times_.find(id);
  if (found == timer_times_.end()) return;
  timers_.erase({found->second, id});
  timer_times_.erase(found);
}

void EpollLoop::run_blocking(std::function<void()>& job) {
  Parker parker;
  for (;;) {
    const bool submitted = pool_.submit([&] {
      job();
      parker.unpark();
    });
    if (submitted) break;
    Parker pause;  // the queue is full: let it drain
    pause.park(clock_.monotonic() + std::chrono::milliseconds{1});
  }
  parker.park(std::nullopt);
}

void EpollLoop::watch(int fd, std::shared_ptr<Readiness> readiness) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.fd = fd;
  watched_[fd] = std::move(readiness);
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void EpollLoop::unwatch(int fd) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  watched_.erase(fd);
}

void EpollLoop::take_posted() {
  std::vector<std::function<void()>> tasks;
  {
    std::lock_guard lock{mutex_};
    ready_.insert(ready_.end(), posted_fibers_.begin(), posted_fibers_.end());
    posted_fibers_.clear();
    tasks.swap(posted_tasks_);
  }
  for (auto& task : tasks) task();
}

void EpollLoop::run_ready() {
  size_t turns = 0;
  for (size_t i = 0; i < ready_.size() && turns < kReadyPerTurn; ++i, ++turns) {
    Fiber* fiber = ready_[i];
    const MonotonicTime begin = clock_.monotonic();
    fiber->resume();
    if (clock_.monotonic() - begin > kStall) stall_count.fetch_add(1);
    if (fiber->ended()) finish(fiber);
  }
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(turns));
}

void EpollLoop::fire_timers() {
  const int64_t now = clock_.monotonic().nanos;
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    auto node = timers_.extract(timers_.begin());
    timer_times_.erase(node.key().second);
    node.mapped()();
  }
}

int EpollLoop::timeout_ms() {
  std::lock_guard lock{mutex_};
  if (!ready_.empty() || !posted_fibers_.empty() || !posted_tasks_.empty()) return 0;
  sleeping_ = true;
  if (timers_.empty()) return stopping_ && fibers_ == 0 ? 0 : -1;
  const int64_t left = timers_.begin()->first.first - clock_.monotonic().nanos;
  if (left <= 0) return 0;
  return static_cast<int>(std::min<int64_t>((left + 999'999) / 1'000'000, 60'000));
}

void EpollLoop::wait_for_events() {
  epoll_event events[kMaxEvents];
  const int n = ::epoll_wait(epoll_, events, kMaxEvents, timeout_ms());
  {
    std::lock_guard lock{mutex_};
    sleeping_ = false;
  }
  for (int i = 0; i < n; ++i) {
    if (events[i].data.fd == wake_) {
      eventfd_t drained = 0;
      ::eventfd_read(wake_, &drained);
      continue;
    }
    auto found = watched_.find(events[i].data.fd);
    if (found == watched_.end()) continue;
    const uint32_t what = events[i].events;
    const bool broken = (what & (EPOLLERR | EPOLLHUP)) != 0;
    found->second->signal(broken || (what & (EPOLLIN | EPOLLRDHUP)) != 0,
                          broken || (what & EPOLLOUT) != 0);
  }
}

void EpollLoop::run() {
  Loop::set_current(this);
  for (;;) {
    take_posted();
    run_ready();
    fire_timers();
    {
      std::lock_guard lock{mutex_};
      if (stopping_ && fibers_ == 0 && ready_.empty() && posted_tasks_.empty()) break;
    }
    wait_for_events();
  }
  Loop::set_current(nullptr);
}

void EpollLoop::stop() {
  std::lock_guard lock{mutex_};
  stopping_ = true;
  ::eventfd_write(wake_, 1);
}

}  // namespace beringia::io

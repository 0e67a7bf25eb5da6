#include "io/epoll_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <new>
#include <utility>

namespace beringia::io {
namespace {

constexpr size_t kReadyPerTurn = 256;  // before sockets and timers are looked at again
constexpr int kMaxEvents = 256;
constexpr Duration kStall = std::chrono::milliseconds{50};  // style guide 5
constexpr int64_t kMaxSleepNanos = 60'000'000'000;

}  // namespace

void LoopGroup::wake_all() {
  for (EpollLoop* loop : loops) loop->wake();
}

void EpollLoop::ReadyList::push(Fiber* fiber) {
  fiber->next_ready = nullptr;
  if (last == nullptr) {
    first = fiber;
  } else {
    last->next_ready = fiber;
  }
  last = fiber;
}

Fiber* EpollLoop::ReadyList::pop() {
  Fiber* const fiber = first;
  first = fiber->next_ready;
  if (first == nullptr) last = nullptr;
  return fiber;
}

void EpollLoop::ReadyList::take_all(ReadyList& other) {
  if (other.first == nullptr) return;
  (last == nullptr ? first : last->next_ready) = other.first;
  last = other.last;
  other = {};
}

EpollLoop::EpollLoop(LoopGroup& group) : group_{group}, stacks_{group.stack_bytes} {
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

void EpollLoop::wake() { ::eventfd_write(wake_, 1); }

void EpollLoop::make_ready(Fiber* fiber) {
  if (Loop::current() == this) {
    ready_.push(fiber);
    return;
  }
  bool asleep = false;
  {
    std::lock_guard lock{mutex_};
    posted_fibers_.push(fiber);
    asleep = std::exchange(sleeping_, false);
  }
  if (asleep) wake();
}

void EpollLoop::start(std::function<void()> body) {
  group_.fibers.fetch_add(1, std::memory_order_acq_rel);
  if (Loop::current() == this) {
    begin(std::move(body));
    return;
  }
  bool asleep = false;
  {
    std::lock_guard lock{mutex_};
    posted_bodies_.push_back(std::move(body));
    asleep = std::exchange(sleeping_, false);
  }
  if (asleep) wake();
}

void EpollLoop::begin(std::function<void()> body) {
  const size_t bound = std::max<size_t>(1, group_.max_fibers / group_.loops.size());
  if (fibers_ >= bound) {
    backlog_.push_back(std::move(body));
    return;
  }
  std::unique_ptr<Fiber> fiber;
  try {
    fiber = std::make_unique<Fiber>(*this, stacks_.take(), body);
  } catch (const std::bad_alloc&) {
    // No memory, or vm.max_map_count reached: wait until a fiber ends.
    if (fibers_ == 0) throw;
    backlog_.push_back(std::move(body));
    return;
  }
  ++fibers_;
  ready_.push(fiber.release());
}

void EpollLoop::finish(Fiber* fiber) {
  {
    const std::unique_ptr<Fiber> owned{fiber};
    stacks_.give(owned->take_stack());
  }
  --fibers_;
  if (group_.fibers.fetch_sub(1, std::memory_order_acq_rel) == 1 && group_.stopping.load()) {
    group_.wake_all();
  }
  if (!backlog_.empty()) {
    auto body = std::move(backlog_.front());
    backlog_.pop_front();
    begin(std::move(body));
  }
}

void EpollLoop::run_blocking(std::function<void()>& job) {
  Parker parker;
  while (!group_.pool->submit([&job, &parker] {
    job();
    parker.unpark();
  })) {
    Parker pause;  // the queue is full: let it drain
    pause.park(Context{}.with_deadline(clock().monotonic() + std::chrono::milliseconds{1}));
  }
  parker.park(Context{});
}

bool EpollLoop::watch(int fd, std::shared_ptr<Readiness> readiness) {
  const auto index = static_cast<size_t>(fd);
  if (watched_.size() <= index) watched_.resize(std::max(index + 1, watched_.size() * 2));
  // A closed descriptor needs no farewell: its slot is taken over here.
  watched_[index] = std::move(readiness);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.fd = fd;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void EpollLoop::forget(int fd) { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr); }

void EpollLoop::take_posted() {
  std::vector<std::function<void()>> bodies;
  {
    std::lock_guard lock{mutex_};
    sleeping_ = false;
    ready_.take_all(posted_fibers_);
    bodies.swap(posted_bodies_);
  }
  ready_.take_all(yielded_);
  for (auto& body : bodies) begin(std::move(body));
}

void EpollLoop::run_ready() {
  MonotonicTime begin;
  if (group_.watchdog && ready_.first != nullptr) {
    usage_ = usage();
    begin = clock().monotonic();
  }
  for (size_t turn = 0; turn < kReadyPerTurn && ready_.first != nullptr; ++turn) {
    Fiber* const fiber = ready_.pop();
    fiber->resume();
    if (fiber->ended()) finish(fiber);
    if (group_.watchdog) {
      const MonotonicTime end = clock().monotonic();
      if (end - begin > kStall) note_slow_turn(end - begin);
      begin = end;
    }
  }
}

EpollLoop::Usage EpollLoop::usage() {
  rusage found{};
  ::getrusage(RUSAGE_THREAD, &found);
  timespec cpu{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
  return {Duration{cpu.tv_sec * 1'000'000'000LL + cpu.tv_nsec}, found.ru_nvcsw};
}

/// A turn that was long because the thread slept or computed is a stall; one that was long because
/// the machine ran something else is not.
void EpollLoop::note_slow_turn(Duration time) {
  const Usage before = std::exchange(usage_, usage());
  if (usage_.cpu - before.cpu <= kStall && usage_.sleeps == before.sleeps) return;
  group_.stalls.fetch_add(1, std::memory_order_relaxed);
  std::fprintf(stderr, "io: a fiber held its loop for %lld ms\n",
               static_cast<long long>(time.count() / 1'000'000));
}

void EpollLoop::fire_timers() {
  if (timers_.empty()) return;
  const int64_t now = clock().monotonic().nanos;
  while (Timer* due = timers_.take_due(now)) due->fire(*due);
}

bool EpollLoop::may_end() {
  return group_.stopping.load(std::memory_order_acquire) &&
         group_.fibers.load(std::memory_order_acquire) == 0;
}

int EpollLoop::timeout_ms() {
  if (ready_.first != nullptr || yielded_.first != nullptr) return 0;
  int64_t left = kMaxSleepNanos;
  if (!timers_.empty()) {
    left = std::min(left, timers_.next_nanos() - clock().monotonic().nanos);
    if (left <= 0) return 0;
  }
  std::lock_guard lock{mutex_};
  if (posted_fibers_.first != nullptr || !posted_bodies_.empty()) return 0;
  sleeping_ = true;
  return static_cast<int>((left + 999'999) / 1'000'000);
}

void EpollLoop::wait_for_events() {
  epoll_event events[kMaxEvents];
  const int timeout = timeout_ms();
  const int n = ::epoll_wait(epoll_, events, kMaxEvents, timeout);
  for (int i = 0; i < n; ++i) {
    const int fd = events[i].data.fd;
    if (fd == wake_) {
      eventfd_t drained = 0;
      ::eventfd_read(wake_, &drained);
      continue;
    }
    const auto index = static_cast<size_t>(fd);
    if (index >= watched_.size() || !watched_[index]) continue;
    const uint32_t what = events[i].events;
    const bool broken = (what & (EPOLLERR | EPOLLHUP)) != 0;
    watched_[index]->signal(broken || (what & (EPOLLIN | EPOLLRDHUP)) != 0,
                            broken || (what & EPOLLOUT) != 0, broken || (what & EPOLLRDHUP) != 0);
  }
}

void EpollLoop::run() {
  Loop::set_current(this);
  while (!may_end()) {
    take_posted();
    run_ready();
    fire_timers();
    if (may_end()) break;
    wait_for_events();
  }
  Loop::set_current(nullptr);
}

}  // namespace beringia::io

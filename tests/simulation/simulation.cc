#include "simulation/simulation.h"

#include <cstdio>

#include "base/checksum.h"
#include "simulation/client.h"
#include "simulation/content.h"

namespace beringia::simulation {

using core::test::World;

namespace {

constexpr int kClients = 4;
constexpr int kCallsPerRound = 9;
constexpr int kMaxRounds = 3;
constexpr int kRunsPerRound = 6;

}  // namespace

Simulation::Simulation(const Options& options)
    : options_{options},
      rng_{options.seed},
      runtime_{io::Runtime::make_simulated(options.seed)},
      world_{std::make_unique<World>(world_options(), runtime_.get())} {
  choose_keys();
  choose_faults();
}

Simulation::~Simulation() {
  kill_.plan = {};
  // The last process ends as the others: on a fiber.
  runtime_->run([&] {
    engine_.reset();
    world_->forget_process();
  });
}

std::optional<std::string> Simulation::run() {
  const int rounds = 1 + static_cast<int>(rng_.below(kMaxRounds));
  for (rounds_ = 0; rounds_ <= rounds && !failure_; ++rounds_) {
    quiet_ = true;
    kill_.plan = {};
    const bool last = rounds_ == rounds;
    runtime_->run([&] {
      if (!last) {
        round();
      } else {
        begin_round();
        if (!failure_) finish_moves();
        if (!failure_) check_natives();
      }
    });
    if (world_->disk().crashed()) world_->disk().restart();
  }
  if (!failure_) {
    if (auto violation = history_.first_violation()) fail(*violation);
  }
  return failure_;
}

/// Brings the process up and looks at what it finds; nothing fails meanwhile.
void Simulation::begin_round() {
  engine_.reset();
  if (auto started = world_->try_restart(); !started) {
    // A planned crash during the start: the next round starts again.
    if (!io::crashed() && !world_->disk().crashed()) {
      fail("the start failed: " + started.error().to_string());
    }
    return;
  }
  world_->forgive_backends();
  auto& parts = world_->parts();
  auto left = core::recover_intents(world_->context, parts);
  if (io::crashed()) return;
  if (!left || *left > 0) return fail("an intent cannot be settled although every backend works");
  if (auto made = world_->try_principal("root"); !made) {
    if (!is_dead()) fail("the root principal cannot be made: " + made.error().to_string());
    return;
  }
  keep_versions();
  // First what was deleted and still lies there: it must not be taken for a foreign write.
  check_at_rest();
  for (int i = 0; i < 10 && !io::crashed(); ++i) {
    auto reaped = core::reap_doomed(world_->context, parts, 100);
    if (!reaped || *reaped == 0) break;
  }
}

void Simulation::keep_versions() {
  for (auto& [bucket, does] : keeps_) {
    if (does || is_dead()) continue;
    auto set = world_->names().set_directory_attributes(
        world_->context, world_->grant(core::Action::kAdminister, bucket),
        {{std::string{core::kVersioningAttribute}, std::string{core::kVersioningOn}}});
    does = set.has_value();
  }
}

void Simulation::round() {
  const bool early = rng_.below(6) == 0;  // a crash may come during the start, too
  if (early) plan_crash();
  begin_round();
  if (failure_ || io::crashed() || world_->disk().crashed()) {
    crashes_ += early ? 1 : 0;
    return;
  }
  quiet_ = false;
  if (!early) plan_crash();
  core::Janitor::Options care;
  care.interval = std::chrono::milliseconds{200 + rng_.below(2000)};
  world_->start_janitor(care);
  start_engine();
  {
    io::Scope scope{world_->context};
    for (int i = 0; i < kClients; ++i) {
      scope.spawn([&]() -> Result<void> {
        Client{*this}.run(kCallsPerRound);
        return {};
      });
    }
    for (int i = 0; i < 2; ++i) {
      scope.spawn([&]() -> Result<void> {
        foreign_writer(kCallsPerRound);
        return {};
      });
    }
    if (engine_) {
      scope.spawn([&]() -> Result<void> {
        mover(kRunsPerRound);
        return {};
      });
    }
    (void)scope.join();
  }
  quiet_ = true;
  kill_.plan.left = 0;
  if (io::crashed() || world_->disk().crashed()) {
    ++crashes_;
    // What still runs sees the crash, too.
    if (!io::crashed()) runtime_->crash();
    return;
  }
  world_->disk().crash_at(0);
  if (rng_.below(2) == 0) {
    engine_.reset();
    world_->stop();
  }
}

void Simulation::plan_crash() {
  kill_.plan = {runtime_.get(), world_.get(), 0, rng_.below(2) == 0};
  switch (rng_.below(4)) {
    case 0: return;
    case 1:
      runtime_->spawn(
          [this, plan = kill_.plan, mine = rounds_, after = rng_.below(3'000'000)]() mutable {
            if (!io::sleep_for({}, std::chrono::microseconds{after})) return;
            if (rounds_ == mine && !quiet_) crash_now(plan);
          });
      return;
    case 2: kill_.plan.left = 1 + rng_.below(60); return;
    default:
      world_->disk().crash_at(1 + rng_.below(900),
                              [runtime = runtime_.get()] { runtime->crash(); });
  }
}

/// Somebody else who uses a backend of a shared mount: puts whole files in place and removes them.
void Simulation::foreign_writer(int calls) {
  std::vector<const Key*> mine;
  for (const auto& key : keys_) {
    if (!key.backend.empty()) mine.push_back(&key);
  }
  if (mine.empty()) return;
  for (int i = 0; i < calls && !io::crashed() && !failure_; ++i) {
    if (!io::sleep_for({}, std::chrono::microseconds{rng_.below(100'000)})) return;
    const Key& key = *mine[rng_.below(mine.size())];
    auto turn = foreign_turn(key);
    if (!turn || io::crashed()) return;
    Call call;
    call.how = "foreign";
    if (rng_.below(4) != 0) {
      call.kind = Call::Kind::kWrite;
      call.value = next_id_++;
      const std::string bytes = content_of(call.value);
      id_by_crc_[Crc32c::of(bytes)] = call.value;
      call.start = history_.tick();
      call.unknown = !world_->foreign_replace(key.backend, key.native, bytes);
    } else {
      // One of ours may have been acknowledged while its native object waited to be removed.
      call.kind = Call::Kind::kWrite;
      call.start = history_.tick();
      auto removed = world_->foreign_drop(key.backend, key.native);
      if (!removed && removed.error().code() == Code::kNotFound) continue;
      call.unknown = !removed;
    }
    call.end = history_.tick();
    note(key.path, call);
  }
}

/// File systems have no compare-and-swap: our changes and foreign ones of one name take turns
/// (docs/semantics.md states the window). Held by the guard.
Result<std::optional<io::MutexGuard>> Simulation::foreign_turn(const Key& key) {
  if (key.backend != "disk3") return std::nullopt;
  BR_TRY(guard, io::MutexGuard::lock({}, foreign_turns_[key.path]));
  return std::move(guard);
}

void Simulation::fail(const std::string& what) {
  if (!failure_) failure_ = what;
}

bool Simulation::is_dead() const { return io::crashed() || world_->disk().crashed(); }

void Simulation::note(const std::string& key, Call call) {
  // Nobody hears what a dead process would still say: a read was not answered, a change may have
  // happened or not.
  if (is_dead()) {
    if (call.kind == Call::Kind::kRead) return;
    call.unknown = true;
  }
  if (options_.verbose) {
    (void)std::fprintf(stderr, "%10lld us  %s  %s\n",
                       static_cast<long long>(runtime_->clock().monotonic().nanos / 1000),
                       key.c_str(), call.to_string().c_str());
  }
  history_.add(key, call);
}

std::string Simulation::summary() const {
  return std::to_string(calls_) + " calls in " + std::to_string(rounds_) + " process runs, " +
         std::to_string(crashes_) + " crashes, " + std::to_string(moves_) + " moves planned";
}

}  // namespace beringia::simulation

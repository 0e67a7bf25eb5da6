#include "simulation/simulation.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/checksum.h"
#include "base/kill_point.h"
#include "meta/journal.h"
#include "simulation/client.h"
#include "simulation/content.h"
#include "simulation/planted.h"

namespace beringia::simulation {

using core::Action;
using core::test::MountSpec;
using core::test::World;
using core::test::WorldOptions;
using FaultCall = core::test::Call;

namespace {

constexpr int kClients = 4;
constexpr int kCallsPerRound = 9;
constexpr int kMaxRounds = 3;
constexpr size_t kBuckets = 2;
constexpr size_t kKeysPerBucket = 3;

constexpr std::pair<const char*, Plant> kPlants[] = {
    {"none", Plant::kNone},
    {"skip-fsync", Plant::kSkipFsync},
    {"skip-version-check", Plant::kSkipVersionCheck},
    {"ack-before-commit", Plant::kAckBeforeCommit},
    {"lose-audit", Plant::kLoseAudit},
    {"forget-dooms", Plant::kForgetDooms},
};

/// The mounts there are to choose from: path, backends, foreign writers' backend, all reliable?
struct Place {
  MountSpec mount;
  std::string foreign;
  bool reliable;
};
const std::vector<Place>& places() {
  static const std::vector<Place> kPlaces = {
      {{"/x/", {"disk1"}, true, {}, false}, "", true},
      {{"/u/", {"disk2", "cloud1"}, true, {}, false}, "", false},
      {{"/r/", {"cloud2"}, true, {}, false}, "", false},
      {{"/s/", {"disk3"}, false, {}, false}, "disk3", true},
      {{"/t/", {"cloud3"}, false, {}, false}, "cloud3", true},
  };
  return kPlaces;
}

/// Kill points have one hook for the whole process.
struct KillPlan {
  io::Runtime* runtime = nullptr;
  core::test::World* world = nullptr;
  uint64_t left = 0;  // passes until the crash; 0: none
  bool power = false;
};
KillPlan kill_plan;

void crash_now(KillPlan& plan) {
  if (plan.power) plan.world->disk().crash();
  plan.runtime->crash();
}

void on_kill_point(const char*, void*) {
  if (kill_plan.left == 0 || --kill_plan.left > 0) return;
  crash_now(kill_plan);
}

}  // namespace

std::optional<Plant> parse_plant(const std::string& name) {
  for (const auto& [text, plant] : kPlants) {
    if (name == text) return plant;
  }
  return std::nullopt;
}

std::string plant_names() {
  std::string names;
  for (const auto& [text, plant] : kPlants)
    names += (names.empty() ? "" : ", ") + std::string{text};
  return names;
}

Simulation::Simulation(const Options& options)
    : options_{options},
      rng_{options.seed},
      runtime_{io::Runtime::make_simulated(options.seed)},
      world_{std::make_unique<World>(world_options(), runtime_.get())} {
  choose_keys();
  choose_faults();
  set_kill_hook(on_kill_point, nullptr);
}

Simulation::~Simulation() {
  set_kill_hook(nullptr, nullptr);
  kill_plan = {};
  // The last process ends as the others: on a fiber.
  runtime_->run([&] { world_->forget_process(); });
}

WorldOptions Simulation::world_options() const {
  WorldOptions options;
  options.file_backends = {"disk1", "disk2", "disk3"};
  options.memory_backends = {"cloud1", "cloud2", "cloud3"};
  options.mounts.clear();
  for (const auto& place : places()) options.mounts.push_back(place.mount);
  options.catalog_on_disk = true;
  options.start = false;
  options.seed = options_.seed;
  options.disk.seed = options_.seed;
  switch (options_.plant) {
    case Plant::kNone: break;
    case Plant::kSkipFsync:
      options.wrap_disk = [](io::Disk& disk) { return std::make_unique<ForgetfulDisk>(disk); };
      break;
    case Plant::kSkipVersionCheck:
      options.wrap_backend = [](std::shared_ptr<backend::Backend> inner) {
        return std::make_shared<CarelessBackend>(std::move(inner));
      };
      break;
    case Plant::kAckBeforeCommit:
      options.wrap_store = [](std::unique_ptr<kv::Store> store) {
        return std::make_unique<TamperedStore>(std::move(store), true, nullptr);
      };
      break;
    case Plant::kLoseAudit:
      options.wrap_store = [count = 0](std::unique_ptr<kv::Store> store) mutable {
        return std::make_unique<TamperedStore>(
            std::move(store), false, [&count](const kv::Batch& batch) {
              const bool lose = ++count % 10 == 0;
              return without(batch, [&](const kv::Batch::Operation& operation) {
                const auto* append = std::get_if<kv::Batch::Append>(&operation);
                return lose && append != nullptr && append->stream == audit::kStream;
              });
            });
      };
      break;
    case Plant::kForgetDooms:
      options.wrap_store = [](std::unique_ptr<kv::Store> store) {
        return std::make_unique<TamperedStore>(std::move(store), false, [](const kv::Batch& batch) {
          return without(batch, [](const kv::Batch::Operation& operation) {
            const auto* put = std::get_if<kv::Batch::Put>(&operation);
            return put != nullptr && put->key.front() == 'h';
          });
        });
      };
      break;
  }
  return options;
}

void Simulation::choose_keys() {
  static const std::vector<std::string> kNames = {"a", "a/", "a//b", "d/b", "d/e/f", "d-", "z"};
  std::vector<Place> all = places();
  for (size_t i = 0; i < kBuckets; ++i) {
    const size_t picked = rng_.below(all.size());
    const Place place = all[picked];
    all.erase(all.begin() + static_cast<long>(picked));
    std::set<std::string> names;
    while (names.size() < kKeysPerBucket) {
      const std::string& name = kNames[rng_.below(kNames.size())];
      // Foreign writers of files cannot use names that a file system does not hold as they are.
      if (place.foreign == "disk3" && (name.ends_with('/') || name.find("//") != name.npos))
        continue;
      names.insert(name);
    }
    for (const auto& name : names) {
      keys_.push_back(
          {place.mount.path + name, place.mount.path, place.foreign, name, place.reliable});
    }
  }
}

void Simulation::choose_faults() {
  chaos_ = static_cast<double>(rng_.below(4)) * 0.04;
  for (const char* name : {"cloud1", "cloud2"}) {
    auto& backend = world_->faults(name);
    backend.set_before([this](FaultCall call, const std::string&) { return chaos(call, false); });
    backend.set_after([this](FaultCall call, const std::string&) { return chaos(call, true); });
  }
}

/// A remote store: slow now and then, fails before or after the effect.
Result<void> Simulation::chaos(FaultCall call, bool after) {
  if (quiet_ || chaos_ == 0) return {};
  const auto chance = [&](double p) { return static_cast<double>(rng_.below(10'000)) < p * 1e4; };
  if (chance(0.2)) {
    BR_TRY(io::sleep_for({}, std::chrono::microseconds{rng_.below(50'000)}));
  }
  if (!chance(chaos_)) return {};
  if (after && changes_something(call)) {
    return std::unexpected(
        Error{Code::kUnavailable, Retry::kMaybeApplied, "the connection broke before the answer"});
  }
  return std::unexpected(unavailable("the service answers 503"));
}

std::optional<std::string> Simulation::run() {
  const int rounds = 1 + static_cast<int>(rng_.below(kMaxRounds));
  for (rounds_ = 0; rounds_ <= rounds && !failure_; ++rounds_) {
    quiet_ = true;
    kill_plan = {};
    const bool last = rounds_ == rounds;
    runtime_->run([&] {
      if (!last) {
        round();
      } else {
        begin_round();
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
  (void)world_->principal();
  // First what was deleted and still lies there: it must not be taken for a foreign write.
  check_at_rest();
  for (int i = 0; i < 10 && !io::crashed(); ++i) {
    auto reaped = core::reap_doomed(world_->context, parts, 100);
    if (!reaped || *reaped == 0) break;
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
    (void)scope.join();
  }
  quiet_ = true;
  kill_plan.left = 0;
  if (io::crashed() || world_->disk().crashed()) {
    ++crashes_;
    // What still runs sees the crash, too.
    if (!io::crashed()) runtime_->crash();
    return;
  }
  world_->disk().crash_at(0);
  if (rng_.below(2) == 0) world_->stop();
}

void Simulation::plan_crash() {
  kill_plan = {runtime_.get(), world_.get(), 0, rng_.below(2) == 0};
  switch (rng_.below(4)) {
    case 0: return;
    case 1:
      runtime_->spawn(
          [this, plan = kill_plan, mine = rounds_, after = rng_.below(3'000'000)]() mutable {
            if (!io::sleep_for({}, std::chrono::microseconds{after})) return;
            if (rounds_ == mine && !quiet_) crash_now(plan);
          });
      return;
    case 2: kill_plan.left = 1 + rng_.below(60); return;
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

/// Nobody is at work: whatever was acknowledged is there, and every view agrees.
void Simulation::check_at_rest() {
  Client client{*this};
  for (const auto& key : keys_) {
    client.check_read(key);
    if (failure_ || io::crashed()) return;
  }
  std::set<std::string> buckets;
  for (const auto& key : keys_) buckets.insert(key.bucket);
  for (const auto& bucket : buckets) {
    check_listing(bucket);
    if (failure_ || io::crashed()) return;
  }
  check_audit();
}

/// Flat and by directory, the listing shows exactly what can be read.
void Simulation::check_listing(const std::string& bucket) {
  std::set<std::string> readable;
  for (const auto& key : keys_) {
    if (key.bucket != bucket) continue;
    auto bytes = world_->get(key.path);
    if (bytes) {
      readable.insert(key.native);
    } else if (bytes.error().code() != Code::kNotFound) {
      if (!io::crashed()) fail("cannot read " + key.path + ": " + bytes.error().to_string());
      return;
    }
  }
  auto flat = world_->list(bucket);
  core::ListRequest by_directory;
  by_directory.delimiter = "/";
  auto top = world_->list(bucket, by_directory);
  if (io::crashed()) return;
  if (!flat || !top) return fail("cannot list " + bucket);
  std::set<std::string> listed;
  for (const auto& item : flat->items) listed.insert(item.name);
  std::set<std::string> expected_top;
  for (const auto& name : readable) {
    const size_t slash = name.find('/');
    expected_top.insert(slash == std::string::npos ? name : name.substr(0, slash + 1));
  }
  std::set<std::string> listed_top{top->prefixes.begin(), top->prefixes.end()};
  for (const auto& item : top->items) listed_top.insert(item.name);
  const auto join = [](const std::set<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += " '" + name + "'";
    return text;
  };
  if (listed != readable) {
    fail("the listing of " + bucket + " shows" + join(listed) + " but readable are" +
         join(readable));
  } else if (listed_top != expected_top) {
    fail("the listing of " + bucket + " by directory shows" + join(listed_top) + " instead of" +
         join(expected_top));
  }
}

/// Every acknowledged change has its record.
void Simulation::check_audit() {
  std::vector<std::string> records;
  const std::string first{audit::kStream};
  std::string last = first;
  last.back() = static_cast<char>(last.back() + 1);
  auto rows = world_->store().scan(world_->context, first, last, 1'000'000);
  if (!rows) return;
  for (const auto& mutation : unaudited_) {
    const std::string path = "{\"name\":\"" + mutation.path + "\"";
    const std::string operation = "\"operation\":\"" + mutation.operation + "\"";
    const std::string version = "\"version\":\"" + std::to_string(mutation.generation) + "\"";
    const bool found = std::any_of(rows->begin(), rows->end(), [&](const kv::KeyValue& row) {
      return row.value.find(path) != std::string::npos &&
             row.value.find(operation) != std::string::npos &&
             (mutation.generation == 0 || row.value.find(version) != std::string::npos);
    });
    if (!found) {
      return fail("no audit record of the acknowledged " + mutation.operation + " of " +
                  mutation.path + " generation " + std::to_string(mutation.generation));
    }
  }
  unaudited_.clear();
}

/// The backends hold exactly what the entries need.
void Simulation::check_natives() {
  std::set<std::string> needed;
  for (const auto& key : keys_) {
    auto why = world_->names().explain(world_->context, world_->grant(Action::kRead, key.path));
    if (!why) continue;
    for (const auto& copy : why->copies) needed.insert(copy.backend + ":" + copy.native_name);
  }
  std::set<std::string> there;
  for (const char* name : {"disk1", "disk2", "disk3", "cloud1", "cloud2", "cloud3"}) {
    backend::ListRequest request;
    for (;;) {
      auto page = world_->faults(name).inner().list(world_->context, request);
      if (!page) return fail("cannot list " + std::string{name} + ": " + page.error().to_string());
      for (const auto& item : page->items) there.insert(std::string{name} + ":" + item.name);
      if (page->next_page_token.empty()) break;
      request.page_token = page->next_page_token;
    }
  }
  for (const auto& name : there) {
    if (!needed.contains(name)) return fail("a native object that no entry needs: " + name);
  }
  for (const auto& name : needed) {
    if (!there.contains(name)) return fail("a copy without its native object: " + name);
  }
}

void Simulation::fail(const std::string& what) {
  if (!failure_) failure_ = what;
}

void Simulation::note(const std::string& key, const Call& call) {
  if (options_.verbose) {
    (void)std::fprintf(stderr, "%10lld us  %s  %s\n",
                       static_cast<long long>(runtime_->clock().monotonic().nanos / 1000),
                       key.c_str(), call.to_string().c_str());
  }
  history_.add(key, call);
}

std::string Simulation::summary() const {
  return std::to_string(calls_) + " calls in " + std::to_string(rounds_) + " process runs, " +
         std::to_string(crashes_) + " crashes";
}

}  // namespace beringia::simulation

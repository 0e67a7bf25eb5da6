#include <algorithm>
#include <set>

#include "backend/verifying_backend.h"
#include "meta/journal.h"
#include "simulation/planted.h"
#include "simulation/simulation.h"

// What the world of a seed is made of: mounts, keys, faults.

namespace beringia::simulation {

using core::test::MountSpec;
using core::test::WorldOptions;
using FaultCall = core::test::Call;

namespace {

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

/// Bytes that differ from what was stored, or end early.
class LyingSource final : public io::ByteSource {
 public:
  LyingSource(std::unique_ptr<io::ByteSource> inner, bool ends_early)
      : inner_{std::move(inner)}, ends_early_{ends_early} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    if (ends_early_ && told_) return size_t{0};
    const size_t most = ends_early_ ? std::min<size_t>(buffer.size(), 10) : buffer.size();
    BR_TRY(n, inner_->read(context, buffer.first(most)));
    if (n > 0 && !ends_early_) buffer[n - 1] ^= 1;
    told_ = true;
    return n;
  }

 private:
  std::unique_ptr<io::ByteSource> inner_;
  bool ends_early_;
  bool told_ = false;
};

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

WorldOptions Simulation::world_options() {
  WorldOptions options;
  options.file_backends = {"disk1", "disk2", "disk3"};
  options.memory_backends = {"cloud1", "cloud2", "cloud3"};
  options.mounts.clear();
  for (const auto& place : places()) options.mounts.push_back(place.mount);
  options.catalog_on_disk = true;
  options.start = false;
  options.seed = options_.seed;
  options.disk.seed = options_.seed;
  options.policies = policies();
  plant_fault(options);
  // Remote stores lie now and then; what stands before them does not believe them.
  options.wrap_backend =
      [this, plant = options.wrap_backend](
          std::shared_ptr<backend::Backend> inner) -> std::shared_ptr<backend::Backend> {
    if (plant) inner = plant(std::move(inner));
    if (inner->capabilities().kind != "memory") return inner;
    auto liar = std::make_unique<core::test::FaultyBackend>(std::move(inner));
    liar->set_on_read(
        [this](std::unique_ptr<io::ByteSource> source) -> std::unique_ptr<io::ByteSource> {
          if (!lies()) return source;
          return std::make_unique<LyingSource>(std::move(source), rng_.below(2) == 0);
        });
    return std::make_shared<backend::VerifyingBackend>("remote", std::move(liar));
  };
  return options;
}

bool Simulation::lies() { return !quiet_ && chaos_ > 0 && rng_.below(100) < 5; }

void Simulation::plant_fault(WorldOptions& options) const {
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
}

void Simulation::choose_keys() {
  static const std::vector<std::string> kNames = {"a", "a/", "a//b", "d/b", "d/e/f", "d-", "z"};
  std::vector<Place> all = places();
  for (size_t i = 0; i < kBuckets; ++i) {
    const size_t picked = rng_.below(all.size());
    const Place place = all[picked];
    all.erase(all.begin() + static_cast<long>(picked));
    if (rng_.below(2) == 0) keeps_[place.mount.path] = false;
    std::set<std::string> names;
    while (names.size() < kKeysPerBucket) {
      const std::string& name = kNames[rng_.below(kNames.size())];
      // Foreign writers of files cannot use names that a file system does not hold as they are.
      if (place.foreign == "disk3" && (name.ends_with('/') || name.find("//") != name.npos))
        continue;
      names.insert(name);
    }
    for (const auto& name : names) {
      keys_.push_back({place.mount.path + name, place.mount.path, place.foreign, name,
                       place.reliable, place.reliable && place.foreign != "cloud3"});
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

}  // namespace beringia::simulation

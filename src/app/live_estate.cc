#include "app/live_estate.h"

#include <cmath>
#include <utility>

#include "app/unusable_backend.h"
#include "backend/factory.h"
#include "core/mount_points.h"
#include "observe/log.h"
#include "policy/prices.h"

namespace beringia::app {
namespace {

constexpr int kEpochShift = 32;  // as core::begin_boot
constexpr double kNanosPerUsd = 1e9;
constexpr double kPricedCalls = 1000;

uint64_t nano_usd_of(double usd_per_1000) {
  return static_cast<uint64_t>(std::llround(usd_per_1000 / kPricedCalls * kNanosPerUsd));
}

protocol::admin::CallCount shown(const backend::CallCount& count) {
  return {count.class_a, count.class_b, count.free, count.nano_usd};
}

/// What holds for the calls of a backend from now on, and whose they are.
void set_up_ledger(const core::Mounts& mounts,
                   const std::shared_ptr<const core::LiveBackend>& live) {
  if (!live->ledger) return;
  const auto& declaration = live->declaration;
  const auto prices = policy::prices_of(declaration, "");
  live->ledger->set({declaration.calls_per_second, declaration.calls_per_day},
                    {nano_usd_of(prices.write_per_1000), nano_usd_of(prices.read_per_1000)});
  std::vector<std::pair<std::string, std::string>> mount_of_prefix;
  for (const auto& mount : mounts.all()) {
    mount_of_prefix.emplace_back(mount.location_of(live).prefix, mount.declaration.path.text());
  }
  live->ledger->set_mounts(std::move(mount_of_prefix));
}

}  // namespace

Result<LiveEstate::Backends> LiveEstate::make_backends(const meta::Estate& estate,
                                                       Broken broken) const {
  const auto running = services_.mounts.get();
  Backends backends;
  for (const auto& declaration : estate.backends) {
    if (running) {
      auto same = running->backend(declaration.id);
      const bool usable = same && same->client->capabilities().kind != "unusable";
      if (usable && same->declaration == declaration) {
        backends.push_back(std::move(same));
        continue;
      }
    }
    backend::BackendSpec spec{declaration.name,
                              declaration.url,
                              declaration.endpoint,
                              declaration.credentials_file,
                              declaration.max_concurrency,
                              declaration.user_project,
                              declaration.kms_key,
                              declaration.max_calls_per_hour};
    if (policy::is_billed(declaration)) {
      const auto before = running ? running->backend(declaration.id) : nullptr;
      spec.ledger = before && before->ledger
                        ? before->ledger
                        : std::make_shared<backend::CallLedger>(declaration.name);
    }
    auto made = backend::make(spec, {services_.disk, services_.rng});
    if (!made && broken == Broken::kRefuse) {
      return std::unexpected(
          std::move(made).error().during("backend \"" + declaration.name + "\""));
    }
    if (!made) {
      observe::log_error("backend_unusable", "A backend cannot be used; the others are served.",
                         {observe::field("backend", declaration.name),
                          observe::field("why", made.error().to_string())});
      made = std::make_unique<UnusableBackend>(made.error());
    }
    auto live = std::make_shared<core::LiveBackend>();
    live->declaration = declaration;
    live->client = std::move(*made);
    live->ledger = spec.ledger;
    backends.push_back(std::move(live));
  }
  return backends;
}

void LiveEstate::publish(const meta::Estate& estate, Backends backends) {
  const uint64_t epoch = (estate.epoch << kEpochShift) + unclean_stops_;
  auto mounts = std::make_shared<core::Mounts>(estate, std::move(backends), epoch);
  for (const auto& declaration : estate.backends) {
    if (auto live = mounts->backend(declaration.id)) set_up_ledger(*mounts, live);
  }
  services_.mounts.set(std::move(mounts));
  std::vector<identity::IdentityProvider> providers;
  for (const auto& one : estate.identity_providers) {
    providers.push_back({one.name, one.issuer, one.audiences, one.keys, one.claim});
  }
  services_.directory.set_identity_providers(std::move(providers));
}

Result<void> LiveEstate::start(const io::Context& context, const meta::Estate& estate,
                               uint64_t unclean_stops) {
  unclean_stops_ = unclean_stops;
  BR_TRY(backends, make_backends(estate, Broken::kStandIn));
  publish(estate, std::move(backends));
  return core::make_mount_points(context, services_.names);
}

meta::Estate LiveEstate::current() const { return services_.mounts.get()->estate(); }

Result<void> LiveEstate::check(const meta::Estate& estate) const {
  BR_TRY(make_backends(estate, Broken::kRefuse));
  return {};
}

Result<void> LiveEstate::replace(const io::Context& context, const meta::Estate& before,
                                 meta::Estate after) {
  BR_TRY(guard, io::MutexGuard::lock(context, changes_));
  BR_TRY(backends, make_backends(after, Broken::kRefuse));
  BR_TRY(meta::save_estate(context, services_.store, before, after));
  publish(after, std::move(backends));
  BR_TRY(core::make_mount_points(context, services_.names));
  observe::log_info("estate_applied", "The estate was replaced.",
                    {observe::field("epoch", after.epoch),
                     observe::field("backends", uint64_t{after.backends.size()}),
                     observe::field("mounts", uint64_t{after.mounts.size()}),
                     observe::field("policies", uint64_t{after.policies.size()})});
  return {};
}

std::vector<protocol::admin::BackendCalls> LiveEstate::calls() const {
  std::vector<protocol::admin::BackendCalls> out;
  const auto mounts = services_.mounts.get();
  for (const auto& declaration : mounts->estate().backends) {
    const auto live = mounts->backend(declaration.id);
    if (!live || !live->ledger) continue;
    const auto usage = live->ledger->usage();
    auto& calls = out.emplace_back();
    calls.backend = declaration.name;
    calls.per_second = usage.budget.per_second;
    calls.per_day = usage.budget.per_day;
    calls.today = usage.today;
    calls.total = shown(usage.total);
    for (const auto& [work, count] : usage.by_work) calls.by_work[work] = shown(count);
    for (const auto& [mount, count] : usage.by_mount) calls.by_mount[mount] = shown(count);
  }
  return out;
}

Result<std::vector<protocol::admin::StoreTrait>> LiveEstate::probe(
    const io::Context& context, const std::string& backend) const {
  const auto live = services_.mounts.get()->backend(backend);
  if (!live) {
    return std::unexpected(not_found("there is no backend \"" + backend + "\"", "",
                                     "beringia mount ls lists all of them"));
  }
  BR_TRY(report, live->client->probe(context));
  live->set_report(std::move(report));
  return traits(backend);
}

std::vector<protocol::admin::StoreTrait> LiveEstate::traits(const std::string& backend) const {
  const auto live = services_.mounts.get()->backend(backend);
  std::vector<protocol::admin::StoreTrait> out;
  if (!live) return out;
  for (auto& one : live->report()) {
    out.push_back(
        {std::move(one.name), std::move(one.value), std::move(one.consequence), one.warns});
  }
  return out;
}

}  // namespace beringia::app

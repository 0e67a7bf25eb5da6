#include "app/live_estate.h"

#include "app/unusable_backend.h"
#include "backend/factory.h"
#include "core/mount_points.h"
#include "observe/log.h"

namespace beringia::app {
namespace {

constexpr int kEpochShift = 32;  // as core::begin_boot

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
    backends.push_back(std::move(live));
  }
  return backends;
}

void LiveEstate::publish(const meta::Estate& estate, Backends backends) {
  const uint64_t epoch = (estate.epoch << kEpochShift) + unclean_stops_;
  services_.mounts.set(std::make_shared<core::Mounts>(estate, std::move(backends), epoch));
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

Result<void> LiveEstate::probe(const io::Context& context, const std::string& backend) const {
  const auto live = services_.mounts.get()->backend(backend);
  if (!live) {
    return std::unexpected(not_found("there is no backend \"" + backend + "\"", "",
                                     "beringia mount ls lists all of them"));
  }
  return live->client->probe(context);
}

}  // namespace beringia::app

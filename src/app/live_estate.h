#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "core/mounts.h"
#include "core/parts.h"
#include "identity/identity.h"
#include "io/disk.h"
#include "io/sync.h"
#include "kv/store.h"
#include "protocol/admin/estate_host.h"

namespace beringia::app {

/// The declared estate as running objects: makes backends, fills the MountTable, and replaces both
/// as a whole. Thread-safe.
class LiveEstate final : public protocol::admin::EstateHost {
 public:
  struct Services {
    kv::Store& store;
    core::Namespace::Parts& names;
    core::MountTable& mounts;
    io::Disk& disk;
    Rng& rng;
    identity::Directory& directory;
  };
  explicit LiveEstate(Services services) : services_{services} {}

  /// At start: makes `estate` the running one. `unclean_stops` counts into the sync epoch, as
  /// core::begin_boot has it. A backend that cannot be made (its key file is gone) is logged, and
  /// unavailable: the others are served.
  [[nodiscard]] Result<void> start(const io::Context& context, const meta::Estate& estate,
                                   uint64_t unclean_stops);

  meta::Estate current() const override;
  Result<void> check(const meta::Estate& estate) const override;
  [[nodiscard]] Result<void> replace(const io::Context& context, const meta::Estate& before,
                                     meta::Estate after) override;
  std::vector<protocol::admin::BackendCalls> calls() const override;
  [[nodiscard]] Result<std::vector<protocol::admin::StoreTrait>> probe(
      const io::Context& context, const std::string& backend) const override;
  std::vector<protocol::admin::StoreTrait> traits(const std::string& backend) const override;
  [[nodiscard]] Result<std::vector<protocol::admin::NativeRight>> native_rights(
      const io::Context& context, const std::string& backend) const override;
  [[nodiscard]] Result<void> change_native_rights(
      const io::Context& context, const std::string& backend,
      const std::vector<protocol::admin::NativeRight>& add,
      const std::vector<protocol::admin::NativeRight>& remove) const override;

 private:
  using Backends = std::vector<std::shared_ptr<const core::LiveBackend>>;
  enum class Broken { kRefuse, kStandIn };
  /// Backends that did not change are kept with their pools and caches.
  [[nodiscard]] Result<Backends> make_backends(const meta::Estate& estate, Broken broken) const;
  void publish(const meta::Estate& estate, Backends backends);

  Services services_;
  uint64_t unclean_stops_ = 0;
  io::Mutex changes_;
};

}  // namespace beringia::app

#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/namespace.h"
#include "identity/principal.h"
#include "io/sync.h"
#include "policy/policy.h"
#include "wire/inventory.h"

namespace beringia::policy {

/// The server itself, when it lists what an inventory tells.
inline constexpr const char* kInventoryPrincipal = "system:inventory";

/// One report that was written.
struct InventoryReport {
  std::string bucket, id;
  std::string manifest;  // its path
  uint64_t rows = 0;
  uint64_t bytes = 0;  // of the data file
  Timestamp started, ended;
  std::string error;  // why there is none; "" = there is
};

/// Writes the inventories of all buckets when they are due: daily, or weekly on Sundays, UTC; the
/// first one soon after it was configured. A report is pulled from the namespace page by page, so
/// memory does not grow with the bucket. Thread-safe.
class InventoryKeeper {
 public:
  struct Options {
    Duration first = std::chrono::seconds{10};
    Duration interval = std::chrono::minutes{1};  // how often it looks for what is due
    Duration after_failure = std::chrono::hours{1};
  };
  /// All of `services` outlive it.
  InventoryKeeper(Services services, Options options);
  ~InventoryKeeper();  // stop()
  void start();
  /// Ends; a report that is under way is given up, and nothing of it is visible.
  void stop();

  /// Writes one report now, as the keeper would. Needs the right to administer the bucket.
  /// @error kNotFound: no such bucket or configuration; kDenied: also when the target's policy does
  ///        not let it in
  [[nodiscard]] Result<InventoryReport> run(const io::Context& context,
                                            const identity::Principal& principal,
                                            const std::string& bucket, const std::string& id);

 private:
  void work(const io::Context& context);
  Result<void> pass(const io::Context& context);
  Result<void> keep_bucket(const io::Context& context, const core::DirectoryInfo& bucket);
  Result<bool> is_due(const io::Context& context, const std::string& bucket,
                      const wire::InventoryConfiguration& configuration);
  Result<InventoryReport> write_report(const io::Context& context,
                                       const core::DirectoryInfo& bucket,
                                       const wire::InventoryConfiguration& configuration);
  Result<void> remember(const io::Context& context, const InventoryReport& report);

  const Services services_;
  const Options options_;
  std::shared_ptr<io::CancelToken> cancel_;  // owners: this and its fiber's contexts
  io::Event ended_;
  std::mutex mutex_;                                 // guards what follows
  std::map<std::string, MonotonicTime> not_before_;  // what failed, and when it is tried again
};

}  // namespace beringia::policy

#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/namespace.h"
#include "identity/principal.h"
#include "io/sync.h"
#include "policy/policy.h"

namespace beringia::policy {

/// The server itself, when it looks for what others have changed.
inline constexpr const char* kScanPrincipal = "system:scan";

/// A pass over one mount: the one under way, or the last one.
struct ScanPass {
  std::string mount;  ///< its path
  Timestamp started;
  Timestamp ended;    ///< 0 = under way
  std::string after;  ///< while under way: the last directory that was compared
  uint64_t directories = 0;
  uint64_t added = 0, changed = 0, gone = 0;
  Duration longest_unnoticed{0};
};
std::string to_json(const ScanPass& pass);
/// @error kInvalid
[[nodiscard]] Result<ScanPass> parse_scan_pass(const std::string& mount, std::string_view json);

/// Compares all shared mounts with their backends now and then, so that what notifications lost and
/// nobody asked for is found as well. How far it is survives a restart; so does what it found.
/// Thread-safe.
class ScanKeeper {
 public:
  struct Options {
    Duration first = std::chrono::seconds{10};
    Duration interval{0};             ///< between passes; 0 = there are none
    size_t directories_at_once = 64;  ///< between two rests, after which it remembers
    Duration after_failure = std::chrono::minutes{1};
  };
  /// All of `services` outlive it.
  ScanKeeper(Services services, Options options);
  ~ScanKeeper();  // stop()
  void start();
  /// Ends soon; the next process goes on where it was. Joins.
  void stop();
  /// Of all mounts that were ever scanned and still are shared.
  [[nodiscard]] Result<std::vector<ScanPass>> passes(const io::Context& context);

 private:
  void work(const io::Context& context);
  Result<void> scan_mount(const io::Context& context, const Path& mount);
  Result<std::optional<ScanPass>> load(const io::Context& context, const std::string& mount);
  Result<void> save(const io::Context& context, const ScanPass& pass);
  std::vector<Path> shared_mounts() const;

  const Services services_;
  const Options options_;
  std::shared_ptr<io::CancelToken> cancel_;  // owners: this and its fiber's contexts
  io::Event ended_;
};

}  // namespace beringia::policy

#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/gate.h"
#include "core/namespace.h"
#include "io/runtime.h"
#include "io/sync.h"
#include "wire/bucket_logging.h"

namespace beringia::protocol::s3 {

/// A bucket whose requests are logged, and where to.
struct LoggedBucket {
  std::string name;
  std::string owner;
  wire::BucketLogging logging;
};

/// Collects lines of buckets' access logs and delivers them as objects of their target buckets, as
/// the service that the targets' policies must allow it to. As at Amazon that is done as well as
/// can be: what a crash catches in memory, or does not fit in it, is only in the audit log, which
/// has every request. Bounded. Thread-safe; outlives whoever adds lines.
class AccessLogs {
 public:
  struct Options {
    Duration interval = std::chrono::minutes{5};  // how old a line gets before it is delivered
    std::string region = "us-east-1";
  };
  /// Works in the background until stop(). All outlive it.
  AccessLogs(io::Runtime& runtime, core::Namespace& names, core::Gate& gate, Options options);
  ~AccessLogs();  // stop()
  /// Delivers what is there and ends.
  void stop();

  void add(const LoggedBucket& bucket, Timestamp time, std::string line);
  /// Delivers what is due: `all`, or lines that are old or many. @error kCancelled
  [[nodiscard]] Result<void> deliver(const io::Context& context, bool all);

  /// Whether the service may write an access log of a bucket of `owner` to `object`.
  static bool may_deliver(const core::Gate& gate, const std::string& bucket,
                          const std::string& owner, const Path& object);

 private:
  /// Lines for one target.
  struct Batch {
    LoggedBucket bucket;
    std::string text;
    Timestamp first;
    MonotonicTime due;
  };

  void work(const io::Context& context);
  Result<void> write(const io::Context& context, const Batch& batch);
  void put_back(Batch batch);

  io::Runtime& runtime_;
  core::Namespace& names_;
  core::Gate& gate_;
  const Options options_;
  std::shared_ptr<io::CancelToken> cancel_;  // owners: this and its fiber's context
  io::Event ended_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, Batch> batches_;
  size_t bytes_ = 0;
  bool stopped_ = false;
};

}  // namespace beringia::protocol::s3

#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace beringia::observe {

/// A family of monotonically increasing counters, declared once as an inline constant:
///   inline const Counter kBytesRead{"beringia_backend_read_bytes_total", "Bytes read.",
///   {"backend"}};
/// Labels come from closed sets (backend, protocol, op, code), never paths or principals; a family
/// holds at most 1,000 label sets, further ones count as "other". Thread-safe.
class Counter {
 public:
  Counter(const char* name, const char* help, std::vector<std::string> label_names = {});
  void add(uint64_t n = 1, std::initializer_list<std::string_view> labels = {}) const;
  uint64_t value(std::initializer_list<std::string_view> labels = {}) const;

  /// One label set, found once: for hot paths. Copies are cheap and never dangle.
  class Series {
   public:
    void add(uint64_t n = 1) const { value_->fetch_add(n, std::memory_order_relaxed); }

   private:
    friend class Counter;
    explicit Series(std::atomic<uint64_t>& value) : value_{&value} {}
    std::atomic<uint64_t>* value_;
  };
  Series at(std::initializer_list<std::string_view> labels) const;

 private:
  struct Family;
  Family* family_;  // owned by the process-wide registry, never freed
};

/// A value that goes up and down.
class Gauge {
 public:
  Gauge(const char* name, const char* help, std::vector<std::string> label_names = {});
  void set(int64_t value, std::initializer_list<std::string_view> labels = {}) const;
  void add(int64_t delta, std::initializer_list<std::string_view> labels = {}) const;
  int64_t value(std::initializer_list<std::string_view> labels = {}) const;

 private:
  struct Family;
  Family* family_;
};

/// Latency in seconds, fixed buckets 100 us .. 60 s (factor ~2.5).
class Histogram {
 public:
  Histogram(const char* name, const char* help, std::vector<std::string> label_names = {});
  void observe(double seconds, std::initializer_list<std::string_view> labels = {}) const;

  struct Buckets;
  /// One label set, found once: for hot paths. Copies are cheap and never dangle.
  class Series {
   public:
    void observe(double seconds) const;

   private:
    friend class Histogram;
    explicit Series(Buckets& buckets) : buckets_{&buckets} {}
    Buckets* buckets_;
  };
  Series at(std::initializer_list<std::string_view> labels) const;

 private:
  struct Family;
  Family* family_;
};

/// Prometheus text format 0.0.4 of everything declared.
std::string render_metrics();

}  // namespace beringia::observe

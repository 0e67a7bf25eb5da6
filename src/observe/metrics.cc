#include "observe/metrics.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>

namespace beringia::observe {
namespace {

constexpr size_t kMaxSeries = 1000;
constexpr std::array<double, 16> kBounds = {
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60};

/// Labels joined by a byte that no label holds: the key of a series.
std::string join(std::initializer_list<std::string_view> labels) {
  std::string key;
  for (const auto label : labels) {
    key += label;
    key += '\x1f';
  }
  return key;
}

std::string other_key(size_t labels) {
  std::string key;
  for (size_t i = 0; i < labels; ++i) key += "other\x1f";
  return key;
}

void append_escaped(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

/// `{a="x",b="y"}` of a series key; `extra` is one more ready pair or empty.
std::string label_text(const std::vector<std::string>& names, std::string_view key,
                       const std::string& extra = {}) {
  std::string out;
  for (const auto& name : names) {
    const size_t end = key.find('\x1f');
    out += out.empty() ? "{" : ",";
    out += name + "=\"";
    append_escaped(out, key.substr(0, end));
    out += '"';
    if (end != std::string_view::npos) key.remove_prefix(end + 1);
  }
  if (!extra.empty()) out += (out.empty() ? "{" : ",") + extra;
  return out.empty() ? out : out + "}";
}

/// The series of one family: found under a shared lock, made under an exclusive one.
template <class Value>
class SeriesTable {
 public:
  Value& at(std::initializer_list<std::string_view> labels) {
    const std::string key = join(labels);
    {
      std::shared_lock lock{mutex_};
      if (auto found = series_.find(key); found != series_.end()) return *found->second;
    }
    std::unique_lock lock{mutex_};
    auto& slot = series_[series_.size() < kMaxSeries ? key : other_key(labels.size())];
    if (!slot) slot = std::make_unique<Value>();
    return *slot;
  }
  template <class Visit>
  void each(const Visit& visit) {
    std::shared_lock lock{mutex_};
    for (const auto& [key, value] : series_) visit(key, *value);
  }

 private:
  std::shared_mutex mutex_;
  std::map<std::string, std::unique_ptr<Value>> series_;
};

struct FamilyBase {
  std::string name;
  std::string help;
  std::vector<std::string> label_names;
  virtual ~FamilyBase() = default;
  virtual void render(std::string& out) = 0;
};

struct Registry {
  std::mutex mutex;
  std::vector<std::unique_ptr<FamilyBase>> families;
};

/// Lives until the process ends: metrics are declared as constants in many files.
Registry& registry() {
  static Registry* const kRegistry = std::make_unique<Registry>().release();
  return *kRegistry;
}

template <class Family>
Family* add_family(const char* name, const char* help, std::vector<std::string> label_names) {
  auto family = std::make_unique<Family>();
  family->name = name;
  family->help = help;
  family->label_names = std::move(label_names);
  Family* const raw = family.get();
  std::lock_guard lock{registry().mutex};
  registry().families.push_back(std::move(family));
  return raw;
}

template <class T>
void render_simple(std::string& out, const FamilyBase& family, SeriesTable<std::atomic<T>>& series,
                   const char* type) {
  out +=
      "# HELP " + family.name + " " + family.help + "\n# TYPE " + family.name + " " + type + "\n";
  series.each([&](const std::string& key, const std::atomic<T>& value) {
    out += family.name + label_text(family.label_names, key) + " " +
           std::to_string(value.load(std::memory_order_relaxed)) + "\n";
  });
}

}  // namespace

struct Counter::Family final : FamilyBase {
  SeriesTable<std::atomic<uint64_t>> series;
  void render(std::string& out) override { render_simple(out, *this, series, "counter"); }
};

struct Gauge::Family final : FamilyBase {
  SeriesTable<std::atomic<int64_t>> series;
  void render(std::string& out) override { render_simple(out, *this, series, "gauge"); }
};

struct Histogram::Buckets {
  std::array<std::atomic<uint64_t>, kBounds.size() + 1> counts{};
  std::atomic<uint64_t> sum_micros{0};
};

struct Histogram::Family final : FamilyBase {
  SeriesTable<Buckets> series;

  void render(std::string& out) override {
    out += "# HELP " + name + " " + help + "\n# TYPE " + name + " histogram\n";
    series.each([&](const std::string& key, const Buckets& buckets) {
      uint64_t total = 0;
      for (size_t i = 0; i <= kBounds.size(); ++i) {
        total += buckets.counts[i].load(std::memory_order_relaxed);
        char bound[32] = "+Inf";
        if (i < kBounds.size()) std::snprintf(bound, sizeof bound, "%g", kBounds[i]);
        out += name + "_bucket" +
               label_text(label_names, key, std::string{"le=\""} + bound + "\"") + " " +
               std::to_string(total) + "\n";
      }
      char sum[64];
      std::snprintf(sum, sizeof sum, "%.6f",
                    static_cast<double>(buckets.sum_micros.load(std::memory_order_relaxed)) / 1e6);
      out += name + "_sum" + label_text(label_names, key) + " " + sum + "\n";
      out += name + "_count" + label_text(label_names, key) + " " + std::to_string(total) + "\n";
    });
  }
};

Counter::Counter(const char* name, const char* help, std::vector<std::string> label_names)
    : family_{add_family<Family>(name, help, std::move(label_names))} {}

void Counter::add(uint64_t n, std::initializer_list<std::string_view> labels) const {
  family_->series.at(labels).fetch_add(n, std::memory_order_relaxed);
}

uint64_t Counter::value(std::initializer_list<std::string_view> labels) const {
  return family_->series.at(labels).load(std::memory_order_relaxed);
}

Counter::Series Counter::at(std::initializer_list<std::string_view> labels) const {
  return Series{family_->series.at(labels)};
}

Gauge::Gauge(const char* name, const char* help, std::vector<std::string> label_names)
    : family_{add_family<Family>(name, help, std::move(label_names))} {}

void Gauge::set(int64_t value, std::initializer_list<std::string_view> labels) const {
  family_->series.at(labels).store(value, std::memory_order_relaxed);
}

void Gauge::add(int64_t delta, std::initializer_list<std::string_view> labels) const {
  family_->series.at(labels).fetch_add(delta, std::memory_order_relaxed);
}

int64_t Gauge::value(std::initializer_list<std::string_view> labels) const {
  return family_->series.at(labels).load(std::memory_order_relaxed);
}

Histogram::Histogram(const char* name, const char* help, std::vector<std::string> label_names)
    : family_{add_family<Family>(name, help, std::move(label_names))} {}

void Histogram::observe(double seconds, std::initializer_list<std::string_view> labels) const {
  at(labels).observe(seconds);
}

Histogram::Series Histogram::at(std::initializer_list<std::string_view> labels) const {
  return Series{family_->series.at(labels)};
}

void Histogram::Series::observe(double seconds) const {
  const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
  buckets_->counts[static_cast<size_t>(bound - kBounds.begin())].fetch_add(
      1, std::memory_order_relaxed);
  buckets_->sum_micros.fetch_add(static_cast<uint64_t>(std::max(0.0, seconds) * 1e6),
                                 std::memory_order_relaxed);
}

std::string render_metrics() {
  std::string out;
  {
    std::lock_guard lock{registry().mutex};
    for (const auto& family : registry().families) family->render(out);
  }
  std::ifstream statm{"/proc/self/statm"};
  uint64_t pages_total = 0;
  uint64_t pages_resident = 0;
  if (statm >> pages_total >> pages_resident) {
    const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
    out +=
        "# HELP process_resident_memory_bytes Resident memory.\n"
        "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes " +
        std::to_string(pages_resident * page) + "\n";
  }
  return out;
}

}  // namespace beringia::observe

// What a lifecycle wants to be done, and when.
#include <algorithm>

#include "wire/lifecycle.h"
#include "wire/storage_class.h"

namespace beringia::wire {
namespace {

constexpr int64_t kMicrosPerDay = int64_t{24} * 3600 * 1'000'000;
constexpr int64_t kMaxMicros = int64_t{253'402'300'799} * 1'000'000;  // the year 9999

bool has_any(const std::vector<std::string>& wanted, const auto& holds) {
  return wanted.empty() || std::ranges::any_of(wanted, holds);
}

Timestamp time_of(const LifecycleRule& rule, const LifecycleTime& when, Timestamp from,
                  Duration day) {
  return when.days ? days_after(from, *when.days, rule.as_google, day) : when.date;
}

/// Not before the days since the custom time have passed, where the rule has such.
Timestamp with_custom(const LifecycleRule& rule, const LifecycleSubject& subject, Timestamp time,
                      Duration day) {
  if (!rule.filter.custom_days) return time;
  return std::max(time, days_after(subject.custom, *rule.filter.custom_days, rule.as_google, day));
}

/// S3 counts the noncurrent ones, Google the live one as well.
bool has_newer(const LifecycleRule& rule, const NoncurrentSubject& subject, uint32_t wanted) {
  const uint32_t newer = subject.newer + (rule.as_google && subject.live ? 1 : 0);
  return newer >= wanted;
}

bool is_before(const LifecycleRule& rule, const NoncurrentSubject& subject) {
  const Timestamp before = rule.filter.noncurrent_before;
  return before.micros == 0 || subject.since < before;
}

/// Classes that were already found cold enough.
class Coldest {
 public:
  Coldest(const Lifecycle& lifecycle, const LifecycleSubject& subject, Timestamp now)
      : lifecycle_{lifecycle},
        subject_{subject},
        now_{now},
        cold_{coldness(subject.storage_class)} {}

  bool looks_at(const LifecycleRule& rule) const {
    if (!rule.enabled || !matches(rule.filter, subject_)) return false;
    const bool names_sizes = rule.filter.larger_than || rule.filter.smaller_than;
    return !lifecycle_.keeps_small_objects || names_sizes || subject_.size >= kSmallObject;
  }
  void offer(const LifecycleRule& rule, const LifecycleTransition& one, Timestamp time) {
    const int colder = coldness(one.storage_class);
    const bool further = found_ ? colder > cold_ : colder >= cold_ && colder > 0;
    if (time > now_ || !further) return;
    cold_ = colder;
    found_ = LifecycleDue{&rule, time, one.storage_class};
  }
  const std::optional<LifecycleDue>& found() const { return found_; }

 private:
  const Lifecycle& lifecycle_;
  const LifecycleSubject& subject_;
  const Timestamp now_;
  int cold_;
  std::optional<LifecycleDue> found_;
};

std::vector<std::string> least_prefixes(const Lifecycle& lifecycle, const auto& looks) {
  std::vector<std::string> all;
  for (const LifecycleRule& rule : lifecycle.rules) {
    if (!rule.enabled || !looks(rule)) continue;
    if (rule.filter.prefixes.empty()) return {""};
    all.insert(all.end(), rule.filter.prefixes.begin(), rule.filter.prefixes.end());
  }
  std::ranges::sort(all);
  std::vector<std::string> least;
  for (std::string& one : all) {
    // Sorted, so what covers a prefix stands before it.
    if (least.empty() || !one.starts_with(least.back())) least.push_back(std::move(one));
  }
  return least;
}

}  // namespace

bool matches(const LifecycleFilter& filter, const LifecycleSubject& subject) {
  if (!has_any(filter.prefixes, [&](const auto& one) { return subject.key.starts_with(one); }) ||
      !has_any(filter.suffixes, [&](const auto& one) { return subject.key.ends_with(one); })) {
    return false;
  }
  if (filter.larger_than && subject.size <= *filter.larger_than) return false;
  if (filter.smaller_than && subject.size >= *filter.smaller_than) return false;
  if (filter.created_before.micros != 0 && subject.created >= filter.created_before) return false;
  if ((filter.custom_days || filter.custom_before.micros != 0) && subject.custom.micros == 0) {
    return false;
  }
  if (filter.custom_before.micros != 0 && subject.custom >= filter.custom_before) return false;
  if (!has_any(filter.classes, [&](const std::string& one) {
        const std::string_view word =
            subject.storage_class.empty() ? "STANDARD" : subject.storage_class;
        return one == word || one == google_class(word);
      })) {
    return false;
  }
  return std::ranges::all_of(filter.tags, [&](const auto& wanted) {
    if (subject.tags == nullptr) return false;
    const auto found = subject.tags->find(wanted.first);
    return found != subject.tags->end() && found->second == wanted.second;
  });
}

Timestamp days_after(Timestamp from, uint32_t days, bool as_google, Duration day) {
  const auto span =
      static_cast<double>(days) * (static_cast<double>(day.count()) / 1000.0);  // microseconds
  if (static_cast<double>(from.micros) + span >= static_cast<double>(kMaxMicros)) {
    return {kMaxMicros};
  }
  const int64_t time = from.micros + static_cast<int64_t>(span);
  // S3 user guide, "Lifecycle rules based on an object's age": rounded up to the next midnight UTC.
  if (as_google || day != kDay || time < 0) return {time};
  return {(time + kMicrosPerDay - 1) / kMicrosPerDay * kMicrosPerDay};
}

std::optional<LifecycleDue> expiration_of(const Lifecycle& lifecycle,
                                          const LifecycleSubject& subject, Duration day) {
  std::optional<LifecycleDue> earliest;
  for (const LifecycleRule& rule : lifecycle.rules) {
    if (!rule.enabled || !rule.expiration.is_set() || !matches(rule.filter, subject) ||
        rule.filter.noncurrent_before.micros != 0) {
      continue;
    }
    const Timestamp time =
        with_custom(rule, subject, time_of(rule, rule.expiration, subject.created, day), day);
    if (!earliest || time < earliest->time) earliest = LifecycleDue{&rule, time, {}};
  }
  return earliest;
}

std::optional<LifecycleDue> transition_of(const Lifecycle& lifecycle,
                                          const LifecycleSubject& subject, Timestamp now,
                                          Duration day) {
  Coldest coldest{lifecycle, subject, now};
  for (const LifecycleRule& rule : lifecycle.rules) {
    if (rule.transitions.empty() || !coldest.looks_at(rule) ||
        rule.filter.noncurrent_before.micros != 0) {
      continue;
    }
    for (const LifecycleTransition& one : rule.transitions) {
      coldest.offer(rule, one,
                    with_custom(rule, subject, time_of(rule, one.when, subject.created, day), day));
    }
  }
  return coldest.found();
}

std::optional<LifecycleDue> noncurrent_expiration_of(const Lifecycle& lifecycle,
                                                     const NoncurrentSubject& subject,
                                                     Duration day) {
  std::optional<LifecycleDue> earliest;
  for (const LifecycleRule& rule : lifecycle.rules) {
    const auto& noncurrent = rule.noncurrent_expiration;
    if (!rule.enabled || !noncurrent || !matches(rule.filter, subject.object) ||
        !has_newer(rule, subject, noncurrent->newer_versions) || !is_before(rule, subject)) {
      continue;
    }
    Timestamp time =
        with_custom(rule, subject.object,
                    days_after(subject.since, noncurrent->days, rule.as_google, day), day);
    if (noncurrent->age_days) {
      time = std::max(
          time, days_after(subject.object.created, *noncurrent->age_days, rule.as_google, day));
    }
    if (!earliest || time < earliest->time) earliest = LifecycleDue{&rule, time, {}};
  }
  return earliest;
}

std::optional<LifecycleDue> noncurrent_transition_of(const Lifecycle& lifecycle,
                                                     const NoncurrentSubject& subject,
                                                     Timestamp now, Duration day) {
  Coldest coldest{lifecycle, subject.object, now};
  for (const LifecycleRule& rule : lifecycle.rules) {
    if (rule.noncurrent_transitions.empty() || !coldest.looks_at(rule) ||
        !is_before(rule, subject)) {
      continue;
    }
    for (const LifecycleTransition& one : rule.noncurrent_transitions) {
      if (!has_newer(rule, subject, one.newer_versions)) continue;
      coldest.offer(
          rule, one,
          with_custom(rule, subject.object, time_of(rule, one.when, subject.since, day), day));
    }
  }
  return coldest.found();
}

std::optional<LifecycleDue> marker_expiration_of(const Lifecycle& lifecycle, std::string_view key,
                                                 Timestamp set, Duration day) {
  std::optional<LifecycleDue> earliest;
  for (const LifecycleRule& rule : lifecycle.rules) {
    if (!rule.enabled || rule.filter.looks_at_objects() ||
        !matches(rule.filter, {key, 0, nullptr, {}, set})) {
      continue;
    }
    // S3 user guide, "Elements to describe lifecycle actions": an age removes lone markers, too.
    if (!rule.expire_markers && !rule.expiration.is_set()) continue;
    const Timestamp time = rule.expire_markers ? set : time_of(rule, rule.expiration, set, day);
    if (!earliest || time < earliest->time) earliest = LifecycleDue{&rule, time, {}};
  }
  return earliest;
}

std::optional<LifecycleDue> abort_of(const Lifecycle& lifecycle, std::string_view key,
                                     Timestamp started, Duration day) {
  std::optional<LifecycleDue> earliest;
  for (const LifecycleRule& rule : lifecycle.rules) {
    if (!rule.enabled || !rule.abort_uploads_days || rule.filter.looks_at_objects() ||
        !matches(rule.filter, {key, 0, nullptr, {}, started})) {
      continue;
    }
    const Timestamp time = days_after(started, *rule.abort_uploads_days, rule.as_google, day);
    if (!earliest || time < earliest->time) earliest = LifecycleDue{&rule, time, {}};
  }
  return earliest;
}

std::vector<std::string> prefixes_of(const Lifecycle& lifecycle) {
  return least_prefixes(lifecycle, [](const LifecycleRule& rule) {
    return rule.expiration.is_set() || !rule.transitions.empty();
  });
}

std::vector<std::string> version_prefixes_of(const Lifecycle& lifecycle) {
  return least_prefixes(lifecycle, [](const LifecycleRule& rule) {
    return rule.noncurrent_expiration || !rule.noncurrent_transitions.empty() ||
           rule.expire_markers || rule.expiration.is_set();
  });
}

}  // namespace beringia::wire

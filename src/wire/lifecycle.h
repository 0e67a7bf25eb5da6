#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

/// What a bucket says about the life of its objects, free of any protocol: both doors read and
/// write it in their own form (s3xml.h, gcsjson.h), policy executes it.
namespace beringia::wire {

using LifecycleTags = std::map<std::string, std::string>;

/// Which objects a rule is about: all that is set must hold.
struct LifecycleFilter {
  /// How S3 wrote it, so that it reads back as it was put. Means nothing else.
  enum class Form : uint8_t { kFilter, kAnd, kOldPrefix } form = Form::kFilter;
  std::vector<std::string> prefixes;                  // any of them; none = every key
  std::vector<std::string> suffixes;                  // likewise
  LifecycleTags tags;                                 // the object has them all
  std::optional<uint64_t> larger_than, smaller_than;  // bytes
  std::vector<std::string> classes;                   // storage class is any of them
  Timestamp created_before;                           // 0 = whenever
  Timestamp custom_before;                            // has a custom time, before that; 0 = any
  std::optional<uint32_t> custom_days;                // has one, so many days ago (a time to wait)
  Timestamp noncurrent_before;                        // became noncurrent before that; 0 = whenever
  bool operator==(const LifecycleFilter&) const = default;

  /// It asks for more than names: uploads and delete markers have no more.
  bool looks_at_objects() const {
    return !tags.empty() || larger_than || smaller_than || !classes.empty() ||
           created_before.micros != 0 || custom_before.micros != 0 || custom_days ||
           noncurrent_before.micros != 0;
  }
};

/// After so many days, or from a date on; exactly one of both is set.
struct LifecycleTime {
  std::optional<uint32_t> days;
  Timestamp date;  // midnight UTC
  bool is_set() const { return days || date.micros != 0; }
  bool operator==(const LifecycleTime&) const = default;
};

struct LifecycleTransition {
  LifecycleTime when;  // of noncurrent generations: days since they became that
  std::string storage_class;
  uint32_t newer_versions = 0;  // noncurrent: so many newer ones stay as they are
  bool operator==(const LifecycleTransition&) const = default;
};

/// When a noncurrent generation goes: both times have passed, and enough newer ones are there.
struct NoncurrentExpiration {
  uint32_t days = 0;                 // since it became noncurrent
  uint32_t newer_versions = 0;       // so many newer ones stay, see LifecycleRule::as_google
  std::optional<uint32_t> age_days;  // since it was written (Google's "age")
  bool operator==(const NoncurrentExpiration&) const = default;
};

struct LifecycleRule {
  std::string id;
  bool enabled = true;
  /// Counts as Google does: from the second of the event on, and newer generations with the live
  /// one. Else as Amazon: rounded up to the next midnight UTC, newer noncurrent generations only.
  bool as_google = false;
  /// Google's "age" was written, though 0 says nothing beside other conditions: it reads back.
  bool names_age = false;
  bool names_live = false;  // likewise "isLive": true of a change of class
  LifecycleFilter filter;
  LifecycleTime expiration;     // of what is current
  bool expire_markers = false;  // delete markers without any noncurrent generation
  std::optional<NoncurrentExpiration> noncurrent_expiration;
  std::optional<uint32_t> abort_uploads_days;  // since they began
  std::vector<LifecycleTransition> transitions;
  std::vector<LifecycleTransition> noncurrent_transitions;
  bool operator==(const LifecycleRule&) const = default;

  bool has_action() const {
    return expiration.is_set() || expire_markers || noncurrent_expiration || abort_uploads_days ||
           !transitions.empty() || !noncurrent_transitions.empty();
  }
};

struct Lifecycle {
  std::vector<LifecycleRule> rules;
  /// Objects below kSmallObject do not change their class, unless a rule names sizes itself.
  bool keeps_small_objects = false;
  bool operator==(const Lifecycle&) const = default;
};

// Bounds.
inline constexpr size_t kMaxLifecycleRules = 1000;  // S3 API, PutBucketLifecycleConfiguration
inline constexpr size_t kMaxLifecycleId = 255;
inline constexpr uint32_t kMaxLifecycleDays = 2'147'483'647;
inline constexpr size_t kMaxLifecycleBytes = 128 << 10;  // encoded: it stands in the bucket's row
inline constexpr uint64_t kSmallObject = 128 << 10;      // S3 user guide, "Transitioning objects"

/// Canonical JSON (docs/formats/lifecycle.md). @error kInvalid: larger than kMaxLifecycleBytes
[[nodiscard]] Result<std::string> encode(const Lifecycle& lifecycle);
/// @error kCorrupt
[[nodiscard]] Result<Lifecycle> decode_lifecycle(std::string_view text);

// ---- what follows from it ---------------------------------------------------------------------

inline constexpr Duration kDay = std::chrono::hours{24};

/// An object, as rules look at it. The strings outlive it.
struct LifecycleSubject {
  std::string_view key;  // inside the bucket
  uint64_t size = 0;
  const LifecycleTags* tags = nullptr;  // null = none
  std::string_view storage_class;       // "" = STANDARD
  Timestamp created;                    // of this generation
  Timestamp custom;                     // what its writer says; 0 = nothing
};

/// What a rule does to an object, and from when on. Points into the Lifecycle.
struct LifecycleDue {
  const LifecycleRule* rule = nullptr;
  Timestamp time;
  std::string_view storage_class;  // of a transition
};

bool matches(const LifecycleFilter& filter, const LifecycleSubject& subject);

/// `days` after `from`. @param day  how long a day is: other than kDay in tests only
Timestamp days_after(Timestamp from, uint32_t days, bool as_google, Duration day = kDay);

/// The earliest expiration of a current object that any enabled rule names.
std::optional<LifecycleDue> expiration_of(const Lifecycle& lifecycle,
                                          const LifecycleSubject& subject, Duration day = kDay);

/// The class that a current object shall have now: of those that are due the coldest, and none that
/// is warmer than what it has.
std::optional<LifecycleDue> transition_of(const Lifecycle& lifecycle,
                                          const LifecycleSubject& subject, Timestamp now,
                                          Duration day = kDay);

/// A generation that is not current any more.
struct NoncurrentSubject {
  LifecycleSubject object;
  Timestamp since;     // when it became that
  uint32_t newer = 0;  // noncurrent ones
  bool live = true;    // something is current
};

/// The earliest time at which a rule removes it, as things are; nullopt: none does.
std::optional<LifecycleDue> noncurrent_expiration_of(const Lifecycle& lifecycle,
                                                     const NoncurrentSubject& subject,
                                                     Duration day = kDay);
/// As for a current object.
std::optional<LifecycleDue> noncurrent_transition_of(const Lifecycle& lifecycle,
                                                     const NoncurrentSubject& subject,
                                                     Timestamp now, Duration day = kDay);
/// Whether a mark of a deletion goes that has nothing left behind it, and when.
std::optional<LifecycleDue> marker_expiration_of(const Lifecycle& lifecycle, std::string_view key,
                                                 Timestamp set, Duration day = kDay);

/// Whether an upload of this key that began then is to be aborted, and since when.
std::optional<LifecycleDue> abort_of(const Lifecycle& lifecycle, std::string_view key,
                                     Timestamp started, Duration day = kDay);

/// The prefixes below which enabled rules look at objects, none of which begins with another. ""
/// stands for the whole bucket; empty: no enabled rule does.
std::vector<std::string> prefixes_of(const Lifecycle& lifecycle);
/// Likewise of rules that look at noncurrent generations and marks of deletions.
std::vector<std::string> version_prefixes_of(const Lifecycle& lifecycle);

}  // namespace beringia::wire

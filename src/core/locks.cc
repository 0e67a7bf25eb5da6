#include "core/locks.h"

#include <algorithm>

#include "access/bucket_access.h"
#include "base/encoding.h"
#include "core/versions.h"

namespace beringia::core {
namespace {

using Mode = meta::Lock::Mode;

constexpr std::string_view kOn = "on";
constexpr std::string_view kObjects = "objects";  // on, without versions
constexpr std::string_view kLocked = "locked";
constexpr std::string_view kGovernance = "governance";
constexpr std::string_view kCompliance = "compliance";
constexpr std::string_view kDays = "days";
constexpr std::string_view kYears = "years";
static_assert(kRetentionAttribute == access::kRetentionAttribute);

constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400'000'000;
constexpr int64_t kDaysPerYear = 365;

bool is_active(const meta::Lock& lock, Timestamp now) {
  return lock.mode != Mode::kNone && now.micros < lock.until.micros;
}

Error locked(std::string what, std::string why) {
  return denied(std::move(what), std::move(why)).with_tag("locked");
}

std::string_view next_word(std::string_view& text) {
  const size_t blank = text.find(' ');
  const std::string_view word = text.substr(0, blank);
  text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
  return word;
}

}  // namespace

/// "on", "on governance 5 days" or "objects".
std::string encode(const BucketLock& lock) {
  std::string text{lock.needs_versions ? kOn : kObjects};
  if (lock.mode == Mode::kNone) return text;
  text += " ";
  text += lock.mode == Mode::kGovernance ? kGovernance : kCompliance;
  text += " " + std::to_string(lock.count) + " ";
  text += lock.in_years ? kYears : kDays;
  return text;
}

std::optional<BucketLock> lock_of(const meta::DirectoryEntry& bucket) {
  const auto found = bucket.attributes.find(std::string{kLockAttribute});
  if (found == bucket.attributes.end()) return std::nullopt;
  std::string_view text = found->second;
  BucketLock lock;
  lock.needs_versions = next_word(text) != kObjects;
  const std::string_view mode = next_word(text);
  if (mode == kGovernance) lock.mode = Mode::kGovernance;
  if (mode == kCompliance) lock.mode = Mode::kCompliance;
  lock.count = static_cast<uint32_t>(parse_u64(next_word(text)).value_or(0));
  lock.in_years = next_word(text) == kYears;
  return lock;
}

namespace {

/// Null: there is none.
const meta::DirectoryEntry* bucket_of(const meta::Location& location) {
  if (location.directories.size() < 2 || !location.directories[1].entry) return nullptr;
  return &*location.directories[1].entry;
}

}  // namespace

std::optional<BucketLock> lock_of(const meta::Location& location) {
  const auto* bucket = bucket_of(location);
  return bucket == nullptr ? std::nullopt : lock_of(*bucket);
}

/// "SECONDS SINCE" or "SECONDS SINCE locked"; since in microseconds.
std::string encode(const BucketRetention& retention) {
  std::string text =
      std::to_string(retention.seconds) + " " + std::to_string(retention.since.micros);
  if (retention.locked) text.append(" ").append(kLocked);
  return text;
}

std::optional<BucketRetention> parse_retention(std::string_view text) {
  const auto seconds = parse_u64(next_word(text));
  const auto since = parse_u64(next_word(text));
  if (!seconds || !since) return std::nullopt;
  return BucketRetention{*seconds, Timestamp{static_cast<int64_t>(*since)},
                         next_word(text) == kLocked};
}

std::optional<BucketRetention> retention_of(const meta::DirectoryEntry& bucket) {
  const auto found = bucket.attributes.find(std::string{kRetentionAttribute});
  if (found == bucket.attributes.end()) return std::nullopt;
  return parse_retention(found->second);
}

Timestamp retained_until(const BucketRetention& retention, const meta::EntryRecord& record) {
  if (record.lock.event_hold) return {};
  const int64_t from = std::max(record.created.micros, record.lock.counts_from.micros);
  return Timestamp{from + static_cast<int64_t>(retention.seconds) * kMicrosPerSecond};
}

Result<meta::Lock> lock_of_new(const meta::Location& location, meta::Lock asked, Timestamp now) {
  const auto bucket = lock_of(location);
  if (const auto* directory = bucket_of(location); directory != nullptr) {
    asked.event_hold =
        asked.event_hold || directory->attributes.contains(std::string{kEventHoldAttribute});
  }
  if (!bucket) {
    if (asked.mode == Mode::kNone && (!asked.hold || asked.any_bucket)) return asked;
    return std::unexpected(
        invalid("cannot lock " + location.path.text(), "its bucket was made without locks")
            .with_tag("no_lock"));
  }
  if (asked.mode == Mode::kNone && bucket->mode != Mode::kNone) {
    asked.mode = bucket->mode;
    const int64_t days = int64_t{bucket->count} * (bucket->in_years ? kDaysPerYear : 1);
    asked.until = Timestamp{now.micros + days * kMicrosPerDay};
  }
  return asked;
}

Result<void> check_removable(const meta::Location& location, const meta::EntryRecord& record,
                             Timestamp now, bool bypasses_governance) {
  const std::string which = "generation " + std::to_string(record.generation);
  if (record.lock.hold || record.lock.event_hold) {
    return std::unexpected(locked("cannot remove a version that is on hold", which));
  }
  if (const auto* bucket = bucket_of(location); bucket != nullptr) {
    const auto retention = retention_of(*bucket);
    const Timestamp until = retention ? retained_until(*retention, record) : Timestamp{};
    if (now.micros < until.micros) {
      return std::unexpected(locked(
          "cannot remove what the bucket's retention policy keeps until " + to_iso8601(until),
          which));
    }
  }
  if (!is_active(record.lock, now)) return {};
  if (record.lock.mode == Mode::kGovernance && bypasses_governance) return {};
  return std::unexpected(locked(
      "cannot remove a version that is locked until " + to_iso8601(record.lock.until), which));
}

Result<void> check_replaceable(const meta::Location& location, Timestamp now) {
  if (!location.entry) return {};
  const Versioning versioning = versioning_of(location);
  if (versioning == Versioning::kOn) return {};
  if (versioning == Versioning::kSuspended && location.entry->versioned) return {};
  return check_removable(location, *location.entry, now, false);
}

Result<meta::Lock> changed_lock(const meta::Location& location, const meta::Lock& before,
                                const AttributePatch& patch, Timestamp now) {
  if (!patch.retention && !patch.hold && !patch.event_hold) return before;
  const bool needs_lock = patch.retention || (patch.hold && !patch.holds_any_bucket);
  if (needs_lock && !lock_of(location)) {
    return std::unexpected(
        invalid("cannot lock " + location.path.text(), "its bucket was made without locks")
            .with_tag("no_lock"));
  }
  meta::Lock lock = before;
  if (patch.hold) {
    lock.hold = *patch.hold;
    lock.any_bucket = lock.hold && patch.holds_any_bucket;
  }
  if (patch.event_hold) {
    if (before.event_hold && !*patch.event_hold) lock.counts_from = now;
    lock.event_hold = *patch.event_hold;
  }
  if (!patch.retention) return lock;
  std::tie(lock.mode, lock.until) = *patch.retention;
  if (!is_active(before, now)) return lock;
  const bool extends = lock.mode == before.mode && lock.until.micros >= before.until.micros;
  if (extends) return lock;
  if (before.mode == Mode::kGovernance && patch.bypasses_governance) return lock;
  return std::unexpected(locked("cannot weaken the lock of " + location.path.text(),
                                "it holds until " + to_iso8601(before.until)));
}

Result<void> check_bucket_lock(const meta::DirectoryEntry& before,
                               const meta::DirectoryEntry& bucket) {
  const auto old = retention_of(before);
  if (old && old->locked) {
    const auto wanted = retention_of(bucket);
    if (!wanted || !wanted->locked || wanted->seconds < old->seconds) {
      return std::unexpected(
          locked("cannot shorten or remove a locked retention policy",
                 "it keeps what is written for " + std::to_string(old->seconds) + " s"));
    }
  }
  const auto lock = lock_of(bucket);
  if (!lock || !lock->needs_versions || versioning_of(bucket) == Versioning::kOn) return {};
  return std::unexpected(conflict("versions that can be locked must be kept",
                                  "the bucket does not keep versions, or shall do so no more")
                             .with_tag("locked_bucket"));
}

}  // namespace beringia::core

#include "core/locks.h"

#include "base/encoding.h"
#include "core/versions.h"

namespace beringia::core {
namespace {

using Mode = meta::Lock::Mode;

constexpr std::string_view kOn = "on";
constexpr std::string_view kGovernance = "governance";
constexpr std::string_view kCompliance = "compliance";
constexpr std::string_view kDays = "days";
constexpr std::string_view kYears = "years";
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

/// "on", or "on governance 5 days".
std::string encode(const BucketLock& lock) {
  std::string text{kOn};
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
  next_word(text);
  const std::string_view mode = next_word(text);
  if (mode == kGovernance) lock.mode = Mode::kGovernance;
  if (mode == kCompliance) lock.mode = Mode::kCompliance;
  lock.count = static_cast<uint32_t>(parse_u64(next_word(text)).value_or(0));
  lock.in_years = next_word(text) == kYears;
  return lock;
}

std::optional<BucketLock> lock_of(const meta::Location& location) {
  if (location.directories.size() < 2 || !location.directories[1].entry) return std::nullopt;
  return lock_of(*location.directories[1].entry);
}

Result<meta::Lock> lock_of_new(const meta::Location& location, meta::Lock asked, Timestamp now) {
  const auto bucket = lock_of(location);
  if (!bucket) {
    if (asked == meta::Lock{}) return asked;
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

Result<void> check_removable(const meta::EntryRecord& record, Timestamp now,
                             bool bypasses_governance) {
  if (record.lock.hold) {
    return std::unexpected(locked("cannot remove a version that is on hold",
                                  "generation " + std::to_string(record.generation)));
  }
  if (!is_active(record.lock, now)) return {};
  if (record.lock.mode == Mode::kGovernance && bypasses_governance) return {};
  return std::unexpected(
      locked("cannot remove a version that is locked until " + to_iso8601(record.lock.until),
             "generation " + std::to_string(record.generation)));
}

Result<meta::Lock> changed_lock(const meta::Location& location, const meta::Lock& before,
                                const AttributePatch& patch, Timestamp now) {
  if (!patch.retention && !patch.hold) return before;
  if (!lock_of(location)) {
    return std::unexpected(
        invalid("cannot lock " + location.path.text(), "its bucket was made without locks")
            .with_tag("no_lock"));
  }
  meta::Lock lock = before;
  if (patch.hold) lock.hold = *patch.hold;
  if (!patch.retention) return lock;
  std::tie(lock.mode, lock.until) = *patch.retention;
  if (!is_active(before, now)) return lock;
  const bool extends = lock.mode == before.mode && lock.until.micros >= before.until.micros;
  if (extends) return lock;
  if (before.mode == Mode::kGovernance && patch.bypasses_governance) return lock;
  return std::unexpected(locked("cannot weaken the lock of " + location.path.text(),
                                "it holds until " + to_iso8601(before.until)));
}

Result<void> check_bucket_lock(const meta::DirectoryEntry& bucket) {
  if (!lock_of(bucket) || versioning_of(bucket) == Versioning::kOn) return {};
  return std::unexpected(conflict("versions that can be locked must be kept",
                                  "the bucket does not keep versions, or shall do so no more")
                             .with_tag("locked_bucket"));
}

}  // namespace beringia::core

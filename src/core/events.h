#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "core/gate.h"
#include "kv/store.h"
#include "meta/records.h"
#include "meta/tree.h"
#include "wire/notification.h"

namespace beringia::core {

// The feed's row of each change, and with it, in the same commit, what those are told of it whom
// the bucket's notifications name (docs/events.md). Buckets without any cost one look at a map.

/// Attribute of a bucket's directory: wire::encode(Notifications).
inline constexpr std::string_view kNotificationAttribute = "notifications";

/// The rules of buckets, compiled. Bounded; thread-safe.
class EventRules {
 public:
  /// Of the attribute's text. Damaged ones are logged and hold no rule.
  std::shared_ptr<const wire::Notifications> of(const std::string& text);

 private:
  std::mutex mutex_;
  // Owners: this and whoever looks at them.
  std::map<std::string, std::shared_ptr<const wire::Notifications>> compiled_;
};

/// Who makes a change. Views of what the caller keeps.
struct Actor {
  std::string_view principal;
  std::string_view source_address;
  std::string_view request_id;
};
inline constexpr Actor kSyncActor{"system:sync", "", ""};
Actor actor_of(const Grant& grant);

/// One change of the entry, or the bucket, that a location leads to.
struct Change {
  meta::FeedRecord::Kind kind = meta::FeedRecord::Kind::kPut;
  wire::EventKind event = wire::EventKind::kNone;
  uint64_t generation = 0;
  Timestamp now;
  const meta::EntryRecord* entry = nullptr;  // the generation that the event is about
  uint64_t other_generation = 0;             // as EventRecord::other_generation
  std::string other_path = {};               // rename: the new path
};
void append_change(EventRules& rules, kv::Batch& batch, const meta::Location& location,
                   Change change, const Actor& actor);

/// What became of the generation that a new one takes the place of. A row only if somebody is told.
/// @param kept  as a version
void append_replaced(EventRules& rules, kv::Batch& batch, const meta::Location& location,
                     uint64_t by, bool kept, Timestamp now, const Actor& actor);

}  // namespace beringia::core

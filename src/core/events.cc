#include "core/events.h"

#include <algorithm>
#include <set>
#include <utility>

#include "meta/journal.h"
#include "observe/log.h"

namespace beringia::core {
namespace {

using wire::EventKind;
using Form = wire::NotificationRule::Form;

constexpr size_t kMaxCompiled = 1024;  // buckets' rules that are kept at hand

/// The notifications of the bucket that holds `location`; null: it has none.
std::shared_ptr<const wire::Notifications> rules_of(EventRules& rules,
                                                    const meta::Location& location) {
  if (location.directories.size() < 2) return nullptr;
  const auto& bucket = location.directories[1].entry;
  if (!bucket) return nullptr;
  const auto found = bucket->attributes.find(std::string{kNotificationAttribute});
  return found == bucket->attributes.end() ? nullptr : rules.of(found->second);
}

/// As far as others are told of it: not where its bytes are, and no keys.
std::string told_of(const meta::EntryRecord& record) {
  meta::EntryRecord told;
  told.generation = record.generation;
  told.metageneration = record.metageneration;
  told.size = record.size;
  told.created = record.created;
  told.modified = record.modified;
  told.crc32c = record.crc32c;
  told.md5 = record.md5;
  told.etag = record.effective_etag();
  told.content_type = record.content_type;
  told.owner = record.owner;
  told.http = record.http;
  told.metadata = record.metadata;
  told.storage_class = record.storage_class;
  told.versioned = record.versioned;
  told.encryption.method = record.encryption.method;
  told.encryption.key_id = record.encryption.key_id;
  told.encryption.key_sha256 = record.encryption.key_sha256;
  return meta::encode(told);
}

std::vector<meta::EventRecord::Delivery> deliveries_of(const wire::Notifications& notifications,
                                                       EventKind kind, std::string_view key) {
  std::vector<meta::EventRecord::Delivery> deliveries;
  if (kind == EventKind::kConfigured) {
    std::set<std::string> told;
    for (const auto& rule : notifications.rules) {
      if (rule.form == Form::kGoogle || !told.insert(rule.target).second) continue;
      deliveries.push_back({rule.target, rule.id, false, true, {}});
    }
    return deliveries;
  }
  for (const auto& rule : notifications.rules) {
    if (!rule.wants(kind, key)) continue;
    deliveries.push_back(
        {rule.target, rule.id, rule.form == Form::kGoogle, rule.has_payload, rule.attributes});
  }
  return deliveries;
}

/// Puts into `event` what the bucket's rules want told of the change.
void tell(EventRules& rules, const meta::Location& location, const Change& change,
          const Actor& actor, meta::EventRecord& event) {
  if (change.event == EventKind::kNone) return;
  const auto notifications = rules_of(rules, location);
  if (!notifications) return;
  auto deliveries = deliveries_of(*notifications, change.event, location.path.key());
  if (deliveries.empty()) return;
  event.kind = change.event;
  event.principal = actor.principal;
  event.source_address = actor.source_address;
  event.request_id = actor.request_id;
  event.bucket_owner = location.directories[1].entry->owner;
  if (change.entry != nullptr) event.entry = told_of(*change.entry);
  event.other_generation = change.other_generation;
  event.deliveries = std::move(deliveries);
}

}  // namespace

std::shared_ptr<const wire::Notifications> EventRules::of(const std::string& text) {
  {
    const std::lock_guard lock{mutex_};
    if (const auto found = compiled_.find(text); found != compiled_.end()) return found->second;
  }
  auto notifications = wire::decode_notifications(text);
  if (!notifications) {
    observe::log_warn("notifications_damaged", "Nobody is told of changes in a bucket.",
                      {observe::field("why", notifications.error().to_string())});
  }
  auto made = std::make_shared<const wire::Notifications>(notifications ? std::move(*notifications)
                                                                        : wire::Notifications{});
  const std::lock_guard lock{mutex_};
  if (compiled_.size() >= kMaxCompiled) compiled_.clear();
  compiled_[text] = made;
  return made;
}

Actor actor_of(const Grant& grant) {
  return {grant.principal().name(), grant.door().source_ip, grant.door().request_id};
}

void append_change(EventRules& rules, kv::Batch& batch, const meta::Location& location,
                   Change change, const Actor& actor) {
  meta::FeedRecord record{change.kind, location.path.text(), std::move(change.other_path),
                          change.generation, change.now};
  tell(rules, location, change, actor, record.event);
  meta::append_feed(batch, record);
}

void append_replaced(EventRules& rules, kv::Batch& batch, const meta::Location& location,
                     uint64_t by, bool kept, Timestamp now, const Actor& actor) {
  if (!location.entry) return;
  Change change;
  change.kind = meta::FeedRecord::Kind::kReplaced;
  change.event = kept ? EventKind::kArchived : EventKind::kReplaced;
  change.generation = location.entry->generation;
  change.now = now;
  change.entry = &*location.entry;
  change.other_generation = by;
  meta::FeedRecord record{change.kind, location.path.text(), {}, change.generation, now};
  tell(rules, location, change, actor, record.event);
  if (!record.event.deliveries.empty()) meta::append_feed(batch, record);
}

}  // namespace beringia::core

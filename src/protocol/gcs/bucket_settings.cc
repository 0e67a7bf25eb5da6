#include "protocol/gcs/bucket_settings.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "access/bucket_access.h"
#include "base/encoding.h"
#include "base/json_writer.h"
#include "core/encryption.h"
#include "protocol/gcs/cors_form.h"
#include "protocol/gcs/setting_names.h"
#include "wire/bucket_logging.h"
#include "wire/website.h"

namespace beringia::protocol::gcs {
namespace {

using wire::Value;

constexpr uint64_t kMaxRetentionSeconds = 3'155'760'000;  // GCS: 100 years
constexpr uint64_t kMinSoftDeleteSeconds = 7 * 86'400;    // GCS: 0, or 7 to 90 days
constexpr uint64_t kMaxSoftDeleteSeconds = 90 * 86'400;
constexpr size_t kMaxSettingBytes = 16 << 10;
constexpr size_t kMaxNameBytes = 1024;  // GCS: of an object's name

bool is_null(const Value* value) { return value != nullptr && value->is(Value::Kind::kNull); }

Error wrong(std::string_view member, std::string why) {
  return invalid("Invalid value for " + std::string{member}, std::move(why));
}

/// Google sends 64-bit numbers as texts; clients may send numbers.
Result<uint64_t> number_in(const Value& value, std::string_view member) {
  if (value.is(Value::Kind::kInteger) && value.integer >= 0) {
    return static_cast<uint64_t>(value.integer);
  }
  const auto number = value.is(Value::Kind::kText) ? parse_u64(value.text) : std::nullopt;
  if (!number) return std::unexpected(wrong(member, "it is no number"));
  return *number;
}

Result<bool> flag_in(const Value& value, std::string_view member) {
  if (value.is(Value::Kind::kBoolean)) return value.boolean;
  return std::unexpected(wrong(member, "it is neither true nor false"));
}

/// A member that is a table; null counts as absent unless the caller has asked for it.
Result<const Value*> table_in(const Value& body, std::string_view member) {
  const Value* value = body.find(member);
  if (value == nullptr || is_null(value)) return nullptr;
  if (value->is(Value::Kind::kTable)) return value;
  return std::unexpected(wrong(member, "it is no object"));
}

/// Takes the setting away: it was sent as null, or the whole resource is replaced without it.
bool takes_away(const BucketChange& change, std::string_view member) {
  const Value* value = change.body.find(member);
  return is_null(value) || (value == nullptr && change.replaces);
}

Result<void> add_retention(BucketChange& change) {
  if (takes_away(change, "retentionPolicy")) {
    if (!change.was(core::kRetentionAttribute).empty()) change.set(core::kRetentionAttribute, "");
    return {};
  }
  BR_TRY(table, table_in(change.body, "retentionPolicy"));
  if (table == nullptr) return {};
  const Value* period = table->find("retentionPeriod");
  if (period == nullptr || is_null(period)) {
    change.set(core::kRetentionAttribute, "");
    return {};
  }
  BR_TRY(seconds, number_in(*period, "retentionPeriod"));
  if (seconds == 0 || seconds > kMaxRetentionSeconds) {
    return std::unexpected(wrong("retentionPeriod", "it is 1 s to 100 years"));
  }
  const auto before = core::parse_retention(change.was(core::kRetentionAttribute));
  core::BucketRetention retention{seconds, change.call.rooms.clock.wall(),
                                  before && before->locked};
  if (before && before->seconds == seconds) retention.since = before->since;
  change.set(core::kRetentionAttribute, core::encode(retention));
  return {};
}

Result<void> add_event_hold(BucketChange& change) {
  const Value* value = change.body.find("defaultEventBasedHold");
  if (value == nullptr && !change.replaces) return {};
  bool on = false;
  if (value != nullptr && !is_null(value)) {
    BR_TRY(flag, flag_in(*value, "defaultEventBasedHold"));
    on = flag;
  }
  change.set(core::kEventHoldAttribute, on ? "1" : "");
  return {};
}

Result<void> add_logging(BucketChange& change) {
  if (takes_away(change, "logging")) {
    change.set(access::kLoggingAttribute, "");
    return {};
  }
  BR_TRY(table, table_in(change.body, "logging"));
  if (table == nullptr) return {};
  const Value* bucket = table->find("logBucket");
  const Value* prefix = table->find("logObjectPrefix");
  if (bucket == nullptr || !bucket->is(Value::Kind::kText) || bucket->text.empty()) {
    change.set(access::kLoggingAttribute, "");
    return {};
  }
  wire::BucketLogging logging;
  logging.target_bucket = bucket->text;
  logging.target_prefix = prefix != nullptr && prefix->is(Value::Kind::kText)
                              ? prefix->text
                              : std::string{change.call.route.bucket};
  // Whoever makes a bucket may write there, though it is not there yet.
  const bool is_itself =
      change.before == nullptr && logging.target_bucket == change.call.route.bucket;
  auto target = change.call.bucket_path(logging.target_bucket);
  const bool may_write = target && change.call.view_of(logging.target_bucket) != nullptr &&
                         change.call.may(core::Action::kWrite, *target);
  if (!is_itself && !may_write) {
    return std::unexpected(
        wrong("logging", "the log bucket does not exist, or you may not write there"));
  }
  change.set(access::kLoggingAttribute, wire::encode(logging));
  return {};
}

Result<void> add_billing(BucketChange& change) {
  if (takes_away(change, "billing")) {
    change.set(access::kRequesterPaysAttribute, "");
    return {};
  }
  BR_TRY(table, table_in(change.body, "billing"));
  const Value* pays = table == nullptr ? nullptr : table->find("requesterPays");
  if (pays == nullptr) return {};
  bool on = false;
  if (!is_null(pays)) {
    BR_TRY(flag, flag_in(*pays, "requesterPays"));
    on = flag;
  }
  change.set(access::kRequesterPaysAttribute, on ? "1" : "");
  return {};
}

Result<void> add_cors(BucketChange& change) {
  if (takes_away(change, "cors")) {
    change.set(access::kCorsAttribute, "");
    return {};
  }
  const Value* rules = change.body.find("cors");
  if (rules == nullptr) return {};
  BR_TRY(xml, cors_from(*rules));
  change.set(access::kCorsAttribute, std::move(xml));
  return {};
}

Result<std::string> name_in(const Value& table, std::string_view member, std::string before) {
  const Value* value = table.find(member);
  if (value == nullptr) return before;
  if (is_null(value)) return std::string{};
  if (!value->is(Value::Kind::kText) || value->text.size() > kMaxNameBytes) {
    return std::unexpected(wrong(member, "it is no object's name"));
  }
  return value->text;
}

/// One website with S3's, which knows redirects, too: they cannot be told here, and are not lost.
Result<void> add_website(BucketChange& change) {
  BR_TRY(table, table_in(change.body, "website"));
  const std::string& stored = change.was(access::kWebsiteAttribute);
  wire::Website website;
  if (!stored.empty()) website = wire::decode_website(stored).value_or(wire::Website{});
  const bool has_redirects = website.redirect || !website.rules.empty();
  if (table == nullptr) {
    const bool is_asked = change.body.find("website") != nullptr;
    if (is_asked || (change.replaces && !has_redirects)) change.set(access::kWebsiteAttribute, "");
    return {};
  }
  if (has_redirects) {
    return std::unexpected(
        invalid("The bucket's website has redirects that this API has no form for",
                "they were set over S3", "set \"website\": null first"));
  }
  if (change.replaces) website = {};
  BR_TRY(index, name_in(*table, "mainPageSuffix", website.index));
  BR_TRY(error, name_in(*table, "notFoundPage", website.error));
  if (index.find('/') != std::string::npos) {
    return std::unexpected(wrong("mainPageSuffix", "it has no slash"));
  }
  website.index = std::move(index);
  website.error = std::move(error);
  const bool is_empty = website == wire::Website{};
  change.set(access::kWebsiteAttribute, is_empty ? std::string{} : wire::encode(website));
  return {};
}

/// PUT without it leaves it: whoever replaces a bucket's settings does not mean to lose data.
Result<void> add_soft_delete(BucketChange& change) {
  BR_TRY(table, table_in(change.body, "softDeletePolicy"));
  const Value* pause = table == nullptr ? nullptr : table->find("hardDeletePause");
  const Value* paused = pause == nullptr ? nullptr : pause->find("enabled");
  if (paused != nullptr && !is_null(paused)) {
    BR_TRY(on, flag_in(*paused, "hardDeletePause"));
    if (on) {
      return std::unexpected(unsupported("softDeletePolicy.hardDeletePause is not offered",
                                         "what is deleted softly goes when its time has come"));
    }
  }
  const Value* duration = table == nullptr ? nullptr : table->find("retentionDurationSeconds");
  if (duration == nullptr || is_null(duration)) return {};
  BR_TRY(seconds, number_in(*duration, "retentionDurationSeconds"));
  if (seconds != 0 && (seconds < kMinSoftDeleteSeconds || seconds > kMaxSoftDeleteSeconds)) {
    return std::unexpected(wrong("softDeletePolicy", "it is 0, or 7 to 90 days"));
  }
  const auto before = core::parse_soft_delete(change.was(core::kSoftDeleteAttribute));
  if (before && before->seconds == seconds) return {};
  const core::SoftDelete policy{seconds, change.call.rooms.clock.wall()};
  change.set(core::kSoftDeleteAttribute, core::encode(policy));
  return {};
}

std::string now_text(const BucketChange& change) {
  return to_iso8601(change.call.rooms.clock.wall());
}

/// "on CLASS TOGGLED CLASS-SET" or "off - TOGGLED -".
Result<void> add_autoclass(BucketChange& change) {
  BR_TRY(table, table_in(change.body, "autoclass"));
  const bool goes = takes_away(change, "autoclass");
  if (table == nullptr && !goes) return {};
  const AutoclassText before = parse_autoclass(change.was(kAutoclass));
  AutoclassText after = before;
  const Value* enabled = goes ? nullptr : table->find("enabled");
  if (enabled != nullptr && !is_null(enabled)) {
    BR_TRY(on, flag_in(*enabled, "autoclass"));
    after.enabled = on;
  }
  if (goes) after.enabled = false;
  if (after.enabled != before.enabled) after.toggled = now_text(change);
  const Value* terminal = goes ? nullptr : table->find("terminalStorageClass");
  if (after.enabled) {
    if (terminal != nullptr && terminal->is(Value::Kind::kText)) {
      after.storage_class = terminal->text;
    }
    if (after.storage_class.empty()) after.storage_class = "NEARLINE";
    if (after.storage_class != "NEARLINE" && after.storage_class != "ARCHIVE") {
      return std::unexpected(wrong("autoclass", "terminalStorageClass is NEARLINE or ARCHIVE"));
    }
    if (after.storage_class != before.storage_class) after.class_set = now_text(change);
  } else {
    after.storage_class.clear();
    after.class_set.clear();
  }
  const bool was_set = !change.was(kAutoclass).empty();
  if (after.enabled || was_set) change.set(kAutoclass, render_autoclass(after));
  return {};
}

Result<void> add_placement(BucketChange& change) {
  BR_TRY(table, table_in(change.body, "customPlacementConfig"));
  const Value* places = table == nullptr ? nullptr : table->find("dataLocations");
  if (places != nullptr && !is_null(places)) {
    if (change.before != nullptr) {
      return std::unexpected(wrong("customPlacementConfig", "it is set when a bucket is made"));
    }
    if (!places->is(Value::Kind::kArray) || places->items.size() != 2) {
      return std::unexpected(wrong("dataLocations", "it names two regions"));
    }
    std::string text;
    for (const Value& place : places->items) {
      if (!place.is(Value::Kind::kText) || place.text.empty() || place.text.size() > 64 ||
          place.text.find(' ') != std::string::npos) {
        return std::unexpected(wrong("dataLocations", "it names two regions"));
      }
      text += (text.empty() ? "" : " ") + place.text;
    }
    change.set(kDataLocations, std::move(text));
  }
  const Value* rpo = change.body.find("rpo");
  if (rpo == nullptr || !rpo->is(Value::Kind::kText)) return {};
  if (rpo->text != "DEFAULT" && rpo->text != "ASYNC_TURBO") {
    return std::unexpected(wrong("rpo", "it is DEFAULT or ASYNC_TURBO"));
  }
  change.set(kRpo, rpo->text);
  return {};
}

Result<void> add_ip_filter(BucketChange& change) {
  if (takes_away(change, "ipFilter")) {
    change.set(kIpFilter, "");
    return {};
  }
  BR_TRY(table, table_in(change.body, "ipFilter"));
  if (table == nullptr) return {};
  const Value* mode = table->find("mode");
  if (mode == nullptr || !mode->is(Value::Kind::kText) || mode->text != "Disabled") {
    return std::unexpected(unsupported("An ipFilter that is enabled is not offered",
                                       "only one with the mode Disabled is kept"));
  }
  std::string text = to_json(*table);
  if (text.size() > kMaxSettingBytes) return std::unexpected(wrong("ipFilter", "it is too long"));
  change.set(kIpFilter, std::move(text));
  return {};
}

/// Which methods of encryption new objects may not have; see core::kRefusedEncryption.
Result<void> add_enforcement(BucketChange& change) {
  const Value* encryption = change.body.find("encryption");
  if (encryption == nullptr || is_null(encryption)) {
    if (is_null(encryption) || change.replaces) change.set(core::kRefusedEncryption, "");
    return {};
  }
  EnforcementText text = parse_enforcement(change.was(core::kRefusedEncryption));
  bool named = false;
  for (const auto& [member, word] : kEnforced) {
    const Value* config = encryption->find(std::string{member} + "EnforcementConfig");
    if (config == nullptr) continue;
    named = true;
    const Value* mode = config->find("restrictionMode");
    if (is_null(config) || mode == nullptr || is_null(mode)) {
      text.erase(std::string{word});
      continue;
    }
    if (mode->text != "FullyRestricted" && mode->text != "NotRestricted") {
      return std::unexpected(wrong("restrictionMode", "it is FullyRestricted or NotRestricted"));
    }
    const std::string before = text.contains(std::string{word}) ? text[std::string{word}] : "";
    const bool restricts = mode->text == "FullyRestricted";
    text[std::string{word}] = !restricts                           ? "open"
                              : before.empty() || before == "open" ? now_text(change)
                                                                   : before;
  }
  if (named) change.set(core::kRefusedEncryption, render_enforcement(text));
  return {};
}

/// Every bucket has directories; the flag tells clients that they may use folders.
Result<void> add_hierarchy(BucketChange& change) {
  BR_TRY(table, table_in(change.body, "hierarchicalNamespace"));
  const Value* enabled = table == nullptr ? nullptr : table->find("enabled");
  if (enabled == nullptr || is_null(enabled)) return {};
  BR_TRY(on, flag_in(*enabled, "hierarchicalNamespace"));
  const std::string_view word = on ? "true" : "false";
  if (change.before != nullptr) {
    if (change.was(kHierarchy) == word || (!on && change.was(kHierarchy).empty())) return {};
    return std::unexpected(
        wrong("hierarchicalNamespace", "it is set when a bucket is made, and never changes"));
  }
  if (on && !is_uniform(change.attributes)) {
    return std::unexpected(
        invalid("Hierarchical namespace buckets must use uniform bucket-level access."));
  }
  change.set(kHierarchy, std::string{word});
  return {};
}

}  // namespace

const std::string& BucketChange::was(std::string_view name) const {
  static const std::string kNone;
  if (before == nullptr) return kNone;
  const auto found = before->attributes.find(std::string{name});
  return found == before->attributes.end() ? kNone : found->second;
}

const std::string& BucketChange::will_be(std::string_view name) const {
  const auto found = attributes.find(std::string{name});
  return found == attributes.end() ? was(name) : found->second;
}

Result<void> add_settings(BucketChange& change) {
  for (const auto add : {add_retention, add_event_hold, add_logging, add_billing, add_cors,
                         add_website, add_soft_delete, add_autoclass, add_placement, add_ip_filter,
                         add_enforcement, add_hierarchy}) {
    BR_TRY(add(change));
  }
  return {};
}

}  // namespace beringia::protocol::gcs

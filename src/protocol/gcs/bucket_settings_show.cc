// What is set on a bucket, as members of its resource; and its access settings.
#include <utility>

#include "access/bucket_access.h"
#include "base/encoding.h"
#include "base/json_writer.h"
#include "core/encryption.h"
#include "protocol/gcs/bucket_settings.h"
#include "protocol/gcs/cors_form.h"
#include "protocol/gcs/setting_names.h"
#include "wire/bucket_logging.h"
#include "wire/website.h"

namespace beringia::protocol::gcs {
namespace {

using wire::Value;
using Members = meta::StringMap;

constexpr int64_t kMicrosPerDay = 86'400'000'000;
constexpr int64_t kUniformLockDays = 90;  // GCS: then uniform access cannot be turned off any more
constexpr std::string_view kNoPublicAccess = "1111";  // as access::PublicAccessBlock

const std::string& attribute(const meta::StringMap& attributes, std::string_view name) {
  static const std::string kNone;
  const auto found = attributes.find(std::string{name});
  return found == attributes.end() ? kNone : found->second;
}

Timestamp uniform_lock_of(const meta::StringMap& attributes) {
  const auto since = parse_u64(attribute(attributes, kUniformSince));
  if (!since || !is_uniform(attributes)) return {};
  return {static_cast<int64_t>(*since) + kUniformLockDays * kMicrosPerDay};
}

void show_access(const meta::StringMap& attributes, Members& members) {
  JsonWriter json;
  json.begin_object();
  const bool uniform = is_uniform(attributes);
  const Timestamp lock = uniform_lock_of(attributes);
  // The older name of the same switch is what some clients read.
  for (const char* name : {"bucketPolicyOnly", "uniformBucketLevelAccess"}) {
    json.key(name).begin_object().member("enabled", uniform);
    if (lock.micros != 0) json.member("lockedTime", to_iso8601(lock));
    json.end_object();
  }
  const bool enforced = attribute(attributes, access::kPublicAttribute) == kNoPublicAccess;
  json.member("publicAccessPrevention", enforced ? "enforced" : "inherited");
  members["iamConfiguration"] = json.end_object().take();
}

void show_locks(const meta::DirectoryEntry& record, Members& members) {
  if (const auto retention = core::retention_of(record)) {
    JsonWriter json;
    json.begin_object();
    json.member("retentionPeriod", std::to_string(retention->seconds));
    json.member("effectiveTime", to_iso8601(retention->since));
    if (retention->locked) json.member("isLocked", true);
    members["retentionPolicy"] = json.end_object().take();
  }
  if (const auto policy = core::soft_delete_of(record)) {
    JsonWriter json;
    json.begin_object();
    json.member("retentionDurationSeconds", std::to_string(policy->seconds));
    json.member("effectiveTime", to_iso8601(policy->since));
    members["softDeletePolicy"] = json.end_object().take();
  }
  if (core::lock_of(record)) members["objectRetention"] = R"({"mode":"Enabled"})";
  if (!attribute(record.attributes, core::kEventHoldAttribute).empty()) {
    members["defaultEventBasedHold"] = "true";
  }
}

void show_autoclass(const meta::StringMap& attributes, Members& members) {
  const std::string& text = attribute(attributes, kAutoclass);
  if (text.empty()) return;
  const AutoclassText autoclass = parse_autoclass(text);
  JsonWriter json;
  json.begin_object().member("enabled", autoclass.enabled);
  if (!autoclass.toggled.empty()) json.member("toggleTime", autoclass.toggled);
  if (!autoclass.storage_class.empty()) {
    json.member("terminalStorageClass", autoclass.storage_class);
    json.member("terminalStorageClassUpdateTime", autoclass.class_set);
  }
  members["autoclass"] = json.end_object().take();
}

void show_places(const meta::DirectoryEntry& record, Members& members) {
  std::string_view places = attribute(record.attributes, kDataLocations);
  if (!places.empty()) {
    JsonWriter json;
    json.begin_object().key("dataLocations").begin_array();
    const size_t blank = places.find(' ');
    json.value(places.substr(0, blank));
    if (blank != std::string_view::npos) json.value(places.substr(blank + 1));
    members["customPlacementConfig"] = json.end_array().end_object().take();
  }
  const std::string& rpo = attribute(record.attributes, kRpo);
  if (!rpo.empty() || location_type_of(record) != "region") {
    members["rpo"] = "\"" + (rpo.empty() ? "DEFAULT" : rpo) + "\"";
  }
}

void show_encryption(const meta::StringMap& attributes, Members& members) {
  const EnforcementText enforced =
      parse_enforcement(attribute(attributes, core::kRefusedEncryption));
  const auto key = core::parse_default_encryption(attribute(attributes, core::kDefaultEncryption));
  const bool has_key = key && key->method == meta::Encryption::Method::kNamed;
  if (enforced.empty() && !has_key) return;
  JsonWriter json;
  json.begin_object();
  if (has_key) json.member("defaultKmsKeyName", key->key_id);
  for (const auto& [member, word] : kEnforced) {
    const auto found = enforced.find(std::string{word});
    if (found == enforced.end()) continue;
    const bool open = found->second == "open";
    json.key(std::string{member} + "EnforcementConfig").begin_object();
    json.member("restrictionMode", open ? "NotRestricted" : "FullyRestricted");
    if (!open) json.member("effectiveTime", found->second);
    json.end_object();
  }
  members["encryption"] = json.end_object().take();
}

/// S3's redirects have no form here.
void show_website(const meta::StringMap& attributes, Members& members) {
  const std::string& text = attribute(attributes, access::kWebsiteAttribute);
  if (text.empty()) return;
  const auto website = wire::decode_website(text);
  if (!website || (website->index.empty() && website->error.empty())) return;
  JsonWriter json;
  json.begin_object();
  if (!website->index.empty()) json.member("mainPageSuffix", website->index);
  if (!website->error.empty()) json.member("notFoundPage", website->error);
  members["website"] = json.end_object().take();
}

}  // namespace

bool is_uniform(const meta::StringMap& attributes) {
  const std::string& ownership = attribute(attributes, access::kOwnershipAttribute);
  return ownership.empty() || ownership == to_string(access::Ownership::kBucketOwner);
}

std::string location_type_of(const meta::DirectoryEntry& record) {
  if (!attribute(record.attributes, kDataLocations).empty()) return "dual-region";
  const std::string& location = attribute(record.attributes, kLocation);
  if (location.empty() || location == "US" || location == "EU" || location == "ASIA") {
    return "multi-region";
  }
  for (const char* pair : {"NAM4", "EUR4", "EUR5", "EUR7", "EUR8", "ASIA1"}) {
    if (location == pair) return "dual-region";
  }
  return "region";
}

void show_settings(const meta::DirectoryEntry& record, wire::gcs::BucketResource& bucket) {
  const meta::StringMap& attributes = record.attributes;
  Members& members = bucket.more;
  show_access(attributes, members);
  show_locks(record, members);
  show_autoclass(attributes, members);
  show_places(record, members);
  show_encryption(attributes, members);
  if (std::string cors = render_cors(attribute(attributes, access::kCorsAttribute));
      !cors.empty()) {
    members["cors"] = std::move(cors);
  }
  if (!attribute(attributes, access::kRequesterPaysAttribute).empty()) {
    members["billing"] = R"({"requesterPays":true})";
  }
  if (const std::string& text = attribute(attributes, access::kLoggingAttribute); !text.empty()) {
    if (const auto logging = wire::decode_bucket_logging(text)) {
      JsonWriter json;
      json.begin_object().member("logBucket", logging->target_bucket);
      json.member("logObjectPrefix", logging->target_prefix);
      members["logging"] = json.end_object().take();
    }
  }
  show_website(attributes, members);
  if (const std::string& filter = attribute(attributes, kIpFilter); !filter.empty()) {
    members["ipFilter"] = filter;
  }
  if (const std::string& hierarchy = attribute(attributes, kHierarchy); !hierarchy.empty()) {
    members["hierarchicalNamespace"] = "{\"enabled\":" + hierarchy + "}";
  }
}

namespace {

Result<std::optional<bool>> uniform_in(const Value& table) {
  for (const char* name : {"uniformBucketLevelAccess", "bucketPolicyOnly"}) {
    const Value* access = table.find(name);
    const Value* enabled = access == nullptr ? nullptr : access->find("enabled");
    if (enabled == nullptr || enabled->is(Value::Kind::kNull)) continue;
    if (!enabled->is(Value::Kind::kBoolean)) {
      return std::unexpected(invalid("Invalid value for uniformBucketLevelAccess"));
    }
    return std::optional{enabled->boolean};
  }
  return std::optional<bool>{};
}

Result<void> set_uniform(BucketChange& change, bool uniform) {
  const bool was = change.before != nullptr && is_uniform(change.before->attributes);
  const Timestamp now = change.call.rooms.clock.wall();
  if (change.before != nullptr && was && !uniform) {
    const Timestamp lock = uniform_lock_of(change.before->attributes);
    if (lock.micros != 0 && lock <= now) {
      return std::unexpected(invalid(
          "Cannot disable uniform bucket-level access because the 90-day limit has passed."));
    }
  }
  if (uniform) {
    change.set(access::kOwnershipAttribute, "");
    if (!was) change.set(kUniformSince, std::to_string(now.micros));
    return {};
  }
  if (change.before == nullptr || was) {
    change.set(access::kOwnershipAttribute, std::string{to_string(access::Ownership::kWriter)});
    change.set(kUniformSince, "");
  }
  return {};
}

}  // namespace

Result<void> add_access_settings(BucketChange& change) {
  const Value* table = change.body.find("iamConfiguration");
  const bool is_table = table != nullptr && table->is(Value::Kind::kTable);
  std::optional<bool> uniform;
  if (is_table) {
    BR_TRY(asked, uniform_in(*table));
    uniform = asked;
  }
  if (!uniform && change.before == nullptr) uniform = change.call.rooms.uniform_access;
  if (uniform) BR_TRY(set_uniform(change, *uniform));
  const Value* prevention = is_table ? table->find("publicAccessPrevention") : nullptr;
  if (prevention == nullptr || prevention->is(Value::Kind::kNull)) return {};
  if (prevention->text == "enforced") {
    change.set(access::kPublicAttribute, std::string{kNoPublicAccess});
  } else if (prevention->text == "inherited" || prevention->text == "unspecified") {
    // What S3 blocks in part is not of this switch.
    if (change.was(access::kPublicAttribute) == kNoPublicAccess) {
      change.set(access::kPublicAttribute, "");
    }
  } else {
    return std::unexpected(
        invalid("Invalid value for publicAccessPrevention", "it is enforced or inherited"));
  }
  return {};
}

}  // namespace beringia::protocol::gcs

#include "events/message.h"

#include <cstdio>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "base/path.h"
#include "wire/notification.h"

namespace beringia::events {
namespace {

using wire::EventKind;
using Delivery = meta::EventRecord::Delivery;

constexpr uint64_t kDeliveriesOfARow = 1000;  // at most; wire::kMaxNotificationRules

/// One event on its way into a message.
struct Told {
  const meta::NumberedFeed& row;
  const Delivery& delivery;
  size_t index;
  std::string bucket;
  std::string name;
  std::optional<meta::EntryRecord> entry;

  const meta::EventRecord& event() const { return row.record.event; }
};

/// "192.0.2.1" of "192.0.2.1:4711", "::1" of "[::1]:4711".
std::string address_only(const std::string& peer) {
  if (peer.starts_with('[')) return peer.substr(1, peer.find(']') - 1);
  return peer.substr(0, peer.rfind(':'));
}

/// S3 user guide, "Event message structure": keys are encoded as forms encode them.
std::string form_encoded(const std::string& key) {
  const std::string escaped = percent_encode(key, true);
  std::string out;
  for (size_t i = 0; i < escaped.size(); ++i) {
    if (escaped.compare(i, 3, "%20") == 0) {
      out += '+';
      i += 2;
    } else {
      out += escaped[i];
    }
  }
  return out;
}

/// Of two events of one key the later one has the greater one: the feed's numbers are those of the
/// commits.
std::string sequencer(uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llX", static_cast<unsigned long long>(number));
  return text;
}

/// "" where the bucket keeps no versions.
std::string version_id(const Told& told) {
  const EventKind kind = told.event().kind;
  if (kind == EventKind::kMarked || kind == EventKind::kExpiredMarked) {
    return std::to_string(told.event().other_generation);
  }
  if (!told.entry) return std::to_string(told.row.record.generation);
  return told.entry->versioned ? std::to_string(told.entry->generation) : std::string{};
}

/// The structure grew: 2.3 has tags, lists and lifecycles.
std::string_view version_of(EventKind kind) {
  switch (kind) {
    case EventKind::kTagged:
    case EventKind::kUntagged:
    case EventKind::kAclChanged:
    case EventKind::kExpired:
    case EventKind::kExpiredMarked:
    case EventKind::kTransitioned: return "2.3";
    default: return "2.1";
  }
}

bool is_removal(EventKind kind) {
  return kind == EventKind::kRemoved || kind == EventKind::kMarked || kind == EventKind::kExpired ||
         kind == EventKind::kExpiredMarked;
}

void write_s3_object(JsonWriter& json, const Told& told) {
  json.key("object").begin_object().member("key", form_encoded(told.name));
  if (told.entry && !is_removal(told.event().kind)) {
    json.member("size", told.entry->size).member("eTag", told.entry->etag);
  }
  if (const std::string id = version_id(told); !id.empty()) json.member("versionId", id);
  json.member("sequencer", sequencer(told.row.number)).end_object();
}

std::string s3_test_message(const Told& told) {
  JsonWriter json;
  json.begin_object().member("Service", "Amazon S3").member("Event", "s3:TestEvent");
  json.member("Time", to_iso8601(told.row.record.time)).member("Bucket", told.bucket);
  json.member("RequestId", told.event().request_id).member("HostId", told.event().request_id);
  json.end_object();
  return json.take();
}

std::string s3_message(const Told& told, const MessageOptions& options) {
  const meta::EventRecord& event = told.event();
  if (event.kind == EventKind::kConfigured) return s3_test_message(told);
  JsonWriter json;
  json.begin_object().key("Records").begin_array().begin_object();
  json.member("eventVersion", version_of(event.kind)).member("eventSource", "aws:s3");
  json.member("awsRegion", options.region).member("eventTime", to_iso8601(told.row.record.time));
  json.member("eventName", wire::s3_event_name(event.kind));
  json.key("userIdentity").begin_object().member("principalId", event.principal).end_object();
  json.key("requestParameters").begin_object();
  json.member("sourceIPAddress", address_only(event.source_address)).end_object();
  json.key("responseElements").begin_object();
  json.member("x-amz-request-id", event.request_id).member("x-amz-id-2", event.request_id);
  json.end_object();
  json.key("s3").begin_object().member("s3SchemaVersion", "1.0");
  json.member("configurationId", told.delivery.rule);
  json.key("bucket").begin_object().member("name", told.bucket);
  json.key("ownerIdentity").begin_object().member("principalId", event.bucket_owner).end_object();
  json.member("arn", "arn:aws:s3:::" + told.bucket).end_object();
  write_s3_object(json, told);
  json.end_object();
  if (event.kind == EventKind::kTransitioned && told.entry) {
    json.key("lifecycleEventData").begin_object().key("transitionEventData").begin_object();
    json.member("destinationStorageClass", told.entry->storage_class).end_object().end_object();
  }
  json.end_object().end_array().end_object();
  return json.take();
}

/// Cloud Storage, "Pub/Sub notifications", attributes.
void write_google_attributes(JsonWriter& json, const Told& told) {
  const meta::EventRecord& event = told.event();
  meta::StringMap attributes = told.delivery.attributes;
  attributes["notificationConfig"] =
      "projects/_/buckets/" + told.bucket + "/notificationConfigs/" + told.delivery.rule;
  attributes["eventType"] = wire::google_event_name(event.kind);
  attributes["payloadFormat"] = told.delivery.payload ? "JSON_API_V1" : "NONE";
  attributes["bucketId"] = told.bucket;
  attributes["objectId"] = told.name;
  attributes["objectGeneration"] = std::to_string(told.entry->generation);
  attributes["eventTime"] = to_iso8601(told.row.record.time);
  const std::string other = std::to_string(event.other_generation);
  if (event.kind == EventKind::kReplaced || event.kind == EventKind::kArchived) {
    attributes["overwrittenByGeneration"] = other;
  } else if (event.other_generation != 0 && told.row.record.kind == meta::FeedRecord::Kind::kPut) {
    attributes["overwroteGeneration"] = other;
  }
  json.key("attributes").begin_object();
  for (const auto& [name, value] : attributes) json.member(name, value);
  json.end_object();
}

/// Members of a PubsubMessage that both directions have.
void write_pubsub(JsonWriter& json, const Told& told, const MessageOptions& options) {
  if (told.delivery.google) {
    write_google_attributes(json, told);
    if (told.delivery.payload) {
      json.member("data", to_base64(options.google_object(told.bucket, told.name, *told.entry)));
    }
    return;
  }
  json.member("data", to_base64(s3_message(told, options)));
}

std::string push_message(const Told& told, const std::string& target,
                         const MessageOptions& options) {
  const std::string id = std::to_string(told.row.number * kDeliveriesOfARow + told.index);
  const std::string time = to_iso8601(told.row.record.time);
  JsonWriter json;
  json.begin_object().key("message").begin_object();
  write_pubsub(json, told, options);
  json.member("messageId", id).member("message_id", id);
  json.member("publishTime", time).member("publish_time", time).end_object();
  json.member("subscription", "projects/_/subscriptions/" + target).end_object();
  return json.take();
}

std::string publish_call(const Told& told, const MessageOptions& options) {
  JsonWriter json;
  json.begin_object().key("messages").begin_array().begin_object();
  write_pubsub(json, told, options);
  json.end_object().end_array().end_object();
  return json.take();
}

}  // namespace

Result<std::optional<std::string>> render_message(const meta::NumberedFeed& row, size_t index,
                                                  const std::string& kind,
                                                  const std::string& target,
                                                  const MessageOptions& options) {
  const meta::EventRecord& event = row.record.event;
  BR_TRY(path, Path::parse(row.record.path));
  Told told{row,
            event.deliveries.at(index),
            index,
            std::string{path.bucket()},
            std::string{path.key()},
            std::nullopt};
  if (!event.entry.empty()) {
    BR_TRY(entry, meta::decode_entry(event.entry));
    told.entry = std::move(entry);
  }
  // Google knows no marks of deletions: without an object there is nothing to tell.
  if (told.delivery.google && !told.entry) return std::nullopt;
  if (kind == "pubsub") return publish_call(told, options);
  return told.delivery.google ? push_message(told, target, options) : s3_message(told, options);
}

}  // namespace beringia::events

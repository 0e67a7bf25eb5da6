#include "wire/notification.h"

#include <array>
#include <iterator>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "wire/document.h"

namespace beringia::wire {
namespace {

using Form = NotificationRule::Form;

constexpr std::string_view kForms[] = {"queue", "topic", "function", "google"};

struct EventName {
  EventKind kind;
  std::string_view s3;
  std::string_view google;
};
// S3 user guide, "Event notification types and destinations"; GCS, "Pub/Sub notifications".
constexpr EventName kNames[] = {
    {EventKind::kWritten, "ObjectCreated:Put", "OBJECT_FINALIZE"},
    {EventKind::kPosted, "ObjectCreated:Post", "OBJECT_FINALIZE"},
    {EventKind::kCopied, "ObjectCreated:Copy", "OBJECT_FINALIZE"},
    {EventKind::kAssembled, "ObjectCreated:CompleteMultipartUpload", "OBJECT_FINALIZE"},
    {EventKind::kRemoved, "ObjectRemoved:Delete", "OBJECT_DELETE"},
    {EventKind::kMarked, "ObjectRemoved:DeleteMarkerCreated", "OBJECT_ARCHIVE"},
    {EventKind::kExpired, "LifecycleExpiration:Delete", "OBJECT_DELETE"},
    {EventKind::kExpiredMarked, "LifecycleExpiration:DeleteMarkerCreated", "OBJECT_ARCHIVE"},
    {EventKind::kTagged, "ObjectTagging:Put", "OBJECT_METADATA_UPDATE"},
    {EventKind::kUntagged, "ObjectTagging:Delete", "OBJECT_METADATA_UPDATE"},
    {EventKind::kAclChanged, "ObjectAcl:Put", "OBJECT_METADATA_UPDATE"},
    {EventKind::kChanged, "", "OBJECT_METADATA_UPDATE"},
    {EventKind::kTransitioned, "LifecycleTransition", "OBJECT_METADATA_UPDATE"},
    {EventKind::kReplaced, "", "OBJECT_DELETE"},
    {EventKind::kArchived, "", "OBJECT_ARCHIVE"},
    {EventKind::kConfigured, "TestEvent", ""},
};

uint32_t kinds_of(const NotificationRule& rule) {
  uint32_t kinds = 0;
  for (const std::string& name : rule.events) {
    kinds |= rule.form == Form::kGoogle ? kinds_of_google_event(name) : kinds_of_s3_event(name);
  }
  if (rule.form != Form::kGoogle || !rule.events.empty()) return kinds;
  for (const EventName& name : kNames) {
    if (!name.google.empty()) kinds |= bit_of(name.kind);
  }
  return kinds;
}

Error damaged(const std::string& why) {
  return corrupt("reading the notifications of a bucket", why, "set them again");
}

Result<NotificationRule> read_rule(const Value& table) {
  TableReader reader{table, "a notification"};
  NotificationRule rule;
  rule.id = reader.text("id");
  const std::string form = reader.required_text("form");
  rule.target = reader.required_text("target");
  rule.address = reader.text("address");
  rule.events = reader.texts("events");
  rule.prefix = reader.text("prefix");
  rule.suffix = reader.text("suffix");
  rule.has_payload = reader.boolean("payload", true);
  if (const Value* attributes = reader.value("attributes")) {
    for (const auto& [name, value] : attributes->members) rule.attributes[name] = value.text;
  }
  if (auto whole = reader.finish(); !whole) return std::unexpected(damaged(whole.error().why()));
  for (size_t i = 0; i < std::size(kForms); ++i) {
    if (form != kForms[i]) continue;
    rule.form = static_cast<Form>(i);
    rule.kinds = kinds_of(rule);
    return rule;
  }
  return std::unexpected(damaged("form is \"" + form + "\""));
}

}  // namespace

Result<std::string> encode(const Notifications& notifications) {
  JsonWriter json;
  json.begin_object().member("last_google_id", notifications.last_google_id);
  json.key("rules").begin_array();
  for (const NotificationRule& rule : notifications.rules) {
    json.begin_object().member("id", rule.id);
    json.member("form", kForms[static_cast<size_t>(rule.form)]);
    json.member("target", rule.target).member("address", rule.address);
    json.key("events").begin_array();
    for (const std::string& event : rule.events) json.value(event);
    json.end_array().member("prefix", rule.prefix).member("suffix", rule.suffix);
    json.member("payload", rule.has_payload);
    json.key("attributes").begin_object();
    for (const auto& [name, value] : rule.attributes) json.member(name, value);
    json.end_object().end_object();
  }
  json.end_array().end_object();
  std::string text = json.take();
  if (text.size() <= kMaxNotificationBytes && notifications.rules.size() <= kMaxNotificationRules) {
    return text;
  }
  return std::unexpected(invalid("the notifications of a bucket are too many or too long",
                                 "100 of them, and 64 KiB as stored, are the most",
                                 "name fewer, or shorter filters")
                             .with_tag("InvalidArgument"));
}

Result<Notifications> decode_notifications(std::string_view text) {
  auto root = parse_json(text, kMaxNotificationBytes, "notifications");
  if (!root) return std::unexpected(damaged(root.error().why()));
  TableReader reader{*root, "notifications"};
  Notifications notifications;
  notifications.last_google_id =
      static_cast<uint64_t>(reader.integer("last_google_id", 0, 0, INT64_MAX));
  for (const Value* table : reader.tables("rules")) {
    BR_TRY(rule, read_rule(*table));
    notifications.rules.push_back(std::move(rule));
  }
  if (auto whole = reader.finish(); !whole) return std::unexpected(damaged(whole.error().why()));
  if (notifications.rules.size() > kMaxNotificationRules) {
    return std::unexpected(damaged("there are too many"));
  }
  return notifications;
}

std::string_view s3_event_name(EventKind kind) {
  for (const EventName& name : kNames) {
    if (name.kind == kind) return name.s3;
  }
  return {};
}

std::string_view google_event_name(EventKind kind) {
  for (const EventName& name : kNames) {
    if (name.kind == kind) return name.google;
  }
  return {};
}

uint32_t kinds_of_s3_event(std::string_view name) {
  constexpr std::string_view kService = "s3:";
  if (!name.starts_with(kService)) return 0;
  name.remove_prefix(kService.size());
  // "ObjectCreated:*"; the family of one, "LifecycleTransition", has no star.
  const bool whole = name.ends_with(":*");
  if (whole) name.remove_suffix(1);
  uint32_t kinds = 0;
  for (const EventName& one : kNames) {
    if (one.s3.empty() || one.kind == EventKind::kConfigured) continue;
    if (whole ? one.s3.starts_with(name) : one.s3 == name) kinds |= bit_of(one.kind);
  }
  return kinds;
}

uint32_t kinds_of_google_event(std::string_view name) {
  uint32_t kinds = 0;
  for (const EventName& one : kNames) {
    if (!one.google.empty() && one.google == name) kinds |= bit_of(one.kind);
  }
  return kinds;
}

std::string target_of_arn(std::string_view arn, Form form) {
  constexpr std::array<std::string_view, 3> kServices = {"sqs", "sns", "lambda"};
  if (form == Form::kGoogle) return {};
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t colon = arn.find(':');
    parts.push_back(arn.substr(0, colon));
    if (colon == std::string_view::npos) break;
    arn.remove_prefix(colon + 1);
  }
  constexpr size_t kService = 2;
  constexpr size_t kAccount = 4;
  constexpr size_t kResource = 5;
  if (parts.size() <= kResource || parts[0] != "arn") return {};
  const bool is_amazon = parts[1].starts_with("aws");
  // MinIO calls all of its targets queues.
  const bool fits = parts[kService] == kServices[static_cast<size_t>(form)] ||
                    (!is_amazon && parts[kService] == kServices[0]);
  if (!fits) return {};
  return std::string{is_amazon ? parts.back() : parts[kAccount]};
}

std::string target_of_topic(std::string_view topic) {
  constexpr std::string_view kService = "//pubsub.googleapis.com/";
  constexpr std::string_view kProjects = "projects/";
  constexpr std::string_view kTopics = "/topics/";
  if (topic.starts_with(kService)) topic.remove_prefix(kService.size());
  if (!topic.starts_with(kProjects)) return {};
  const size_t at = topic.find(kTopics);
  if (at == std::string_view::npos || at == kProjects.size()) return {};
  const std::string_view name = topic.substr(at + kTopics.size());
  return name.find('/') == std::string_view::npos ? std::string{name} : std::string{};
}

namespace gcs {

Result<NotificationRule> parse_notification(std::string_view json) {
  BR_TRY(root, parse_json(json, kMaxNotificationBytes, "a notification config"));
  const auto refuse = [](std::string why) {
    return std::unexpected(invalid("Invalid notification config", std::move(why)));
  };
  NotificationRule rule;
  rule.form = Form::kGoogle;
  std::string payload;
  for (const auto& [name, value] : root.members) {
    if (name == "topic" || name == "payload_format" || name == "object_name_prefix") {
      if (!value.is(Value::Kind::kText)) return refuse(name + " is not a text");
      (name == "topic"            ? rule.address
       : name == "payload_format" ? payload
                                  : rule.prefix) = value.text;
    } else if (name == "event_types") {
      if (!value.is(Value::Kind::kArray)) return refuse("event_types is not a list");
      for (const Value& item : value.items) {
        if (kinds_of_google_event(item.text) == 0) return refuse("an event type is not known");
        rule.events.push_back(item.text);
      }
    } else if (name == "custom_attributes") {
      if (!value.is(Value::Kind::kTable)) return refuse("custom_attributes is not an object");
      for (const auto& [key, text] : value.members) {
        // Pub/Sub, quotas: keys of 256 bytes, values of 1,024, 100 of them.
        if (!text.is(Value::Kind::kText) || key.empty() || key.size() > 256 ||
            text.text.size() > 1024 || value.members.size() > 100) {
          return refuse("custom_attributes holds what is no attribute");
        }
        rule.attributes[key] = text.text;
      }
    }
  }
  rule.target = target_of_topic(rule.address);
  if (rule.target.empty()) {
    return refuse("topic is not of the form //pubsub.googleapis.com/projects/PROJECT/topics/NAME");
  }
  if (!rule.address.starts_with("//")) rule.address = "//pubsub.googleapis.com/" + rule.address;
  if (payload != "JSON_API_V1" && payload != "NONE") {
    return refuse("payload_format is neither JSON_API_V1 nor NONE");
  }
  rule.has_payload = payload != "NONE";
  rule.kinds = kinds_of(rule);
  return rule;
}

std::string render_notification(const NotificationRule& rule, std::string_view self_link) {
  JsonWriter json;
  json.begin_object().member("kind", "storage#notification");
  json.member("selfLink", self_link).member("id", rule.id).member("topic", rule.address);
  if (!rule.events.empty()) {
    json.key("event_types").begin_array();
    for (const std::string& event : rule.events) json.value(event);
    json.end_array();
  }
  if (!rule.attributes.empty()) {
    json.key("custom_attributes").begin_object();
    for (const auto& [name, value] : rule.attributes) json.member(name, value);
    json.end_object();
  }
  json.member("payload_format", rule.has_payload ? "JSON_API_V1" : "NONE");
  if (!rule.prefix.empty()) json.member("object_name_prefix", rule.prefix);
  json.member("etag", rule.id).end_object();
  return json.take();
}

}  // namespace gcs

}  // namespace beringia::wire

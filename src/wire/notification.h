#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

/// Notifications of buckets: what happened to an entry, who wants to be told of it, and the
/// documents in which S3 and Google say so.
namespace beringia::wire {

/// What happened. Numbers are stored (docs/formats/catalog.md): never reused.
enum class EventKind : uint8_t {
  kNone = 0,
  kWritten = 1,
  kPosted,         ///< written by a browser's form
  kCopied,         ///< written by a copy, or a rename
  kAssembled,      ///< written in parts
  kRemoved,        ///< a generation is gone for good
  kMarked,         ///< deleted where versions are kept: the generation is not current any more
  kExpired,        ///< as kRemoved, by the bucket's lifecycle
  kExpiredMarked,  ///< as kMarked, by the bucket's lifecycle
  kTagged,
  kUntagged,
  kAclChanged,
  kChanged,       ///< other attributes
  kTransitioned,  ///< its class, by the bucket's lifecycle
  kReplaced,      ///< gone for good because another generation took its place
  kArchived,      ///< not current any more because another generation took its place
  kConfigured,    ///< the bucket's notifications were set
};
inline constexpr EventKind kLastEventKind = EventKind::kConfigured;
constexpr uint32_t bit_of(EventKind kind) { return uint32_t{1} << static_cast<uint32_t>(kind); }

/// One rule: which events of which names go to which target.
struct NotificationRule {
  enum class Form : uint8_t { kQueue, kTopic, kFunction, kGoogle };
  std::string id;
  Form form = Form::kQueue;
  std::string target;               ///< its name in the estate
  std::string address;              ///< as it was given: ARN, or topic
  std::vector<std::string> events;  ///< as they were given; Google: empty = all
  std::string prefix, suffix;
  // kGoogle
  bool has_payload = true;
  std::map<std::string, std::string> attributes;
  uint32_t kinds = 0;  ///< bits of what `events` name
  bool operator==(const NotificationRule&) const = default;

  bool wants(EventKind kind, std::string_view key) const {
    return (kinds & bit_of(kind)) != 0 && key.starts_with(prefix) && key.ends_with(suffix);
  }
};

/// All rules of one bucket.
struct Notifications {
  std::vector<NotificationRule> rules;
  uint64_t last_google_id = 0;  ///< ids are not used again
  bool operator==(const Notifications&) const = default;
};
inline constexpr size_t kMaxNotificationRules = 100;       // S3 and Google: 100 in a bucket
inline constexpr size_t kMaxNotificationBytes = 64 << 10;  // as stored

/// As it is kept with the bucket: JSON. @error (encode) kInvalid: too large; (decode) kCorrupt
[[nodiscard]] Result<std::string> encode(const Notifications& notifications);
[[nodiscard]] Result<Notifications> decode_notifications(std::string_view text);

/// What an event is called; "" = nobody is told of it in this form.
std::string_view s3_event_name(EventKind kind);      // "ObjectCreated:Put"
std::string_view google_event_name(EventKind kind);  // "OBJECT_FINALIZE"
/// Bits of what a name stands for; 0: there is no such event here.
uint32_t kinds_of_s3_event(std::string_view name);  // "s3:ObjectCreated:*"
uint32_t kinds_of_google_event(std::string_view name);

/// The target's name in an ARN of a queue, topic or function: arn:beringia:sqs::NAME:webhook,
/// MinIO's arn:minio:sqs::NAME:webhook, or Amazon's arn:aws:sqs:REGION:ACCOUNT:NAME. "" = none.
std::string target_of_arn(std::string_view arn, NotificationRule::Form form);
/// Of Google's //pubsub.googleapis.com/projects/PROJECT/topics/NAME. "" = none.
std::string target_of_topic(std::string_view topic);

namespace s3 {

/// NotificationConfiguration. Rules without an id get one made of `unique` and their position.
/// @error kInvalid, tags MalformedXML, InvalidArgument
[[nodiscard]] Result<std::vector<NotificationRule>> parse_notifications(const std::string& xml,
                                                                        std::string_view unique);
/// Of the rules that S3 has a form for.
std::string render_notifications(const Notifications& notifications);

}  // namespace s3

namespace gcs {

/// A "storage#notification" that a client sends. @error kInvalid
[[nodiscard]] Result<NotificationRule> parse_notification(std::string_view json);
std::string render_notification(const NotificationRule& rule, std::string_view self_link);

}  // namespace gcs

}  // namespace beringia::wire

// GetBucketNotificationConfiguration, PutBucketNotificationConfiguration.
#include <utility>

#include "core/events.h"
#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"
#include "wire/notification.h"

namespace beringia::protocol::s3 {
namespace {

constexpr size_t kMaxDocumentBytes = 256 << 10;

/// Rules that came through this door; the others stay as they are.
bool is_ours(const wire::NotificationRule& rule) {
  return rule.form != wire::NotificationRule::Form::kGoogle;
}

Result<wire::Notifications> decode(const std::string& text) {
  return text.empty() ? wire::Notifications{} : wire::decode_notifications(text);
}

}  // namespace

Result<io::HttpResponse> get_bucket_notification(Call& call) {
  BR_TRY(info, read_bucket(call));
  BR_TRY(stored, decode(attribute_of(info, core::kNotificationAttribute)));
  return xml_response(200, wire::s3::render_notifications(stored));
}

Result<io::HttpResponse> put_bucket_notification(Call& call) {
  BR_TRY(document, read_document(call, kMaxDocumentBytes));
  BR_TRY(rules, wire::s3::parse_notifications(document, call.context.trace_id()));
  BR_TRY(bucket, open_bucket(call));
  for (auto& rule : rules) {
    // Only the estate says where messages may go.
    if (auto target = call.rooms.names.notification_target_of(rule.target)) {
      rule.target = std::move(*target);
      continue;
    }
    return std::unexpected(
        s3_error("InvalidArgument", "Unable to validate the following destination configurations",
                 "the estate declares no notification_target \"" + rule.target + "\""));
  }
  const auto replace = [&](const std::string& before) -> Result<std::string> {
    BR_TRY(all, decode(before));
    std::erase_if(all.rules, is_ours);
    all.rules.insert(all.rules.end(), rules.begin(), rules.end());
    if (all.rules.empty() && all.last_google_id == 0) return std::string{};
    return wire::encode(all);
  };
  // S3 API: every destination hears s3:TestEvent.
  BR_TRY(call.rooms.names.edit_directory_attribute(call.context, *bucket.grant,
                                                   std::string{core::kNotificationAttribute},
                                                   replace, wire::EventKind::kConfigured));
  return empty_response(200);
}

}  // namespace beringia::protocol::s3

// notifications: insert, get, list, delete.
#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "core/events.h"
#include "protocol/gcs/notification_payload.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"
#include "wire/notification.h"

namespace beringia::protocol::gcs {
namespace {

using wire::NotificationRule;

bool is_ours(const NotificationRule& rule) { return rule.form == NotificationRule::Form::kGoogle; }

Result<wire::Notifications> decode(const std::string& text) {
  return text.empty() ? wire::Notifications{} : wire::decode_notifications(text);
}

Error no_such(const Call& call) {
  return not_found("The specified notification does not exist.",
                   "bucket " + call.route.bucket + " has no notification " + call.route.object);
}

std::string render(const Call& call, const NotificationRule& rule) {
  return wire::gcs::render_notification(rule, call.base_url + "/storage/v1/b/" +
                                                  percent_encode(call.route.bucket) +
                                                  "/notificationConfigs/" + rule.id);
}

/// The bucket's own notifications. Not those of an alias, which
/// stands for a part of a bucket.
Result<wire::Notifications> read(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit({core::Action::kAdminister, access::Right::kReadNotification}, path));
  BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
  const auto found = info.record.attributes.find(std::string{core::kNotificationAttribute});
  return decode(found == info.record.attributes.end() ? std::string{} : found->second);
}

Result<void> change(Call& call, const core::Namespace::AttributeEdit& edit) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit({core::Action::kAdminister, access::Right::kWriteNotification}, path));
  if (path.directories().size() != 1) {
    return std::unexpected(
        unsupported("Notifications of a part of a bucket are not offered",
                    "the name is an alias; set them on the bucket " + std::string{path.bucket()}));
  }
  BR_TRY(call.rooms.names.edit_directory_attribute(
      call.context, *grant, std::string{core::kNotificationAttribute}, edit));
  return {};
}

}  // namespace

std::string notification_payload(const std::string& base_url, std::string_view bucket,
                                 std::string_view name, const meta::EntryRecord& record) {
  auto object = object_resource(base_url, bucket, name, record);
  if (record.encryption.method == meta::Encryption::Method::kCustomer) {
    object.crc32c.reset();
    object.md5.reset();
  }
  return wire::gcs::render(object);
}

Result<io::HttpResponse> list_notifications(Call& call) {
  BR_TRY(all, read(call));
  std::string items;
  for (const auto& rule : all.rules) {
    if (is_ours(rule)) items += (items.empty() ? "" : ",") + render(call, rule);
  }
  return json_response(200, R"({"kind":"storage#notifications","items":[)" + items + "]}");
}

Result<io::HttpResponse> get_notification(Call& call) {
  BR_TRY(all, read(call));
  const auto found = std::ranges::find_if(
      all.rules, [&](const auto& rule) { return is_ours(rule) && rule.id == call.route.object; });
  if (found == all.rules.end()) return std::unexpected(no_such(call));
  return json_response(200, render(call, *found));
}

Result<io::HttpResponse> insert_notification(Call& call) {
  BR_TRY(body, call.read_body(wire::gcs::kMaxResourceBytes));
  BR_TRY(rule, wire::gcs::parse_notification(body));
  auto target = call.rooms.names.notification_target_of(rule.target);
  if (!target) {
    // Only the estate says where messages may go.
    return std::unexpected(
        invalid("Invalid topic '" + rule.address.substr(0, 200) + "'",
                "the estate declares no notification_target of that topic's name"));
  }
  rule.target = std::move(*target);
  BR_TRY(change(call, [&](const std::string& before) -> Result<std::string> {
    BR_TRY(all, decode(before));
    rule.id = std::to_string(++all.last_google_id);
    all.rules.push_back(rule);
    return wire::encode(all);
  }));
  return json_response(200, render(call, rule));
}

Result<io::HttpResponse> delete_notification(Call& call) {
  BR_TRY(change(call, [&](const std::string& before) -> Result<std::string> {
    BR_TRY(all, decode(before));
    const size_t gone = std::erase_if(
        all.rules, [&](const auto& rule) { return is_ours(rule) && rule.id == call.route.object; });
    if (gone == 0) return std::unexpected(no_such(call));
    return wire::encode(all);
  }));
  return empty_response(204);
}

}  // namespace beringia::protocol::gcs

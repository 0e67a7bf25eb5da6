// Buckets: JSON's resource and gRPC's message, by protobuf's own JSON and a few fields by hand.
#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "protocol/gcs/grpc/resources.h"

namespace beringia::protocol::gcs::grpc {
namespace {

using google::protobuf::FieldDescriptor;
using Date = v2::Bucket::Lifecycle::Date;

constexpr std::string_view kLabelPath = "labels.";

/// "2026-11-27"; the message when it is none is empty.
void set_date(const std::string& text, Date& date) {
  if (text.size() != 10) return;
  date.set_year(static_cast<int>(parse_u64(text.substr(0, 4)).value_or(0)));
  date.set_month(static_cast<int>(parse_u64(text.substr(5, 2)).value_or(0)));
  date.set_day(static_cast<int>(parse_u64(text.substr(8, 2)).value_or(0)));
}

std::string two_digits(int number) {
  const std::string text = std::to_string(number);
  return text.size() == 1 ? "0" + text : text;
}

/// @error kInvalidArgument
Answer<std::string> text_of(const Date& date) {
  if (date.year() < 1000 || date.year() > 9999 || date.month() < 1 || date.month() > 12 ||
      date.day() < 1 || date.day() > 31) {
    return refusal(Code::kInvalidArgument, "A date of a lifecycle rule is none.");
  }
  return std::to_string(date.year()) + "-" + two_digits(date.month()) + "-" +
         two_digits(date.day());
}

/// What a client may set of these fields is overwritten: they are ours.
Answer<void> tell_dates(v2::Bucket::Lifecycle::Condition& condition) {
  condition.clear_created_before_text();
  condition.clear_custom_time_before_text();
  condition.clear_noncurrent_time_before_text();
  if (condition.has_created_before()) {
    BR_TRY(text, text_of(condition.created_before()));
    condition.set_created_before_text(text);
  }
  if (condition.has_custom_time_before()) {
    BR_TRY(text, text_of(condition.custom_time_before()));
    condition.set_custom_time_before_text(text);
  }
  if (condition.has_noncurrent_time_before()) {
    BR_TRY(text, text_of(condition.noncurrent_time_before()));
    condition.set_noncurrent_time_before_text(text);
  }
  condition.clear_created_before();
  condition.clear_custom_time_before();
  condition.clear_noncurrent_time_before();
  return {};
}

/// A message that is there says its flag, false too.
template <class Message>
void tell_flag(bool is_there, Message* (v2::Bucket::*message)(), v2::Bucket& bucket) {
  if (!is_there) return;
  auto& part = *(bucket.*message)();
  part.set_enabled(part.enabled());
}

/// Only what JSON knows, as it knows it. @error kInvalidArgument
Answer<void> complete_for_json(v2::Bucket& bucket) {
  for (auto& rule : *bucket.mutable_lifecycle()->mutable_rule()) {
    BR_TRY(tell_dates(*rule.mutable_condition()));
  }
  if (bucket.lifecycle().rule().empty()) bucket.clear_lifecycle();
  if (bucket.has_retention_policy()) {
    auto& policy = *bucket.mutable_retention_policy();
    policy.set_retention_period(policy.retention_duration().seconds());
    policy.clear_retention_duration();
  }
  if (bucket.has_soft_delete_policy()) {
    auto& policy = *bucket.mutable_soft_delete_policy();
    policy.set_retention_duration_seconds(policy.retention_duration().seconds());
    policy.clear_retention_duration();
  }
  if (bucket.has_logging() && !bucket.logging().log_bucket().empty()) {
    BR_TRY(target, bucket_of(bucket.logging().log_bucket()));
    bucket.mutable_logging()->set_log_bucket(target);
  }
  bucket.clear_object_retention();  // of CreateBucketRequest in both
  tell_flag(bucket.has_versioning(), &v2::Bucket::mutable_versioning, bucket);
  tell_flag(bucket.has_autoclass(), &v2::Bucket::mutable_autoclass, bucket);
  tell_flag(bucket.has_hierarchical_namespace(), &v2::Bucket::mutable_hierarchical_namespace,
            bucket);
  if (bucket.has_billing()) {
    bucket.mutable_billing()->set_requester_pays(bucket.billing().requester_pays());
  }
  if (bucket.iam_config().has_uniform_bucket_level_access()) {
    auto& access = *bucket.mutable_iam_config()->mutable_uniform_bucket_level_access();
    access.set_enabled(access.enabled());
  }
  return {};
}

Answer<std::string> to_json(const v2::Bucket& bucket) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(bucket, &json).ok()) {
    return refusal(Code::kInvalidArgument, "the bucket could not be read");
  }
  return json;
}

/// An empty one of these is what takes the setting away; of the others it says "off".
constexpr int kNoneWhenEmpty[] = {
    v2::Bucket::kLifecycleFieldNumber,       v2::Bucket::kWebsiteFieldNumber,
    v2::Bucket::kLoggingFieldNumber,         v2::Bucket::kEncryptionFieldNumber,
    v2::Bucket::kRetentionPolicyFieldNumber, v2::Bucket::kCustomPlacementConfigFieldNumber,
};

bool is_set(const v2::Bucket& bucket, const FieldDescriptor& field) {
  const auto* reflection = bucket.GetReflection();
  if (field.is_repeated()) return reflection->FieldSize(bucket, &field) > 0;
  if (!reflection->HasField(bucket, &field)) return false;
  return std::ranges::find(kNoneWhenEmpty, field.number()) == std::end(kNoneWhenEmpty) ||
         reflection->GetMessage(bucket, &field).ByteSizeLong() > 0;
}

/// "labels": what the mask names of them; without a value they go.
std::string label_patch(const v2::Bucket& bucket, const google::protobuf::FieldMask& mask) {
  JsonWriter json;
  json.begin_object();
  for (const std::string& path : mask.paths()) {
    if (!path.starts_with(kLabelPath)) continue;
    const std::string key = path.substr(kLabelPath.size());
    const auto found = bucket.labels().find(key);
    json.key(key);
    if (found == bucket.labels().end()) {
      json.null();
    } else {
      json.value(std::string_view{found->second});
    }
  }
  return json.end_object().take();
}

}  // namespace

void complete_from_json(v2::Bucket& bucket) {
  bucket.set_name(name_of(bucket.bucket_id()));
  bucket.set_project("projects/_");
  if (bucket.has_lifecycle()) {
    for (auto& rule : *bucket.mutable_lifecycle()->mutable_rule()) {
      auto& condition = *rule.mutable_condition();
      const auto move = [](std::string text, auto* date) { set_date(text, *date); };
      if (const std::string& text = condition.created_before_text(); !text.empty()) {
        move(text, condition.mutable_created_before());
      }
      if (const std::string& text = condition.custom_time_before_text(); !text.empty()) {
        move(text, condition.mutable_custom_time_before());
      }
      if (const std::string& text = condition.noncurrent_time_before_text(); !text.empty()) {
        move(text, condition.mutable_noncurrent_time_before());
      }
      condition.clear_created_before_text();
      condition.clear_custom_time_before_text();
      condition.clear_noncurrent_time_before_text();
    }
  }
  if (bucket.has_retention_policy()) {
    auto& policy = *bucket.mutable_retention_policy();
    policy.mutable_retention_duration()->set_seconds(policy.retention_period());
    policy.clear_retention_period();
  }
  if (bucket.has_soft_delete_policy()) {
    auto& policy = *bucket.mutable_soft_delete_policy();
    policy.mutable_retention_duration()->set_seconds(policy.retention_duration_seconds());
    policy.clear_retention_duration_seconds();
  }
  if (bucket.has_object_retention()) {
    bucket.mutable_object_retention()->set_enabled(bucket.object_retention().mode() == "Enabled");
    bucket.mutable_object_retention()->clear_mode();
  }
  if (!bucket.logging().log_bucket().empty()) {
    bucket.mutable_logging()->set_log_bucket(name_of(bucket.logging().log_bucket()));
  }
}

Answer<v2::Bucket> bucket_message(std::string_view json) {
  v2::Bucket bucket;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece{json.data(), json.size()}, &bucket, options);
  if (!parsed.ok()) return refusal(Code::kInternal, parsed.ToString());
  complete_from_json(bucket);
  return bucket;
}

Answer<std::string> bucket_json(v2::Bucket bucket) {
  BR_TRY(complete_for_json(bucket));
  return to_json(bucket);
}

Answer<std::string> bucket_patch(v2::Bucket bucket, const google::protobuf::FieldMask& mask) {
  v2::Bucket named;
  std::string rest;
  bool has_labels = false;
  for (const std::string& path : mask.paths()) {
    if (path.starts_with(kLabelPath)) {
      if (std::exchange(has_labels, true)) continue;
      rest += ",\"labels\":" + label_patch(bucket, mask);
      continue;
    }
    const std::string top = path.substr(0, path.find('.'));
    const FieldDescriptor* field =
        path == "*" ? nullptr : bucket.GetDescriptor()->FindFieldByName(top);
    if (field == nullptr || field->number() == v2::Bucket::kNameFieldNumber) {
      return refusal(Code::kInvalidArgument,
                     "update_mask: " + path.substr(0, 64) + " cannot be changed");
    }
    google::protobuf::FieldMask one;
    one.add_paths(path);
    google::protobuf::util::FieldMaskUtil::MergeMessageTo(bucket, one, {}, &named);
    const bool is_flag = field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL;
    if (is_flag && !is_set(bucket, *field)) {
      rest += ",\"" + field->json_name() + "\":false";
    } else if (!is_set(bucket, *field)) {
      rest += ",\"" + field->json_name() + "\":null";
    }
  }
  BR_TRY(json, bucket_json(std::move(named)));
  json.pop_back();  // its '}'
  if (json == "{" && !rest.empty()) rest.erase(0, 1);
  return json + rest + "}";
}

}  // namespace beringia::protocol::gcs::grpc

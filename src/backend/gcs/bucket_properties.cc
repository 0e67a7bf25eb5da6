#include "backend/gcs/bucket_properties.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace beringia::backend::gcs {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kFields =
    "location,locationType,storageClass,versioning,softDeletePolicy,retentionPolicy,"
    "objectRetention,defaultEventBasedHold,billing,iamConfiguration,hierarchicalNamespace,"
    "encryption,autoclass,lifecycle";

std::string text_at(dom::element root, std::string_view pointer) {
  std::string_view text;
  return root.at_pointer(pointer).get(text) == simdjson::SUCCESS ? std::string{text}
                                                                 : std::string{};
}

bool flag_at(dom::element root, std::string_view pointer) {
  bool flag = false;
  return root.at_pointer(pointer).get(flag) == simdjson::SUCCESS && flag;
}

/// Google writes 64-bit numbers as text, some emulators as numbers.
uint64_t number_at(dom::element root, std::string_view pointer) {
  uint64_t number = 0;
  if (root.at_pointer(pointer).get(number) == simdjson::SUCCESS) return number;
  return parse_u64(text_at(root, pointer)).value_or(0);
}

bool has_delete_rule(dom::element root) {
  dom::array rules;
  if (root.at_pointer("/lifecycle/rule").get(rules) != simdjson::SUCCESS) return false;
  return std::ranges::any_of(rules, [](dom::element rule) {
    if (text_at(rule, "/action/type") != "Delete") return false;
    bool live = true;  // rules of noncurrent generations alone do not touch what we have
    return rule.at_pointer("/condition/isLive").get(live) != simdjson::SUCCESS || live;
  });
}

std::string in_words(uint64_t seconds) {
  constexpr uint64_t kDay = 86400;
  const auto count = [](uint64_t n, const char* unit) {
    return std::to_string(n) + " " + unit + (n == 1 ? "" : "s");
  };
  if (seconds % kDay == 0) return count(seconds / kDay, "day");
  if (seconds % 3600 == 0) return count(seconds / 3600, "hour");
  return count(seconds, "second");
}

/// Cloud Storage, "Storage classes": the minimum storage duration.
int minimum_days(std::string_view storage_class) {
  if (storage_class == "NEARLINE") return 30;
  if (storage_class == "COLDLINE") return 90;
  if (storage_class == "ARCHIVE") return 365;
  return 0;
}

class Report {
 public:
  void say(std::string name, std::string value, std::string consequence = {}) {
    out_.push_back({std::move(name), std::move(value), std::move(consequence), false});
  }
  void warn(std::string name, std::string value, std::string consequence) {
    out_.push_back({std::move(name), std::move(value), std::move(consequence), true});
  }
  StoreReport take() { return std::move(out_); }

 private:
  StoreReport out_;
};

void report_class(Report& report, const BucketProperties& bucket) {
  const int days = minimum_days(bucket.storage_class);
  if (bucket.autoclass) {
    report.warn("storage_class", "Autoclass",
                "Google chooses the class of each object; classes in policies are not kept there");
  } else if (days > 0) {
    report.warn("storage_class", bucket.storage_class,
                "what is deleted, replaced or moved away sooner is billed for " +
                    std::to_string(days) + " days, and reads are billed for retrieval");
  } else if (!bucket.storage_class.empty()) {
    report.say("storage_class", bucket.storage_class);
  }
}

void report_keeping(Report& report, const BucketProperties& bucket) {
  if (bucket.soft_delete_seconds > 0) {
    report.warn("soft_delete", in_words(bucket.soft_delete_seconds),
                "what is deleted, replaced or moved away, and the parts of long uploads, is billed "
                "for that long");
  } else {
    report.say("soft_delete", "off", "what is deleted here is gone at once");
  }
  if (bucket.versioning) {
    report.warn("versioning", "on",
                "what is deleted or replaced stays as a noncurrent generation, and is billed, "
                "until a lifecycle of the bucket removes it");
  }
  if (bucket.retention_seconds > 0) {
    report.warn("retention",
                in_words(bucket.retention_seconds) + (bucket.retention_locked ? ", locked" : ""),
                "objects can neither be replaced, deleted nor moved away until then; long uploads "
                "go without temporary objects, which could not be removed, and so one part after "
                "the other");
  }
  if (bucket.event_hold) {
    report.warn("default_event_hold", "on",
                "each new object is on hold: it can neither be replaced nor deleted until somebody "
                "releases it in Cloud Storage; uploads go without temporary objects");
  }
  if (bucket.object_retention) {
    report.say("object_retention", "enabled",
               "objects with a retention of their own can neither be replaced nor deleted");
  }
  if (bucket.deletes_by_itself) {
    report.warn("lifecycle", "deletes objects",
                "entries whose only copy is here go with it; a policy of Beringia can be undone, "
                "and plans before it acts");
  }
}

void report_payment(Report& report, const BucketProperties& bucket, const std::string& pays) {
  if (bucket.requester_pays) {
    report.say("requester_pays", "on",
               pays.empty() ? "calls are billed to the project of the backend's credentials"
                            : "calls are billed to project " + pays);
  } else if (!pays.empty()) {
    report.say("requester_pays", "off", "user_project " + pays + " is billed all the same");
  }
}

}  // namespace

Result<BucketProperties> parse_bucket_properties(std::string_view json, bool complete) {
  dom::parser parser;
  dom::element root;
  if (parser.parse(json.data(), json.size(), true).get(root) != simdjson::SUCCESS ||
      !root.is_object()) {
    return std::unexpected(invalid("cannot read the properties of a bucket", "it is no object"));
  }
  BucketProperties out;
  out.complete = complete;
  out.location = text_at(root, "/location");
  out.location_type = text_at(root, "/locationType");
  out.hierarchical = flag_at(root, "/hierarchicalNamespace/enabled");
  if (!complete) return out;
  out.storage_class = text_at(root, "/storageClass");
  out.default_kms_key = text_at(root, "/encryption/defaultKmsKeyName");
  out.soft_delete_seconds = number_at(root, "/softDeletePolicy/retentionDurationSeconds");
  out.retention_seconds = number_at(root, "/retentionPolicy/retentionPeriod");
  out.retention_locked = flag_at(root, "/retentionPolicy/isLocked");
  out.object_retention = text_at(root, "/objectRetention/mode") == "Enabled";
  out.event_hold = flag_at(root, "/defaultEventBasedHold");
  out.versioning = flag_at(root, "/versioning/enabled");
  out.requester_pays = flag_at(root, "/billing/requesterPays");
  out.uniform_access = flag_at(root, "/iamConfiguration/uniformBucketLevelAccess/enabled");
  out.autoclass = flag_at(root, "/autoclass/enabled");
  out.deletes_by_itself = has_delete_rule(root);
  return out;
}

Result<std::optional<BucketProperties>> read_bucket_properties(const io::Context& context,
                                                               const ApiClient& api,
                                                               const Location& at) {
  const std::string bucket = "/storage/v1/b/" + percent_encode(at.bucket());
  ApiRequest request;
  request.what = "look at the bucket of " + at.display("");
  for (const bool complete : {true, false}) {
    request.target = complete ? bucket + "?projection=noAcl&fields=" + percent_encode(kFields)
                              : bucket + "/storageLayout";
    BR_TRY(answer, api.call(context, request));
    if (answer.ok()) {
      auto properties = parse_bucket_properties(answer.body, complete);
      // Some service that answers something else: its buckets tell nothing.
      if (!properties) continue;
      return std::optional{std::move(*properties)};
    }
    auto error = error_of(answer, request.what);
    if (error.tag() == "no_bucket") return std::unexpected(std::move(error));
    if (error.code() == Code::kBusy) return std::unexpected(std::move(error));
  }
  return std::optional<BucketProperties>{};
}

StoreReport report_of(const std::optional<BucketProperties>& properties, const std::string& pays,
                      const std::string& kms_key) {
  Report report;
  if (properties) {
    const auto& bucket = *properties;
    if (!bucket.location.empty()) {
      report.say("location", bucket.location + (bucket.location_type.empty()
                                                    ? std::string{}
                                                    : " (" + bucket.location_type + ")"));
    }
    report.say("namespace", bucket.hierarchical ? "hierarchical" : "flat",
               bucket.hierarchical ? "renamed directories get their new native name at once"
                                   : "renamed directories keep their old native name");
  }
  if (!properties || !properties->complete) {
    report.warn("properties", "not readable",
                "soft delete, retention, versioning and payment are not known; grant the "
                "credentials storage.buckets.get");
    return report.take();
  }
  const auto& bucket = *properties;
  report_class(report, bucket);
  report_keeping(report, bucket);
  report_payment(report, bucket, pays);
  report.say("access", bucket.uniform_access ? "uniform" : "fine-grained",
             bucket.uniform_access ? ""
                                   : "lists of objects may give rights that beringia iam does not "
                                     "see; turn on uniform access");
  const auto& key = kms_key.empty() ? bucket.default_kms_key : kms_key;
  report.say("encryption", key.empty() ? "Google's keys" : key);
  return report.take();
}

}  // namespace beringia::backend::gcs

#include "protocol/admin/cloud_audit.h"

#include "base/encoding.h"
#include "wire/document.h"

namespace beringia::protocol::admin {
namespace {

using wire::Value;

constexpr size_t kMaxLineBytes = 256 << 10;  // Cloud Logging, "Quotas": size of a LogEntry
constexpr std::string_view kService = "storage.googleapis.com";

/// A text at the end of a chain of tables; "" if it is not there.
std::string text_at(const Value& table, std::initializer_list<std::string_view> names) {
  const Value* value = &table;
  for (const auto name : names) {
    value = value->find(name);
    if (value == nullptr) return {};
  }
  return value->text;
}

struct NativeObject {
  std::string bucket;
  std::string name;
};

/// "projects/_/buckets/B/objects/NAME" or "projects/_/buckets/B".
NativeObject object_of(std::string_view resource) {
  constexpr std::string_view kBuckets = "/buckets/";
  constexpr std::string_view kObjects = "/objects/";
  const auto at = resource.find(kBuckets);
  if (at == std::string_view::npos) return {};
  resource.remove_prefix(at + kBuckets.size());
  const auto objects = resource.find(kObjects);
  if (objects == std::string_view::npos) return {std::string{resource}, {}};
  return {std::string{resource.substr(0, objects)},
          std::string{resource.substr(objects + kObjects.size())}};
}

/// What lies below "gs://bucket/prefix/" of the backend; nullopt: it is elsewhere.
std::optional<std::string> below(const meta::BackendDeclaration& backend,
                                 const NativeObject& object) {
  constexpr std::string_view kScheme = "gs://";
  if (!backend.url.starts_with(kScheme)) return std::nullopt;
  std::string root = backend.url.substr(kScheme.size());
  if (!root.ends_with('/')) root += '/';
  const std::string full = object.bucket + "/" + object.name;
  if (!full.starts_with(root)) return std::nullopt;
  return full.substr(root.size());
}

/// Fills path and backend. The longest matching place wins: that is where the bytes are shown.
void locate(audit::Record& record, const NativeObject& object, const meta::Estate& estate) {
  record.path = "gs://" + object.bucket + "/" + object.name;
  size_t best = 0;
  for (const auto& mount : estate.mounts) {
    for (const auto& location : mount.locations) {
      for (const auto& backend : estate.backends) {
        if (backend.name != location.backend) continue;
        const auto rest = below(backend, object);
        if (!rest || !rest->starts_with(location.prefix)) continue;
        const size_t length = backend.url.size() + location.prefix.size() + 1;
        if (length <= best) continue;
        best = length;
        record.backend = backend.name;
        record.path = mount.path.text() + rest->substr(location.prefix.size());
      }
    }
  }
}

std::string action_of(std::string_view method) {
  if (method.starts_with("storage.objects.get") || method.ends_with(".get")) return "read";
  if (method.ends_with(".list")) return "list";
  if (method.ends_with(".delete")) return "delete";
  for (const char* change : {".create", ".insert", ".update", ".patch", ".compose", ".rewrite",
                             ".copy", ".move", ".restore"}) {
    if (method.ends_with(change)) return "write";
  }
  return "";
}

/// Of google.rpc.Code, as HTTP has it.
int status_of_rpc(int64_t code) {
  switch (code) {
    case 0: return 200;
    case 3:
    case 11: return 400;
    case 5: return 404;
    case 6:
    case 10: return 409;
    case 7: return 403;
    case 8: return 429;
    case 9: return 412;
    case 14: return 503;
    case 16: return 401;
    default: return 500;
  }
}

std::string word_of(int status) {
  switch (status) {
    case 200: return "";
    case 400: return "invalid";
    case 401:
    case 403: return "denied";
    case 404: return "not_found";
    case 409:
    case 412: return "conflict";
    case 429: return "busy";
    case 503: return "unavailable";
    default: return "internal";
  }
}

}  // namespace

Result<std::optional<audit::Record>> parse_cloud_audit(std::string_view line,
                                                       const meta::Estate& estate) {
  BR_TRY(entry, wire::parse_json(line, kMaxLineBytes, "the log entry"));
  const Value* payload = entry.find("protoPayload");
  if (payload == nullptr || text_at(*payload, {"serviceName"}) != kService) {
    return std::optional<audit::Record>{};
  }
  audit::Record record;
  record.time = parse_rfc3339(text_at(entry, {"timestamp"}));
  record.operation = text_at(*payload, {"methodName"});
  if (record.time.micros <= 0 || record.operation.empty()) {
    return std::unexpected(invalid("cannot read the log entry",
                                   "it has no timestamp or no methodName",
                                   "export audit logs as JSON lines of LogEntry"));
  }
  record.door = kNativeDoor;
  record.principal = text_at(*payload, {"authenticationInfo", "principalEmail"});
  if (record.principal.empty()) {
    record.principal = text_at(*payload, {"authenticationInfo", "principalSubject"});
  }
  record.credential = text_at(*payload, {"authenticationInfo", "serviceAccountKeyName"});
  record.source_ip = text_at(*payload, {"requestMetadata", "callerIp"});
  record.action = action_of(record.operation);
  record.request_id = text_at(entry, {"insertId"});
  record.rule = "google-iam";
  const Value* status = payload->find("status");
  const Value* code = status == nullptr ? nullptr : status->find("code");
  record.status = status_of_rpc(code == nullptr ? 0 : code->integer);
  record.error = word_of(record.status);
  record.allowed = record.status != 401 && record.status != 403;
  if (const Value* rights = payload->find("authorizationInfo")) {
    for (const auto& right : rights->items) {
      const Value* granted = right.find("granted");
      if (granted == nullptr || !granted->boolean) record.allowed = false;
    }
  }
  locate(record, object_of(text_at(*payload, {"resourceName"})), estate);
  return std::optional{std::move(record)};
}

}  // namespace beringia::protocol::admin

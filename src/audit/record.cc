#include <algorithm>
#include <charconv>

#include "audit/audit.h"
#include "base/encoding.h"
#include "base/json_writer.h"

namespace beringia::audit {
namespace {

// tlog-tiles: an entry is at most 65,535 bytes. A byte of text takes at most six of JSON, so these
// keep the largest record under 50,000.
constexpr size_t kMaxPathBytes = 1100;
constexpr size_t kMaxTextBytes = 400;
constexpr uint64_t kMaxExactNumber = uint64_t{1} << 53;  // RFC 8785: numbers are IEEE 754 doubles

// OCSF 1.x: class 6003 "API Activity" of category 6 "Application Activity".
constexpr int kClass = 6003;

/// OCSF activity_id of the class: Create, Read, Update, Delete, Other.
int activity_of(std::string_view action) {
  if (action == "create-bucket") return 1;
  if (action == "read" || action == "list") return 2;
  if (action == "write") return 3;
  if (action == "delete") return 4;
  return action.empty() ? 0 : 99;
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

/// At most `limit` bytes, cut between characters.
std::string_view cut(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80) --limit;
  return text.substr(0, limit);
}

/// Renders members without the generality of JsonWriter: a record is made for each request.
class Members {
 public:
  Members() { out_.reserve(640); }

  /// `prefix` holds what stands before the value: `"name":` and opened objects.
  void text(std::string_view prefix, std::string_view value, size_t limit = kMaxTextBytes) {
    out_ += prefix;
    out_ += '"';
    value = cut(value, limit);
    if (is_plain(value)) {
      out_ += value;
    } else {
      append_json_escaped(out_, value);
    }
    out_ += '"';
  }
  void number(std::string_view prefix, uint64_t value) {
    char digits[24];
    const auto end =
        std::to_chars(digits, digits + sizeof digits, std::min(value, kMaxExactNumber));
    out_ += prefix;
    out_.append(digits, end.ptr);
  }
  void raw(std::string_view json) { out_ += json; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

uint64_t not_negative(int64_t value) { return value < 0 ? 0 : static_cast<uint64_t>(value); }

void append_actor(Members& out, const Record& record) {
  out.text(R"("actor":{"authorizations":[{"decision":)", record.allowed ? "allow" : "deny");
  if (!record.rule.empty()) {
    out.text(R"(,"policy":{"name":)", record.rule);
    out.raw("}");
  }
  out.raw(R"(}],"user":{)");
  if (!record.credential.empty()) {
    out.text(R"("credential_uid":)", record.credential);
    if (!record.principal.empty()) out.raw(",");
  }
  if (!record.principal.empty()) out.text(R"("name":)", record.principal);
  out.raw("}}");
}

void append_api(Members& out, const Record& record) {
  out.text(R"(,"api":{"operation":)", record.operation);
  if (!record.request_id.empty()) {
    out.text(R"(,"request":{"uid":)", record.request_id);
    out.raw("}");
  }
  if (record.status > 0 || !record.error.empty()) {
    out.raw(R"(,"response":{)");
    if (record.status > 0) out.number(R"("code":)", static_cast<uint64_t>(record.status));
    if (!record.error.empty()) {
      out.text(record.status > 0 ? R"(,"error":)" : R"("error":)", record.error);
    }
    out.raw("}");
  }
  out.text(R"(,"service":{"name":)", record.door);
  out.raw("}}");
}

void append_resources(Members& out, const Record& record) {
  out.text(R"(,"resources":[{"name":)", record.path, kMaxPathBytes);
  out.raw(R"(,"type":"entry")");
  if (record.generation > 0) {
    // A string: 64 bits do not fit a JSON number.
    out.text(R"(,"version":)", std::to_string(record.generation));
  }
  out.raw("}");
  if (!record.target_path.empty()) {
    out.text(R"(,{"name":)", record.target_path, kMaxPathBytes);
    out.raw(R"(,"type":"target"})");
  }
  out.raw("]");
}

void append_unmapped(Members& out, const Record& record) {
  out.text(R"(,"unmapped":{"action":)", record.action);
  if (!record.backend.empty()) out.text(R"(,"backend":)", record.backend);
  out.number(R"(,"bytes":)", record.bytes);
  out.number(R"(,"latency_us":)", not_negative(record.latency.count() / 1000));
  out.raw("}");
}

}  // namespace

std::string to_canonical_json(const Record& record) {
  const int activity = activity_of(record.action);
  const bool failed = !record.error.empty() || !record.allowed || record.status >= 400;
  Members out;
  out.number(R"({"activity_id":)", static_cast<uint64_t>(activity));
  out.raw(",");
  append_actor(out, record);
  append_api(out, record);
  out.raw(R"(,"category_uid":6,"class_uid":6003)");
  out.raw(R"(,"metadata":{"product":{"name":"Beringia"},"version":"1.3.0"})");
  append_resources(out, record);
  out.raw(R"(,"severity_id":1)");
  if (!record.source_ip.empty()) {
    out.text(R"(,"src_endpoint":{"ip":)", record.source_ip);
    out.raw("}");
  }
  out.number(R"(,"status_id":)", failed ? 2 : 1);
  out.number(R"(,"time":)", not_negative(record.time.micros / 1000));
  out.number(R"(,"type_uid":)", static_cast<uint64_t>(kClass * 100 + activity));
  append_unmapped(out, record);
  out.raw("}");
  return out.take();
}

}  // namespace beringia::audit

#include "base/encoding.h"
#include "wire/s3xml.h"
#include "wire/s3xml_reader.h"

// Object lock: the documents of S3.

namespace beringia::wire::s3 {
namespace {

constexpr uint64_t kMaxDays = 36'500;  // S3 API, DefaultRetention: 100 years
constexpr uint64_t kMaxYears = 100;

bool is_mode(std::string_view text) { return text == "GOVERNANCE" || text == "COMPLIANCE"; }

Error bad_period() {
  return invalid("Default retention period must be a positive integer value.")
      .with_tag("InvalidRetentionPeriod");
}

Result<void> read_default(const pugi::xml_node& node, LockConfiguration& lock) {
  std::string days;
  std::string years;
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        BR_TRY(text, text_of(child));
        if (name == "Mode") lock.mode = trimmed(text);
        if (name == "Days") days = trimmed(text);
        if (name == "Years") years = trimmed(text);
        return {};
      }));
  if (!is_mode(lock.mode)) return std::unexpected(malformed("Mode is GOVERNANCE or COMPLIANCE"));
  if (days.empty() == years.empty()) return std::unexpected(malformed("it has Days or Years"));
  lock.in_years = days.empty();
  const auto count = parse_u64(lock.in_years ? years : days);
  if (!count || *count == 0 || *count > (lock.in_years ? kMaxYears : kMaxDays)) {
    return std::unexpected(bad_period());
  }
  lock.count = *count;
  return {};
}

}  // namespace

Result<LockConfiguration> parse_lock_configuration(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "ObjectLockConfiguration"));
  LockConfiguration lock;
  bool enabled = false;
  BR_TRY(each_element(root, [&](std::string_view name, const pugi::xml_node& node) -> Result<void> {
    if (name == "ObjectLockEnabled") {
      BR_TRY(text, text_of(node));
      enabled = trimmed(text) == "Enabled";
    }
    if (name != "Rule") return {};
    return each_element(node, [&](std::string_view inner, const pugi::xml_node& child) {
      return inner == "DefaultRetention" ? read_default(child, lock) : Result<void>{};
    });
  }));
  if (!enabled) return std::unexpected(malformed("ObjectLockEnabled is Enabled"));
  return lock;
}

std::string render(const LockConfiguration& lock) {
  XmlWriter xml{"ObjectLockConfiguration"};
  xml.text("ObjectLockEnabled", "Enabled");
  if (!lock.mode.empty()) {
    xml.open("Rule").open("DefaultRetention").text("Mode", lock.mode);
    xml.number(lock.in_years ? "Years" : "Days", lock.count);
  }
  return xml.take();
}

Result<Retention> parse_retention(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "Retention"));
  Retention retention;
  std::string until;
  BR_TRY(each_element(root, [&](std::string_view name, const pugi::xml_node& node) -> Result<void> {
    BR_TRY(text, text_of(node));
    if (name == "Mode") retention.mode = trimmed(text);
    if (name == "RetainUntilDate") until = trimmed(text);
    return {};
  }));
  if (retention.mode.empty() && until.empty()) return retention;
  retention.until = parse_rfc3339(until);
  if (!is_mode(retention.mode) || retention.until.micros == 0) {
    return std::unexpected(malformed("it has a Mode and a RetainUntilDate"));
  }
  return retention;
}

Result<bool> parse_legal_hold(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "LegalHold"));
  std::string status;
  BR_TRY(each_element(root, [&](std::string_view name, const pugi::xml_node& node) -> Result<void> {
    BR_TRY(text, text_of(node));
    if (name == "Status") status = trimmed(text);
    return {};
  }));
  if (status != "ON" && status != "OFF") return std::unexpected(malformed("Status is ON or OFF"));
  return status == "ON";
}

}  // namespace beringia::wire::s3

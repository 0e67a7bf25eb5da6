// Object lock: of buckets, and the retention and legal hold of versions.
#include "protocol/s3/object_lock.h"

#include <utility>

#include "base/encoding.h"
#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/request_facts.h"
#include "protocol/s3/settings.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {
namespace {

using Mode = meta::Lock::Mode;

constexpr std::string_view kGovernance = "GOVERNANCE";
constexpr std::string_view kCompliance = "COMPLIANCE";
constexpr std::string_view kModeHeader = "x-amz-object-lock-mode";
constexpr std::string_view kUntilHeader = "x-amz-object-lock-retain-until-date";
constexpr std::string_view kHoldHeader = "x-amz-object-lock-legal-hold";

Mode mode_of(std::string_view word) {
  if (word == kGovernance) return Mode::kGovernance;
  return word == kCompliance ? Mode::kCompliance : Mode::kNone;
}

std::string_view word_of(Mode mode) {
  return mode == Mode::kGovernance ? kGovernance : kCompliance;
}

Result<void> check_in_future(const Call& call, Timestamp until) {
  if (until.micros > call.rooms.clock.wall().micros) return {};
  return std::unexpected(
      s3_error("InvalidArgument", "The retain until date must be in the future!"));
}

/// The version that the request names, of a bucket with locks.
Result<core::Entry> stat_locked(Call& call) {
  BR_TRY(path, call.object_path());
  BR_TRY(version_of(call));
  BR_TRY(grant, call.admit(core::Action::kRead, path));
  BR_TRY(entry, stat_version(call, *grant));
  if (entry.has_lock) return entry;
  return std::unexpected(s3_error("InvalidRequest", "Bucket is missing Object Lock Configuration"));
}

Result<io::HttpResponse> change(Call& call, core::AttributePatch patch) {
  BR_TRY(path, call.object_path());
  BR_TRY(generation, version_of(call));
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  patch.generation = generation;
  patch.bypasses_governance = bypasses_governance(call, path);
  auto entry = call.rooms.names.set_attributes(call.context, *grant, patch);
  if (!entry) {
    return std::unexpected(absence(call, *grant, generation, std::move(entry).error()));
  }
  io::HttpResponse response = empty_response(200);
  add_version_header(response, *entry);
  return response;
}

}  // namespace

Result<meta::Lock> lock_of_headers(const Call& call) {
  meta::Lock lock;
  const std::string_view mode = call.header(kModeHeader);
  const std::string_view until = call.header(kUntilHeader);
  const std::string_view hold = call.header(kHoldHeader);
  if (mode.empty() != until.empty()) {
    return std::unexpected(s3_error("InvalidArgument",
                                    "x-amz-object-lock-retain-until-date and "
                                    "x-amz-object-lock-mode must both be supplied"));
  }
  if (!mode.empty()) {
    lock.mode = mode_of(mode);
    lock.until = parse_rfc3339(std::string{until});
    if (lock.mode == Mode::kNone) {
      return std::unexpected(s3_error("InvalidArgument", "Unknown wormMode directive."));
    }
    if (lock.until.micros == 0) {
      return std::unexpected(
          s3_error("InvalidArgument", "The retain until date must be provided in ISO 8601 format"));
    }
    BR_TRY(check_in_future(call, lock.until));
  }
  if (!hold.empty() && hold != "ON" && hold != "OFF") {
    return std::unexpected(
        s3_error("InvalidArgument", "Legal Hold must be either of 'ON' or 'OFF'"));
  }
  lock.hold = hold == "ON";
  return lock;
}

void add_lock_headers(io::HttpResponse& response, const meta::Lock& lock) {
  if (lock.mode != Mode::kNone) {
    response.headers.add(std::string{kModeHeader}, std::string{word_of(lock.mode)});
    response.headers.add(std::string{kUntilHeader}, to_iso8601(lock.until));
  }
  if (lock.hold) response.headers.add(std::string{kHoldHeader}, "ON");
}

bool bypasses_governance(const Call& call, const Path& path) {
  if (!equals_ignoring_case(call.header("x-amz-bypass-governance-retention"), "true")) return false;
  const RequestFacts facts{call};
  // Who may write and delete may not do that, too: it takes the bucket's owner, or a policy.
  return call.rooms.gate.may(*call.principal,
                             {core::Action::kAdminister, access::Right::kBypassGovernance, &facts},
                             path, call.door());
}

void add_bucket_lock(const Call& call, meta::StringMap& attributes) {
  if (!equals_ignoring_case(call.header("x-amz-bucket-object-lock-enabled"), "true")) return;
  attributes[std::string{core::kVersioningAttribute}] = core::kVersioningOn;
  attributes[std::string{core::kLockAttribute}] = core::encode(core::BucketLock{});
}

Result<io::HttpResponse> get_object_lock(Call& call) {
  BR_TRY(info, read_bucket(call));
  const auto lock = core::lock_of(info.record);
  if (!lock) return std::unexpected(not_set(call));
  wire::s3::LockConfiguration shown;
  if (lock->mode != Mode::kNone) {
    shown = {std::string{word_of(lock->mode)}, lock->count, lock->in_years};
  }
  return xml_response(200, wire::s3::render(shown));
}

Result<io::HttpResponse> put_object_lock(Call& call) {
  BR_TRY(document, read_document(call, wire::s3::kMaxXmlBytes));
  BR_TRY(wanted, wire::s3::parse_lock_configuration(document));
  BR_TRY(bucket, open_bucket(call));
  const core::BucketLock lock{mode_of(wanted.mode), static_cast<uint32_t>(wanted.count),
                              wanted.in_years};
  BR_TRY(set_attribute(call, bucket, core::kLockAttribute, core::encode(lock)));
  return empty_response(200);
}

Result<io::HttpResponse> get_object_retention(Call& call) {
  BR_TRY(entry, stat_locked(call));
  const meta::Lock& lock = entry.record.lock;
  if (lock.mode == Mode::kNone) return std::unexpected(not_set(call));
  wire::s3::XmlWriter xml{"Retention"};
  xml.text("Mode", word_of(lock.mode)).time("RetainUntilDate", lock.until);
  return xml_response(200, xml.take());
}

Result<io::HttpResponse> put_object_retention(Call& call) {
  BR_TRY(document, read_document(call, wire::s3::kMaxXmlBytes));
  BR_TRY(wanted, wire::s3::parse_retention(document));
  core::AttributePatch patch;
  patch.retention = {mode_of(wanted.mode), wanted.until};
  if (!wanted.mode.empty()) BR_TRY(check_in_future(call, wanted.until));
  return change(call, std::move(patch));
}

Result<io::HttpResponse> get_object_legal_hold(Call& call) {
  BR_TRY(entry, stat_locked(call));
  wire::s3::XmlWriter xml{"LegalHold"};
  xml.text("Status", entry.record.lock.hold ? "ON" : "OFF");
  return xml_response(200, xml.take());
}

Result<io::HttpResponse> put_object_legal_hold(Call& call) {
  BR_TRY(document, read_document(call, wire::s3::kMaxXmlBytes));
  BR_TRY(hold, wire::s3::parse_legal_hold(document));
  core::AttributePatch patch;
  patch.hold = hold;
  return change(call, std::move(patch));
}

}  // namespace beringia::protocol::s3

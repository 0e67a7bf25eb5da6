#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

/// Access logs of buckets, as S3 writes them: where they go, one line, the name of one object.
namespace beringia::wire {

/// Where the access log of a bucket goes.
struct BucketLogging {
  /// How log objects are named; see log_object_name().
  enum class Naming : uint8_t { kSimple, kByEventTime, kByDeliveryTime };
  std::string target_bucket;
  std::string target_prefix;
  Naming naming = Naming::kSimple;
  bool operator==(const BucketLogging&) const = default;
};

/// As it is kept with the bucket: JSON. @error (decode) kCorrupt
std::string encode(const BucketLogging& logging);
[[nodiscard]] Result<BucketLogging> decode_bucket_logging(std::string_view text);

/// One request. Empty texts and absent numbers are "-".
struct AccessLogLine {
  std::string bucket_owner, bucket;
  Timestamp time;
  std::string remote_ip, requester, request_id;
  std::string operation;  // "REST.GET.OBJECT"
  std::string key;
  std::string request_uri;  // "GET /bucket/key HTTP/1.1"
  int status = 0;
  std::string error_code;
  std::optional<uint64_t> bytes_sent, object_size;
  Duration total_time{0}, turn_around{0};
  std::string referer, user_agent, version_id, host_id;
  std::string signature_version;  // "SigV4"
  std::string cipher_suite;
  std::string auth_type;  // "AuthHeader", "QueryString"
  std::string host, tls_version;
  bool acl_required = false;
};
/// S3 user guide, "Server access log format": 26 fields and a newline. What clients sent cannot
/// break the line: keys are percent-encoded, quotes and control characters of headers too.
std::string render(const AccessLogLine& line);

/// Simple: PREFIX2026-11-26-18-20-47-UNIQUE. Others:
/// PREFIXowner/region/bucket/2026/11/26/2026-11-26-18-20-47-UNIQUE; by event time the last time is
/// that of the day, at 00-00-00.
std::string log_object_name(const BucketLogging& logging, std::string_view owner,
                            std::string_view region, std::string_view bucket, Timestamp event,
                            Timestamp delivery, std::string_view unique);

namespace s3 {

/// BucketLoggingStatus; nullopt: it turns logging off. TargetGrants are read and dropped.
/// @error kInvalid, tag MalformedXML
[[nodiscard]] Result<std::optional<BucketLogging>> parse_bucket_logging(const std::string& xml);
std::string render_bucket_logging(const std::optional<BucketLogging>& logging);

}  // namespace s3

}  // namespace beringia::wire

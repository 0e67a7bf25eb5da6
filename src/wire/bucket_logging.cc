#include "wire/bucket_logging.h"

#include <algorithm>
#include <iterator>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "wire/document.h"

namespace beringia::wire {
namespace {

constexpr size_t kMaxStoredBytes = 16 << 10;
constexpr std::string_view kNamings[] = {"simple", "event-time", "delivery-time"};

constexpr size_t kMaxHeaderBytes = 1024;  // of a header that is shown

/// "26/Nov/2026:18:20:47 +0000".
std::string log_time(Timestamp time) {
  const std::string http = to_http_date(time);  // "Thu, 26 Nov 2026 18:20:47 GMT"
  return http.substr(5, 2) + "/" + http.substr(8, 3) + "/" + http.substr(12, 4) + ":" +
         http.substr(17, 8) + " +0000";
}

void plain(std::string& out, std::string_view text) {
  out += ' ';
  out += text.empty() ? std::string_view{"-"} : text;
}

void number(std::string& out, std::optional<uint64_t> value) {
  plain(out, value ? std::to_string(*value) : std::string{});
}

/// What came from a client: nothing in it ends the field.
void escaped(std::string& out, std::string_view text, std::string_view never) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  if (text.empty()) out += '-';
  for (const char c : text.substr(0, kMaxHeaderBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f && never.find(c) == std::string_view::npos) {
      out += c;
      continue;
    }
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

void quoted(std::string& out, std::string_view text) {
  out += " \"";
  escaped(out, text, "\"\\");
  out += '"';
}

void bare(std::string& out, std::string_view text) {
  out += ' ';
  escaped(out, text, " \"\\[]");
}

void milliseconds(std::string& out, Duration time) {
  number(out, static_cast<uint64_t>(std::max<int64_t>(
                  0, std::chrono::duration_cast<std::chrono::milliseconds>(time).count())));
}

}  // namespace

std::string encode(const BucketLogging& logging) {
  JsonWriter json;
  json.begin_object().member("bucket", logging.target_bucket);
  json.member("naming", kNamings[static_cast<size_t>(logging.naming)]);
  json.member("prefix", logging.target_prefix).end_object();
  return json.take();
}

Result<BucketLogging> decode_bucket_logging(std::string_view text) {
  const auto damaged = [](const std::string& why) {
    return std::unexpected(
        corrupt("reading where the access log of a bucket goes", why, "set it again"));
  };
  auto root = parse_json(text, kMaxStoredBytes, "bucket logging");
  if (!root) return damaged(root.error().why());
  TableReader reader{*root, "bucket logging"};
  BucketLogging logging;
  logging.target_bucket = reader.required_text("bucket");
  const std::string naming = reader.text("naming");
  logging.target_prefix = reader.text("prefix");
  if (auto whole = reader.finish(); !whole) return damaged(whole.error().why());
  for (size_t i = 0; i < std::size(kNamings); ++i) {
    if (naming != kNamings[i]) continue;
    logging.naming = static_cast<BucketLogging::Naming>(i);
    return logging;
  }
  return damaged("naming is \"" + naming + "\"");
}

std::string render(const AccessLogLine& line) {
  std::string out = line.bucket_owner.empty() ? "-" : line.bucket_owner;
  plain(out, line.bucket);
  out += " [" + log_time(line.time) + "]";
  plain(out, line.remote_ip);
  bare(out, line.requester);
  plain(out, line.request_id);
  plain(out, line.operation);
  plain(out, percent_encode(line.key, true));
  quoted(out, line.request_uri);
  plain(out, std::to_string(line.status));
  plain(out, line.error_code);
  number(out, line.bytes_sent);
  number(out, line.object_size);
  milliseconds(out, line.total_time);
  milliseconds(out, line.turn_around);
  quoted(out, line.referer);
  quoted(out, line.user_agent);
  bare(out, line.version_id);
  plain(out, line.host_id);
  plain(out, line.signature_version);
  plain(out, line.cipher_suite);
  plain(out, line.auth_type);
  bare(out, line.host);
  plain(out, line.tls_version);
  plain(out, "");  // no access points
  plain(out, line.acl_required ? "Yes" : "");
  out += '\n';
  return out;
}

std::string log_object_name(const BucketLogging& logging, std::string_view owner,
                            std::string_view region, std::string_view bucket, Timestamp event,
                            Timestamp delivery, std::string_view unique) {
  using Naming = BucketLogging::Naming;
  const std::string iso = to_iso8601(logging.naming == Naming::kByEventTime ? event : delivery);
  const std::string day = iso.substr(0, 10);
  std::string time = iso.substr(11, 8);
  for (char& c : time) {
    if (c == ':') c = '-';
  }
  if (logging.naming == Naming::kByEventTime) time = "00-00-00";
  std::string name = logging.target_prefix;
  if (logging.naming != Naming::kSimple) {
    name.append(owner).append("/").append(region).append("/").append(bucket).append("/");
    name += day.substr(0, 4) + "/" + day.substr(5, 2) + "/" + day.substr(8, 2) + "/";
  }
  name += day + "-" + time + "-";
  return name.append(unique);
}

}  // namespace beringia::wire

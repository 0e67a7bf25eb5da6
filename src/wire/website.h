#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

/// Buckets as websites: S3's WebsiteConfiguration and Google's mainPageSuffix and notFoundPage are
/// one setting.
namespace beringia::wire {

struct WebsiteRedirect {
  std::string host;      // "" = as the request has it
  std::string protocol;  // "http", "https"; "" likewise
  int status = 301;
  std::optional<std::string> replace_prefix;  // the condition's prefix becomes this
  std::optional<std::string> replace_key;
  bool operator==(const WebsiteRedirect&) const = default;
};

struct WebsiteRule {
  std::string key_prefix;  // "" = every key
  int error = 0;           // only when the answer would have this status; 0 = before anything else
  WebsiteRedirect redirect;
  bool operator==(const WebsiteRule&) const = default;
};

struct Website {
  std::string index;                        // suffix of what ends in '/'; "" only with redirect_all
  std::string error;                        // key of the error document; "" = none
  std::optional<WebsiteRedirect> redirect;  // of every request: host and protocol
  std::vector<WebsiteRule> rules;
  bool operator==(const Website&) const = default;
};
inline constexpr size_t kMaxWebsiteRules = 50;  // S3 API
inline constexpr size_t kMaxStoredWebsiteBytes = 64 << 10;

/// As it is kept with the bucket: JSON. @error (decode) kCorrupt
std::string encode(const Website& website);
[[nodiscard]] Result<Website> decode_website(std::string_view text);

/// The first rule for a key and the status of its answer (0: before it is known); null: none.
const WebsiteRule* find_rule(const Website& website, std::string_view key, int status);

/// The address that a redirect leads to. `host` and `is_tls` are the request's.
std::string location_of(const WebsiteRedirect& redirect, std::string_view key_prefix,
                        std::string_view key, std::string_view host, bool is_tls);

namespace s3 {

/// WebsiteConfiguration. @error kInvalid, tags MalformedXML, InvalidArgument, InvalidRequest
[[nodiscard]] Result<Website> parse_website(const std::string& xml);
std::string render_website(const Website& website);

}  // namespace s3

}  // namespace beringia::wire

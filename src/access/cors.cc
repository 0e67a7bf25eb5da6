#include "access/cors.h"

#include <algorithm>

#include "access/right.h"
#include "base/encoding.h"
#include "wire/s3xml.h"

namespace beringia::access {
namespace {

bool matches_any(const std::vector<std::string>& patterns, std::string_view text,
                 bool ignore_case) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return matches_pattern(pattern, text, ignore_case);
  });
}

bool allows_headers(const wire::s3::CorsRule& rule, std::string_view names) {
  while (!names.empty()) {
    std::string_view name = next_list_item(names);
    if (!name.empty() && !matches_any(rule.headers, name, true)) return false;
  }
  return true;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string text;
  for (const std::string& one : texts) {
    if (!text.empty()) text += ", ";
    text += one;
  }
  return text;
}

CorsHeaders headers_of(const wire::s3::CorsRule& rule, std::string_view origin) {
  CorsHeaders headers;
  const bool everyone = std::ranges::find(rule.origins, "*") != rule.origins.end();
  headers.emplace_back("Access-Control-Allow-Origin", everyone ? "*" : std::string{origin});
  headers.emplace_back("Access-Control-Allow-Methods", joined(rule.methods));
  if (!rule.exposed.empty()) {
    headers.emplace_back("Access-Control-Expose-Headers", joined(rule.exposed));
  }
  if (rule.max_age_s) {
    headers.emplace_back("Access-Control-Max-Age", std::to_string(*rule.max_age_s));
  }
  if (!everyone) headers.emplace_back("Access-Control-Allow-Credentials", "true");
  headers.emplace_back("Vary",
                       "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
  return headers;
}

}  // namespace

std::optional<CorsHeaders> cors_headers(const std::string& cors, std::string_view origin,
                                        std::string_view method, std::string_view wanted_headers) {
  if (cors.empty()) return std::nullopt;
  const auto rules = wire::s3::parse_cors(cors);
  if (!rules) return std::nullopt;
  for (const wire::s3::CorsRule& rule : *rules) {
    if (matches_any(rule.origins, origin, false) &&
        std::ranges::find(rule.methods, method) != rule.methods.end() &&
        allows_headers(rule, wanted_headers)) {
      return headers_of(rule, origin);
    }
  }
  return std::nullopt;
}

}  // namespace beringia::access

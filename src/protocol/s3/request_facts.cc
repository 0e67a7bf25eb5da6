#include "protocol/s3/request_facts.h"

#include <utility>

#include "base/encoding.h"
#include "protocol/s3/object_headers.h"

namespace beringia::protocol::s3 {
namespace {

constexpr std::string_view kRequestTag = "s3:requestobjecttag/";

struct Parameter {
  std::string_view key;   // without "s3:"
  std::string_view name;  // of the query
};
constexpr Parameter kParameters[] = {{"prefix", "prefix"},
                                     {"delimiter", "delimiter"},
                                     {"max-keys", "max-keys"},
                                     {"versionid", "versionId"}};

/// The tags that the request sets: in a header, or in the document that was read already.
const meta::StringMap* tags_set_by(const Call& call, meta::StringMap& parsed) {
  if (call.request_tags) return &*call.request_tags;
  const std::string_view header = call.header("x-amz-tagging");
  if (header.empty()) return nullptr;
  auto tags = tags_of(header);
  if (!tags) return nullptr;  // the request is refused for it anyway
  parsed = std::move(*tags);
  return &parsed;
}

}  // namespace

bool RequestFacts::find(std::string_view key, std::vector<std::string>& values) const {
  const auto take = [&](std::optional<std::string_view> value) {
    if (value) values.emplace_back(*value);
    return value.has_value();
  };
  const io::HttpHeaders& headers = call_.request.headers;
  if (key == "aws:referer") return take(headers.get("referer"));
  if (key == "aws:useragent") return take(headers.get("user-agent"));
  if (!key.starts_with("s3:")) return false;
  if (key.starts_with(kRequestTag) || key == "s3:requestobjecttagkeys") {
    return find_tag(key.starts_with(kRequestTag) ? key.substr(kRequestTag.size()) : "", values);
  }
  key.remove_prefix(3);
  for (const Parameter& parameter : kParameters) {
    if (key != parameter.key) continue;
    if (!call_.query.has(parameter.name)) return false;
    values.push_back(call_.query.get(parameter.name));
    return true;
  }
  if (key.starts_with("object-lock-")) return take(headers.get("x-amz-" + std::string{key}));
  if (key == "x-amz-copy-source") {
    const auto source = headers.get(key);
    if (!source) return false;
    // As policies write it: "/bucket/key" and "bucket/key" are the same.
    std::string text = percent_decode(source->substr(0, source->find('?'))).value_or("");
    values.push_back(text.starts_with('/') ? text.substr(1) : text);
    return true;
  }
  if (key.starts_with("x-amz-") || key == "if-match" || key == "if-none-match") {
    return take(headers.get(key));
  }
  return find_signature(key, values);
}

bool RequestFacts::find_signature(std::string_view key, std::vector<std::string>& values) const {
  if (key == "authtype" && call_.form_signed) {
    values.emplace_back("POST");
    return true;
  }
  if (!call_.verified && !call_.signed_v2) return false;
  if (key == "authtype") {
    values.emplace_back(call_.claim.presigned ? "REST-QUERY-STRING" : "REST-HEADER");
    return true;
  }
  if (key == "signatureversion") {
    values.emplace_back(call_.signed_v2 ? "AWS" : std::string{call_.claim.dialect->algorithm});
    return true;
  }
  if (key == "signatureage" && call_.claim.presigned && !call_.signed_v2) {
    const int64_t age = call_.rooms.clock.wall().micros - call_.claim.time.micros;
    values.push_back(std::to_string(age / 1000));
    return true;
  }
  return false;
}

bool RequestFacts::find_tag(std::string_view name, std::vector<std::string>& values) const {
  meta::StringMap parsed;
  const meta::StringMap* tags = tags_set_by(call_, parsed);
  if (tags == nullptr) return false;
  if (name.empty()) {
    for (const auto& [tag, value] : *tags) values.push_back(tag);
    return !tags->empty();
  }
  const auto found = tags->find(std::string{name});
  if (found == tags->end()) return false;
  values.push_back(found->second);
  return true;
}

}  // namespace beringia::protocol::s3

#include "protocol/gcs/query_terms.h"

#include <algorithm>

#include "base/encoding.h"

namespace beringia::protocol::gcs {
namespace {

constexpr uint64_t kRewriteStep = 1 << 20;  // JSON API, Objects: rewrite: a multiple of 1 MiB

Error bad_value(std::string_view name, std::string why, std::string hint = {}) {
  return invalid("Invalid value for parameter " + std::string{name}, std::move(why),
                 std::move(hint));
}

Result<void> check_word(const Parameters& query, std::string_view name,
                        std::initializer_list<std::string_view> words) {
  const std::string& value = query.get(name);
  if (value.empty() || std::ranges::find(words, value) != words.end()) return {};
  return std::unexpected(bad_value(name, "\"" + value.substr(0, 64) + "\""));
}

/// A rewrite is done in one request whatever its size, so no token to go on was ever given out.
Result<void> check_rewrite(const Call& call) {
  if (call.route.verb != Verb::kRewriteObject) return {};
  if (!call.query.get("rewriteToken").empty()) {
    return std::unexpected(bad_value("rewriteToken", "no rewrite here needs a second request"));
  }
  BR_TRY(bytes, call.query.number("maxBytesRewrittenPerCall"));
  if (!bytes || (*bytes > 0 && *bytes % kRewriteStep == 0)) return {};
  return std::unexpected(bad_value("maxBytesRewrittenPerCall", "it is a multiple of 1 MiB"));
}

void indent(std::string& out, size_t depth) {
  out += '\n';
  out.append(2 * depth, ' ');
}

/// The same JSON, which must be well-formed, one member a line.
std::string pretty(std::string_view json) {
  std::string out;
  out.reserve(json.size() * 2);
  size_t depth = 0;
  bool in_text = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text) {
      out += c;
      if (c == '\\' && i + 1 < json.size()) out += json[++i];
      if (c == '"') in_text = false;
      continue;
    }
    const bool opens = c == '{' || c == '[';
    const bool closes = c == '}' || c == ']';
    if (closes && depth > 0) --depth;
    if (closes && i > 0 && json[i - 1] != '{' && json[i - 1] != '[') indent(out, depth);
    out += c;
    if (c == '"') in_text = true;
    if (c == ':') out += ' ';
    if (opens) ++depth;
    const bool is_empty =
        opens && i + 1 < json.size() && (json[i + 1] == '}' || json[i + 1] == ']');
    if ((opens && !is_empty) || c == ',') indent(out, depth);
  }
  return out + "\n";
}

}  // namespace

Result<void> check_query(const Call& call) {
  if (call.route.is_xml) return {};
  const Parameters& query = call.query;
  for (const std::string_view name : {"oauth_token", "access_token"}) {
    if (!query.has(name)) continue;
    return std::unexpected(bad_value(name, "a token in an address ends in logs",
                                     "send it in the Authorization header"));
  }
  BR_TRY(check_word(query, "alt", {"json", "media"}));
  BR_TRY(check_word(query, "projection", {"full", "noAcl"}));
  BR_TRY(query.flag("prettyPrint", false));
  // Of lists of buckets: all of them are told by one catalog, and so all or none.
  BR_TRY(query.flag("returnPartialSuccess", false));
  return check_rewrite(call);
}

Result<std::string> page_position(const Parameters& query) {
  const std::string& token = query.get("pageToken");
  if (token.empty()) return std::string{};
  auto position = from_base64url(token);
  if (position && is_utf8(*position)) return std::move(*position);
  return std::unexpected(bad_value("pageToken", "it is none of this list"));
}

Result<void> check_metageneration(const core::Conditions& conditions, uint64_t now, bool is_read) {
  if (conditions.metageneration_match && *conditions.metageneration_match != now) {
    return std::unexpected(conflict("the metageneration is another one").with_tag("precondition"));
  }
  if (conditions.metageneration_not_match && *conditions.metageneration_not_match == now) {
    return std::unexpected(conflict("the metageneration is this one")
                               .with_tag(is_read ? "not_modified" : "precondition"));
  }
  return {};
}

void print_pretty(const Call& call, io::HttpResponse& response) {
  const bool is_media = call.route.is_xml || call.route.verb == Verb::kDownloadObject;
  if (is_media || response.text.empty()) return;
  if (!call.query.flag("prettyPrint", false).value_or(false)) return;
  if (!response.headers.get_or("Content-Type", "").starts_with("application/json")) return;
  response.text = pretty(response.text);
}

}  // namespace beringia::protocol::gcs

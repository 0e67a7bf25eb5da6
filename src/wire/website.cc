#include "wire/website.h"

#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "wire/document.h"

namespace beringia::wire {
namespace {

void write(JsonWriter& json, const WebsiteRedirect& redirect) {
  json.begin_object().member("host", redirect.host).member("protocol", redirect.protocol);
  json.member("status", redirect.status);
  if (redirect.replace_prefix) json.member("replace_prefix", *redirect.replace_prefix);
  if (redirect.replace_key) json.member("replace_key", *redirect.replace_key);
  json.end_object();
}

WebsiteRedirect read_redirect(const Value& table, std::optional<Error>& fault) {
  TableReader reader{table, "a redirect"};
  WebsiteRedirect redirect;
  redirect.host = reader.text("host");
  redirect.protocol = reader.text("protocol");
  redirect.status = static_cast<int>(reader.integer("status", 301, 300, 399));
  const bool has_prefix = reader.has("replace_prefix");
  const std::string prefix = reader.text("replace_prefix");
  if (has_prefix) redirect.replace_prefix = prefix;
  const bool has_key = reader.has("replace_key");
  const std::string key = reader.text("replace_key");
  if (has_key) redirect.replace_key = key;
  if (auto whole = reader.finish(); !whole) fault = whole.error();
  return redirect;
}

WebsiteRule read_rule(const Value& table, std::optional<Error>& fault) {
  TableReader reader{table, "a routing rule"};
  WebsiteRule rule;
  rule.key_prefix = reader.text("prefix");
  rule.error = static_cast<int>(reader.integer("error", 0, 0, 599));
  if (const Value* redirect = reader.value("redirect")) {
    rule.redirect = read_redirect(*redirect, fault);
  }
  if (auto whole = reader.finish(); !whole) fault = whole.error();
  return rule;
}

}  // namespace

std::string encode(const Website& website) {
  JsonWriter json;
  json.begin_object().member("index", website.index).member("error", website.error);
  if (website.redirect) {
    json.key("redirect");
    write(json, *website.redirect);
  }
  json.key("rules").begin_array();
  for (const WebsiteRule& rule : website.rules) {
    json.begin_object().member("prefix", rule.key_prefix).member("error", rule.error);
    json.key("redirect");
    write(json, rule.redirect);
    json.end_object();
  }
  json.end_array().end_object();
  return json.take();
}

Result<Website> decode_website(std::string_view text) {
  const auto damaged = [](const Error& error) {
    return std::unexpected(
        corrupt("reading a bucket's website", error.to_string(), "set the website again"));
  };
  auto root = parse_json(text, kMaxStoredWebsiteBytes, "website");
  if (!root) return damaged(root.error());
  TableReader reader{*root, "website"};
  std::optional<Error> fault;
  Website website;
  website.index = reader.text("index");
  website.error = reader.text("error");
  if (const Value* redirect = reader.value("redirect")) {
    website.redirect = read_redirect(*redirect, fault);
  }
  for (const Value* rule : reader.tables("rules")) {
    website.rules.push_back(read_rule(*rule, fault));
  }
  if (auto whole = reader.finish(); !whole) return damaged(whole.error());
  if (fault) return damaged(*fault);
  return website;
}

const WebsiteRule* find_rule(const Website& website, std::string_view key, int status) {
  for (const WebsiteRule& rule : website.rules) {
    if (rule.error == status && key.starts_with(rule.key_prefix)) return &rule;
  }
  return nullptr;
}

std::string location_of(const WebsiteRedirect& redirect, std::string_view key_prefix,
                        std::string_view key, std::string_view host, bool is_tls) {
  std::string to = redirect.protocol;
  if (to.empty()) to = is_tls ? "https" : "http";
  to += "://";
  to += redirect.host.empty() ? host : std::string_view{redirect.host};
  to += '/';
  std::string target{key};
  if (redirect.replace_key) {
    target = *redirect.replace_key;
  } else if (redirect.replace_prefix && key.starts_with(key_prefix)) {
    target = *redirect.replace_prefix + std::string{key.substr(key_prefix.size())};
  }
  return to + percent_encode(target, true);
}

}  // namespace beringia::wire

// WebsiteConfiguration.
#include <string>
#include <utility>

#include "base/encoding.h"
#include "wire/s3xml.h"
#include "wire/s3xml_reader.h"
#include "wire/website.h"

namespace beringia::wire::s3 {
namespace {

constexpr size_t kMaxKey = 1024;

Error refuse(const char* tag, std::string what) { return invalid(std::move(what)).with_tag(tag); }

/// What stands in a Location header.
Result<void> check_host(const std::string& host) {
  for (const char c : host) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f ||
        std::string_view{"/\\?#@\"<>"}.find(c) != std::string_view::npos) {
      return std::unexpected(refuse("InvalidArgument", "The host name is not valid"));
    }
  }
  return {};
}

Result<std::string> short_text(const pugi::xml_node& node) {
  BR_TRY(text, text_of(node));
  if (text.size() > kMaxKey) {
    return std::unexpected(
        refuse("InvalidArgument", std::string{local_name(node)} + " is too long"));
  }
  return text;
}

Result<int> read_status(const std::string& text, int least, int most, const char* what) {
  const auto number = parse_u64(trimmed(text));
  if (number && *number >= static_cast<uint64_t>(least) && *number <= static_cast<uint64_t>(most)) {
    return static_cast<int>(*number);
  }
  return std::unexpected(
      refuse("InvalidRequest", std::string{what} + " (" + text.substr(0, 16) + ") is not valid"));
}

Result<WebsiteRedirect> read_redirect(const pugi::xml_node& node, bool of_all) {
  WebsiteRedirect redirect;
  size_t members = 0;
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        ++members;
        BR_TRY(text, short_text(child));
        if (name == "HostName") {
          redirect.host = trimmed(text);
          return check_host(redirect.host);
        }
        if (name == "Protocol") {
          redirect.protocol = trimmed(text);
          if (redirect.protocol == "http" || redirect.protocol == "https") return {};
          return std::unexpected(
              refuse("InvalidRequest", "Invalid protocol, protocol can be http or https"));
        }
        if (of_all) return std::unexpected(malformed("it cannot hold " + std::string{name}));
        if (name == "HttpRedirectCode") {
          BR_TRY(status, read_status(text, 301, 399, "The provided HTTP redirect code"));
          redirect.status = status;
        } else if (name == "ReplaceKeyPrefixWith") {
          redirect.replace_prefix = std::move(text);
        } else if (name == "ReplaceKeyWith") {
          redirect.replace_key = std::move(text);
        } else {
          return std::unexpected(malformed("a Redirect cannot hold " + std::string{name}));
        }
        return {};
      }));
  if (members == 0 || (of_all && redirect.host.empty())) {
    return std::unexpected(malformed("a redirect says not where to"));
  }
  if (redirect.replace_prefix && redirect.replace_key) {
    return std::unexpected(refuse(
        "InvalidRequest", "You can only define ReplaceKeyPrefix or ReplaceKey but not both."));
  }
  return redirect;
}

Result<void> read_condition(const pugi::xml_node& node, WebsiteRule& rule) {
  size_t members = 0;
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        ++members;
        BR_TRY(text, short_text(child));
        if (name == "KeyPrefixEquals") {
          rule.key_prefix = std::move(text);
        } else if (name == "HttpErrorCodeReturnedEquals") {
          BR_TRY(status, read_status(text, 400, 599, "The provided HTTP error code"));
          rule.error = status;
        } else {
          return std::unexpected(malformed("a Condition cannot hold " + std::string{name}));
        }
        return {};
      }));
  return members > 0 ? Result<void>{}
                     : Result<void>{std::unexpected(malformed("a Condition is empty"))};
}

Result<void> read_rules(const pugi::xml_node& node, Website& website) {
  return each_element(
      node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        if (name != "RoutingRule") {
          return std::unexpected(malformed("RoutingRules cannot hold " + std::string{name}));
        }
        if (website.rules.size() == kMaxWebsiteRules) {
          return std::unexpected(refuse("InvalidRequest",
                                        "The number of routing rules must not exceed the allowed "
                                        "limit of 50 rules."));
        }
        WebsiteRule rule;
        bool has_redirect = false;
        BR_TRY(each_element(child,
                            [&](std::string_view inner, const pugi::xml_node& one) -> Result<void> {
                              if (inner == "Condition") return read_condition(one, rule);
                              if (inner != "Redirect") {
                                return std::unexpected(
                                    malformed("a RoutingRule cannot hold " + std::string{inner}));
                              }
                              BR_TRY(redirect, read_redirect(one, false));
                              rule.redirect = std::move(redirect);
                              has_redirect = true;
                              return {};
                            }));
        if (!has_redirect) return std::unexpected(malformed("a RoutingRule has no Redirect"));
        website.rules.push_back(std::move(rule));
        return {};
      });
}

Result<void> read_document_name(const pugi::xml_node& node, const char* wanted, std::string& key) {
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        if (name != wanted)
          return std::unexpected(malformed("it cannot hold " + std::string{name}));
        BR_TRY(text, short_text(child));
        key = std::move(text);
        return {};
      }));
  return key.empty() ? Result<void>{std::unexpected(malformed(std::string{wanted} + " is empty"))}
                     : Result<void>{};
}

}  // namespace

Result<Website> parse_website(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "WebsiteConfiguration"));
  Website website;
  bool has_more = false;
  BR_TRY(each_element(root, [&](std::string_view name, const pugi::xml_node& node) -> Result<void> {
    if (name == "RedirectAllRequestsTo") {
      BR_TRY(redirect, read_redirect(node, true));
      website.redirect = std::move(redirect);
      return {};
    }
    has_more = true;
    if (name == "IndexDocument") return read_document_name(node, "Suffix", website.index);
    if (name == "ErrorDocument") return read_document_name(node, "Key", website.error);
    if (name == "RoutingRules") return read_rules(node, website);
    return std::unexpected(malformed("WebsiteConfiguration cannot hold " + std::string{name}));
  }));
  if (website.redirect && has_more) {
    return std::unexpected(refuse("InvalidArgument",
                                  "RedirectAllRequestsTo cannot be provided in conjunction with "
                                  "other Routing Rules."));
  }
  if (!website.redirect && website.index.empty()) {
    return std::unexpected(refuse("InvalidArgument",
                                  "A value for IndexDocument Suffix must be provided if "
                                  "RedirectAllRequestsTo is empty"));
  }
  if (website.index.find('/') != std::string::npos) {
    return std::unexpected(
        refuse("InvalidArgument", "The IndexDocument Suffix is not well formed"));
  }
  return website;
}

std::string render_website(const Website& website) {
  XmlWriter xml{"WebsiteConfiguration"};
  const auto names = [&](const WebsiteRedirect& redirect) {
    if (!redirect.host.empty()) xml.text("HostName", redirect.host);
    if (!redirect.protocol.empty()) xml.text("Protocol", redirect.protocol);
  };
  if (website.redirect) {
    xml.open("RedirectAllRequestsTo");
    names(*website.redirect);
    return xml.take();
  }
  if (!website.index.empty()) {
    xml.open("IndexDocument").text("Suffix", website.index).close();
  }
  if (!website.error.empty()) xml.open("ErrorDocument").text("Key", website.error).close();
  if (website.rules.empty()) return xml.take();
  xml.open("RoutingRules");
  for (const WebsiteRule& rule : website.rules) {
    xml.open("RoutingRule");
    if (!rule.key_prefix.empty() || rule.error != 0) {
      xml.open("Condition");
      if (!rule.key_prefix.empty()) xml.text("KeyPrefixEquals", rule.key_prefix);
      if (rule.error != 0) {
        xml.number("HttpErrorCodeReturnedEquals", static_cast<uint64_t>(rule.error));
      }
      xml.close();
    }
    xml.open("Redirect");
    names(rule.redirect);
    if (rule.redirect.status != 301) {
      xml.number("HttpRedirectCode", static_cast<uint64_t>(rule.redirect.status));
    }
    if (rule.redirect.replace_prefix) {
      xml.text("ReplaceKeyPrefixWith", *rule.redirect.replace_prefix);
    }
    if (rule.redirect.replace_key) xml.text("ReplaceKeyWith", *rule.redirect.replace_key);
    xml.close().close();
  }
  return xml.take();
}

}  // namespace beringia::wire::s3

// NotificationConfiguration.
#include <array>
#include <utility>

#include "base/encoding.h"
#include "wire/notification.h"
#include "wire/s3xml.h"
#include "wire/s3xml_reader.h"

namespace beringia::wire::s3 {
namespace {

using Form = NotificationRule::Form;

constexpr size_t kMaxFilterBytes = 1024;  // S3 API, FilterRule
constexpr size_t kMaxIdBytes = 255;

struct Element {
  Form form;
  std::string_view name;
  std::string_view target;
};
constexpr std::array<Element, 3> kElements = {{
    {Form::kTopic, "TopicConfiguration", "Topic"},
    {Form::kQueue, "QueueConfiguration", "Queue"},
    {Form::kFunction, "CloudFunctionConfiguration", "CloudFunction"},
}};

Error bad_argument(std::string what) {
  return invalid(std::move(what)).with_tag("InvalidArgument");
}

Result<void> read_filter_rule(const pugi::xml_node& node, std::optional<std::string>& prefix,
                              std::optional<std::string>& suffix) {
  std::string name;
  std::string value;
  BR_TRY(
      each_element(node, [&](std::string_view inner, const pugi::xml_node& child) -> Result<void> {
        BR_TRY(text, text_of(child));
        if (inner == "Name") {
          name = ascii_lower(trimmed(text));
        } else if (inner == "Value") {
          value = std::move(text);
        } else {
          return std::unexpected(malformed("a FilterRule cannot hold " + std::string{inner}));
        }
        return {};
      }));
  if (name != "prefix" && name != "suffix") {
    return std::unexpected(bad_argument("filter rule name must be either prefix or suffix"));
  }
  if (value.size() > kMaxFilterBytes) {
    return std::unexpected(bad_argument("Size of filter rule value cannot exceed 1024 bytes"));
  }
  auto& place = name == "prefix" ? prefix : suffix;
  if (place) {
    return std::unexpected(
        bad_argument("Cannot specify more than one " + name + " rule in a filter."));
  }
  place = std::move(value);
  return {};
}

Result<void> read_filter(const pugi::xml_node& node, NotificationRule& rule) {
  std::optional<std::string> prefix;
  std::optional<std::string> suffix;
  BR_TRY(each_element(node, [&](std::string_view name, const pugi::xml_node& keys) -> Result<void> {
    if (name != "S3Key") {
      return std::unexpected(malformed("a Filter cannot hold " + std::string{name}));
    }
    return each_element(keys, [&](std::string_view inner, const pugi::xml_node& one) {
      return inner == "FilterRule" ? read_filter_rule(one, prefix, suffix)
                                   : Result<void>{std::unexpected(
                                         malformed("an S3Key cannot hold " + std::string{inner}))};
    });
  }));
  rule.prefix = prefix.value_or("");
  rule.suffix = suffix.value_or("");
  return {};
}

Result<void> read_event(const pugi::xml_node& node, NotificationRule& rule) {
  BR_TRY(text, text_of(node));
  std::string event{trimmed(text)};
  const uint32_t kinds = kinds_of_s3_event(event);
  if (kinds == 0) {
    return std::unexpected(bad_argument("A specified event is not supported for notifications"));
  }
  rule.kinds |= kinds;
  rule.events.push_back(std::move(event));
  return {};
}

Result<NotificationRule> read_rule(const pugi::xml_node& node, const Element& element) {
  NotificationRule rule;
  rule.form = element.form;
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        if (name == "Event") return read_event(child, rule);
        if (name == "Filter") return read_filter(child, rule);
        BR_TRY(text, text_of(child));
        if (name == "Id") {
          rule.id = trimmed(text);
        } else if (name == element.target) {
          rule.address = trimmed(text);
        } else {
          return std::unexpected(
              malformed(std::string{element.name} + " cannot hold " + std::string{name}));
        }
        return {};
      }));
  if (rule.events.empty() || rule.address.empty()) {
    return std::unexpected(malformed(std::string{element.name} + " has no " +
                                     (rule.events.empty() ? "Event" : "destination")));
  }
  if (rule.id.size() > kMaxIdBytes) {
    return std::unexpected(bad_argument("ID length should not exceed allowed limit of 255"));
  }
  rule.target = target_of_arn(rule.address, rule.form);
  if (rule.target.empty()) {
    return std::unexpected(bad_argument("The ARN is not well formed"));
  }
  return rule;
}

/// S3 user guide, "Configuring event notifications using object key name filtering": no event of
/// one name may go to two places.
bool overlap(const NotificationRule& a, const NotificationRule& b) {
  const auto begins = [](const std::string& x, const std::string& y) {
    return x.starts_with(y) || y.starts_with(x);
  };
  const auto ends = [](const std::string& x, const std::string& y) {
    return x.ends_with(y) || y.ends_with(x);
  };
  return (a.kinds & b.kinds) != 0 && begins(a.prefix, b.prefix) && ends(a.suffix, b.suffix);
}

Result<void> check(const std::vector<NotificationRule>& rules) {
  if (rules.size() > kMaxNotificationRules) {
    return std::unexpected(bad_argument("Too many notification configurations"));
  }
  for (size_t i = 0; i < rules.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (rules[i].id == rules[k].id) {
        return std::unexpected(
            bad_argument("Same ID used for multiple configurations. IDs must be unique"));
      }
      if (overlap(rules[i], rules[k])) {
        return std::unexpected(bad_argument(
            "Configurations overlap. Configurations on the same bucket cannot share a common event "
            "type."));
      }
    }
  }
  return {};
}

}  // namespace

Result<std::vector<NotificationRule>> parse_notifications(const std::string& xml,
                                                          std::string_view unique) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "NotificationConfiguration"));
  std::vector<NotificationRule> rules;
  BR_TRY(each_element(root, [&](std::string_view name, const pugi::xml_node& node) -> Result<void> {
    for (const Element& element : kElements) {
      if (element.name != name) continue;
      if (rules.size() > kMaxNotificationRules) return {};  // check() says so
      BR_TRY(rule, read_rule(node, element));
      if (rule.id.empty()) rule.id = std::string{unique} + "-" + std::to_string(rules.size() + 1);
      rules.push_back(std::move(rule));
      return {};
    }
    if (name == "EventBridgeConfiguration") {
      return std::unexpected(unsupported("EventBridge is not offered").with_tag("NotImplemented"));
    }
    return std::unexpected(malformed("NotificationConfiguration cannot hold " + std::string{name}));
  }));
  BR_TRY(check(rules));
  return rules;
}

std::string render_notifications(const Notifications& notifications) {
  XmlWriter xml{"NotificationConfiguration"};
  for (const Element& element : kElements) {
    for (const NotificationRule& rule : notifications.rules) {
      if (rule.form != element.form) continue;
      xml.open(element.name).text("Id", rule.id).text(element.target, rule.address);
      for (const std::string& event : rule.events) xml.text("Event", event);
      if (!rule.prefix.empty() || !rule.suffix.empty()) {
        xml.open("Filter").open("S3Key");
        for (const auto& [name, value] :
             {std::pair{"Prefix", &rule.prefix}, std::pair{"Suffix", &rule.suffix}}) {
          if (value->empty()) continue;
          xml.open("FilterRule").text("Name", name).text("Value", *value).close();
        }
        xml.close().close();
      }
      xml.close();
    }
  }
  return xml.take();
}

}  // namespace beringia::wire::s3

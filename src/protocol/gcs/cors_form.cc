#include "protocol/gcs/cors_form.h"

#include <algorithm>
#include <vector>

#include "base/json_writer.h"
#include "wire/s3xml.h"

namespace beringia::protocol::gcs {
namespace {

using wire::Value;

Error wrong(std::string why) { return invalid("Invalid value for cors", std::move(why)); }

Result<std::vector<std::string>> texts_in(const Value& rule, std::string_view member) {
  std::vector<std::string> texts;
  const Value* value = rule.find(member);
  if (value == nullptr || value->is(Value::Kind::kNull)) return texts;
  if (!value->is(Value::Kind::kArray)) {
    return std::unexpected(wrong(std::string{member} + " is no list"));
  }
  for (const Value& item : value->items) {
    if (!item.is(Value::Kind::kText)) {
      return std::unexpected(wrong(std::string{member} + " is no list of texts"));
    }
    texts.push_back(item.text);
  }
  return texts;
}

Result<wire::s3::CorsRule> rule_from(const Value& value) {
  wire::s3::CorsRule rule;
  BR_TRY(origins, texts_in(value, "origin"));
  rule.origins = std::move(origins);
  BR_TRY(methods, texts_in(value, "method"));
  if (std::ranges::find(methods, "*") != methods.end()) {
    methods = {"GET", "HEAD", "PUT", "POST", "DELETE"};
  }
  std::erase(methods, "OPTIONS");  // asking beforehand is always allowed
  rule.methods = std::move(methods);
  BR_TRY(headers, texts_in(value, "responseHeader"));
  rule.headers = headers;
  rule.exposed = std::move(headers);
  if (const Value* age = value.find("maxAgeSeconds");
      age != nullptr && age->is(Value::Kind::kInteger) && age->integer >= 0) {
    rule.max_age_s = static_cast<uint64_t>(age->integer);
  }
  return rule;
}

void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  json.key(name).begin_array();
  for (const std::string& text : texts) json.value(std::string_view{text});
  json.end_array();
}

}  // namespace

Result<std::string> cors_from(const Value& rules) {
  if (!rules.is(Value::Kind::kArray)) return std::unexpected(wrong("it is no list"));
  if (rules.items.empty()) return std::string{};
  std::vector<wire::s3::CorsRule> made;
  for (const Value& item : rules.items) {
    BR_TRY(rule, rule_from(item));
    made.push_back(std::move(rule));
  }
  std::string xml = wire::s3::render_cors(made);
  // What that door could not read would not hold there.
  if (auto read = wire::s3::parse_cors(xml); !read) {
    return std::unexpected(
        wrong(read.error().why().empty() ? read.error().what() : read.error().why()));
  }
  return xml;
}

std::string render_cors(const std::string& xml) {
  if (xml.empty()) return {};
  const auto rules = wire::s3::parse_cors(xml);
  if (!rules || rules->empty()) return {};
  JsonWriter json;
  json.begin_array();
  for (const wire::s3::CorsRule& rule : *rules) {
    json.begin_object();
    write_texts(json, "origin", rule.origins);
    write_texts(json, "method", rule.methods);
    std::vector<std::string> headers = rule.headers;
    for (const std::string& one : rule.exposed) {
      if (std::ranges::find(headers, one) == headers.end()) headers.push_back(one);
    }
    write_texts(json, "responseHeader", headers);
    if (rule.max_age_s) json.member("maxAgeSeconds", *rule.max_age_s);
    json.end_object();
  }
  return json.end_array().take();
}

}  // namespace beringia::protocol::gcs

#include "protocol/gcs/setting_names.h"

#include "base/json_writer.h"

namespace beringia::protocol::gcs {
namespace {

std::string_view next_word(std::string_view& text) {
  const size_t blank = text.find(' ');
  const std::string_view word = text.substr(0, blank);
  text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
  return word;
}

std::string unless_dash(std::string_view word) {
  return word == "-" ? std::string{} : std::string{word};
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

// Nesting is bounded by the parser that made the value.
void write(JsonWriter& json, const wire::Value& value) {
  using Kind = wire::Value::Kind;
  switch (value.kind) {
    case Kind::kNull: json.null(); return;
    case Kind::kBoolean: json.value(value.boolean); return;
    case Kind::kInteger: json.value(value.integer); return;
    case Kind::kFloat: json.value(value.number); return;
    case Kind::kText: json.value(std::string_view{value.text}); return;
    case Kind::kArray:
      json.begin_array();
      for (const wire::Value& item : value.items) write(json, item);
      json.end_array();
      return;
    case Kind::kTable:
      json.begin_object();
      for (const auto& [name, item] : value.members) {
        json.key(name);
        write(json, item);
      }
      json.end_object();
      return;
  }
}

}  // namespace

AutoclassText parse_autoclass(std::string_view text) {
  AutoclassText autoclass;
  autoclass.enabled = next_word(text) == "on";
  autoclass.storage_class = unless_dash(next_word(text));
  autoclass.toggled = unless_dash(next_word(text));
  autoclass.class_set = unless_dash(next_word(text));
  return autoclass;
}

std::string render_autoclass(const AutoclassText& autoclass) {
  return std::string{autoclass.enabled ? "on " : "off "} + or_dash(autoclass.storage_class) + " " +
         or_dash(autoclass.toggled) + " " + or_dash(autoclass.class_set);
}

EnforcementText parse_enforcement(std::string_view text) {
  EnforcementText enforcement;
  while (!text.empty()) {
    const std::string_view word = next_word(text);
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    enforcement[std::string{word.substr(0, equals)}] = word.substr(equals + 1);
  }
  return enforcement;
}

std::string render_enforcement(const EnforcementText& enforcement) {
  std::string text;
  for (const auto& [word, value] : enforcement) {
    if (!text.empty()) text += " ";
    text.append(word).append("=").append(value);
  }
  return text;
}

std::string to_json(const wire::Value& value) {
  JsonWriter json;
  write(json, value);
  return json.take();
}

}  // namespace beringia::protocol::gcs

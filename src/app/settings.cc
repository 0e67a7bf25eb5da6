#include "app/settings.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/encoding.h"
#include "base/nearest_word.h"
#include "base/quantity.h"
#include "io/stream.h"
#include "wire/document.h"

namespace beringia::app {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

const SettingDeclaration* find_declaration(std::string_view name) {
  for (const auto& declaration : setting_declarations()) {
    if (declaration.name == name) return &declaration;
  }
  return nullptr;
}

Error bad_value(const GivenSetting& given, const std::string& value, std::string why,
                std::string hint) {
  return invalid("cannot use " + given.place + " = \"" + value.substr(0, 200) + "\"",
                 std::move(why), std::move(hint));
}

/// "least..most" in the words of the setting's kind.
Result<void> check_range(const SettingDeclaration& declaration, const GivenSetting& given,
                         const std::string& text, uint64_t value) {
  const std::string_view range = declaration.range;
  const size_t dots = range.find("..");
  if (dots == std::string_view::npos) return {};
  BR_TRY(least, parse_bytes(range.substr(0, dots)));
  BR_TRY(most, parse_bytes(range.substr(dots + 2)));
  if (value >= least && value <= most) return {};
  return std::unexpected(
      bad_value(given, text, "it is out of range", "choose from " + std::string{range}));
}

Result<uint64_t> parse_number(const SettingDeclaration& declaration, const GivenSetting& given,
                              const std::string& text) {
  Result<uint64_t> number = uint64_t{0};
  if (declaration.kind == SettingKind::kBytes) {
    number = parse_bytes(text);
  } else if (declaration.kind == SettingKind::kRate) {
    number = parse_rate(text);
  } else if (const auto count = parse_u64(text)) {
    number = *count;
  } else {
    return std::unexpected(bad_value(given, text, "it is not a whole number", ""));
  }
  if (!number) {
    return std::unexpected(bad_value(given, text, number.error().why(), number.error().hint()));
  }
  BR_TRY(check_range(declaration, given, text, *number));
  return number;
}

Result<void> check_text(const SettingDeclaration& declaration, const GivenSetting& given,
                        const std::string& text) {
  if (declaration.kind == SettingKind::kAddress && text != "off") {
    if (auto endpoint = io::Endpoint::parse(text); !endpoint) {
      return std::unexpected(bad_value(given, text, "it is not an address",
                                       "write it as HOST:PORT, [IPv6]:PORT or :PORT"));
    }
  }
  if (declaration.kind == SettingKind::kChoice) {
    const std::string words = "|" + std::string{declaration.range} + "|";
    if (text.empty() || words.find("|" + text + "|") == std::string::npos) {
      return std::unexpected(bad_value(given, text, "it is not one of the known words",
                                       "choose from " + std::string{declaration.range}));
    }
  }
  return {};
}

Result<void> assign(Settings& settings, const SettingDeclaration& declaration,
                    const GivenSetting& given) {
  if (const auto* texts = std::get_if<std::vector<std::string> Settings::*>(&declaration.target)) {
    settings.*(*texts) = given.values;
    return {};
  }
  if (given.values.size() != 1) {
    return std::unexpected(
        invalid("cannot use " + given.place, "it is given more than once", "give it once"));
  }
  const std::string& value = given.values.front();
  if (const auto* text = std::get_if<std::string Settings::*>(&declaration.target)) {
    BR_TRY(check_text(declaration, given, value));
    settings.*(*text) = value;
  } else if (const auto* duration = std::get_if<Duration Settings::*>(&declaration.target)) {
    const auto parsed = parse_duration(value);
    if (!parsed) {
      return std::unexpected(bad_value(given, value, parsed.error().why(), parsed.error().hint()));
    }
    settings.*(*duration) = *parsed;
  } else {
    BR_TRY(number, parse_number(declaration, given, value));
    settings.*std::get<uint64_t Settings::*>(declaration.target) = number;
  }
  return {};
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const auto& declaration : setting_declarations()) names.emplace_back(declaration.name);
  return names;
}

/// Scalars of a file as the operator could write them in a flag.
Result<std::string> to_text(const wire::Value& value, const std::string& place) {
  switch (value.kind) {
    case wire::Value::Kind::kText: return value.text;
    case wire::Value::Kind::kInteger: return std::to_string(value.integer);
    case wire::Value::Kind::kBoolean: return std::string{value.boolean ? "true" : "false"};
    default:
      return std::unexpected(
          invalid("cannot use " + place, "it is neither a text nor a whole number"));
  }
}

}  // namespace

Result<std::vector<GivenSetting>> parse_settings(std::string_view text,
                                                 const std::string& subject) {
  BR_TRY(root, wire::parse_toml(text, kMaxFileBytes, subject));
  std::vector<GivenSetting> found;
  for (const auto& [name, value] : root.members) {
    const std::string place = name + " (" + subject + ", line " + std::to_string(value.line) + ")";
    const auto* declaration = find_declaration(name);
    if (declaration == nullptr) {
      const std::string near = nearest_word(name, all_names());
      return std::unexpected(invalid(
          "cannot use the setting " + place, "there is no such setting",
          near.empty() ? "docs/settings.md lists all of them" : "did you mean " + near + "?"));
    }
    GivenSetting given{name, {}, place};
    if (value.is(wire::Value::Kind::kArray)) {
      for (const auto& item : value.items) {
        BR_TRY(one, to_text(item, place));
        given.values.push_back(one);
      }
    } else {
      BR_TRY(one, to_text(value, place));
      given.values.push_back(one);
    }
    found.push_back(std::move(given));
  }
  return found;
}

Result<std::vector<GivenSetting>> read_settings_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) {
    return std::unexpected(not_found("cannot read the settings file " + path, "it cannot be opened",
                                     "check --config and its permissions"));
  }
  std::string text;
  text.assign(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
  return parse_settings(text, path);
}

Result<std::vector<GivenSetting>> settings_of_environment(
    const std::vector<std::string>& environment) {
  constexpr size_t kPrefix = 9;  // "BERINGIA_" is no part of what is misspelled
  std::vector<std::string> known = {"ROOT_ACCESS_KEY", "ROOT_SECRET_KEY", "ACCESS_KEY",
                                    "SECRET_KEY"};
  for (const auto& declaration : setting_declarations()) {
    known.push_back(environment_of(declaration).substr(kPrefix));
  }
  std::vector<GivenSetting> found;
  for (const auto& line : environment) {
    const size_t at = line.find('=');
    const std::string name = line.substr(0, at);
    if (at == std::string::npos || !name.starts_with("BERINGIA_")) continue;
    const auto declaration = std::ranges::find_if(
        setting_declarations(),
        [&](const SettingDeclaration& one) { return environment_of(one) == name; });
    if (declaration != setting_declarations().end()) {
      // BERINGIA_ADMIN is also how command line tools name the server: http://HOST:PORT.
      std::string value = line.substr(at + 1);
      if (declaration->kind == SettingKind::kAddress && value.find("://") != std::string::npos) {
        continue;
      }
      GivenSetting given{declaration->name, {}, name};
      if (declaration->kind == SettingKind::kTexts) {
        for (size_t from = 0; from <= value.size();) {
          const size_t blank = std::min(value.find(' ', from), value.size());
          if (blank > from) given.values.push_back(value.substr(from, blank - from));
          from = blank + 1;
        }
      } else {
        given.values.push_back(std::move(value));
      }
      found.push_back(std::move(given));
      continue;
    }
    const std::string near = nearest_word(name.substr(kPrefix), known);
    if (!near.empty() && near != name.substr(kPrefix)) {
      return std::unexpected(invalid("cannot use the environment variable " + name,
                                     "there is no such setting",
                                     "did you mean BERINGIA_" + near + "?"));
    }
  }
  return found;
}

Result<Settings> resolve_settings(const std::vector<std::vector<GivenSetting>>& sources) {
  Settings settings;
  for (const auto& declaration : setting_declarations()) {
    if (*declaration.fallback == '\0') continue;
    BR_TRY(assign(settings, declaration,
                  {declaration.name, {declaration.fallback}, declaration.name}));
  }
  for (const auto& source : sources) {
    for (const auto& given : source) {
      const auto* declaration = find_declaration(given.name);
      if (declaration == nullptr) return std::unexpected(internal("unknown setting", given.name));
      BR_TRY(assign(settings, *declaration, given));
    }
  }
  return settings;
}

}  // namespace beringia::app

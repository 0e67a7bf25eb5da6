#include "protocol/gcs/parameters.h"

#include "base/encoding.h"

namespace beringia::protocol::gcs {
namespace {

const std::string kEmpty;

Error bad_value(std::string_view name, std::string_view value) {
  return invalid("Invalid value for parameter " + std::string{name},
                 "\"" + std::string{value.substr(0, 100)} + "\"");
}

Result<core::Conditions> read_conditions(const Parameters& query, const std::string& infix) {
  core::Conditions conditions;
  BR_TRY(match, query.number("if" + infix + "GenerationMatch"));
  BR_TRY(not_match, query.number("if" + infix + "GenerationNotMatch"));
  BR_TRY(meta_match, query.number("if" + infix + "MetagenerationMatch"));
  BR_TRY(meta_not_match, query.number("if" + infix + "MetagenerationNotMatch"));
  conditions.generation_match = match;
  conditions.generation_not_match = not_match;
  conditions.metageneration_match = meta_match;
  conditions.metageneration_not_match = meta_not_match;
  return conditions;
}

}  // namespace

Result<Parameters> Parameters::parse(std::string_view query) {
  Parameters parameters;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view item = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (item.empty()) continue;
    const size_t equals = item.find('=');
    auto name = percent_decode(item.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::optional<std::string>{std::in_place}
                                                  : percent_decode(item.substr(equals + 1), true);
    if (!name || !value || !is_utf8(*name) || !is_utf8(*value)) {
      return std::unexpected(
          invalid("Invalid query", "it has a bad percent escape, or is not UTF-8"));
    }
    if (parameters.items_.size() == kMax) {
      return std::unexpected(invalid("Invalid query", "it has too many parameters"));
    }
    parameters.items_.emplace_back(std::move(*name), std::move(*value));
  }
  return parameters;
}

const std::string* Parameters::find(std::string_view name) const {
  for (const auto& [key, value] : items_) {
    if (key == name) return &value;
  }
  return nullptr;
}

const std::string& Parameters::get(std::string_view name) const {
  const std::string* value = find(name);
  return value == nullptr ? kEmpty : *value;
}

std::vector<std::string_view> Parameters::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : items_) {
    if (key == name) values.emplace_back(value);
  }
  return values;
}

std::vector<std::string_view> Parameters::names() const {
  std::vector<std::string_view> names;
  for (const auto& [key, value] : items_) names.emplace_back(key);
  return names;
}

Result<bool> Parameters::flag(std::string_view name, bool fallback) const {
  const std::string& value = get(name);
  if (value.empty()) return fallback;
  if (equals_ignoring_case(value, "true")) return true;
  if (equals_ignoring_case(value, "false")) return false;
  return std::unexpected(bad_value(name, value));
}

Result<std::optional<uint64_t>> Parameters::number(std::string_view name) const {
  const std::string& value = get(name);
  if (value.empty()) return std::nullopt;
  const auto number = parse_u64(value);
  if (!number) return std::unexpected(bad_value(name, value));
  return number;
}

Result<core::Conditions> conditions_of(const Parameters& query) {
  return read_conditions(query, "");
}

Result<core::Conditions> source_conditions_of(const Parameters& query) {
  return read_conditions(query, "Source");
}

}  // namespace beringia::protocol::gcs

#include "protocol/s3/query.h"

#include <optional>

#include "base/encoding.h"

namespace beringia::protocol::s3 {
namespace {

const std::string kEmpty;

Error bad_query(std::string why) {
  return invalid("Couldn't parse the specified URI.", std::move(why)).with_tag("InvalidURI");
}

}  // namespace

Result<Query> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const size_t end = text.find('&');
    const std::string_view item = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (item.empty()) continue;
    if (query.items_.size() == kMax) {
      return std::unexpected(bad_query("the query has too many parameters"));
    }
    const size_t equals = item.find('=');
    auto name = percent_decode(item.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::optional<std::string>{std::in_place}
                                                  : percent_decode(item.substr(equals + 1), true);
    if (!name || !value || !is_utf8(*name) || !is_utf8(*value)) {
      return std::unexpected(bad_query("the query has a bad percent escape, or is not UTF-8"));
    }
    query.items_.emplace_back(std::move(*name), std::move(*value));
  }
  return query;
}

const std::string* Query::find(std::string_view name) const {
  for (const auto& [key, value] : items_) {
    if (key == name) return &value;
  }
  return nullptr;
}

const std::string& Query::get(std::string_view name) const {
  const std::string* value = find(name);
  return value == nullptr ? kEmpty : *value;
}

Result<uint64_t> Query::number(std::string_view name, uint64_t fallback) const {
  const std::string& text = get(name);
  if (text.empty()) return fallback;
  const auto value = parse_u64(text);
  if (!value || *value > INT32_MAX) {
    return std::unexpected(
        invalid("Provided " + std::string{name} + " not an integer or within integer range",
                "\"" + text.substr(0, 100) + "\"")
            .with_tag("InvalidArgument"));
  }
  return *value;
}

}  // namespace beringia::protocol::s3

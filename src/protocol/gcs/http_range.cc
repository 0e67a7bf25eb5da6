#include "protocol/gcs/http_range.h"

#include <algorithm>
#include <string>

#include "base/encoding.h"

namespace beringia::protocol::gcs {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

Error outside() { return invalid("The requested range cannot be satisfied.").with_tag("range"); }

Error bad_content_range(std::string_view header) {
  return invalid("Invalid Content-Range header", "\"" + std::string{header.substr(0, 100)} + "\"",
                 "send bytes FIRST-LAST/TOTAL or bytes */TOTAL");
}

/// What follows "bytes" and blanks or '='; nullopt for other units.
std::optional<std::string_view> after_unit(std::string_view header, char separator) {
  constexpr std::string_view kUnit = "bytes";
  header = trimmed(header);
  if (header.size() <= kUnit.size() || !equals_ignoring_case(header.substr(0, 5), kUnit)) {
    return std::nullopt;
  }
  header = trimmed(header.substr(kUnit.size()));
  if (separator != ' ') {
    if (!header.starts_with(separator)) return std::nullopt;
    header.remove_prefix(1);
  } else if (header.starts_with('=')) {
    header.remove_prefix(1);  // some clients write "bytes=0-1/2"
  }
  return trimmed(header);
}

}  // namespace

Result<std::optional<io::ByteRange>> parse_range(std::string_view header, uint64_t size) {
  const auto spec = after_unit(header, '=');
  if (!spec || spec->find(',') != std::string_view::npos) return std::nullopt;
  const size_t dash = spec->find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view first_text = trimmed(spec->substr(0, dash));
  const std::string_view last_text = trimmed(spec->substr(dash + 1));
  const auto first = parse_u64(first_text);
  const auto last = parse_u64(last_text);
  if (first_text.empty()) {
    if (!last) return std::nullopt;
    if (*last == 0 || size == 0) return std::unexpected(outside());
    const uint64_t length = std::min(*last, size);
    return io::ByteRange{size - length, length};
  }
  if (!first || (!last && !last_text.empty()) || (last && *last < *first)) return std::nullopt;
  if (*first >= size) return std::unexpected(outside());
  const uint64_t end = last ? std::min(*last, size - 1) : size - 1;
  return io::ByteRange{*first, end - *first + 1};
}

Result<ContentRange> parse_content_range(std::string_view header) {
  const auto spec = after_unit(header, ' ');
  const size_t slash = spec ? spec->find('/') : std::string_view::npos;
  if (slash == std::string_view::npos) return std::unexpected(bad_content_range(header));
  const std::string_view range = trimmed(spec->substr(0, slash));
  const std::string_view total_text = trimmed(spec->substr(slash + 1));
  ContentRange result;
  if (total_text != "*") {
    result.total = parse_u64(total_text);
    if (!result.total) return std::unexpected(bad_content_range(header));
  }
  if (range == "*") return result;
  const size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::unexpected(bad_content_range(header));
  const auto first = parse_u64(range.substr(0, dash));
  const std::string_view last_text = range.substr(dash + 1);
  if (first && last_text == "*") {  // "bytes 0-*/*": a stream of unknown length
    result.first = first;
    result.length = UINT64_MAX;
    return result;
  }
  const auto last = parse_u64(last_text);
  // "bytes 0--1/0" is how some clients write an empty object.
  if (first && last_text == "-1" && *first == 0) return result;
  if (!first || !last || *last < *first || *last == UINT64_MAX ||
      (result.total && *last >= *result.total)) {
    return std::unexpected(bad_content_range(header));
  }
  result.first = first;
  result.length = *last - *first + 1;
  return result;
}

}  // namespace beringia::protocol::gcs

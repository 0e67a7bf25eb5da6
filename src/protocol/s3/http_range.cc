#include "protocol/s3/http_range.h"

#include <algorithm>
#include <string>

#include "base/encoding.h"

namespace beringia::protocol::s3 {
namespace {

constexpr std::string_view kUnit = "bytes";

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

Error outside() {
  return invalid("The requested range is not satisfiable").with_tag("InvalidRange");
}

/// What follows "bytes="; nullopt for other units.
std::optional<std::string_view> after_unit(std::string_view header) {
  header = trimmed(header);
  if (header.size() <= kUnit.size() ||
      !equals_ignoring_case(header.substr(0, kUnit.size()), kUnit)) {
    return std::nullopt;
  }
  header = trimmed(header.substr(kUnit.size()));
  if (!header.starts_with('=')) return std::nullopt;
  return trimmed(header.substr(1));
}

}  // namespace

Result<std::optional<io::ByteRange>> parse_range(std::string_view header, uint64_t size) {
  const auto spec = after_unit(header);
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

Result<io::ByteRange> parse_copy_range(std::string_view header, uint64_t size) {
  const auto spec = after_unit(header);
  const size_t dash = spec ? spec->find('-') : std::string_view::npos;
  const auto first =
      dash == std::string_view::npos ? std::nullopt : parse_u64(spec->substr(0, dash));
  const auto last =
      dash == std::string_view::npos ? std::nullopt : parse_u64(spec->substr(dash + 1));
  if (!first || !last || *last < *first) {
    return std::unexpected(
        invalid("The x-amz-copy-source-range value must be of the form bytes=first-last where "
                "first and last are the zero-based offsets of the first and last bytes to copy")
            .with_tag("InvalidArgument"));
  }
  if (*last >= size) {
    return std::unexpected(
        invalid("Range specified is not valid for source object of size: " + std::to_string(size))
            .with_tag("InvalidRange"));
  }
  return io::ByteRange{*first, *last - *first + 1};
}

}  // namespace beringia::protocol::s3

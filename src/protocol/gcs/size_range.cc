#include "protocol/gcs/size_range.h"

#include "base/encoding.h"

namespace beringia::protocol::gcs {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<void> SizeRange::check(uint64_t bytes) const {
  if (bytes > most) {
    return std::unexpected(
        invalid("Your proposed upload exceeds the maximum allowed object size.",
                "x-goog-content-length-range allows " + std::to_string(most) + " bytes")
            .with_tag("above_range"));
  }
  if (bytes < least) {
    return std::unexpected(
        invalid("Your proposed upload is smaller than the minimum object size.",
                "x-goog-content-length-range asks for " + std::to_string(least) + " bytes")
            .with_tag("below_range"));
  }
  return {};
}

Result<SizeRange> size_range_of(const Call& call) {
  std::string_view text = call.header("x-goog-content-length-range");
  if (text.empty()) return SizeRange{};
  const size_t comma = text.find(',');
  if (comma != std::string_view::npos) {
    const auto least = parse_u64(trimmed(text.substr(0, comma)));
    const auto most = parse_u64(trimmed(text.substr(comma + 1)));
    if (least && most && *least <= *most) return SizeRange{*least, *most};
  }
  return std::unexpected(invalid("Invalid x-goog-content-length-range header",
                                 "\"" + std::string{text.substr(0, 64)} + "\"",
                                 "send the least and the most bytes: 0,1048576"));
}

Result<size_t> BoundedSource::read(const io::Context& context, std::span<char> buffer) {
  BR_TRY(n, inner_.read(context, buffer));
  taken_ += n;
  if (n == 0 || taken_ > range_.most) BR_TRY(range_.check(taken_));
  return n;
}

}  // namespace beringia::protocol::gcs

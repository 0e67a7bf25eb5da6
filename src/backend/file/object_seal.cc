#include "backend/file/object_seal.h"

#include <array>
#include <charconv>

#include "base/checksum.h"
#include "base/encoding.h"

namespace beringia::backend::file {
namespace {

constexpr std::string_view kFormat = "beringia 1";

/// Attributes that say something about the bytes, not about the entry.
constexpr std::array<std::string_view, 3> kOfTheBytes{"beringia-write-id", "beringia-generation",
                                                      "beringia-etag"};

std::optional<std::string_view> next_line(std::string_view& text) {
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

/// Files may be older than 1970: with a sign.
std::optional<int64_t> parse_time(std::string_view text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

bool take_field(ObjectSeal& seal, std::string_view key, std::string_view value) {
  if (key == "size") {
    const auto size = parse_u64(value);
    if (size) seal.size = *size;
    return size.has_value();
  }
  if (key == "mtime") {
    const auto time = parse_time(value);
    if (time) seal.mtime_nanos = *time;
    return time.has_value();
  }
  if (key == "crc32c" || key == "md5") {
    auto raw = from_hex(value);
    if (!raw || raw->size() != (key == "md5" ? 16U : 4U)) return false;
    if (key == "md5") {
      seal.md5 = std::move(*raw);
    } else {
      seal.crc32c = read_be32(*raw);
    }
    return true;
  }
  auto decoded = percent_decode(value);
  if (!decoded) return false;
  if (key == "type") {
    seal.content_type = std::move(*decoded);
    return true;
  }
  if (!key.starts_with('@')) return true;  // a field of a later minor version
  auto name = percent_decode(key.substr(1));
  if (!name) return false;
  seal.attributes[std::move(*name)] = std::move(*decoded);
  return true;
}

}  // namespace

void ObjectSeal::rebind(const io::FileStat& stat) {
  size = stat.size;
  mtime_nanos = stat.mtime_nanos;
  crc32c.reset();
  md5.reset();
  for (const auto name : kOfTheBytes) attributes.erase(std::string{name});
}

std::string encode(const ObjectSeal& seal) {
  std::string out{kFormat};
  out += "\nsize=" + std::to_string(seal.size);
  out += "\nmtime=" + std::to_string(seal.mtime_nanos);
  if (seal.crc32c) out += "\ncrc32c=" + to_hex(Crc32c::to_bytes(*seal.crc32c));
  if (seal.md5) out += "\nmd5=" + to_hex(*seal.md5);
  if (!seal.content_type.empty()) out += "\ntype=" + percent_encode(seal.content_type, true);
  for (const auto& [name, value] : seal.attributes) {
    out += "\n@" + percent_encode(name, true) + '=' + percent_encode(value, true);
  }
  out += '\n';
  return out;
}

std::optional<ObjectSeal> decode_seal(std::string_view text) {
  const auto format = next_line(text);
  if (!format || *format != kFormat) return std::nullopt;
  ObjectSeal seal;
  while (!text.empty()) {
    const auto line = next_line(text);
    if (!line) return std::nullopt;
    const size_t equals = line->find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    if (!take_field(seal, line->substr(0, equals), line->substr(equals + 1))) return std::nullopt;
  }
  return seal;
}

Version version_of(const io::FileStat& stat) {
  return std::to_string(stat.inode) + '-' + std::to_string(stat.mtime_nanos) + '-' +
         std::to_string(stat.size);
}

}  // namespace beringia::backend::file

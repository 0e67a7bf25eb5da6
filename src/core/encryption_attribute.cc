// The native attribute that describes an encrypted object.
#include <algorithm>
#include <limits>

#include "base/encoding.h"
#include "core/encryption.h"

namespace beringia::core {
namespace {

using Method = meta::Encryption::Method;

constexpr std::string_view kFormat = "1";
constexpr size_t kMaxRuns = 100'000;

std::optional<Method> method_of(std::string_view word) {
  for (const Method method : {Method::kServer, Method::kNamed, Method::kCustomer}) {
    if (word == to_string(method)) return method;
  }
  return std::nullopt;
}

/// "8388608*3,17".
std::string text_of_runs(const std::vector<uint64_t>& runs) {
  std::string text;
  for (size_t i = 0; i + 1 < runs.size(); i += 2) {
    if (!text.empty()) text += ',';
    text += std::to_string(runs[i]);
    if (runs[i + 1] != 1) text += "*" + std::to_string(runs[i + 1]);
  }
  return text;
}

bool take_runs(std::string_view text, std::vector<uint64_t>& runs) {
  while (!text.empty()) {
    const std::string_view item = next_list_item(text);
    const size_t star = item.find('*');
    const auto bytes = parse_u64(item.substr(0, star));
    const auto count =
        star == item.npos ? std::optional<uint64_t>{1} : parse_u64(item.substr(star + 1));
    if (!bytes || !count || runs.size() > 2 * kMaxRuns) return false;
    runs.push_back(*bytes);
    runs.push_back(*count);
  }
  return !runs.empty();
}

template <class Decode>
bool take_bytes(std::string_view text, size_t bytes, const Decode& decode, std::string& into) {
  auto decoded = decode(text);
  if (!decoded || (bytes != 0 && decoded->size() != bytes)) return false;
  into = std::move(*decoded);
  return true;
}

struct Fields {
  meta::Encryption encryption;
  std::optional<uint64_t> size;
  std::string md5;
  std::string crc32c;
};

/// False: malformed. Unknown names do not disturb.
bool take_field(std::string_view name, std::string_view value, Fields& fields) {
  const auto base64 = [](std::string_view text) { return from_base64(text); };
  const auto hex = [](std::string_view text) { return from_hex(text); };
  const auto percent = [](std::string_view text) { return percent_decode(text); };
  meta::Encryption& encryption = fields.encryption;
  if (name == "method") {
    const auto method = method_of(value);
    if (method) encryption.method = *method;
    return method.has_value();
  }
  if (name == "size") {
    fields.size = parse_u64(value);
    return fields.size.has_value();
  }
  if (name == "key") return take_bytes(value, 0, percent, encryption.key_id);
  if (name == "wrapped") return take_bytes(value, 0, base64, encryption.wrapped_key);
  if (name == "key-md5") return take_bytes(value, 16, hex, encryption.key_md5);
  if (name == "key-sha256") return take_bytes(value, 32, hex, encryption.key_sha256);
  if (name == "context") return take_bytes(value, 0, percent, encryption.context);
  if (name == "reuses-key") encryption.reuses_key = value == "1";
  if (name == "streams") return take_runs(value, encryption.runs);
  if (name == "md5") return take_bytes(value, 16, hex, fields.md5);
  if (name == "crc32c") return take_bytes(value, 4, hex, fields.crc32c);
  return true;
}

}  // namespace

std::string encode_encryption_attribute(const meta::EntryRecord& record) {
  const meta::Encryption& encryption = record.encryption;
  std::string text{kFormat};
  const auto add = [&](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    text += ';';
    text += name;
    text += '=';
    text += value;
  };
  add("method", std::string{to_string(encryption.method)});
  add("size", std::to_string(record.size));
  add("key", percent_encode(encryption.key_id, true));
  add("wrapped", to_base64(encryption.wrapped_key));
  add("key-md5", to_hex(encryption.key_md5));
  add("key-sha256", to_hex(encryption.key_sha256));
  add("context", percent_encode(encryption.context));
  add("reuses-key", encryption.reuses_key ? "1" : "");
  add("streams", text_of_runs(encryption.runs));
  if (keeps_md5(encryption)) {
    if (record.md5) add("md5", to_hex(*record.md5));
    if (record.crc32c) add("crc32c", to_hex(Crc32c::to_bytes(*record.crc32c)));
  }
  return text;
}

bool take_encryption_attribute(std::string_view text, uint64_t stored_size,
                               std::optional<uint32_t> stored_crc32c, meta::EntryRecord& record) {
  const size_t first = std::min(text.find(';'), text.size());
  if (text.substr(0, first) != kFormat) return false;
  text.remove_prefix(std::min(first + 1, text.size()));
  Fields fields;
  while (!text.empty()) {
    const size_t end = std::min(text.find(';'), text.size());
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t equals = field.find('=');
    if (equals == field.npos) return false;
    if (!take_field(field.substr(0, equals), field.substr(equals + 1), fields)) return false;
  }
  if (!fields.encryption || !fields.size) return false;
  const auto layout = fields.encryption.layout(*fields.size);
  if (!layout.is_sane() || layout.plain_bytes() != *fields.size ||
      layout.stored_bytes() != stored_size) {
    return false;
  }
  record.size = *fields.size;
  record.encryption = std::move(fields.encryption);
  record.encryption.stored_crc32c = stored_crc32c;
  record.md5.reset();
  record.crc32c.reset();
  if (!fields.md5.empty()) record.md5 = std::move(fields.md5);
  if (!fields.crc32c.empty()) record.crc32c = read_be32(fields.crc32c);
  return true;
}

}  // namespace beringia::core

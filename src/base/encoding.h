#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace beringia {

std::string to_hex(std::string_view bytes);                     // lower case
std::optional<std::string> from_hex(std::string_view text);     // nullopt: bad digit, odd
std::string to_base64(std::string_view bytes);                  // RFC 4648, padded
std::optional<std::string> from_base64(std::string_view text);  // padded or not; nullopt: bad
std::string to_base64url(std::string_view bytes);               // RFC 4648 s5, unpadded
std::optional<std::string> from_base64url(std::string_view text);
/// Percent-encodes all but RFC 3986 unreserved (A-Z a-z 0-9 - . _ ~); '/' kept if keep_slash.
std::string percent_encode(std::string_view text, bool keep_slash = false);
/// Decodes %XX once. '+' stays '+' unless plus_is_space. nullopt: truncated or bad escape.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
/// True if `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(std::string_view text);
/// 8 bytes big-endian, appended / read (read needs >= 8 bytes).
void append_be64(std::string& out, uint64_t value);
uint64_t read_be64(std::string_view bytes);
void append_be32(std::string& out, uint32_t value);
uint32_t read_be32(std::string_view bytes);
/// LEB128. read_varint advances `bytes`; nullopt: truncated or longer than 10 bytes.
void append_varint(std::string& out, uint64_t value);
std::optional<uint64_t> read_varint(std::string_view& bytes);
/// Decimal without sign, whole text, no leading '+', value <= 2^64-1; else nullopt.
std::optional<uint64_t> parse_u64(std::string_view text);
std::string ascii_lower(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);  // ASCII only
/// Takes the first item off a comma-separated list, without the spaces around it (RFC 9110 5.6.1).
/// Items may be empty, as in "a,,b".
std::string_view next_list_item(std::string_view& list);

}  // namespace beringia

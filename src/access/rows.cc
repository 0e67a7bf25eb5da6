#include "access/rows.h"

#include <optional>
#include <utility>

#include "access/compiled_rules.h"
#include "base/encoding.h"

namespace beringia::access {
namespace {

constexpr char kVersion = 1;

void append_text(std::string& out, std::string_view text) {
  append_varint(out, text.size());
  out.append(text);
}

std::optional<std::string> read_text(std::string_view& bytes) {
  const auto size = read_varint(bytes);
  if (!size || *size > bytes.size()) return std::nullopt;
  std::string text{bytes.substr(0, *size)};
  bytes.remove_prefix(*size);
  return text;
}

std::optional<GrantRule> decode(std::string_view bytes) {
  if (bytes.size() < 3 || bytes[0] != kVersion) return std::nullopt;
  GrantRule rule;
  const auto role = static_cast<uint8_t>(bytes[1]);
  if (role > static_cast<uint8_t>(Role::kCreator)) return std::nullopt;
  rule.role = static_cast<Role>(role);
  rule.deny = bytes[2] != 0;
  bytes.remove_prefix(3);
  auto prefix = read_text(bytes);
  const auto count = read_varint(bytes);
  if (!prefix || !count) return std::nullopt;
  rule.prefix = std::move(*prefix);
  for (uint64_t i = 0; i < *count; ++i) {
    auto principal = read_text(bytes);
    if (!principal) return std::nullopt;
    rule.principals.push_back(std::move(*principal));
  }
  if (!bytes.empty()) return std::nullopt;
  return rule;
}

}  // namespace

std::string grant_key(std::string_view id) { return std::string{kGrantRows}.append(id); }

std::string encode(const GrantRule& rule) {
  std::string out(1, kVersion);
  out += static_cast<char>(rule.role);
  out += rule.deny ? '\1' : '\0';
  append_text(out, rule.prefix);
  append_varint(out, rule.principals.size());
  for (const std::string& principal : rule.principals) append_text(out, principal);
  return out;
}

Result<GrantRule> decode_rule(std::string_view id, std::string_view bytes) {
  auto rule = decode(bytes);
  if (!rule) {
    return std::unexpected(corrupt("reading grant " + std::string{id}, "the row cannot be decoded",
                                   "apply the estate file again"));
  }
  rule->id = id;
  // A row that no put() can have made is damage, not a rule.
  auto canonical = canonical_rule(std::move(*rule));
  if (!canonical) {
    return std::unexpected(
        corrupt("reading grant " + std::string{id}, canonical.error().to_string()));
  }
  return std::move(*canonical);
}

}  // namespace beringia::access

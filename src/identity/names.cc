#include "identity/names.h"

#include <algorithm>

namespace beringia::identity {
namespace {

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_letter_or_digit(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

template <class F>
bool all(std::string_view text, size_t least, size_t most, F allowed) {
  return text.size() >= least && text.size() <= most && std::ranges::all_of(text, allowed);
}

}  // namespace

bool is_principal_name(std::string_view name) {
  return all(name, 1, 64, [](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '@' || c == '-';
  });
}

bool is_instance_name(std::string_view name) {
  return all(name, 1, 63, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_access_key_id(std::string_view id) {
  return all(id, 3, 128,
             [](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_access_key_secret(std::string_view secret) {
  return all(secret, 8, 128, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace beringia::identity

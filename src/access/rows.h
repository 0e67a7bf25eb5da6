#pragma once

#include <string>
#include <string_view>

#include "access/access.h"
#include "base/error.h"

namespace beringia::access {

// Rows of docs/formats/identity.md.

inline constexpr std::string_view kGrantRows = "Ng";  // 'N' 'g' | rule id
inline constexpr std::string_view kGrantRowsEnd = "Nh";

std::string grant_key(std::string_view id);
std::string encode(const GrantRule& rule);  // without the id
/// @error kCorrupt
[[nodiscard]] Result<GrantRule> decode_rule(std::string_view id, std::string_view bytes);

}  // namespace beringia::access

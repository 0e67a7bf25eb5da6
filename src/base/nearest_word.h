#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace beringia {

/// The known word that a mistyped one most likely stands for; "" if none is near (at most two
/// edits, and fewer than half of the word). For "unknown key" errors.
std::string nearest_word(std::string_view typed, const std::vector<std::string>& known);

}  // namespace beringia

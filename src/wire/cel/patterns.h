#pragma once

#include <re2/re2.h>

#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace beringia::wire::cel {

inline constexpr size_t kMaxPatternBytes = 1024;
/// What compiling a pattern counts in an evaluation, in steps.
inline constexpr size_t kPatternSteps = 20'000;

inline re2::StringPiece to_piece(std::string_view text) { return {text.data(), text.size()}; }

/// RE2 syntax, matched in linear time. The error says what is wrong with the pattern.
inline std::expected<std::unique_ptr<re2::RE2>, std::string> compile_pattern(
    std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes) {
    return std::unexpected("the pattern is longer than " + std::to_string(kMaxPatternBytes) +
                           " bytes");
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto compiled = std::make_unique<re2::RE2>(to_piece(pattern), options);
  if (!compiled->ok()) return std::unexpected(compiled->error());
  return compiled;
}

}  // namespace beringia::wire::cel

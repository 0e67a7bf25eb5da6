#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "core/namespace.h"

namespace beringia::protocol::gcs {

/// The decoded query of a request, in order. Small: linear search.
class Parameters {
 public:
  static constexpr size_t kMax = 128;

  /// Splits at '&', decodes %XX once and '+' as a blank.
  /// @error kInvalid: bad escape, not UTF-8, more than kMax
  static Result<Parameters> parse(std::string_view query);

  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// First value, or "".
  const std::string& get(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  std::vector<std::string_view> names() const;
  /// "true" or "false" (any case); absent or empty = `fallback`. @error kInvalid
  [[nodiscard]] Result<bool> flag(std::string_view name, bool fallback) const;
  /// Decimal; absent or empty = nullopt. @error kInvalid (the message names the parameter)
  [[nodiscard]] Result<std::optional<uint64_t>> number(std::string_view name) const;

 private:
  const std::string* find(std::string_view name) const;
  std::vector<std::pair<std::string, std::string>> items_;
};

/// ifGenerationMatch, ifGenerationNotMatch and the metageneration pair. @error kInvalid
[[nodiscard]] Result<core::Conditions> conditions_of(const Parameters& query);
/// The same for ifSourceGenerationMatch and its siblings. @error kInvalid
[[nodiscard]] Result<core::Conditions> source_conditions_of(const Parameters& query);

}  // namespace beringia::protocol::gcs

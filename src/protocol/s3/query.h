#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace beringia::protocol::s3 {

/// The decoded query of a request, in order. Small: linear search.
class Query {
 public:
  static constexpr size_t kMax = 200;

  /// Splits at '&', decodes %XX once and '+' as a blank.
  /// @error kInvalid (tag InvalidURI): bad escape, not UTF-8, more than kMax
  static Result<Query> parse(std::string_view text);

  bool empty() const { return items_.empty(); }
  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// First value, or "".
  const std::string& get(std::string_view name) const;
  /// 0 to 2^31 - 1; absent or empty = `fallback`. @error kInvalid (tag InvalidArgument)
  [[nodiscard]] Result<uint64_t> number(std::string_view name, uint64_t fallback) const;
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

 private:
  const std::string* find(std::string_view name) const;
  std::vector<std::pair<std::string, std::string>> items_;
};

}  // namespace beringia::protocol::s3

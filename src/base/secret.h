#pragma once

#include <string>
#include <string_view>

namespace beringia {

/// A value that must not be shown. It prints as ***, compares in constant time and is zeroed when
/// it dies. reveal() is the only way to the value: grep for it in review.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value);
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  std::string_view to_string() const { return "***"; }
  bool operator==(const Secret& other) const;

 private:
  void wipe();
  std::string value_;
};

/// Compares without leaking where the first difference is. Lengths are not hidden.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace beringia

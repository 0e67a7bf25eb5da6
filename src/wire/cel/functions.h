#pragma once

#include <array>
#include <span>
#include <string_view>

#include "wire/cel/ast.h"

namespace beringia::wire::cel {

inline constexpr size_t kMaxArguments = 2;

/// One form of a function or operator by the kinds it takes. kDyn stands for any kind; lists and
/// maps are of any element.
struct Overload {
  std::string_view name;  ///< as written in a source; operators by their sign
  Function function;
  bool method = false;  ///< written x.name(...)
  bool global = false;  ///< written name(x, ...)
  std::array<Kind, kMaxArguments> arguments{Kind::kUnset, Kind::kUnset};
  Kind result = Kind::kDyn;

  size_t arity() const {
    return arguments[0] == Kind::kUnset ? 0 : arguments[1] == Kind::kUnset ? 1 : 2;
  }
};

std::span<const Overload> overloads();

/// The sign or name of a function, for messages.
std::string_view name_of(Function function);

}  // namespace beringia::wire::cel

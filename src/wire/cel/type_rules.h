#pragma once

#include <optional>
#include <string>

#include "wire/cel/functions.h"

namespace beringia::wire::cel {

/// May values of both types meet in one operation? dyn meets all.
bool compatible(const Type& a, const Type& b);
/// The type of a value that is of `a` or of `b`; nullopt if they differ too much.
std::optional<Type> join_types(const Type& a, const Type& b);
/// The type of an operator whose rule depends on element types (==, !=, <, <=, >, >=, in, [], and +
/// of lists); nullopt: not defined for these.
std::optional<Type> operator_type(Function function, const Type& a, const Type& b);
/// Is it one of those above?
bool is_generic(Function function);
/// What to write instead of an operator between these types; "" = no idea.
std::string operator_hint(Function function, const Type& a, const Type& b);

}  // namespace beringia::wire::cel

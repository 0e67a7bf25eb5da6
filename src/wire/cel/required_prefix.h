#pragma once

#include <string>

#include "wire/cel/ast.h"

namespace beringia::wire::cel {

/// Program::required_prefix() of a checked tree.
std::string required_prefix(const Tree& tree, size_t variable);

}  // namespace beringia::wire::cel

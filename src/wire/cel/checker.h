#pragma once

#include "wire/cel/ast.h"

namespace beringia::wire::cel {

/// Resolves names, gives every node a type, and computes what is constant. After it the tree is
/// ready for Evaluation.
[[nodiscard]] Checked<void> check(Tree& tree, const Declarations& declarations);

}  // namespace beringia::wire::cel

#pragma once

#include <string_view>

#include "wire/cel/ast.h"

namespace beringia::wire::cel {

/// Parses tree.source into nodes and children; expands macros. Bounded by kMaxSourceBytes,
/// kMaxNesting, kMaxHeight and kMaxLocals.
[[nodiscard]] Checked<void> parse(Tree& tree);

}  // namespace beringia::wire::cel

#pragma once

#include "core/parts.h"

namespace beringia::core {

/// Makes the directory of every mount whose path is not "/" (explicit, owned by root), so that a
/// bucket that is a mount exists. At start and after the estate was changed. Repeatable.
[[nodiscard]] Result<void> make_mount_points(const io::Context& context, Namespace::Parts& parts);

}  // namespace beringia::core

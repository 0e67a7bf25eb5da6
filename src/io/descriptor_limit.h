#pragma once

#include <cstddef>

namespace beringia::io {

/// File descriptors that this process may have open (RLIMIT_NOFILE, soft).
size_t descriptor_limit();
/// Raises the soft limit to the hard one, as far as the system lets us. Call once, at start: the
/// soft default of 1,024 is for programs that use select(2).
void raise_descriptor_limit();

}  // namespace beringia::io

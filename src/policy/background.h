#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/path.h"
#include "core/mounts.h"
#include "io/context.h"

namespace beringia::policy {

/// The context of work in the background; `kind` as in io::Work.
io::Context background(std::shared_ptr<io::CancelToken> cancel, std::string kind);

/// Work in the background waits until the backends that `path` may lie in have calls left for it,
/// as long as that takes; users' requests go on at once. @error kCancelled
[[nodiscard]] Result<void> wait_for_calls(const io::Context& context,
                                          const core::MountTable& mounts, const Path& path);

}  // namespace beringia::policy

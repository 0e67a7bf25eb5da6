#pragma once

#include "app/command_line.h"

namespace beringia::app {

/// Flags of `serve`: one for each setting, and --config.
std::vector<FlagSpec> serve_flags();
/// The verb `serve`: runs until SIGTERM or SIGINT, then drains. @return the exit code
int serve(const Invocation& invocation);

}  // namespace beringia::app

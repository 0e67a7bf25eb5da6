#pragma once

#include <string>

#include "app/settings.h"
#include "base/error.h"
#include "meta/estate.h"

namespace beringia::app {

/// The estate that `--mount` flags mean: PATH=URL each, one path twice is a union in that order;
/// no flag means `objects` at "/". Backends are named for the end of their URL, ids are those that
/// `before` has given them.
/// @error kInvalid: a flag that cannot be read
[[nodiscard]] Result<meta::Estate> estate_of_flags(const Settings& settings,
                                                   const std::string& objects,
                                                   const meta::Estate& before);

}  // namespace beringia::app

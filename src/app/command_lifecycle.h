#pragma once

#include "wire/document.h"

namespace beringia::app {

/// The buckets with their rules and what the last pass has done, as the admin API answers them.
void print_lifecycles(const wire::Value& answer);

}  // namespace beringia::app

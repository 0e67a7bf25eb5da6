#pragma once

#include <vector>

#include "policy/lifecycle.h"
#include "wire/lifecycle.h"

namespace beringia::policy {

/// The rules in words, for people.
std::vector<LifecycleRuleLine> describe(const wire::Lifecycle& lifecycle);

}  // namespace beringia::policy

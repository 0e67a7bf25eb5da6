#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "protocol/gcs/call.h"
#include "wire/document.h"

namespace beringia::protocol::gcs {

/// A request of the IAM Credentials API: who asks may act as the account in its address.
struct ActAs {
  std::string principal;  // whose rights are asked for
  std::string source;     // credential of who asks
  wire::Value body;
};

/// Verifies who asks and, along `delegates`, that each may act as the next (`assumable_by`).
/// Sets call.principal. @error kDenied; kInvalid
[[nodiscard]] Result<ActAs> act_as(Call& call);

}  // namespace beringia::protocol::gcs

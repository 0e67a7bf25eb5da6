#pragma once

#include <string>
#include <string_view>

#include "protocol/admin/call.h"

namespace beringia::protocol::admin {

using Handler = Result<io::HttpResponse> (*)(Call& call);

/// One address. At most one "{}" in the pattern stands for one component.
struct Route {
  std::string_view method;
  std::string_view pattern;
  std::string_view operation;  // as the audit log names it
  Handler handler;
  bool open = false;  // answered without credentials: liveness, metrics
};

struct Match {
  const Route* route = nullptr;
  std::string argument;
};
/// @param path  still escaped, so that an argument may hold '/'
/// @return the route and what "{}" stands for, still escaped. @error kNotFound; kUnsupported: other
/// methods only
[[nodiscard]] Result<Match> find_route(std::string_view method, std::string_view path);

}  // namespace beringia::protocol::admin

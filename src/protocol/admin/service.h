#pragma once

#include "protocol/admin/call.h"

namespace beringia::protocol::admin {

/// The admin API. One object for all connections; thread-safe; outlives its server.
class Service {
 public:
  explicit Service(Rooms rooms) : rooms_{std::move(rooms)} {}
  /// Never throws. Parks as the rooms do.
  io::HttpResponse handle(const io::Context& context, io::HttpRequest& request);

 private:
  Rooms rooms_;
};

}  // namespace beringia::protocol::admin

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "io/context.h"
#include "meta/estate.h"

namespace beringia::events {

/// Sends messages to one target, one at a time. Used by one fiber.
class Sender {
 public:
  virtual ~Sender() = default;
  /// @return the HTTP status of the answer, whatever it is. @error kUnavailable, kCancelled
  [[nodiscard]] virtual Result<int> send(const io::Context& context, const std::string& body) = 0;
};
using MakeSender = std::function<Result<std::unique_ptr<Sender>>(
    const meta::NotificationTargetDeclaration& target)>;

/// POSTs to the target's URL and nowhere else: redirects are not followed. The token's file is read
/// again for each connection attempt after a failure, so that it can be changed.
/// @error kInvalid: the URL; kUnavailable: no TLS
[[nodiscard]] Result<std::unique_ptr<Sender>> make_http_sender(
    const meta::NotificationTargetDeclaration& target);

}  // namespace beringia::events

#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "io/context.h"

namespace beringia::identity {

/// Keys that never leave where they are kept: others' keys are wrapped and unwrapped under them.
/// Thread-safe; outlives its callers. Calls may park (a remote service).
class KeyService {
 public:
  virtual ~KeyService() = default;
  /// The id under which `name` (an id, or an ARN or resource name that ends in one; "" = the
  /// default key) is kept in records. @error kInvalid (tag "no_key")
  [[nodiscard]] virtual Result<std::string> resolve(const io::Context& context,
                                                    std::string_view name) = 0;
  /// Only unwrap() with the same `key_id` and `bound_to` opens it.
  /// @error kInvalid (tag "no_key"), kUnavailable
  [[nodiscard]] virtual Result<std::string> wrap(const io::Context& context,
                                                 const std::string& key_id,
                                                 std::string_view bound_to,
                                                 const Secret& plain) = 0;
  /// @error kInvalid (tag "no_key"), kCorrupt: damaged or of another key; kUnavailable
  [[nodiscard]] virtual Result<Secret> unwrap(const io::Context& context, const std::string& key_id,
                                              std::string_view bound_to,
                                              std::string_view wrapped) = 0;
};

}  // namespace beringia::identity

#pragma once

#include "base/error.h"
#include "io/context.h"
#include "meta/estate.h"

namespace beringia::protocol::admin {

/// The running estate, as the admin API sees and replaces it. Implemented in app, where the objects
/// are. Thread-safe.
class EstateHost {
 public:
  virtual ~EstateHost() = default;
  virtual meta::Estate current() const = 0;
  /// Can running objects be made of it? Contacts nothing, changes nothing.
  /// @error kInvalid: a URL or credentials cannot be used; kNotFound: no such key file
  [[nodiscard]] virtual Result<void> check(const meta::Estate& estate) const = 0;
  /// Stores `after` durably, then makes it the running one: requests that begin later use it.
  /// @error as check; kConflict: `before` is not the stored one any more
  [[nodiscard]] virtual Result<void> replace(const io::Context& context, const meta::Estate& before,
                                             meta::Estate after) = 0;
  /// Is the backend reachable and allowed? @error says what is wrong; kNotFound: no such backend
  [[nodiscard]] virtual Result<void> probe(const io::Context& context,
                                           const std::string& backend) const = 0;
};

}  // namespace beringia::protocol::admin

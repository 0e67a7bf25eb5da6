#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/context.h"
#include "meta/estate.h"

namespace beringia::protocol::admin {

/// A member's role in a store that has rights of its own (gs://).
struct NativeRight {
  std::string folder;  ///< of the bucket, ends in '/'; "" = the whole bucket
  std::string role;
  std::string member;
  auto operator<=>(const NativeRight&) const = default;
};

/// Requests to a store that bills by call, and what they cost.
struct CallCount {
  uint64_t class_a = 0;  ///< writes, lists
  uint64_t class_b = 0;  ///< reads
  uint64_t free = 0;     ///< deletes
  uint64_t nano_usd = 0;
};

/// What was sent to a backend since the process began, and what background work may bring it to.
struct BackendCalls {
  std::string backend;
  uint64_t per_second = 0, per_day = 0;  ///< budget; 0 = no limit
  uint64_t today = 0;                    ///< billed ones (A and B) since midnight, UTC
  CallCount total;
  std::map<std::string, CallCount> by_work;   ///< "users", "run", "lifecycle", ...
  std::map<std::string, CallCount> by_mount;  ///< by path; "" = of no mount
};

/// What a store says of itself, and what follows from it (backend::StoreTrait).
struct StoreTrait {
  std::string name;
  std::string value;
  std::string consequence;  ///< "" = none
  bool warns = false;       ///< it costs money, or makes something fail
};

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
  /// Of each backend that bills by call, in the order of declaration.
  virtual std::vector<BackendCalls> calls() const = 0;
  /// Is the backend reachable and allowed? @return what its store says of itself
  /// @error says what is wrong; kNotFound: no such backend
  [[nodiscard]] virtual Result<std::vector<StoreTrait>> probe(const io::Context& context,
                                                              const std::string& backend) const = 0;
  /// What the last probe has found, without a new one; empty: nothing, or none has succeeded yet.
  virtual std::vector<StoreTrait> traits(const std::string& backend) const = 0;
  /// The rights without condition in the backend's folder of the bucket, its root included.
  /// @error kNotFound: no such backend; kInvalid: it has none; kDenied: they may not be read
  [[nodiscard]] virtual Result<std::vector<NativeRight>> native_rights(
      const io::Context& context, const std::string& backend) const = 0;
  /// Changes the rights of one folder, which all of them name, at once. Rights that others change
  /// at the same time stay. @error as native_rights
  [[nodiscard]] virtual Result<void> change_native_rights(
      const io::Context& context, const std::string& backend, const std::vector<NativeRight>& add,
      const std::vector<NativeRight>& remove) const = 0;
};

}  // namespace beringia::protocol::admin

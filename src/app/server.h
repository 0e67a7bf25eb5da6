#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/settings.h"
#include "base/error.h"
#include "base/secret.h"

namespace beringia::app {

/// Root's credentials from the environment; both or neither.
struct RootCredentials {
  std::optional<std::string> access_key;
  std::optional<Secret> secret_key;
};

/// A whole running Beringia: every room built and joined.
class Server {
 public:
  /// Opens the catalog, recovers, serves. Blocks the calling (plain) thread until all listeners
  /// listen. @error what keeps it from serving, with what to do
  static Result<std::unique_ptr<Server>> start(const Settings& settings,
                                               const RootCredentials& root);
  struct Rooms;  // not for others: the constructor is start()'s
  explicit Server(std::unique_ptr<Rooms> rooms);
  ~Server();

  /// Drains: no new requests, running ones end (at most Settings::drain_timeout), audit flushed,
  /// catalog marked clean. Once. @error the stop was not clean; the data is safe all the same
  [[nodiscard]] Result<void> stop();

  /// One line for people: what is served where.
  std::string addresses() const;

 private:
  std::unique_ptr<Rooms> rooms_;
};

inline constexpr const char* kVersion = "0.1.0";

}  // namespace beringia::app

#pragma once

#include <string>
#include <vector>

#include "backend/gcs/api_client.h"
#include "backend/gcs/location.h"

namespace beringia::backend::gcs {

/// The folders of a bucket with hierarchical namespace (Cloud Storage JSON API, "Folders"). Names
/// are relative to the location and end in '/'. Thread-safe.
class Folders {
 public:
  Folders(const ApiClient& api, const Location& location) : api_{api}, at_{location} {}

  /// @error kNotFound
  [[nodiscard]] Result<void> check(const io::Context& context, const std::string& name) const;
  /// Renames a folder with all below it, and waits until the service is done. Missing parents of
  /// `to` are made, empty folders at `to` are removed first. May be repeated after any failure.
  /// @error kNotFound: no such folder; kAlreadyExists: something lies below `to`
  [[nodiscard]] Result<void> rename(const io::Context& context, const std::string& from,
                                    const std::string& to) const;

 private:
  [[nodiscard]] Result<ApiAnswer> call(const io::Context& context, std::string method,
                                       std::string target, std::string body,
                                       const std::string& what) const;
  [[nodiscard]] Result<void> make(const io::Context& context, const std::string& name) const;
  /// Removes what is empty at and below `name`.
  [[nodiscard]] Result<void> clear(const io::Context& context, const std::string& name) const;
  [[nodiscard]] Result<std::vector<std::string>> below(const io::Context& context,
                                                       const std::string& name) const;
  /// Until the operation is done. @error what it ended with
  [[nodiscard]] Result<void> wait(const io::Context& context, std::string operation,
                                  const std::string& what) const;
  std::string target(std::string_view name) const;

  const ApiClient& api_;
  const Location& at_;
};

}  // namespace beringia::backend::gcs

#pragma once

#include <memory>
#include <string>

#include "app/command_line.h"
#include "base/error.h"
#include "base/secret.h"
#include "io/http.h"
#include "wire/document.h"

namespace beringia::app {

/// Flags that every verb which speaks to a server has: --admin, --ca, --json.
std::vector<FlagSpec> with_client_flags(std::vector<FlagSpec> flags);

/// Signed calls of a server's admin API, from the command line. Blocks the calling thread.
class AdminClient {
 public:
  /// From --admin or BERINGIA_ADMIN, and the keys of the environment.
  /// @error kInvalid: the URL; kDenied: no keys are set
  static Result<AdminClient> make(const Invocation& invocation);

  /// The answer's body. @error what the server said; kUnavailable: it cannot be reached
  [[nodiscard]] Result<std::string> call(const std::string& method, const std::string& target,
                                         const std::string& body = {}) const;
  [[nodiscard]] Result<wire::Value> call_json(const std::string& method, const std::string& target,
                                              const std::string& body = {}) const;

 private:
  std::string url_;
  std::string access_key_;
  Secret secret_key_;
  std::string host_;
  std::string base_;                      // path of the URL
  std::shared_ptr<io::HttpClient> http_;  // owner: this client (copyable)
};

}  // namespace beringia::app

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/gate.h"
#include "identity/identity.h"
#include "io/http.h"
#include "protocol/gcs/caller_rate.h"

namespace beringia::protocol::gcs {

struct MetadataOptions {
  std::string principal;             // whose tokens it gives
  std::vector<std::string> clients;  // addresses that may ask; this machine always may
  std::string instance;              // shown as the project
  std::string issuer;                // of identity tokens: the address of the GCS door
};

/// Compute Engine's metadata server, as far as Google's libraries ask it for credentials: whoever
/// may ask has the principal's rights without a key. Answers only this machine and the clients
/// named. One object for all connections; thread-safe; outlives its server.
class MetadataServer {
 public:
  MetadataServer(core::Gate& gate, identity::Directory& directory, const Clock& clock,
                 MetadataOptions options);
  /// Never throws.
  io::HttpResponse handle(const io::Context& context, io::HttpRequest& request);

 private:
  struct Ask;
  Result<io::HttpResponse> answer(const Ask& ask);
  Result<io::HttpResponse> of_account(const Ask& ask, std::string_view what);
  Result<io::HttpResponse> token(const Ask& ask);
  Result<io::HttpResponse> identity_token(const Ask& ask);
  Result<void> check_caller(const io::HttpRequest& request) const;
  core::Door door(const Ask& ask, std::string_view what) const;

  core::Gate& gate_;
  identity::Directory& directory_;
  const Clock& clock_;
  const MetadataOptions options_;
  const std::string email_;
  CallerRate rate_;
};

}  // namespace beringia::protocol::gcs

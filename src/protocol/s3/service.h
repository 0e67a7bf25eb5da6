#pragma once

#include "core/gate.h"
#include "core/namespace.h"
#include "identity/identity.h"
#include "io/http.h"
#include "protocol/s3/call.h"
#include "protocol/s3/options.h"
#include "wire/sigv4.h"

namespace beringia::protocol::s3 {

/// The S3 front end. One object for all connections; thread-safe; outlives its server.
class Service {
 public:
  Service(core::Namespace& names, core::Gate& gate, identity::Directory& directory,
          const Clock& clock, Options options = {}, AccessLogs* logs = nullptr);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  /// Never throws. Parks as the namespace does.
  io::HttpResponse handle(const io::Context& context, io::HttpRequest& request);

 private:
  Result<io::HttpResponse> process(Call& call);
  Result<io::HttpResponse> dispatch(Call& call);

  Options options_;
  wire::SigningKeys signing_keys_;
  Rooms rooms_;
};

}  // namespace beringia::protocol::s3

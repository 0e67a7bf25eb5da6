#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/gate.h"
#include "core/namespace.h"
#include "identity/identity.h"
#include "io/http.h"
#include "protocol/gcs/call.h"
#include "protocol/gcs/caller_rate.h"
#include "protocol/gcs/fault_tests.h"

namespace beringia::protocol::gcs {

struct Options {
  /// "https://gcs.example.com": how clients reach us, when a proxy changes the Host header or ends
  /// TLS. "" = taken from each request.
  std::string public_url;
  /// Customers' encryption keys are also taken from requests without TLS: something in front of us
  /// speaks it.
  bool customer_keys_over_http = false;
  /// The Retry Test API of Google's storage-testbench (fault_injection.h). For tests only.
  bool fault_injection = false;
  /// Uniform bucket-level access of buckets whose creation does not say. Google's is off.
  bool uniform_access = true;
};

/// The Google Cloud Storage front end: JSON API, the XML API's object calls, batch, and the OAuth
/// token endpoint. One object for all connections; thread-safe; outlives its server.
class Service {
 public:
  Service(core::Namespace& names, core::Gate& gate, identity::Directory& directory,
          core::Operations& operations, const Clock& clock, Options options = {});
  /// Never throws. Parks as the namespace does.
  /// @param door  the name of the protocol in audit records; a constant
  io::HttpResponse handle(const io::Context& context, io::HttpRequest& request,
                          std::string_view door = "gcs");
  /// Null: no faults are injected.
  FaultTests* faults() { return faults_.get(); }

 private:
  /// @param in_batch  the request is a part of a batch: no media, no batches
  io::HttpResponse handle_one(const io::Context& context, io::HttpRequest& request, bool in_batch,
                              std::string_view door);
  Result<io::HttpResponse> process(Call& call, bool in_batch);
  Result<io::HttpResponse> dispatch(Call& call);
  Result<io::HttpResponse> run_batch(Call& call);
  std::string run_batch_part(const Call& call, std::string_view message);

  SessionTurns turns_;
  CallerRate token_rate_;
  std::unique_ptr<FaultTests> faults_;
  Rooms rooms_;
};

}  // namespace beringia::protocol::gcs

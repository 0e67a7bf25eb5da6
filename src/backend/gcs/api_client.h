#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "backend/gcs/credentials.h"
#include "backend/gcs/pace.h"
#include "backend/gcs/retry.h"
#include "base/error.h"
#include "base/random.h"
#include "io/context.h"
#include "io/http.h"
#include "wire/gcsjson.h"

namespace beringia::backend::gcs {

/// One call of the JSON API.
struct ApiRequest {
  std::string method = "GET";
  std::string target;
  io::HttpHeaders headers;
  /// What is sent: body, then payload, then tail. A large payload is a view, so that it is not
  /// copied; it outlives the call.
  std::string body;
  std::string_view payload;
  std::string tail;
  /// May be sent again although an earlier attempt may have been applied: reads, and writes with a
  /// precondition (the second application then fails with 412 and the caller looks).
  bool idempotent = true;
  std::string what;  ///< "write gs://bucket/name", for messages
  /// What it is billed as; unset: by its method (GET B, DELETE free, others A).
  std::optional<CallClass> cost;
};

/// A complete answer with a status that is final: success, or an error that retrying cannot help.
struct ApiAnswer {
  int status = 0;
  io::HttpHeaders headers;
  std::string body;
  /// An earlier attempt of this call may have been applied although its answer never came. A 412 or
  /// 404 may then be the echo of our own success.
  bool maybe_applied_before = false;
  bool ok() const { return status >= 200 && status < 300; }
};

/// Sends API calls with credentials and retries. Thread-safe; shared by all operations of a
/// backend. References outlive it.
class ApiClient {
 public:
  /// @param user_project who pays for requests to a requester-pays bucket; "" = its owner
  ApiClient(io::HttpClient& http, Credentials& credentials, Pace& pace, const RetryPolicy& policy,
            std::string user_project, Rng& rng)
      : http_{http},
        credentials_{credentials},
        pace_{pace},
        policy_{policy},
        user_project_{std::move(user_project)},
        rng_{rng} {}

  /// Sends until an answer is final or the attempts are used up.
  /// @error kUnavailable, kBusy: attempts used up (Retry::kMaybeApplied for writes that may have
  /// happened); kDenied: no token; kCancelled
  [[nodiscard]] Result<ApiAnswer> call(const io::Context& context, const ApiRequest& request) const;
  /// One attempt, no retry; the body is streamed. For downloads, whose caller owns the retries.
  [[nodiscard]] Result<io::HttpClientResponse> open(const io::Context& context,
                                                    const ApiRequest& request) const;
  /// One attempt, no retry, answer read whole. For resumable chunks, whose retry is a status query.
  [[nodiscard]] Result<ApiAnswer> call_once(const io::Context& context,
                                            const ApiRequest& request) const;

  Attempts attempts() const { return Attempts{policy_, rng_}; }
  Rng& rng() const { return rng_; }

 private:
  std::string target_of(const ApiRequest& request) const;

  io::HttpClient& http_;
  Credentials& credentials_;
  Pace& pace_;
  RetryPolicy policy_;
  const std::string user_project_;
  Rng& rng_;
};

/// Tag of a kDenied: a hold or retention in the bucket keeps the object.
inline constexpr std::string_view kKept = "kept";

/// The error that an answer other than success stands for.
///
/// 400 kInvalid (checksum refused: kCorrupt), 401/403 kDenied (kept by a hold or
/// retention: tag kKept), 404 kNotFound (a missing bucket:
/// kUnavailable with tag "no_bucket", since nothing is known about the object then), 405/501
/// kUnsupported, 409/412 kConflict (412: tag "precondition"), 413 kInvalid, 429 kBusy, 408/5xx
/// kUnavailable. The service's message is the why.
Error error_of(const ApiAnswer& answer, const std::string& what);
Error error_of(int status, const wire::gcs::ErrorBody& body, const std::string& what);

/// True if a 404's text says that the bucket, not the object, is missing.
bool says_bucket_is_missing(const wire::gcs::ErrorBody& body);

}  // namespace beringia::backend::gcs

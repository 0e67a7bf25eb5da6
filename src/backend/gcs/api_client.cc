#include "backend/gcs/api_client.h"

#include <array>

#include "base/encoding.h"
#include "io/runtime.h"
#include "observe/metrics.h"

namespace beringia::backend::gcs {

namespace {

const observe::Counter kRetries{
    "beringia_backend_gcs_retries_total",
    "Calls to Cloud Storage that were sent again after a retryable failure.",
    {"reason"}};

// Of one call, after a 401: a token that others used up meanwhile is no refusal.
constexpr int kMaxTokenRefreshes = 3;

bool is_write(const ApiRequest& request) { return request.method != "GET"; }

/// The pieces of a request's body, which outlives it.
class BodySource final : public io::ByteSource {
 public:
  explicit BodySource(const ApiRequest& request)
      : pieces_{request.body, request.payload, request.tail} {}
  size_t size() const { return pieces_[0].size() + pieces_[1].size() + pieces_[2].size(); }
  Result<size_t> read(const io::Context&, std::span<char> buffer) override {
    size_t filled = 0;
    for (auto& piece : pieces_) {
      const size_t count = piece.copy(buffer.data() + filled, buffer.size() - filled);
      piece.remove_prefix(count);
      filled += count;
    }
    return filled;
  }

 private:
  std::array<std::string_view, 3> pieces_;
};

CallClass cost_of(const ApiRequest& request) {
  if (request.cost) return *request.cost;
  if (request.method == "GET") return CallClass::kB;
  return request.method == "DELETE" ? CallClass::kFree : CallClass::kA;
}

/// Time limits of the HTTP client come as kCancelled too; they are the service's silence, unless
/// the caller's own time is over.
Error blame(const io::Context& context, const Error& error) {
  if (error.code() != Code::kCancelled || !context.check(io::now())) return error;
  return Error{Code::kUnavailable, error.retry(), "the service does not answer in time",
               error.to_string()};
}

/// The same error, but telling that the write may have happened.
Error maybe_applied(const Error& error) {
  Error out{error.code(), Retry::kMaybeApplied, error.what(), error.why(), error.hint()};
  return error.tag().empty() ? out : std::move(out).with_tag(error.tag());
}

Error with_subject(const Error& error, const std::string& what) {
  return Error{error.code(), error.retry(), "cannot " + what, error.to_string(),
               error.code() == Code::kCancelled
                   ? ""
                   : "check that the backend's endpoint can be reached from here"};
}

}  // namespace

std::string ApiClient::target_of(const ApiRequest& request) const {
  if (user_project_.empty()) return request.target;
  const char separator = request.target.find('?') == std::string::npos ? '?' : '&';
  return request.target + separator + "userProject=" + percent_encode(user_project_);
}

Result<io::HttpClientResponse> ApiClient::open(const io::Context& context,
                                               const ApiRequest& request) const {
  for (int refreshes = 0;; ++refreshes) {
    BR_TRY(context.check(io::now()));
    BR_TRY(token, credentials_.token(context));
    io::HttpClientRequest http;
    http.method = request.method;
    http.target = target_of(request);
    http.headers = request.headers;
    http.headers.set("User-Agent", "beringia");
    if (token) http.headers.set("Authorization", "Bearer " + token->reveal());
    // Sent as a source: no copy of a large body, and no hidden repetition of a write by the HTTP
    // client, whose first attempt could have been applied without us knowing.
    BodySource body{request};
    if (is_write(request)) {
      http.body = &body;
      http.body_length = body.size();
    }
    BR_TRY(pace_.enter(context, is_write(request), cost_of(request)));
    auto response = http_.send(context, std::move(http));
    pace_.leave(is_write(request), response ? response->status : 0);
    if (!response) return std::unexpected(blame(context, response.error()));
    if (response->status == 401 && token && refreshes < kMaxTokenRefreshes) {
      // Revoked or expired early: a 401 never applies anything, so sending again is safe.
      credentials_.reject(*token);
      continue;
    }
    return response;
  }
}

Result<ApiAnswer> ApiClient::call_once(const io::Context& context,
                                       const ApiRequest& request) const {
  BR_TRY(response, open(context, request));
  auto body = io::read_all(context, *response.body, wire::gcs::kMaxAnswerBytes);
  if (!body) {
    // The head came: the service has acted on the request.
    const auto error = blame(context, body.error());
    return std::unexpected(is_write(request) ? maybe_applied(error) : error);
  }
  return ApiAnswer{response.status, std::move(response.headers), std::move(*body), false};
}

Result<ApiAnswer> ApiClient::call(const io::Context& context, const ApiRequest& request) const {
  auto tries = attempts();
  bool maybe_before = false;
  while (true) {
    auto answer = call_once(context, request);
    std::optional<Duration> retry_after;
    bool repeatable = request.idempotent;
    if (answer) {
      answer->maybe_applied_before = maybe_before;
      if (!is_retryable_status(answer->status)) return answer;
      // 429 is refused before anything happens; a 5xx or 408 may come after the write was applied.
      if (answer->status != 429) maybe_before = maybe_before || is_write(request);
      repeatable = repeatable || answer->status == 429;
      retry_after =
          parse_retry_after(answer->headers.get_or("retry-after", ""), io::current_clock().wall());
    } else {
      const auto& error = answer.error();
      if (error.retry() != Retry::kSafe) maybe_before = maybe_before || is_write(request);
      // Busy or unreachable is worth another attempt; denied, cancelled and the like is final.
      const bool transient = (error.code() == Code::kUnavailable || error.code() == Code::kBusy) &&
                             error.tag() != kCallBudget;
      repeatable = transient && (repeatable || error.retry() == Retry::kSafe);
    }
    bool again = false;
    std::optional<Error> stopped;
    if (repeatable) {
      auto next = tries.next(context, retry_after);
      if (next) {
        again = *next;
      } else {
        stopped = next.error();
      }
    }
    if (again) {
      kRetries.add(1, {answer ? "status" : "connection"});
      continue;
    }
    Error error = stopped  ? with_subject(*stopped, request.what)
                  : answer ? error_of(*answer, request.what)
                           : with_subject(answer.error(), request.what);
    return std::unexpected(maybe_before ? maybe_applied(error) : error);
  }
}

namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// A hold or a retention (of the bucket, or of the object itself) that has not run out.
bool says_it_is_kept(const wire::gcs::ErrorBody& body) {
  return body.reason == "retentionPolicyNotMet" || body.reason == "objectUnderActiveHold" ||
         contains(body.message, "retention policy") || contains(body.message, "object retention") ||
         contains(body.message, "active Event-Based hold") ||
         contains(body.message, "Temporary hold");
}

Error denied_of(int status, const wire::gcs::ErrorBody& body, std::string what, std::string why) {
  if (says_it_is_kept(body)) {
    return denied(std::move(what), std::move(why),
                  "wait until the retention ends, or release the hold in Cloud Storage: until then "
                  "the object can neither be deleted nor overwritten there")
        .with_tag(std::string{kKept});
  }
  if (status == 401) {
    return denied(std::move(what), std::move(why),
                  "check the backend's credentials: the service does not accept them");
  }
  // Google names the missing permission: "x@y does not have storage.objects.create access ...".
  std::string hint = "grant the backend's service account roles/storage.objectUser on the bucket";
  auto start = body.message.find("storage.");
  if (start != std::string::npos) {
    auto end = body.message.find_first_not_of(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.", start);
    hint = "grant the backend's service account the permission " +
           body.message.substr(start, end == std::string::npos ? end : end - start) +
           " (roles/storage.objectUser has it) on the bucket";
  }
  return denied(std::move(what), std::move(why), std::move(hint));
}

}  // namespace

bool says_bucket_is_missing(const wire::gcs::ErrorBody& body) {
  return contains(body.message, "bucket does not exist") ||
         contains(body.message, "NoSuchBucket") || contains(body.message, "bucket not found");
}

Error error_of(int status, const wire::gcs::ErrorBody& body, const std::string& subject) {
  std::string what = "cannot " + subject;
  std::string why = "HTTP " + std::to_string(status) + " from Cloud Storage";
  if (!body.message.empty()) why += ": " + body.message;
  switch (status) {
    case 400:
      if (contains(body.message, "match") &&
          (contains(body.message, "MD5") || contains(body.message, "CRC32C") ||
           contains(body.message, "md5") || contains(body.message, "crc32c"))) {
        return corrupt(std::move(what), std::move(why), "send it again");
      }
      if (contains(body.message, "requester pays") || body.reason == "UserProjectMissing" ||
          contains(body.message, "no user project")) {
        return denied(std::move(what), std::move(why),
                      "give the backend a user_project: the project that pays for its calls");
      }
      return invalid(std::move(what), std::move(why));
    case 401: return denied_of(status, body, std::move(what), std::move(why));
    case 403:
      if (body.reason == "rateLimitExceeded" || body.reason == "userRateLimitExceeded") {
        return busy(std::move(what), std::move(why));
      }
      return denied_of(status, body, std::move(what), std::move(why));
    case 404:
      if (says_bucket_is_missing(body)) {
        return Error{Code::kUnavailable, Retry::kNever, std::move(what), std::move(why),
                     "create the bucket or correct the backend's URL"}
            .with_tag("no_bucket");
      }
      return not_found(std::move(what), std::move(why));
    case 405:
    case 501: return unsupported(std::move(what), std::move(why));
    case 409: return conflict(std::move(what), std::move(why));
    case 412: return conflict(std::move(what), std::move(why)).with_tag("precondition");
    case 413:
    case 416: return invalid(std::move(what), std::move(why));
    case 429: return busy(std::move(what), std::move(why));
    default: return unavailable(std::move(what), std::move(why));
  }
}

Error error_of(const ApiAnswer& answer, const std::string& what) {
  return error_of(answer.status, wire::gcs::parse_error(answer.body, answer.status), what);
}

}  // namespace beringia::backend::gcs

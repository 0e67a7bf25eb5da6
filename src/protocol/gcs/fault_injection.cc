#include "protocol/gcs/fault_injection.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/encoding.h"
#include "io/runtime.h"
#include "protocol/gcs/authenticate.h"
#include "protocol/gcs/error_map.h"
#include "protocol/gcs/http_range.h"
#include "protocol/gcs/resumable_session.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {
namespace {

constexpr std::string_view kAddress = "/retry_test";
constexpr uint64_t kMaxTakenIn = 16 << 20;  // of a request before a reset

/// The first `limit` bytes of another source.
class HeadSource final : public io::ByteSource {
 public:
  HeadSource(io::ByteSource& inner, uint64_t limit) : inner_{inner}, left_{limit} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    if (left_ == 0) return 0;
    BR_TRY(n, inner_.read(context, buffer.first(std::min<uint64_t>(buffer.size(), left_))));
    left_ -= n;
    return n;
  }

 private:
  io::ByteSource& inner_;
  uint64_t left_;
};

/// A body that breaks off, or stands still once, after so many bytes.
class FaultyBody final : public io::ByteSource {
 public:
  FaultyBody(std::unique_ptr<io::ByteSource> inner, Fault fault)
      : inner_{std::move(inner)}, fault_{std::move(fault)} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    if (!met_ && given_ == fault_.bytes) {
      if (fault_.kind == Fault::Kind::kBreakAfter) {
        return std::unexpected(unavailable("an injected fault broke the answer off"));
      }
      met_ = true;
      BR_TRY(io::sleep_for(context, std::chrono::seconds{fault_.seconds}));
    }
    const uint64_t most = met_ ? buffer.size() : fault_.bytes - given_;
    BR_TRY(n, inner_->read(context, buffer.first(std::min<uint64_t>(buffer.size(), most))));
    given_ += n;
    return n;
  }

 private:
  std::unique_ptr<io::ByteSource> inner_;
  const Fault fault_;
  uint64_t given_ = 0;
  bool met_ = false;
};

/// "list", "insert" ... of an access control list or an HMAC key.
std::string_view crud_word(std::string_view method, bool names_one, std::string_view made) {
  if (method == "GET") return names_one ? "get" : "list";
  if (method == "POST") return made;
  if (method == "PATCH") return "patch";
  return method == "PUT" ? "update" : "delete";
}

/// The testbench's name of what a request does.
std::string method_of(std::string_view method, const Route& route) {
  const auto listed = [&](const char* family, std::string_view made = "insert") {
    return "storage." + std::string{family} + "." +
           std::string{crud_word(method, !route.entity.empty(), made)};
  };
  switch (route.verb) {
    case Verb::kBucketAcl: return listed("bucket_acl");
    case Verb::kDefaultObjectAcl: return listed("default_object_acl");
    case Verb::kObjectAcl: return listed("object_acl");
    case Verb::kHmacKeys:
    case Verb::kHmacKey: return listed("hmacKey", "create");
    case Verb::kServiceAccount: return "storage.serviceaccount.get";
    case Verb::kPatchBucket:
      return method == "PUT" ? "storage.buckets.update" : "storage.buckets.patch";
    case Verb::kBeginSession:
    case Verb::kUploadChunk: return "storage.objects.insert";
    default: return std::string{operation_name(route.verb)};
  }
}

/// One request that a test may want to fail.
class FaultyCall {
 public:
  FaultyCall(FaultTests& tests, const Rooms& rooms, const io::Context& context,
             io::HttpRequest& request, const std::function<io::HttpResponse()>& next)
      : tests_{tests}, rooms_{rooms}, context_{context}, request_{request}, next_{next} {}

  io::HttpResponse run() {
    id_ = request_.headers.get_or(kFaultHeader, "");
    auto query = Parameters::parse(request_.query);
    if (id_.empty() || !query) return next_();
    std::string method{request_.headers.get_or("X-HTTP-Method-Override", request_.method)};
    auto found = route(method, request_.path, *query);
    if (!found) return next_();
    is_chunk_ = found->verb == Verb::kUploadChunk;
    method_ = method_of(method, *found);
    const auto fault = tests_.next(id_, method_, false);
    if (!fault) return next_();
    switch (fault->kind) {
      case Fault::Kind::kStatus: return fail(fault->status);
      case Fault::Kind::kReset: return reset();
      case Fault::Kind::kStatusAfter: return fail_upload(*fault);
      case Fault::Kind::kBreakAfter: return break_answer(*fault);
      case Fault::Kind::kStall: return stall(*fault);
      case Fault::Kind::kShortAnswer: return shorten_answer(*fault);
      default: return next_();  // of gRPC
    }
  }

 private:
  void record(int status) const {
    const core::Door door{"gcs", method_, request_.peer_address, context_.trace_id(),
                          request_.is_tls};
    rooms_.gate.answer(context_, door, request_.path, status, "fault_injection");
  }

  io::HttpResponse fail(int status) {
    tests_.take(id_, method_);
    record(status);
    wire::gcs::ErrorBody error;
    error.code = status;
    error.message = "Retry Test: Caused a " + std::to_string(status);
    error.reason = "injected";
    return json_response(status, wire::gcs::render(error));
  }

  /// Comes after the request, as at the testbench: a client that still writes hears of the end of
  /// the connection, not of the reset.
  io::HttpResponse reset() {
    tests_.take(id_, method_);
    take_in_request();
    record(0);
    io::HttpResponse response;
    response.reset = true;
    return response;
  }

  void take_in_request() const {
    if (!request_.has_body || request_.body == nullptr) return;
    std::array<char, 16 << 10> scrap;
    for (uint64_t taken = 0; taken < kMaxTakenIn;) {
      const auto n = request_.body->read(context_, scrap);
      if (!n || *n == 0) return;
      taken += *n;
    }
  }

  /// What the request's Content-Range says that it brings, if that is bytes.
  std::optional<ContentRange> range_of_chunk() const {
    const auto header = request_.headers.get("Content-Range");
    if (!is_chunk_ || !header) return std::nullopt;
    auto range = parse_content_range(*header);
    if (!range || !range->first) return std::nullopt;
    if (range->length == UINT64_MAX && request_.content_length) {
      range->length = *request_.content_length;
    }
    return *range;
  }
  /// The fault lies in what this request brings.
  static bool crosses(const ContentRange& range, uint64_t bytes) {
    return *range.first < bytes &&
           (range.length == UINT64_MAX || bytes <= *range.first + range.length);
  }

  /// The upload goes on to where the fault lies, and that far is kept.
  io::HttpResponse fail_upload(const Fault& fault) {
    const auto range = range_of_chunk();
    if (!range || (*range->first < fault.bytes && !crosses(*range, fault.bytes))) return next_();
    if (*range->first >= fault.bytes) return fail(fault.status);
    const uint64_t length = fault.bytes - *range->first;
    HeadSource head{*request_.body, length};
    io::ByteSource* whole = std::exchange(request_.body, &head);
    request_.headers.set("Content-Range", "bytes " + std::to_string(*range->first) + "-" +
                                              std::to_string(fault.bytes - 1) + "/*");
    request_.content_length = length;
    io::HttpResponse stored = next_();
    if (stored.on_finished) stored.on_finished(0, true);
    request_.body = whole;
    return fail(fault.status);
  }

  io::HttpResponse break_answer(const Fault& fault) {
    io::HttpResponse response = next_();
    const uint64_t length = response.content_length.value_or(
        response.body ? response.body->remaining().value_or(UINT64_MAX) : response.text.size());
    if (response.status >= 300 || length < fault.bytes) return response;
    tests_.take(id_, method_);
    spoil(response, fault, length);
    return response;
  }

  static void spoil(io::HttpResponse& response, const Fault& fault, uint64_t length) {
    if (!response.body) {
      response.body = std::make_unique<io::StringSource>(std::exchange(response.text, {}));
    }
    if (length != UINT64_MAX) response.content_length = length;
    response.body = std::make_unique<FaultyBody>(std::move(response.body), fault);
  }

  io::HttpResponse stall(const Fault& fault) {
    if (method_ == "storage.objects.insert") {
      if (const auto range = range_of_chunk(); range && crosses(*range, fault.bytes + 1)) {
        tests_.take(id_, method_);
        pause(fault);
      }
      return next_();
    }
    if (fault.bytes == 0) {
      tests_.take(id_, method_);
      pause(fault);
      return next_();
    }
    io::HttpResponse response = next_();
    if (response.status >= 300 || !response.body) return response;
    tests_.take(id_, method_);
    spoil(response, fault, response.content_length.value_or(UINT64_MAX));
    return response;
  }

  void pause(const Fault& fault) const {
    static_cast<void>(io::sleep_for(context_, std::chrono::seconds{fault.seconds}));  // or stopped
  }

  io::HttpResponse shorten_answer(const Fault& fault) {
    io::HttpResponse response = next_();
    if (!is_chunk_ || response.status != 200 || response.text.size() < fault.bytes) return response;
    tests_.take(id_, method_);
    response.text.resize(fault.bytes);
    return response;
  }

  FaultTests& tests_;
  const Rooms& rooms_;
  const io::Context& context_;
  io::HttpRequest& request_;
  const std::function<io::HttpResponse()>& next_;
  std::string id_, method_;
  bool is_chunk_ = false;
};

Result<std::string> answer_of(FaultTests& tests, Call& call) {
  BR_TRY(principal, authenticate(call));
  if (principal.is_anonymous()) {
    return std::unexpected(
        denied("Faults are injected for whoever has a credential.").with_tag("anonymous"));
  }
  call.principal = std::move(principal);
  const std::string& path = call.request.path;
  if (path == kAddress && call.method == "POST") {
    BR_TRY(body, call.read_body(FaultTests::kMaxBody));
    return tests.add(body);
  }
  const std::string id = path.size() > kAddress.size() ? path.substr(kAddress.size() + 1) : "";
  if (call.method == "GET") return tests.show(id);
  if (call.method != "DELETE") {
    return std::unexpected(unsupported("Method not allowed").with_tag("method"));
  }
  BR_TRY(tests.remove(id));
  return std::string{"{}"};
}

io::HttpResponse serve_tests(FaultTests& tests, const Rooms& rooms, const io::Context& context,
                             io::HttpRequest& request) {
  Call call{context, request, rooms, request.method, {}, {}, {}, {}, {}};
  auto answer = answer_of(tests, call);
  io::HttpResponse response =
      answer ? json_response(200, std::move(*answer)) : error_response(call, answer.error());
  const core::Door door{"gcs", "retry_test", request.peer_address, context.trace_id(),
                        request.is_tls};
  if (!call.principal) {
    rooms.gate.refuse(context, door, "", request.path, response.status, answer.error());
  } else {
    rooms.gate.answer(context, door, request.path, response.status, "fault_injection",
                      &*call.principal);
  }
  return response;
}

}  // namespace

io::HttpResponse inject_faults(FaultTests& tests, const Rooms& rooms, const io::Context& context,
                               io::HttpRequest& request,
                               const std::function<io::HttpResponse()>& next) {
  const std::string& path = request.path;
  if (path == kAddress || path.starts_with(std::string{kAddress} + "/")) {
    return serve_tests(tests, rooms, context, request);
  }
  return FaultyCall{tests, rooms, context, request, next}.run();
}

}  // namespace beringia::protocol::gcs

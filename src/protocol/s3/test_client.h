#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "core/test_world.h"
#include "protocol/s3/service.h"
#include "wire/sigv4.h"

namespace beringia::protocol::s3::test {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// What a client sees.
struct Answer {
  int status = 0;
  io::HttpHeaders headers;
  std::string body;
  std::optional<uint64_t> content_length;

  std::string header(std::string_view name) const {
    return std::string{headers.get_or(name, "(none)")};
  }
  /// Text of the first element of that name.
  std::string element(const std::string& name) const {
    const size_t start = body.find("<" + name + ">");
    if (start == std::string::npos) return "(none)";
    const size_t first = start + name.size() + 2;
    return body.substr(first, body.find("</" + name + ">", first) - first);
  }
  std::vector<std::string> elements(const std::string& name) const {
    std::vector<std::string> found;
    for (size_t at = body.find("<" + name + ">"); at != std::string::npos;) {
      const size_t first = at + name.size() + 2;
      const size_t end = body.find("</" + name + ">", first);
      found.push_back(body.substr(first, end - first));
      at = body.find("<" + name + ">", end);
    }
    return found;
  }
  std::string code() const { return element("Code"); }
};

/// A namespace in memory, the service over it, and a client that signs.
class Client {
 public:
  static constexpr const char* kHost = "s3.test:9000";

  explicit Client(core::test::WorldOptions options = {}) {
    options.clock = &clock;
    world = std::make_unique<core::test::World>(std::move(options));
    restart_service();
    use("root");
  }

  void restart_service(Options options = {}, AccessLogs* logs = nullptr) {
    service = std::make_unique<Service>(world->names(), world->gate(), world->directory(), clock,
                                        std::move(options), logs);
  }

  /// Signs with a key of that principal from now on.
  void use(const std::string& principal) {
    world->principal(principal);
    const auto key =
        core::test::must(world->directory().create_access_key(world->context, principal));
    signer.access_key = key.id;
    signer.secret = key.secret;
  }

  /// Signs the body's hash unless the headers name another x-amz-content-sha256.
  Answer send(const std::string& method, const std::string& target, const std::string& body = "",
              const Headers& headers = {}) {
    io::HttpRequest request = make(method, target, body, headers);
    const std::string hash{request.headers.get_or("x-amz-content-sha256", to_hex(sha256(body)))};
    core::test::must(signer.sign(method, target, request.headers, hash, clock.wall()), "sign");
    return deliver(std::move(request), body);
  }

  /// As it stands: no signature is added.
  Answer send_raw(const std::string& method, const std::string& target,
                  const std::string& body = "", const Headers& headers = {}) {
    return deliver(make(method, target, body, headers), body);
  }

  io::HttpRequest make(const std::string& method, const std::string& target,
                       const std::string& body, const Headers& headers) const {
    io::HttpRequest request;
    request.method = method;
    request.target = target;
    const size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.query = target.substr(mark + 1);
    request.headers.add("Host", kHost);
    for (const auto& [name, value] : headers) request.headers.add(name, value);
    if (method == "PUT" || method == "POST" || !body.empty()) {
      request.content_length = body.size();
      request.headers.add("Content-Length", std::to_string(body.size()));
    }
    request.has_body = !body.empty();
    request.peer_address = "127.0.0.1";
    return request;
  }

  Answer deliver(io::HttpRequest request, const std::string& body) {
    io::StringSource source{body};
    request.body = &source;
    const io::Context context{"request-" + std::to_string(++requests)};
    io::HttpResponse response = service->handle(context, request);
    Answer answer{response.status, response.headers, response.text, response.content_length};
    bool complete = true;
    if (response.body && request.method != "HEAD") {
      auto bytes = io::read_all(context, *response.body, 64 << 20);
      complete = bytes.has_value();
      answer.body = bytes ? *bytes : bytes.error().to_string();
    }
    if (response.on_finished) response.on_finished(answer.body.size(), complete);
    return answer;
  }

  void bucket(const std::string& name = "b") {
    ASSERT_TRUE(world->make_directory("/" + name + "/").has_value());
  }

  /// Audit records in order, as JSON.
  std::vector<std::string> audit() {
    std::vector<std::string> records;
    const std::string first{audit::kStream};
    const auto rows = core::test::must(world->store().scan(
        world->context, first, std::string(1, static_cast<char>(first[0] + 1)), 100'000));
    for (const auto& row : rows) records.push_back(row.value);
    return records;
  }

  core::test::HandClock clock;
  std::unique_ptr<core::test::World> world;
  std::unique_ptr<Service> service;
  wire::SigV4Signer signer;
  int requests = 0;
};

}  // namespace beringia::protocol::s3::test

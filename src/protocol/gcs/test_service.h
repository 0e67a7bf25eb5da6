#pragma once

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "core/operations.h"
#include "core/test_world.h"
#include "protocol/gcs/service.h"
#include "wire/jwt.h"

namespace beringia::protocol::gcs::test {

using core::test::must;
using Headers = std::vector<std::pair<std::string, std::string>>;

/// A value of a JSON text by JSON pointer, as text: strings without quotes, other values as they
/// are written; "<none>" when there is nothing.
inline std::string value_at(const std::string& json, std::string_view pointer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::element element;
  if (parser.parse(json).get(root) != simdjson::SUCCESS) return "<not JSON: " + json + ">";
  if (root.at_pointer(pointer).get(element) != simdjson::SUCCESS) return "<none>";
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS) return std::string{text};
  return simdjson::minify(element);
}

/// What came back.
struct Answer {
  int status = 0;
  io::HttpHeaders headers;
  std::string body;
  bool broken = false;  // the body broke off with an error
  bool reset = false;   // the connection is to be reset instead of answered
  std::optional<uint64_t> length;

  std::string at(std::string_view pointer) const { return value_at(body, pointer); }
  std::string reason() const { return at("/error/errors/0/reason"); }
  std::string header(std::string_view name) const { return std::string{headers.get_or(name, "")}; }
};

/// A body that arrives in small pieces, and may break off.
class Drip final : public io::ByteSource {
 public:
  Drip(std::string bytes, size_t piece, std::optional<size_t> breaks_at)
      : bytes_{std::move(bytes)}, piece_{piece}, breaks_at_{breaks_at} {}
  Result<size_t> read(const io::Context&, std::span<char> buffer) override {
    const size_t end = std::min(bytes_.size(), breaks_at_.value_or(bytes_.size()));
    if (breaks_at_ && position_ >= end) {
      return std::unexpected(unavailable("the connection broke", "in a test"));
    }
    const size_t n = std::min({buffer.size(), piece_, end - position_});
    std::copy_n(bytes_.data() + position_, n, buffer.data());
    position_ += n;
    return n;
  }

 private:
  std::string bytes_;
  size_t piece_;
  std::optional<size_t> breaks_at_;
  size_t position_ = 0;
};

/// One request. Unless `headers` has Authorization, the service test's own token is sent.
struct Ask {
  std::string method = "GET";
  std::string target;
  std::string body = {};
  Headers headers = {};
  bool anonymous = false;
  bool chunked = false;                         // no Content-Length
  std::optional<size_t> breaks_at = {};         // the connection breaks after so many body bytes
  std::optional<uint64_t> content_length = {};  // when it lies
};

/// A service-account key as `beringia keys create` hands it out.
struct KeyFile {
  wire::ServiceAccountKey file;
  wire::RsaPrivateKey key;
};

/// The GCS front end over a whole namespace in this process, asked as clients ask it, as root.
class ServiceTest : public testing::Test {
 protected:
  static constexpr const char* kHost = "lake.example:4443";
  static constexpr const char* kUrl = "http://lake.example:4443";

  explicit ServiceTest(core::test::WorldOptions options = {})
      : world_{with_clock(std::move(options))},
        service_{std::make_unique<Service>(world_.names(), world_.gate(), world_.directory(),
                                           operations_, world_.clock())} {}
  void SetUp() override {
    root_key_ = make_key("root");
    token_ = token_for(*root_key_);
  }

  KeyFile make_key(const std::string& principal) {
    world_.principal(principal);
    const auto made = must(world_.directory().create_service_key(world_.context, principal,
                                                                 std::string{kUrl} + "/token"));
    auto file = must(wire::parse_service_account_key(made.key_file_json));
    auto key = must(wire::RsaPrivateKey::from_pem(file.private_key_pem));
    return {std::move(file), std::move(key)};
  }
  int64_t now() const { return world_.clock().wall().micros / 1'000'000; }
  wire::JwtClaims claims_of(const KeyFile& key) const {
    wire::JwtClaims claims;
    claims.issuer = key.file.client_email;
    claims.audience = {key.file.token_uri};
    claims.scope = "https://www.googleapis.com/auth/devstorage.read_write";
    claims.issued_at = now();
    claims.expires_at = now() + 3600;
    return claims;
  }
  std::string sign(const KeyFile& key, const wire::JwtClaims& claims) const {
    return must(wire::sign_jwt(key.key, key.file.private_key_id, claims));
  }
  Answer exchange(const std::string& assertion) {
    return ask(
        {.method = "POST",
         .target = "/token",
         .body = "grant_type=" + percent_encode("urn:ietf:params:oauth:grant-type:jwt-bearer") +
                 "&assertion=" + assertion,
         .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
         .anonymous = true});
  }
  std::string token_for(const KeyFile& key) {
    const Answer answer = exchange(sign(key, claims_of(key)));
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.at("/access_token");
  }

  Answer ask(const Ask& what) {
    io::HttpRequest request;
    request.method = what.method;
    request.target = what.target;
    const size_t question = what.target.find('?');
    request.path = what.target.substr(0, question);
    if (question != std::string::npos) request.query = what.target.substr(question + 1);
    request.headers.add("Host", kHost);
    for (const auto& [name, value] : what.headers) request.headers.add(name, value);
    if (!what.anonymous && !request.headers.has("Authorization")) {
      request.headers.add("Authorization", "Bearer " + token_);
    }
    request.peer_address = "127.0.0.1:5";
    Drip body{what.body, 1000, what.breaks_at};
    const bool sends = what.method == "POST" || what.method == "PUT" || what.method == "PATCH";
    if (sends || !what.body.empty()) {
      request.has_body = !what.body.empty() || what.chunked;
      if (!what.chunked) {
        request.content_length = what.content_length.value_or(what.body.size());
      }
      request.body = &body;
    }
    return received(service_->handle(world_.context, request), what.method == "HEAD");
  }
  Answer get(const std::string& target, Headers headers = {}) {
    return ask({.target = target, .headers = std::move(headers)});
  }
  Answer post(const std::string& target, std::string json) {
    return ask({.method = "POST",
                .target = target,
                .body = std::move(json),
                .headers = {{"Content-Type", "application/json"}}});
  }
  Answer patch(const std::string& target, std::string json) {
    return ask({.method = "PATCH", .target = target, .body = std::move(json)});
  }
  Answer remove(const std::string& target) { return ask({.method = "DELETE", .target = target}); }

  void make_bucket(const std::string& name) {
    const Answer answer = post("/storage/v1/b?project=lake", R"({"name":")" + name + "\"}");
    ASSERT_EQ(answer.status, 200) << answer.body;
  }
  /// Uploads by media. @param extra  further query parameters, "&ifGenerationMatch=0"
  Answer put(const std::string& name, std::string bytes, const std::string& extra = "") {
    return ask({.method = "POST",
                .target = "/upload/storage/v1/b/lake/o?uploadType=media&name=" +
                          percent_encode(name) + extra,
                .body = std::move(bytes),
                .headers = {{"Content-Type", "text/plain"}}});
  }
  std::string media(const std::string& name) {
    const Answer answer = get(object(name) + "?alt=media");
    return answer.status == 200 ? answer.body : "status " + std::to_string(answer.status);
  }
  static std::string object(const std::string& name) {
    return "/storage/v1/b/lake/o/" + percent_encode(name);
  }

  core::test::HandClock clock_;
  core::test::World world_;
  core::Operations operations_{world_.store(), world_.clock()};
  std::unique_ptr<Service> service_;
  std::optional<KeyFile> root_key_;
  std::string token_;

 private:
  core::test::WorldOptions with_clock(core::test::WorldOptions options) {
    options.clock = &clock_;
    return options;
  }
  Answer received(io::HttpResponse response, bool is_head) {
    Answer answer;
    answer.status = response.status;
    answer.reset = response.reset;
    answer.length = response.content_length;
    answer.body = std::move(response.text);
    if (response.body && !is_head) {
      auto bytes = io::read_all(world_.context, *response.body, 256 << 20);
      answer.broken = !bytes;
      if (bytes) answer.body = std::move(*bytes);
    }
    if (response.on_finished) response.on_finished(answer.body.size(), !answer.broken);
    answer.headers = std::move(response.headers);
    return answer;
  }
};

/// The same with a bucket "lake".
class LakeTest : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    make_bucket("lake");
  }
};

}  // namespace beringia::protocol::gcs::test

// Google's published vectors of V4 signatures (googleapis/conformance-tests), asked of the whole
// front end. They are not part of this repository: tests/protocol/gcs/test_gcs_v4_vectors.py
// fetches them and names their files in the environment; without these the tests are skipped.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/checksum.h"
#include "identity/rows.h"
#include "protocol/gcs/test_service.h"
#include "wire/sigv4.h"

namespace beringia::protocol::gcs::test {
namespace {

using simdjson::dom::element;

std::string file_named_by(const char* variable) {
  const char* path = std::getenv(variable);
  if (path == nullptr) return {};
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string text_of(element vector, std::string_view name) {
  std::string_view text;
  return vector[name].get(text) == simdjson::SUCCESS ? std::string{text} : std::string{};
}

/// An address taken apart, as a server sees it.
struct Url {
  std::string host, target, query;

  explicit Url(std::string url) {
    url.erase(0, url.find("://") + 3);
    const size_t slash = std::min(url.find('/'), url.size());
    host = url.substr(0, slash);
    target = url.substr(slash);
    const size_t question = target.find('?');
    if (question != std::string::npos) query = target.substr(question + 1);
  }
};

class V4Vectors : public ServiceTest {
 protected:
  void SetUp() override {
    ServiceTest::SetUp();
    const std::string vectors = file_named_by("BERINGIA_V4_VECTORS");
    const std::string account = file_named_by("BERINGIA_V4_ACCOUNT");
    if (vectors.empty() || account.empty()) GTEST_SKIP() << "the vectors are not named";
    ASSERT_EQ(parser_.parse(vectors).get(root_), simdjson::SUCCESS);
    file_ = must(wire::parse_service_account_key(Secret{account}));
    key_ = must(wire::RsaPrivateKey::from_pem(file_->private_key_pem));
    know_key();
  }

  /// The vectors' account is root here, by a row as that of any other service key.
  void know_key() {
    identity::ServiceKey key;
    key.id = std::string(40, 'f');
    key.client_email = file_->client_email;
    key.principal = "root";
    key.public_key_pem = key_->public_pem();
    key.created = world_.clock().wall();
    kv::Batch batch;
    batch.put(identity::row_key(identity::kServiceKeyRows, key.id), identity::encode(key));
    must(world_.store().commit(world_.context, std::move(batch), kv::Durability::kSync));
    world_.restart();
    Options options;
    options.customer_keys_over_http = true;
    service_ = std::make_unique<Service>(world_.names(), world_.gate(), world_.directory(),
                                         operations_, world_.clock(), options);
  }

  void make_lake(const std::string& bucket, bool uniform) {
    const std::string access = uniform ? "true" : "false";
    const Answer made = post("/storage/v1/b?project=lake",
                             R"({"name":")" + bucket +
                                 R"(","iamConfiguration":{"uniformBucketLevelAccess":{"enabled":)" +
                                 access + "}}}");
    ASSERT_TRUE(made.status == 200 || made.status == 409) << made.body;
  }

  void set_time(const std::string& timestamp) {
    const Timestamp time = parse_rfc3339(timestamp);
    ASSERT_NE(time.micros, 0) << timestamp;
    clock_.pass(std::chrono::microseconds{time.micros - clock_.wall().micros});
  }

  Answer asked(const std::string& method, const Url& url, const io::HttpHeaders& headers,
               const std::string& body) {
    io::HttpRequest request;
    request.method = method;
    request.target = url.target;
    request.path = url.target.substr(0, url.target.find('?'));
    request.query = url.query;
    request.headers = headers;
    request.peer_address = "127.0.0.1:5";
    io::StringSource source{body};
    if (method != "GET") {
      request.has_body = !body.empty();
      request.content_length = body.size();
      request.body = &source;
    }
    auto response = service_->handle(world_.context, request);
    Answer answer;
    answer.status = response.status;
    answer.body = std::move(response.text);
    if (response.body) {
      answer.body = must(io::read_all(world_.context, *response.body, 1 << 20));
    }
    if (response.on_finished) response.on_finished(answer.body.size(), true);
    answer.headers = std::move(response.headers);
    return answer;
  }

  void check_url(element vector);
  void check_form(element vector);

  simdjson::dom::parser parser_;
  element root_;
  std::optional<wire::ServiceAccountKey> file_;
  std::optional<wire::RsaPrivateKey> key_;
};

void V4Vectors::check_url(element vector) {
  const std::string method = text_of(vector, "method");
  const std::string to_sign = text_of(vector, "expectedStringToSign");
  Url url{text_of(vector, "expectedUrl")};
  io::HttpHeaders headers;
  headers.add("Host", url.host);
  simdjson::dom::object given;
  if (vector["headers"].get(given) == simdjson::SUCCESS) {
    for (const auto& [name, value] : given) {
      headers.add(std::string{name}, std::string{value.get_string().value()});
    }
  }
  set_time(text_of(vector, "timestamp"));

  const std::string signature = url.query.substr(url.query.rfind('=') + 1);
  EXPECT_EQ(to_hex(must(key_->sign(to_sign))), signature) << "as our signer";
  const auto hash = headers.get("X-Goog-Content-SHA256");
  if (hash && hash->size() != 64) {  // of the vector: no body can have it
    EXPECT_EQ(asked(method, url, headers, "hello").status, 400);
    return;
  }
  const wire::SigV4Request view{
      method, std::string_view{url.target}.substr(0, url.target.find('?')), url.query, headers};
  const auto claim = must(wire::parse_sigv4(view, world_.clock().wall()));
  if (url.host.find(':') == std::string::npos) {  // the port is not signed; the service knows
    EXPECT_EQ(must(wire::string_to_sign(view, claim)), to_sign);
  }

  const std::string body = method == "PUT" ? "hello" : "";
  const bool bad_key = headers.has("X-Goog-Encryption-Key");  // of the vector: it is no AES-256 key
  // Hosts that name a bucket are not offered: the signature is good, the bucket is another.
  const bool is_elsewhere =
      !text_of(vector, "urlStyle").empty() && !text_of(vector, "object").empty();
  const int good = bad_key ? 400 : is_elsewhere ? 404 : method == "POST" ? 201 : 200;
  const Answer answer = asked(method, url, headers, body);
  EXPECT_EQ(answer.status, good) << answer.body;
  if (bad_key) {
    EXPECT_NE(answer.body.find("CustomerEncryptionKey"), std::string::npos) << answer.body;
  }
  for (std::string* where : {&url.target, &url.query}) {
    where->back() = where->back() == '0' ? '1' : '0';
  }
  EXPECT_EQ(asked(method, url, headers, body).status, 403) << "another signature";
}

void V4Vectors::check_form(element vector) {
  const element input = vector["policyInput"], output = vector["policyOutput"];
  const std::string bucket = text_of(input, "bucket");
  make_lake(bucket, false);
  set_time(text_of(input, "timestamp"));
  const Url url{"http://" + std::string{kHost} + "/" + bucket};
  const auto form = [&](bool forged) {
    std::string body;
    const auto add = [&](const std::string& head, std::string_view value) {
      body += "--edge\r\nContent-Disposition: form-data; name=" + head + "\r\n\r\n";
      body.append(value).append("\r\n");
    };
    for (const auto& [name, value] : output["fields"].get_object().value()) {
      std::string text{value.get_string().value()};
      if (forged && name == "x-goog-signature") text.back() = text.back() == '0' ? '1' : '0';
      add("\"" + std::string{name} + "\"", text);
    }
    // Who fills the form in chooses what the policy leaves open.
    simdjson::dom::array open;
    if (input["conditions"]["startsWith"].get(open) == simdjson::SUCCESS) {
      add(std::string{open.at(0).get_string().value().substr(1)}, "public-read");
    }
    add("\"file\"; filename=\"a\"", std::string(250, 'x'));
    return body + "--edge--\r\n";
  };
  io::HttpHeaders headers;
  headers.add("Host", kHost);
  headers.add("Content-Type", "multipart/form-data; boundary=edge");
  EXPECT_EQ(asked("POST", url, headers, form(true)).status, 403) << "another signature";
  const element fields = output["fields"];
  const std::string status = text_of(fields, "success_action_status");
  const bool redirects = !text_of(fields, "success_action_redirect").empty();
  const int good = redirects ? 303 : status.empty() ? 204 : std::stoi(status);
  const Answer answer = asked("POST", url, headers, form(false));
  EXPECT_EQ(answer.status, good) << answer.body;
}

TEST_F(V4Vectors, addresses_are_signed_and_verified) {
  size_t count = 0;
  for (const std::string bucket : {"test-bucket", "test-bucket2"}) {
    make_lake(bucket, true);
    for (const std::string object :
         {"test-object", "test-object2", "path/with/slashes/under_score/amper&sand/file.ext",
          "/path/with/slashes/under_score/amper&sand/file.ext"}) {
      const Answer made = ask({.method = "POST",
                               .target = "/upload/storage/v1/b/" + bucket +
                                         "/o?uploadType=media&name=" + percent_encode(object),
                               .body = "hello"});
      ASSERT_EQ(made.status, 200) << made.body;
    }
  }
  for (const element vector : root_["signingV4Tests"].get_array().value()) {
    SCOPED_TRACE(text_of(vector, "description"));
    check_url(vector);
    ++count;
  }
  EXPECT_GE(count, 29U);
}

TEST_F(V4Vectors, policies_of_forms_are_verified) {
  size_t count = 0;
  for (const element vector : root_["postPolicyV4Tests"].get_array().value()) {
    SCOPED_TRACE(text_of(vector, "description"));
    check_form(vector);
    ++count;
  }
  EXPECT_GE(count, 11U);
}

}  // namespace
}  // namespace beringia::protocol::gcs::test

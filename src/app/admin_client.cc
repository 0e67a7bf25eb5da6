#include "app/admin_client.h"

#include <cstdlib>

#include "base/checksum.h"
#include "base/encoding.h"
#include "base/time.h"
#include "wire/sigv4.h"

namespace beringia::app {
namespace {

constexpr size_t kMaxAnswerBytes = 64 << 20;
constexpr Duration kPatience = std::chrono::hours{2};  // a plan over many millions of entries

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Code code_of(const std::string& word) {
  for (const Code code :
       {Code::kNotFound, Code::kAlreadyExists, Code::kDenied, Code::kInvalid, Code::kConflict,
        Code::kBusy, Code::kUnavailable, Code::kCorrupt, Code::kUnsupported, Code::kCancelled}) {
    if (to_string(code) == word) return code;
  }
  return Code::kInternal;
}

Error error_of(int status, const std::string& body) {
  const auto root = wire::parse_json(body, kMaxAnswerBytes, "the server's answer");
  const wire::Value* error = root ? root->find("error") : nullptr;
  if (error == nullptr) {
    return unavailable("the server refused the call", "HTTP " + std::to_string(status));
  }
  const auto text = [&](const char* name) {
    const wire::Value* value = error->find(name);
    return value == nullptr ? std::string{} : value->text;
  };
  return Error{code_of(text("code")), Retry::kNever, text("what"), text("why"), text("do")}
      .with_tag(text("tag"));
}

}  // namespace

std::vector<FlagSpec> with_client_flags(std::vector<FlagSpec> flags) {
  flags.push_back({"--json", "", "print the answer as JSON"});
  flags.push_back({"--admin", "URL", "admin address of the server [http://127.0.0.1:9020]"});
  flags.push_back({"--ca", "FILE", "PEM file of the authority that signed the server's key"});
  return flags;
}

Result<AdminClient> AdminClient::make(const Invocation& invocation) {
  AdminClient client;
  const std::string from_environment = variable("BERINGIA_ADMIN");
  std::string url = invocation.get(
      "--admin", from_environment.empty() ? "http://127.0.0.1:9020" : from_environment);
  if (url.find("://") == std::string::npos) url = "http://" + url;
  BR_TRY(parsed, io::Url::parse(url));
  client.url_ = url;
  client.base_ = parsed.path;
  client.access_key_ = variable("BERINGIA_ACCESS_KEY");
  client.secret_key_ = Secret{variable("BERINGIA_SECRET_KEY")};
  if (client.access_key_.empty()) {
    client.access_key_ = variable("BERINGIA_ROOT_ACCESS_KEY");
    client.secret_key_ = Secret{variable("BERINGIA_ROOT_SECRET_KEY")};
  }
  if (client.access_key_.empty() || client.secret_key_.empty()) {
    return std::unexpected(denied("cannot ask " + url, "no access key is set",
                                  "set BERINGIA_ACCESS_KEY and BERINGIA_SECRET_KEY"));
  }
  io::HttpClient::Options options;
  options.endpoint = parsed.endpoint;
  options.response_timeout = kPatience;
  options.host_header = parsed.endpoint.to_string();
  if (parsed.tls) {
    BR_TRY(tls, io::make_tls_client(invocation.get("--ca", variable("BERINGIA_CA"))));
    options.tls = tls;
  }
  client.host_ = options.host_header;
  client.http_ = io::HttpClient::make(std::move(options));
  return client;
}

Result<std::string> AdminClient::call(const std::string& method, const std::string& target,
                                      const std::string& body) const {
  const std::string full = base_ + target;
  io::HttpHeaders headers;
  headers.set("Host", host_);
  wire::SigV4Signer signer{access_key_, secret_key_, "local", &wire::kAdmin4};
  BR_TRY(signer.sign(method, full, headers, to_hex(sha256(body)), SystemClock{}.wall()));
  headers.remove("Host");  // the client sends it
  io::HttpClientRequest request;
  request.method = method;
  request.target = full;
  request.headers = std::move(headers);
  request.text = body;
  const io::Context context;
  auto response = http_->send(context, std::move(request));
  if (!response) {
    return std::unexpected(unavailable("cannot reach the server at " + url_,
                                       response.error().to_string(),
                                       "is it running? --admin or BERINGIA_ADMIN names it"));
  }
  BR_TRY(answer, io::read_all(context, *response->body, kMaxAnswerBytes));
  if (response->status >= 300) return std::unexpected(error_of(response->status, answer));
  return answer;
}

Result<wire::Value> AdminClient::call_json(const std::string& method, const std::string& target,
                                           const std::string& body) const {
  BR_TRY(answer, call(method, target, body));
  return wire::parse_json(answer, kMaxAnswerBytes, "the server's answer");
}

}  // namespace beringia::app

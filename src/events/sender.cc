#include "events/sender.h"

#include <fstream>
#include <optional>
#include <utility>

#include "base/secret.h"
#include "io/http.h"
#include "io/runtime.h"

namespace beringia::events {
namespace {

constexpr Duration kPatience = std::chrono::seconds{10};  // for an answer
constexpr size_t kMaxTokenBytes = 16 << 10;
constexpr size_t kMaxAnswerBytes = 64 << 10;  // that are read so that the connection can be kept

Result<Secret> read_token(const std::string& file) {
  return io::blocking([&]() -> Result<Secret> {
    std::ifstream in{file, std::ios::binary};
    std::string text(kMaxTokenBytes, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    const std::streamsize size = in.gcount();
    if (size <= 0) {
      return std::unexpected(unavailable("cannot read the token of a notification target",
                                         file + " is empty or cannot be read",
                                         "put the token there, readable for this process only"));
    }
    text.resize(static_cast<size_t>(size));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
      text.pop_back();
    }
    // With a scheme of its own it is sent as it is.
    if (text.find(' ') == std::string::npos) text.insert(0, "Bearer ");
    return Secret{std::move(text)};
  });
}

/// The rest of an answer; a connection whose answer is long is not kept.
void drain(const io::Context& context, io::ByteSource& body) {
  char buffer[4096];
  for (size_t total = 0; total < kMaxAnswerBytes;) {
    const auto n = body.read(context, buffer);
    if (!n || *n == 0) return;
    total += *n;
  }
}

class HttpSender final : public Sender {
 public:
  HttpSender(const io::Url& url, const meta::NotificationTargetDeclaration& target,
             std::shared_ptr<io::TlsContext> tls)
      : authorization_file_{target.authorization_file} {
    path_ = url.path.empty() ? "/" : url.path;
    if (target.kind == "pubsub") path_ += ":publish";
    if (!url.query.empty()) path_ += "?" + url.query;
    io::HttpClient::Options options;
    options.endpoint = url.endpoint;
    options.tls = std::move(tls);
    options.max_connections = 1;
    options.max_idle = 1;
    options.response_timeout = kPatience;
    options.body_idle_timeout = kPatience;
    client_ = io::HttpClient::make(std::move(options));
  }

  Result<int> send(const io::Context& context, const std::string& body) override {
    if (!authorization_file_.empty() && !token_) {
      BR_TRY(token, read_token(authorization_file_));
      token_ = std::move(token);
    }
    io::HttpClientRequest request;
    request.method = "POST";
    request.target = path_;
    request.headers.add("Content-Type", "application/json");
    request.headers.add("User-Agent", "Beringia");
    if (token_) request.headers.add("Authorization", token_->reveal());
    request.text = body;
    auto answer = client_->send(context, std::move(request));
    if (!answer) {
      token_.reset();
      return std::unexpected(std::move(answer).error());
    }
    drain(context, *answer->body);
    if (answer->status >= 300) token_.reset();
    return answer->status;
  }

 private:
  const std::string authorization_file_;
  std::string path_;
  std::optional<Secret> token_;
  std::unique_ptr<io::HttpClient> client_;
};

}  // namespace

Result<std::unique_ptr<Sender>> make_http_sender(
    const meta::NotificationTargetDeclaration& target) {
  BR_TRY(url, io::Url::parse(target.url));
  std::shared_ptr<io::TlsContext> tls;
  if (url.tls) {
    BR_TRY(made, io::make_tls_client({}));
    tls = std::move(made);
  }
  return std::make_unique<HttpSender>(url, target, std::move(tls));
}

}  // namespace beringia::events

#include <utility>

#include "base/json_writer.h"
#include "protocol/gcs/verbs.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {
namespace {

constexpr size_t kMaxTokenRequestBytes = 32 << 10;
constexpr std::string_view kJwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";  // RFC 7523

io::HttpResponse token_error(int status, std::string error, std::string description) {
  auto response = json_response(
      status, wire::gcs::render(wire::gcs::TokenError{std::move(error), std::move(description)}));
  response.headers.set("Cache-Control", "no-store");
  return response;
}

/// RFC 7523, 2.1. Empty when absent.
struct TokenRequest {
  std::string grant_type;
  std::string assertion;
};

Result<TokenRequest> parse_request(const Call& call, const std::string& body) {
  if (call.header("Content-Type").starts_with("application/json")) {
    // A map of texts is what "metadata" of an object is, so its parser serves here too.
    BR_TRY(change, wire::gcs::parse_object_change("{\"metadata\":" + body + "}"));
    return TokenRequest{change.metadata["grant_type"].value_or(""),
                        change.metadata["assertion"].value_or("")};
  }
  BR_TRY(form, Parameters::parse(body));
  return TokenRequest{form.get("grant_type"), form.get("assertion")};
}

}  // namespace

Result<io::HttpResponse> issue_token(Call& call) {
  auto body = call.read_body(kMaxTokenRequestBytes);
  if (!body) return token_error(400, "invalid_request", body.error().what());
  auto request = parse_request(call, *body);
  if (!request) return token_error(400, "invalid_request", request.error().to_string());
  if (request->grant_type != kJwtBearer) {
    return token_error(400, "unsupported_grant_type", "only " + std::string{kJwtBearer});
  }
  std::vector<std::string> audiences;
  for (const std::string& url : {call.base_url, call.rooms.public_url}) {
    if (url.empty()) continue;
    audiences.push_back(url + "/token");
    audiences.push_back(url + "/oauth2/v4/token");
  }
  auto token = call.rooms.directory.exchange_jwt(call.context, request->assertion, audiences);
  if (!token) {
    call.rooms.gate.refuse(call.context, call.door(), "", "", 400, token.error());
    return token_error(400, "invalid_grant", token.error().to_string());
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(token->expires_in).count();
  auto response = json_response(200, wire::gcs::render(wire::gcs::TokenAnswer{
                                         token->access_token.reveal(), "Bearer", seconds}));
  response.headers.set("Cache-Control", "no-store");
  return response;
}

}  // namespace beringia::protocol::gcs

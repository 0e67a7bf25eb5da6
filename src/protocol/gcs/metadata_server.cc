#include "protocol/gcs/metadata_server.h"

#include <algorithm>
#include <utility>

#include "access/access_boundary.h"
#include "base/encoding.h"
#include "base/json_writer.h"
#include "protocol/gcs/call.h"
#include "protocol/gcs/id_token.h"

namespace beringia::protocol::gcs {
namespace {

constexpr std::string_view kRoot = "/computeMetadata/v1/";
constexpr std::string_view kAccounts = "instance/service-accounts/";
constexpr const char* kUsualScope = "https://www.googleapis.com/auth/cloud-platform";
constexpr size_t kMaxScopeBytes = 4096;

io::HttpResponse text_response(std::string text, const char* type = "application/text") {
  io::HttpResponse response;
  response.status = 200;
  response.headers.add("Content-Type", type);
  response.headers.add("Cache-Control", "no-store");
  response.text = std::move(text);
  return response;
}

/// "ADDRESS:PORT", "[ADDRESS]:PORT"
std::string address_of(std::string_view peer) {
  peer = peer.substr(0, peer.rfind(':'));
  if (peer.starts_with('[') && peer.ends_with(']')) peer = peer.substr(1, peer.size() - 2);
  if (peer.starts_with("::ffff:")) peer.remove_prefix(7);  // IPv4 on a socket for both
  return std::string{peer};
}

bool is_this_machine(std::string_view address) {
  return address == "::1" || address.starts_with("127.");
}

Error no_such_thing() { return not_found("Not Found", "there is nothing at this address"); }

}  // namespace

struct MetadataServer::Ask {
  const io::Context& context;
  const io::HttpRequest& request;
  Parameters query;
};

MetadataServer::MetadataServer(core::Gate& gate, identity::Directory& directory, const Clock& clock,
                               MetadataOptions options)
    : gate_{gate},
      directory_{directory},
      clock_{clock},
      options_{std::move(options)},
      email_{directory.email_of(options_.principal)} {}

core::Door MetadataServer::door(const Ask& ask, std::string_view what) const {
  return {"metadata", "metadata." + std::string{what}, ask.request.peer_address,
          ask.context.trace_id(), ask.request.is_tls};
}

/// Compute Engine documentation, "Query VM metadata": the header proves that no web page or
/// redirection asks by mistake, and what a proxy passes on is refused.
Result<void> MetadataServer::check_caller(const io::HttpRequest& request) const {
  const std::string address = address_of(request.peer_address);
  if (!is_this_machine(address) &&
      std::ranges::find(options_.clients, address) == options_.clients.end()) {
    return std::unexpected(denied("Forbidden", address + " is not one of metadata_clients"));
  }
  if (request.headers.has("X-Forwarded-For") || request.headers.has("Forwarded")) {
    return std::unexpected(denied("Forbidden", "the request was passed on by a proxy"));
  }
  if (request.headers.get_or("Metadata-Flavor", "") != "Google") {
    return std::unexpected(denied("Forbidden", "it lacks the header Metadata-Flavor: Google"));
  }
  return {};
}

io::HttpResponse MetadataServer::handle(const io::Context& context, io::HttpRequest& request) {
  Ask ask{context, request, {}};
  auto result = [&]() -> Result<io::HttpResponse> {
    BR_TRY(check_caller(request));
    if (request.method != "GET" && request.method != "HEAD") {
      return std::unexpected(unsupported("Method not allowed"));
    }
    BR_TRY(query, Parameters::parse(request.query));
    ask.query = std::move(query);
    return answer(ask);
  }();
  io::HttpResponse response;
  if (result) {
    response = std::move(*result);
  } else {
    const Error& error = result.error();
    response = text_response(error.to_string() + "\n", "text/plain");
    response.status = error.code() == Code::kDenied        ? 403
                      : error.code() == Code::kNotFound    ? 404
                      : error.code() == Code::kInvalid     ? 400
                      : error.code() == Code::kUnsupported ? 405
                      : error.code() == Code::kBusy        ? 429
                                                           : 503;
    gate_.refuse(context, door(ask, "refused"), "", request.path, response.status, error);
  }
  response.headers.add("Metadata-Flavor", "Google");
  response.headers.add("Server", "Metadata Server for VM");
  return response;
}

Result<io::HttpResponse> MetadataServer::answer(const Ask& ask) {
  std::string_view path = ask.request.path;
  if (path == "/" || path == "/computeMetadata" || path == "/computeMetadata/") {
    return text_response("computeMetadata/v1/\n");
  }
  if (!path.starts_with(kRoot)) return std::unexpected(no_such_thing());
  path.remove_prefix(kRoot.size());
  if (path.empty()) return text_response("instance/\nproject/\nuniverse/\n");
  if (path == "project/project-id") return text_response(options_.instance);
  if (path == "project/numeric-project-id") return text_response("0");
  if (path == "universe/universe-domain" || path == "universe/universe_domain") {
    return text_response("googleapis.com");
  }
  if (!path.starts_with(kAccounts)) return std::unexpected(no_such_thing());
  path.remove_prefix(kAccounts.size());
  if (path.empty()) return text_response("default/\n" + email_ + "/\n");
  const size_t slash = path.find('/');
  const auto account = percent_decode(path.substr(0, slash));
  if (!account || (*account != "default" && *account != email_)) {
    return std::unexpected(no_such_thing());
  }
  return of_account(ask, slash == std::string_view::npos ? "" : path.substr(slash + 1));
}

Result<io::HttpResponse> MetadataServer::of_account(const Ask& ask, std::string_view what) {
  if (what == "email") return text_response(email_);
  if (what == "scopes") return text_response(std::string{kUsualScope} + "\n");
  if (what == "aliases") return text_response("default\n");
  if (what == "token") return token(ask);
  if (what == "identity") return identity_token(ask);
  if (!what.empty()) return std::unexpected(no_such_thing());
  if (ask.query.get("recursive") != "true") {
    return text_response("aliases\nemail\nidentity\nscopes\ntoken\n");
  }
  JsonWriter json;
  json.begin_object().key("aliases").begin_array().value("default").end_array();
  json.member("email", email_).key("scopes").begin_array().value(kUsualScope).end_array();
  return text_response(json.end_object().take(), "application/json");
}

Result<io::HttpResponse> MetadataServer::token(const Ask& ask) {
  if (!rate_.take(ask.request.peer_address, clock_.monotonic())) {
    return std::unexpected(busy("Too many requests for tokens", "from this address"));
  }
  identity::TokenRequest request;
  request.principal = options_.principal;
  request.source = identity::kMetadataSource;
  request.actor = options_.principal;
  request.scope = ask.query.get("scopes");
  if (request.scope.size() > kMaxScopeBytes) {
    return std::unexpected(invalid("Invalid value for scopes", "they are too long"));
  }
  std::ranges::replace(request.scope, ',', ' ');
  if (request.scope.empty()) request.scope = kUsualScope;
  request.policy = access::policy_of_scopes(request.scope);
  request.lifetime = directory_.token_lifetime();
  BR_TRY(token, directory_.issue_access_token(ask.context, request));
  gate_.answer(ask.context, door(ask, "token"), "/", 200, "token of " + request.principal,
               &token.principal);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(token.expires_in).count();
  JsonWriter json;
  json.begin_object().member("access_token", token.access_token.reveal());
  json.member("expires_in", static_cast<int64_t>(seconds)).member("token_type", "Bearer");
  return text_response(json.end_object().take(), "application/json");
}

Result<io::HttpResponse> MetadataServer::identity_token(const Ask& ask) {
  if (!rate_.take(ask.request.peer_address, clock_.monotonic())) {
    return std::unexpected(busy("Too many requests for tokens", "from this address"));
  }
  BR_TRY(who, directory_.principal_named(ask.context, options_.principal,
                                         std::string{identity::kMetadataSource}));
  BR_TRY(token, make_id_token(ask.context, directory_, clock_.wall(),
                              {options_.issuer, options_.principal, ask.query.get("audience"),
                               ask.query.get("format") == "full"}));
  gate_.answer(ask.context, door(ask, "identity"), "/", 200,
               "identity token of " + options_.principal, &who);
  return text_response(std::move(token), "text/html");
}

}  // namespace beringia::protocol::gcs

#include "protocol/admin/call.h"

#include "base/checksum.h"
#include "base/encoding.h"

namespace beringia::protocol::admin {

core::Door Call::door() const {
  return {"admin", operation, request.peer_address, context.trace_id()};
}

Result<const core::Grant*> Call::admit(core::Action action, const Path& at) {
  BR_TRY(grant, rooms.gate.admit(context, *principal, action, at, door()));
  grants.push_back(std::move(grant));
  return &grants.back();
}

Result<const core::Grant*> Call::administer() { return admit(core::Action::kAdminister, Path{}); }

std::string Call::query_or(std::string_view name, std::string fallback) const {
  const auto found = query.find(name);
  return found == query.end() ? fallback : found->second;
}

Result<uint64_t> Call::query_number(std::string_view name, uint64_t fallback, uint64_t most) const {
  const auto found = query.find(name);
  if (found == query.end()) return fallback;
  const auto number = parse_u64(found->second);
  if (!number || *number > most) {
    return std::unexpected(invalid("cannot read the parameter " + std::string{name},
                                   "it is not a whole number up to " + std::to_string(most)));
  }
  return *number;
}

Result<Path> Call::query_path() const { return Path::parse(query_or("path", "/")); }

Result<wire::Value> Call::json_body() const {
  return wire::parse_json(body.empty() ? "{}" : body, kMaxBodyBytes, "the request's body");
}

Result<identity::Principal> authenticate(Call& call) {
  const wire::SigV4Request request{call.request.method, call.request.path, call.request.query,
                                   call.request.headers};
  BR_TRY(claim, wire::parse_sigv4(request, call.rooms.clock.wall(), wire::kAdmin4));
  if (claim.dialect != &wire::kAdmin4 || claim.presigned ||
      claim.payload != wire::PayloadMode::kSignedHash) {
    return std::unexpected(denied("the request is not signed as the admin API needs it",
                                  "it takes AWS4-HMAC-SHA256 in the Authorization header, service "
                                  "\"beringia\", with the SHA-256 of the body"));
  }
  if (!claim.token.empty()) {
    return std::unexpected(denied("temporary credentials cannot be used here",
                                  "the admin API takes access keys of principals"));
  }
  auto key = call.rooms.directory.find_access_key(call.context, claim.access_key);
  if (!key) {
    return std::unexpected(denied("the access key " + claim.access_key + " cannot be used",
                                  key.error().to_string(),
                                  "set BERINGIA_ACCESS_KEY and BERINGIA_SECRET_KEY"));
  }
  BR_TRY(wire::verify_sigv4(request, claim, key->secret, call.rooms.signing_keys));
  if (call.request.has_body && call.request.body != nullptr) {
    BR_TRY(body, io::read_all(call.context, *call.request.body, kMaxBodyBytes));
    call.body = std::move(body);
  }
  if (to_hex(sha256(call.body)) != claim.payload_hash) {
    return std::unexpected(
        denied("the body is not the one that was signed", "its SHA-256 differs"));
  }
  return call.rooms.directory.principal_of(call.context, *key);
}

int status_of(const Error& error) {
  switch (error.code()) {
    case Code::kNotFound: return 404;
    case Code::kAlreadyExists:
    case Code::kConflict: return 409;
    case Code::kDenied: return 403;
    case Code::kInvalid: return error.tag() == "too_large" ? 413 : 400;
    case Code::kBusy:
    case Code::kUnavailable:
    case Code::kCancelled: return 503;
    case Code::kUnsupported: return 501;
    case Code::kCorrupt:
    case Code::kInternal: break;
  }
  return 500;
}

io::HttpResponse json_response(std::string json, int status) {
  return text_response(std::move(json), "application/json; charset=utf-8", status);
}

io::HttpResponse text_response(std::string text, std::string_view type, int status) {
  io::HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", std::string{type});
  response.headers.add("Cache-Control", "no-store");
  response.text = std::move(text);
  return response;
}

io::HttpResponse error_response(const Error& error) {
  JsonWriter json;
  json.begin_object().key("error").begin_object();
  json.member("code", to_string(error.code())).member("what", error.what());
  json.member("why", error.why()).member("do", error.hint()).member("id", error.id());
  json.member("tag", error.tag());
  json.end_object().end_object();
  return json_response(json.take(), status_of(error));
}

}  // namespace beringia::protocol::admin

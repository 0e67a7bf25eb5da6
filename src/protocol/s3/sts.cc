// The STS API: AssumeRole, AssumeRoleWithWebIdentity, GetSessionToken, GetCallerIdentity. A role is
// a principal.
#include <algorithm>
#include <chrono>
#include <utility>

#include "access/bucket_policy.h"
#include "access/session_policy.h"
#include "base/encoding.h"
#include "protocol/s3/authenticate.h"
#include "protocol/s3/error_map.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

constexpr size_t kMaxBodyBytes = 64 << 10;
constexpr std::string_view kVersion = "2011-06-15";
constexpr std::string_view kNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";
// STS API Reference, AssumeRole and GetSessionToken, "DurationSeconds".
constexpr int64_t kLeastSeconds = 900;
constexpr int64_t kMostRoleSeconds = 43'200;
constexpr int64_t kMostTokenSeconds = 129'600;
constexpr int64_t kUsualRoleSeconds = 3'600;
constexpr int64_t kUsualTokenSeconds = 43'200;

Error validation_error(std::string why) { return s3_error("ValidationError", std::move(why)); }

/// What a request of STS says, decoded.
struct StsRequest {
  Query form;
  std::string action;
};

/// The answer's root carries a namespace of its own.
std::string with_namespace(std::string xml, std::string_view root) {
  const std::string tag = "<" + std::string{root} + ">";
  const size_t at = xml.find(tag);
  if (at == std::string::npos) return xml;
  return xml.replace(at, tag.size(),
                     "<" + std::string{root} + " xmlns=\"" + std::string{kNamespace} + "\">");
}

io::HttpResponse answer(const Call& call, wire::s3::XmlWriter& xml, std::string_view action) {
  xml.open("ResponseMetadata").text("RequestId", call.context.trace_id()).close();
  auto response = xml_response(200, with_namespace(xml.take(), std::string{action} + "Response"));
  response.headers.set("Content-Type", "text/xml");
  response.headers.set("Cache-Control", "no-store");
  return response;
}

/// arn:aws:iam::ANYTHING:role/PATH/NAME is principal NAME.
std::string principal_of_role(std::string_view arn) {
  const size_t role = arn.find(":role/");
  if (!arn.starts_with("arn:") || role == std::string_view::npos) return {};
  return std::string{arn.substr(arn.rfind('/') + 1)};
}

std::string arn_of(std::string_view principal, std::string_view session) {
  return "arn:aws:sts:::assumed-role/" + std::string{principal} + "/" + std::string{session};
}

/// [\w+=,.@-]{2,64}
bool is_session_name(std::string_view name) {
  return name.size() >= 2 && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view{"_+=,.@-"}.find(c) != std::string_view::npos;
         });
}

/// Signed for service "sts", with the body under the signature. The body is in `text`.
Result<void> authenticate_sts(Call& call, const std::string& text) {
  const wire::SigV4Request view{call.request.method, call.request.path, call.request.query,
                                call.request.headers};
  BR_TRY(claim, wire::parse_sigv4(view, call.rooms.clock.wall(), wire::kSts4));
  if (claim.dialect != &wire::kSts4 || claim.presigned) {
    return std::unexpected(s3_error("IncompleteSignature", "Unsupported Authorization Type"));
  }
  const std::string hash = to_hex(sha256(text));
  if (!claim.payload_hash.empty() && claim.payload_hash != hash) {
    return std::unexpected(denied("the body is not the one that was signed", "its SHA-256 differs")
                               .with_tag("SignatureDoesNotMatch"));
  }
  claim.payload_hash = hash;
  BR_TRY(credential, find_credential(call, claim.access_key, claim.token));
  BR_TRY(verified, wire::verify_sigv4(view, claim, credential.key.secret, call.rooms.signing_keys));
  BR_TRY(principal, principal_of(call, credential));
  call.claim = std::move(claim);
  call.verified = std::move(verified);
  call.principal = std::move(principal);
  return {};
}

Result<Duration> lifetime_of(const Query& form, int64_t usual, int64_t most) {
  BR_TRY(seconds, form.number("DurationSeconds", static_cast<uint64_t>(usual)));
  const auto asked = static_cast<int64_t>(seconds);
  if (asked < kLeastSeconds || asked > most) {
    return std::unexpected(validation_error("DurationSeconds is " + std::to_string(asked) +
                                            ", it may be " + std::to_string(kLeastSeconds) +
                                            " to " + std::to_string(most)));
  }
  return std::chrono::seconds{asked};
}

/// What would narrow a session and is not known here must not be taken in silence.
Result<void> check_known(const Query& form) {
  for (const auto& [name, value] : form.items()) {
    for (const std::string_view unknown :
         {"PolicyArns.", "Tags.", "TransitiveTagKeys.", "SerialNumber", "TokenCode",
          "SourceIdentity", "ProvidedContexts."}) {
      if (!name.starts_with(unknown)) continue;
      return std::unexpected(validation_error("the parameter " + name + " is not supported"));
    }
  }
  return {};
}

void write_credentials(wire::s3::XmlWriter& xml, const identity::Session& session) {
  xml.open("Credentials");
  xml.text("AccessKeyId", session.key.id).text("SecretAccessKey", session.key.secret.reveal());
  xml.text("SessionToken", session.token.reveal());
  xml.text("Expiration", to_iso8601(session.expires)).close();
}

/// One audit record, which names whose rights were given.
void record(Call& call, std::string rule) {
  call.rooms.gate.answer(call.context, call.door(), "/", 200, rule, &*call.principal);
  call.is_recorded = true;
}

/// What both AssumeRole verbs say: whose rights, under which name, for how long, how narrow.
Result<identity::SessionRequest> role_request(const Query& form) {
  BR_TRY(check_known(form));
  identity::SessionRequest request;
  request.principal = principal_of_role(form.get("RoleArn"));
  request.name = form.get("RoleSessionName");
  if (request.principal.empty()) {
    return std::unexpected(
        validation_error("RoleArn is not of the form arn:aws:iam::ACCOUNT:role/PRINCIPAL"));
  }
  if (!is_session_name(request.name)) {
    return std::unexpected(
        validation_error("RoleSessionName has 2 to 64 of A-Z a-z 0-9 _ + = , . @ -"));
  }
  BR_TRY(lifetime, lifetime_of(form, kUsualRoleSeconds, kMostRoleSeconds));
  request.lifetime = lifetime;
  request.policy = form.get("Policy");
  if (!request.policy.empty()) {
    const auto policy = access::SessionPolicy::parse(request.policy);
    if (!policy) {
      return std::unexpected(s3_error("MalformedPolicyDocument", policy.error().to_string()));
    }
  }
  return request;
}

/// Asks whether call.principal may, and begins the session.
Result<identity::Session> begin_role(Call& call, identity::SessionRequest request,
                                     std::string_view action) {
  if (!call.rooms.directory.may_assume(*call.principal, request.principal)) {
    return std::unexpected(
        denied("Principal " + call.principal->name() + " is not authorized to perform: sts:" +
                   std::string{action} + " on resource: " + request.principal,
               "the principal's assumable_by does not name it, or it came by temporary credentials")
            .with_tag("AccessDenied"));
  }
  request.source = call.principal->credential();
  BR_TRY(session, call.rooms.directory.begin_session(call.context, request));
  record(call, "session " + session.key.id + " of " + request.principal);
  return std::move(session);
}

void write_role(wire::s3::XmlWriter& xml, const identity::Session& session) {
  write_credentials(xml, session);
  xml.open("AssumedRoleUser");
  xml.text("AssumedRoleId", session.key.principal + ":" + session.name);
  xml.text("Arn", arn_of(session.key.principal, session.name)).close();
  if (session.policy) {
    xml.number("PackedPolicySize", session.policy->size() * 100 / access::kMaxSessionPolicyBytes);
  }
}

Result<io::HttpResponse> assume_role(Call& call, const Query& form) {
  BR_TRY(request, role_request(form));
  BR_TRY(session, begin_role(call, std::move(request), "AssumeRole"));
  wire::s3::XmlWriter xml{"AssumeRoleResponse", false};
  xml.open("AssumeRoleResult");
  write_role(xml, session);
  xml.close();
  return answer(call, xml, "AssumeRole");
}

/// The token is the proof: the request is not signed.
Result<io::HttpResponse> assume_role_with_web_identity(Call& call, const Query& form) {
  BR_TRY(request, role_request(form));
  auto web = call.rooms.directory.verify_web_identity(call.context, form.get("WebIdentityToken"));
  if (!web) {
    const bool is_refused = web.error().tag() == "invalid_token";
    return std::unexpected(is_refused ? s3_error("InvalidIdentityToken", web.error().to_string())
                                      : web.error());
  }
  call.principal = web->principal;
  BR_TRY(session, begin_role(call, std::move(request), "AssumeRoleWithWebIdentity"));
  wire::s3::XmlWriter xml{"AssumeRoleWithWebIdentityResponse", false};
  xml.open("AssumeRoleWithWebIdentityResult");
  write_role(xml, session);
  xml.text("SubjectFromWebIdentityToken", web->subject).text("Audience", web->audience);
  xml.text("Provider", web->provider).close();
  return answer(call, xml, "AssumeRoleWithWebIdentity");
}

Result<io::HttpResponse> get_session_token(Call& call, const Query& form) {
  BR_TRY(check_known(form));
  BR_TRY(lifetime, lifetime_of(form, kUsualTokenSeconds, kMostTokenSeconds));
  if (!call.rooms.directory.may_assume(*call.principal, call.principal->name())) {
    return std::unexpected(
        denied("Cannot call GetSessionToken with session credentials").with_tag("AccessDenied"));
  }
  identity::SessionRequest request;
  request.principal = call.principal->name();
  request.source = call.principal->credential();
  request.lifetime = lifetime;
  BR_TRY(session, call.rooms.directory.begin_session(call.context, request));
  record(call, "session " + session.key.id + " of " + request.principal);
  wire::s3::XmlWriter xml{"GetSessionTokenResponse", false};
  xml.open("GetSessionTokenResult");
  write_credentials(xml, session);
  xml.close();
  return answer(call, xml, "GetSessionToken");
}

Result<io::HttpResponse> get_caller_identity(Call& call) {
  record(call, "everyone may know who they are");
  const auto& who = *call.principal;
  wire::s3::XmlWriter xml{"GetCallerIdentityResponse", false};
  xml.open("GetCallerIdentityResult");
  xml.text("Arn", who.is_session() ? arn_of(who.name(), who.credential())
                                   : "arn:aws:iam:::user/" + who.name());
  xml.text("UserId", who.name()).text("Account", who.name()).close();
  return answer(call, xml, "GetCallerIdentity");
}

}  // namespace

Result<io::HttpResponse> sts(Call& call) {
  std::string text;
  if (call.request.has_body) {
    BR_TRY(body, io::read_all(call.context, *call.request.body, kMaxBodyBytes));
    text = std::move(body);
  }
  BR_TRY(form, Query::parse(text));
  if (form.get("Version") != kVersion) {
    return std::unexpected(s3_error("InvalidAction", "only API version 2011-06-15 is known"));
  }
  const std::string& action = form.get("Action");
  if (action == "AssumeRoleWithWebIdentity") return assume_role_with_web_identity(call, form);
  BR_TRY(authenticate_sts(call, text));
  if (action == "AssumeRole") return assume_role(call, form);
  if (action == "GetSessionToken") return get_session_token(call, form);
  if (action == "GetCallerIdentity") return get_caller_identity(call);
  return std::unexpected(
      s3_error("InvalidAction", "Could not find operation " + action.substr(0, 64)));
}

/// STS API Reference, "Common Errors".
io::HttpResponse sts_error_response(const Call& call, const Error& error) {
  const WireError wire = wire_error_of(error);
  io::HttpResponse response;
  response.status = wire.status;
  std::string code{wire.code};
  if (code == "InvalidAccessKeyId" || code == "InvalidToken") code = "InvalidClientTokenId";
  wire::s3::XmlWriter xml{"ErrorResponse", false};
  xml.open("Error").text("Type", wire.status < 500 ? "Sender" : "Receiver").text("Code", code);
  xml.text("Message",
           code == "SignatureDoesNotMatch" ? std::string{wire.message} : message_of(error, wire));
  xml.close().text("RequestId", call.context.trace_id());
  response.headers.add("Content-Type", "text/xml");
  response.text = with_namespace(xml.take(), "ErrorResponse");
  return response;
}

}  // namespace beringia::protocol::s3

// The IAM Credentials API: acting as another principal, which has to name who may
// (`assumable_by`, as for AssumeRole of S3's door).
#include "protocol/gcs/act_as.h"

#include <utility>

#include "access/access_boundary.h"
#include "base/json_writer.h"
#include "protocol/gcs/authenticate.h"
#include "protocol/gcs/oauth.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {
namespace {

constexpr size_t kMaxBodyBytes = 64 << 10;
constexpr size_t kMaxDelegates = 4;
constexpr size_t kMaxScopeBytes = 4096;
constexpr int64_t kMostSeconds = 43'200;  // IAM documentation: 1 h, or up to 12 h where allowed
constexpr std::string_view kAccountPrefix = "projects/-/serviceAccounts/";

/// Does not tell whether the account exists.
Error may_not() {
  return denied("cannot act as that account",
                "its assumable_by does not name who asks, or who asks came by temporary "
                "credentials");
}

Result<std::vector<std::string>> texts_of(const wire::Value& body, std::string_view name,
                                          size_t most) {
  std::vector<std::string> texts;
  const wire::Value* value = body.find(name);
  if (value == nullptr || value->is(wire::Value::Kind::kNull)) return texts;
  if (!value->is(wire::Value::Kind::kArray) || value->items.size() > most) {
    return std::unexpected(invalid("Invalid value for " + std::string{name},
                                   "it is a list of up to " + std::to_string(most)));
  }
  for (const wire::Value& item : value->items) {
    if (!item.is(wire::Value::Kind::kText)) {
      return std::unexpected(invalid("Invalid value for " + std::string{name}, "not a text"));
    }
    texts.push_back(item.text);
  }
  return texts;
}

/// "3600s"
Result<Duration> lifetime_of(const wire::Value& body, Duration usual) {
  const wire::Value* value = body.find("lifetime");
  if (value == nullptr || value->text.empty()) return usual;
  int64_t seconds = 0;
  const std::string& text = value->text;
  const bool is_number = text.size() > 1 && text.size() <= 7 && text.back() == 's' &&
                         text.find_first_not_of("0123456789") == text.size() - 1;
  if (is_number) seconds = std::stoll(text.substr(0, text.size() - 1));
  if (seconds < 1 || seconds > kMostSeconds) {
    return std::unexpected(
        invalid("Invalid value for lifetime",
                "it is \"1s\" to \"" + std::to_string(kMostSeconds) + "s\", in whole seconds"));
  }
  return std::chrono::seconds{seconds};
}

}  // namespace

Result<ActAs> act_as(Call& call) {
  BR_TRY(who, authenticate(call));
  call.principal = who;
  BR_TRY(text, call.read_body(kMaxBodyBytes));
  BR_TRY(body, wire::parse_json(text.empty() ? "{}" : text, kMaxBodyBytes, "the request"));
  BR_TRY(delegates, texts_of(body, "delegates", kMaxDelegates));
  delegates.push_back(call.route.entity);
  identity::Directory& directory = call.rooms.directory;
  identity::Principal holder = who;
  std::string last;
  for (std::string& account : delegates) {
    if (account.starts_with(kAccountPrefix)) account.erase(0, kAccountPrefix.size());
    last = directory.principal_of_email(account);
    if (!directory.may_assume(holder, last)) return std::unexpected(may_not());
    BR_TRY(next, directory.principal_named(call.context, last, who.credential()));
    holder = std::move(next);
  }
  return ActAs{std::move(last), who.credential(), std::move(body)};
}

Result<io::HttpResponse> generate_access_token(Call& call) {
  BR_TRY(asked, act_as(call));
  BR_TRY(scopes, texts_of(asked.body, "scope", 100));
  identity::TokenRequest request;
  request.principal = asked.principal;
  request.source = asked.source;
  request.actor = call.principal->name();
  for (const std::string& scope : scopes) {
    request.scope.append(request.scope.empty() ? "" : " ").append(scope);
  }
  if (request.scope.empty() || request.scope.size() > kMaxScopeBytes) {
    return std::unexpected(invalid("Invalid value for scope", "at least one must be named"));
  }
  request.policy = access::policy_of_scopes(request.scope);
  BR_TRY(lifetime, lifetime_of(asked.body, call.rooms.directory.token_lifetime()));
  request.lifetime = lifetime;
  BR_TRY(token, call.rooms.directory.issue_access_token(call.context, request));
  record_token(call, *call.principal, "token of " + request.principal);
  const Timestamp expires{
      call.rooms.clock.wall().micros +
      std::chrono::duration_cast<std::chrono::microseconds>(token.expires_in).count()};
  JsonWriter json;
  json.begin_object().member("accessToken", token.access_token.reveal());
  // Whole seconds: Google's Python client reads no other form.
  json.member("expireTime", to_iso8601(expires).substr(0, 19) + "Z").end_object();
  auto response = json_response(200, json.take());
  response.headers.set("Cache-Control", "no-store");
  return response;
}

}  // namespace beringia::protocol::gcs

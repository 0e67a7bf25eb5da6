#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "identity/identity.h"
#include "io/http.h"
#include "protocol/gcs/call.h"

namespace beringia::protocol::gcs {

/// Verbs that give out, show and end tokens. They have no path in the namespace.
bool is_identity(Verb verb);
/// One of them, within the caller's rate. Records exactly one answer in the audit trail.
[[nodiscard]] Result<io::HttpResponse> handle_identity(Call& call);

/// OAuth's error answer (RFC 6749, 5.2), with the refusal in the audit trail. `error.tag()` of
/// "invalid_request", "invalid_target" and the like is what clients read; else "invalid_grant".
io::HttpResponse oauth_error(Call& call, const Error& error);
Error oauth_problem(std::string code, std::string why);

/// The members of a form or of a JSON object of texts. @error kInvalid (tag "invalid_request")
[[nodiscard]] Result<std::map<std::string, std::string>> read_members(Call& call);

/// A token as OAuth answers it (RFC 6749, 5.1). `type`: issued_token_type of RFC 8693, or "".
io::HttpResponse token_response(const identity::Directory::Token& token, std::string_view type);
/// One record, which names whose rights were given. `who`: who asked.
void record_token(Call& call, const identity::Principal& who, std::string rule);
/// The bearer token of this request, verified, with all that it says. @error as authenticate()
[[nodiscard]] Result<identity::BearerFacts> examine_own_token(const Call& call);
/// What a self-signed token may name as its audience.
std::vector<std::string> audiences_of(const Call& call);

inline constexpr std::string_view kAccessTokenType =
    "urn:ietf:params:oauth:token-type:access_token";  // RFC 8693, 3

}  // namespace beringia::protocol::gcs

#include <utility>

#include "access/access_boundary.h"
#include "protocol/gcs/oauth.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {
namespace {

constexpr std::string_view kJwtBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer";  // RFC 7523

}  // namespace

Result<io::HttpResponse> issue_token(Call& call) {
  BR_TRY(members, read_members(call));
  if (members["grant_type"] != kJwtBearer) {
    return std::unexpected(
        oauth_problem("unsupported_grant_type", "only " + std::string{kJwtBearer}));
  }
  std::vector<std::string> audiences;
  for (const std::string& url : {call.base_url, call.rooms.public_url}) {
    if (url.empty()) continue;
    audiences.push_back(url + "/token");
    audiences.push_back(url + "/oauth2/v4/token");
  }
  BR_TRY(token, call.rooms.directory.exchange_jwt(call.context, members["assertion"], audiences));
  record_token(call, token.principal, "token of its own key");
  return token_response(token, "");
}

}  // namespace beringia::protocol::gcs

#include "protocol/admin/service.h"

#include <utility>

#include "base/encoding.h"
#include "observe/log.h"
#include "protocol/admin/router.h"

namespace beringia::protocol::admin {
namespace {

constexpr size_t kMaxParameters = 32;

Result<void> read_query(std::string_view text, Call& call) {
  while (!text.empty()) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const size_t equals = pair.find('=');
    const auto name = percent_decode(pair.substr(0, equals), true);
    const auto value = percent_decode(
        equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1), true);
    if (!name || !value || call.query.size() == kMaxParameters) {
      return std::unexpected(invalid("cannot read the query",
                                     "a percent escape is broken, or "
                                     "there are too many parameters"));
    }
    call.query.insert_or_assign(*name, *value);
  }
  return {};
}

Result<io::HttpResponse> process(Call& call) {
  const auto path = percent_decode(call.request.path);
  call.operation = "unknown";
  if (!path) return std::unexpected(invalid("cannot read the address", "broken percent escape"));
  call.path = *path;
  BR_TRY(read_query(call.request.query, call));
  auto match = find_route(call.request.method, call.request.path);
  if (match) {
    call.operation = match->route->operation;
    call.argument = percent_decode(match->argument).value_or("");
    if (match->route->open) return match->route->handler(call);
  }
  // Who is not known learns nothing, not even what is there.
  auto principal = authenticate(call);
  if (!principal) {
    const wire::SigV4Request request{call.request.method, call.request.path, call.request.query,
                                     call.request.headers};
    call.rooms.gate.refuse(call.context, call.door(), wire::claimed_access_key(request), call.path,
                           status_of(principal.error()), principal.error());
    return std::unexpected(std::move(principal).error());
  }
  call.principal = std::move(*principal);
  if (!match) return std::unexpected(std::move(match).error());
  return match->route->handler(call);
}

}  // namespace

io::HttpResponse Service::handle(const io::Context& context, io::HttpRequest& request) {
  Call call{context, request, rooms_, {}, {}, {}, {}, {}, {}, {}};
  auto result = process(call);
  io::HttpResponse response = result ? std::move(*result) : error_response(result.error());
  for (const core::Grant& grant : call.grants) {
    grant.note_status(response.status);
    if (!result) grant.note_error(result.error());
    grant.finish(context);
  }
  if (!result || request.method == "GET" || request.method == "HEAD") return response;
  // Changes of identity and estate are no entries of the namespace: their record cannot ride in
  // the same commit, so the answer waits until the log has it.
  if (auto kept = rooms_.log.flush(context); !kept) {
    return error_response(std::move(kept).error().during(
        "the change is made, but its audit record could not be kept"));
  }
  return response;
}

}  // namespace beringia::protocol::admin

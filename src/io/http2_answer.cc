#include <algorithm>
#include <array>
#include <memory>

#include "base/encoding.h"
#include "io/http2.h"
#include "io/http_connection.h"

namespace beringia::io {
namespace {

constexpr size_t kCopyBytes = 64 << 10;

/// RFC 9113, 8.2.2: fields about an HTTP/1.1 connection have no place here.
bool is_of_connection(std::string_view name) {
  return std::ranges::any_of(
      std::array<std::string_view, 4>{"connection", "keep-alive", "transfer-encoding", "upgrade"},
      [&](std::string_view other) { return equals_ignoring_case(name, other); });
}

Result<void> send_body(const Context& context, Http2Exchange& exchange, HttpResponse& response,
                       uint64_t& sent) {
  if (!response.body) {
    BR_TRY(exchange.write(context, response.text));
    sent = response.text.size();
    return exchange.finish({});
  }
  const auto length = response.content_length;
  const auto buffer = std::make_unique_for_overwrite<char[]>(kCopyBytes);
  while (!length || sent < *length) {
    BR_TRY(n, response.body->read(context, {buffer.get(), kCopyBytes}));
    if (n == 0) break;
    BR_TRY(exchange.write(context, {buffer.get(), n}));
    sent += n;
  }
  if (length && sent != *length) {
    return std::unexpected(corrupt("a body has not the length that was announced",
                                   "another number of bytes than announced"));
  }
  return exchange.finish({});
}

}  // namespace

void answer_http2(const Context& context, Http2Exchange& exchange, const HttpHandler& handler) {
  HttpRequest& request = exchange.request();
  HttpResponse response = handler(context, request);
  if (response.reset) return;  // what is not finished is reset
  HttpHeaders headers;
  headers.add("date", current_http_date());
  for (const auto& [name, value] : response.headers.fields()) {
    if (!is_of_connection(name)) headers.add(name, value);
  }
  const bool is_head = request.method == "HEAD";
  const bool is_bare = response.status == 204 || response.status == 304;
  if (!is_bare) {
    auto length = response.content_length;
    if (!response.body && !length) length = response.text.size();
    if (length) headers.set("content-length", std::to_string(*length));
  }
  uint64_t sent = 0;
  auto result = exchange.send_head(response.status, headers);
  if (result) {
    result =
        is_head || is_bare ? exchange.finish({}) : send_body(context, exchange, response, sent);
  }
  if (response.on_finished) response.on_finished(sent, result.has_value());
}

}  // namespace beringia::io

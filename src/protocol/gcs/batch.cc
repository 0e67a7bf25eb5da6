// POST /batch/storage/v1: up to 100 requests in one multipart/mixed body.
#include <utility>

#include "protocol/gcs/error_map.h"
#include "protocol/gcs/service.h"
#include "wire/multipart.h"

namespace beringia::protocol::gcs {
namespace {

constexpr size_t kMaxParts = 100;  // GCS: calls in one batch
constexpr size_t kMaxPartBytes = 1 << 20;
constexpr size_t kMaxAnswerBytes = 32ull << 20;  // beyond it, further parts are told to come back
constexpr std::string_view kBoundary = "batch_beringia_4c1e5f0a9d7b";

std::string_view phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    default: return status < 400 ? "OK" : "Error";
  }
}

/// The next line, without its CRLF or LF.
std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// "GET /storage/v1/b/x?y HTTP/1.1", headers, blank line, body. @return the body
Result<std::string_view> parse_message(std::string_view message, io::HttpRequest& request) {
  const std::string_view line = take_line(message);
  const size_t method_end = line.find(' ');
  if (method_end == std::string_view::npos) {
    return std::unexpected(invalid("Failed to parse batch request", "a part has no request line"));
  }
  request.method = line.substr(0, method_end);
  std::string_view target = trimmed(line.substr(method_end + 1));
  target = target.substr(0, target.find(' '));
  if (const size_t scheme = target.find("://"); scheme != std::string_view::npos) {
    const size_t path = target.find('/', scheme + 3);
    target = path == std::string_view::npos ? "/" : target.substr(path);
  }
  request.target = target;
  const size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  for (;;) {
    const std::string_view header = take_line(message);
    if (header.empty()) return message;
    const size_t colon = header.find(':');
    if (colon == std::string_view::npos) {
      return std::unexpected(invalid("Failed to parse batch request", "a header has no colon"));
    }
    request.headers.add(std::string{trimmed(header.substr(0, colon))},
                        std::string{trimmed(header.substr(colon + 1))});
  }
}

std::string render_message(const io::HttpResponse& response) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " " +
                    std::string{phrase(response.status)} + "\r\n";
  for (const auto& [name, value] : response.headers.fields()) {
    out += name + ": " + value + "\r\n";
  }
  if (response.status != 204 && response.status != 304) {
    out += "Content-Length: " + std::to_string(response.text.size()) + "\r\n";
  }
  return out + "\r\n" + response.text;
}

/// GCS: the part that answers <ID> is called <response-ID>.
std::string response_id(std::string_view id) {
  if (id.starts_with('<')) return "<response-" + std::string{id.substr(1)};
  return "response-" + std::string{id};
}

}  // namespace

std::string Service::run_batch_part(const Call& call, std::string_view message) {
  io::HttpRequest request;
  request.peer_address = call.request.peer_address;
  request.is_tls = call.request.is_tls;
  auto body = parse_message(message, request);
  if (!body) return render_message(error_response(call, body.error()));
  for (const char* name : {"Authorization", "Host"}) {
    const auto outer = call.request.headers.get(name);
    if (!request.headers.has(name) && outer) request.headers.add(name, std::string{*outer});
  }
  io::StringSource source{std::string{*body}};
  request.has_body = !body->empty();
  request.content_length = body->size();
  request.body = &source;
  return render_message(handle_one(call.context, request, true));
}

Result<io::HttpResponse> Service::run_batch(Call& call) {
  if (call.request.body == nullptr) return std::unexpected(invalid("The batch has no body"));
  BR_TRY(boundary, wire::multipart_boundary(call.header("Content-Type"), "mixed"));
  wire::MultipartReader parts{*call.request.body, boundary};
  std::string answer;
  for (size_t count = 0;; ++count) {
    BR_TRY(headers, parts.next(call.context));
    if (!headers) break;
    if (count == kMaxParts) {
      return std::unexpected(invalid("The batch has too many parts", "at most 100 are allowed"));
    }
    BR_TRY(message, io::read_all(call.context, parts.part(), kMaxPartBytes));
    answer.append("--").append(kBoundary).append("\r\nContent-Type: application/http\r\n");
    if (const auto id = headers->get("Content-ID")) {
      answer.append("Content-ID: ").append(response_id(*id)).append("\r\n");
    }
    answer.append("\r\n");
    answer += answer.size() > kMaxAnswerBytes
                  ? render_message(error_response(call, busy("The batch's answer is too large")))
                  : run_batch_part(call, message);
    answer.append("\r\n");
  }
  answer.append("--").append(kBoundary).append("--\r\n");
  io::HttpResponse response;
  response.headers.add("Content-Type", "multipart/mixed; boundary=" + std::string{kBoundary});
  response.text = std::move(answer);
  return response;
}

}  // namespace beringia::protocol::gcs

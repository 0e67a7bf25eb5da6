// POST /batch/storage/v1: up to 100 requests in one multipart/mixed body.
#include <utility>

#include "io/http_parser.h"
#include "protocol/gcs/batch_message.h"
#include "protocol/gcs/error_map.h"
#include "protocol/gcs/service.h"
#include "wire/multipart.h"

namespace beringia::protocol::gcs {
namespace {

constexpr size_t kMaxParts = 100;  // GCS: calls in one batch
constexpr size_t kMaxPartBytes = 1 << 20;
constexpr size_t kMaxAnswerBytes = 32ull << 20;  // beyond it, further parts are told to come back
constexpr std::string_view kBoundary = "batch_beringia_4c1e5f0a9d7b";

std::string render_message(const io::HttpResponse& response) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " " +
                    std::string{io::reason_of(response.status)} + "\r\n";
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
  auto body = parse_batch_message(message, request);
  if (!body) return render_message(error_response(call, body.error()));
  for (const char* name : {"Authorization", "Host"}) {
    const auto outer = call.request.headers.get(name);
    if (!request.headers.has(name) && outer) request.headers.add(name, std::string{*outer});
  }
  io::StringSource source{std::string{*body}};
  request.has_body = !body->empty();
  request.content_length = body->size();
  request.body = &source;
  return render_message(handle_one(call.context, request, true, call.door_name));
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

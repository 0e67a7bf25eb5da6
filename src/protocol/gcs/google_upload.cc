// Resumable uploads by the headers X-Goog-Upload-Command, -Offset and -Status, as Google's upload
// servers take them from mobile and web clients: the sessions of upload_chunk.cc, told otherwise.
#include <utility>

#include "base/encoding.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {
namespace {

constexpr const char* kStatus = "X-Goog-Upload-Status";
constexpr const char* kReceived = "X-Goog-Upload-Size-Received";

struct Command {
  bool upload = false, finalize = false, query = false, cancel = false;
};

/// "upload, finalize" is the only pair. @error kInvalid
Result<Command> command_of(const Call& call) {
  const std::string_view text = call.header("X-Goog-Upload-Command");
  Command command;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view word = next_list_item(rest);
    if (equals_ignoring_case(word, "upload")) {
      command.upload = true;
    } else if (equals_ignoring_case(word, "finalize")) {
      command.finalize = true;
    } else if (equals_ignoring_case(word, "query")) {
      command.query = true;
    } else if (equals_ignoring_case(word, "cancel")) {
      command.cancel = true;
    } else {
      return std::unexpected(invalid("Invalid X-Goog-Upload-Command header",
                                     "\"" + std::string{word.substr(0, 64)} + "\"",
                                     "use upload, finalize, query or cancel"));
    }
  }
  const int alone = (command.query ? 1 : 0) + (command.cancel ? 1 : 0);
  const bool any = command.upload || command.finalize;
  if (alone + (any ? 1 : 0) == 1) return command;
  return std::unexpected(invalid("Invalid X-Goog-Upload-Command header",
                                 "only upload and finalize can stand together"));
}

/// In this dialect a session that waits for more is no redirect.
io::HttpResponse translated(io::HttpResponse answer) {
  if (answer.status == 200) {
    answer.headers.add(kStatus, "final");
    return answer;
  }
  if (answer.status != 308) return answer;
  uint64_t received = 0;
  constexpr std::string_view kRange = "bytes=0-";
  const std::string_view range = answer.headers.get_or("Range", "");
  if (range.starts_with(kRange)) {
    received = parse_u64(range.substr(kRange.size())).value_or(0) + 1;
  }
  io::HttpResponse response = empty_response(200);
  response.headers.add(kStatus, "active");
  response.headers.add(kReceived, std::to_string(received));
  return response;
}

/// Asks the session with this Content-Range. @param has_body  the request's own
Result<io::HttpResponse> ask(Call& call, std::string range, bool has_body) {
  const bool had = std::exchange(call.request.has_body, has_body);
  call.request.headers.set("Content-Range", std::move(range));
  call.request.headers.remove("X-GUploader-No-308");
  auto answer = upload_chunk(call);
  call.request.has_body = had;
  BR_TRY(response, std::move(answer));
  return translated(std::move(response));
}

bool is_final(const io::HttpResponse& response) {
  return response.headers.get_or(kStatus, "") == "final";
}

Error wrong_offset(const io::HttpResponse& state) {
  return invalid("Invalid X-Goog-Upload-Offset header",
                 std::string{state.headers.get_or(kReceived, "0")} + " bytes were received",
                 "send the command query, and go on from there");
}

}  // namespace

bool begins_google_upload(const Call& call) {
  return call.route.verb == Verb::kInsertObject &&
         equals_ignoring_case(call.header("X-Goog-Upload-Protocol"), "resumable") &&
         equals_ignoring_case(call.header("X-Goog-Upload-Command"), "start");
}

void add_google_upload(io::HttpResponse& response) {
  response.headers.add(kStatus, "active");
  response.headers.add("X-Goog-Upload-URL", std::string{response.headers.get_or("Location", "")});
  response.headers.add("X-Goog-Upload-Control-URL",
                       std::string{response.headers.get_or("Location", "")});
  response.headers.add("X-Goog-Upload-Chunk-Granularity", "262144");
}

Result<io::HttpResponse> upload(Call& call) {
  if (call.header("X-Goog-Upload-Command").empty()) return upload_chunk(call);
  BR_TRY(command, command_of(call));
  if (command.cancel) {
    BR_TRY(cancel_session(call));
    io::HttpResponse response = empty_response(200);
    response.headers.add(kStatus, "cancelled");
    return response;
  }
  BR_TRY(state, ask(call, "bytes */*", false));
  if (command.query || is_final(state)) return std::move(state);
  const auto received = parse_u64(state.headers.get_or(kReceived, ""));
  if (!received) return std::move(state);
  const bool brings =
      command.upload && call.request.has_body && call.request.content_length != uint64_t{0};
  if (command.upload) {
    const auto offset = parse_u64(call.header("X-Goog-Upload-Offset"));
    if (!offset || offset != received) return std::unexpected(wrong_offset(state));
  }
  if (!brings) {
    if (!command.finalize) return std::move(state);
    return ask(call, "bytes */" + std::to_string(*received), false);
  }
  const auto length = call.request.content_length;
  if (!length) {
    return std::unexpected(invalid("The upload has no Content-Length",
                                   "X-Goog-Upload-Command needs one for its bytes"));
  }
  const uint64_t end = *received + *length;
  const std::string range = "bytes " + std::to_string(*received) + "-" + std::to_string(end - 1);
  return ask(call, range + "/" + (command.finalize ? std::to_string(end) : "*"), true);
}

}  // namespace beringia::protocol::gcs

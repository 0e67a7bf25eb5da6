#include "protocol/gcs/batch_message.h"

#include <string>

namespace beringia::protocol::gcs {
namespace {

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

}  // namespace

Result<std::string_view> parse_batch_message(std::string_view message, io::HttpRequest& request) {
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

}  // namespace beringia::protocol::gcs

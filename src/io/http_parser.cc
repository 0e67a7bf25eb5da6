#include "io/http_parser.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "base/encoding.h"

namespace beringia::io {
namespace {

constexpr size_t kMaxChunkLine = 4096;  // size and extensions
constexpr int kMaxChunkDigits = 15;     // below 2^60 bytes

Error bad(const char* why) {
  return invalid("the HTTP message is malformed", why).with_tag("header");
}

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view{"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}

constexpr auto kToken = make_token_table();  // RFC 9110 5.6.2

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return kToken[static_cast<unsigned char>(c)]; });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
  });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Takes one line that ends in CRLF off `head`.
Result<std::string_view> take_line(std::string_view& head) {
  const size_t end = head.find('\n');
  if (end == std::string_view::npos || end == 0 || head[end - 1] != '\r') {
    return std::unexpected(bad("a line does not end in CRLF"));
  }
  const std::string_view line = head.substr(0, end - 1);
  head.remove_prefix(end + 1);
  if (line.find('\r') != std::string_view::npos) return std::unexpected(bad("a bare CR"));
  return line;
}

Result<void> parse_field(std::string_view line, HttpHeaders& headers) {
  if (line.front() == ' ' || line.front() == '\t') return std::unexpected(bad("a folded line"));
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return std::unexpected(bad("a header field without a proper name"));
  }
  const std::string_view value = trim(line.substr(colon + 1));
  if (!is_field_value(value)) return std::unexpected(bad("a control byte in a header field"));
  headers.add(std::string{line.substr(0, colon)}, std::string{value});
  return {};
}

Result<void> parse_fields(std::string_view head, size_t max_headers, HttpHeaders& headers) {
  for (;;) {
    BR_TRY(line, take_line(head));
    if (line.empty()) return {};
    if (headers.fields().size() >= max_headers) {
      return std::unexpected(invalid("the request has too many header fields",
                                     "more than " + std::to_string(max_headers))
                                 .with_tag("too_many"));
    }
    BR_TRY(parse_field(line, headers));
  }
}

Result<void> parse_target(std::string_view target, HttpRequest& request) {
  const bool printable = std::all_of(target.begin(), target.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) != 0x7F;
  });
  if (target.empty() || !printable) return std::unexpected(bad("a control byte in the target"));
  if (target[0] != '/' && target != "*") {
    // Absolute form (RFC 9112 3.2.2): reduced to the origin form; Host decides about the host.
    const size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) return std::unexpected(bad("not a request target"));
    const size_t path = target.find_first_of("/?", scheme + 3);
    request.target = path == std::string_view::npos ? "/" : std::string{target.substr(path)};
    if (request.target[0] == '?') request.target.insert(0, "/");
  } else {
    request.target = target;
  }
  const size_t query = request.target.find('?');
  request.path = request.target.substr(0, query);
  request.query = query == std::string::npos ? "" : request.target.substr(query + 1);
  return {};
}

}  // namespace

size_t find_head_end(std::string_view bytes, size_t searched) {
  const size_t from = searched < 3 ? 0 : searched - 3;
  const size_t end = bytes.find("\r\n\r\n", from);
  return end == std::string_view::npos ? 0 : end + 4;
}

Result<BodyFraming> body_framing(const HttpHeaders& headers) {
  BodyFraming framing;
  const auto codings = headers.all("transfer-encoding");
  if (!codings.empty()) {
    if (codings.size() != 1 || !equals_ignoring_case(codings[0], "chunked")) {
      return std::unexpected(
          unsupported("the transfer coding is not offered", "only a single \"chunked\" is"));
    }
    framing.chunked = true;
  }
  for (const auto length : headers.all("content-length")) {
    const auto number = parse_u64(length);
    if (!number || *number > (1ULL << 62))
      return std::unexpected(bad("Content-Length is no number"));
    if (framing.content_length && *framing.content_length != *number) {
      return std::unexpected(bad("two different Content-Lengths"));
    }
    framing.content_length = number;
  }
  if (framing.chunked && framing.content_length) {
    return std::unexpected(bad("Content-Length beside Transfer-Encoding"));
  }
  return framing;
}

Result<BodyFraming> parse_request_head(std::string_view head, size_t max_headers,
                                       HttpRequest& request) {
  BR_TRY(line, take_line(head));
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return std::unexpected(bad("the request line has not three parts"));
  }
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return std::unexpected(bad("not HTTP/1.1"));
  }
  if (!is_token(line.substr(0, first))) return std::unexpected(bad("the method is no token"));
  request.method = line.substr(0, first);
  BR_TRY(parse_target(line.substr(first + 1, last - first - 1), request));
  BR_TRY(parse_fields(head, max_headers, request.headers));
  if (version == "HTTP/1.1" && request.headers.all("host").size() != 1) {
    return std::unexpected(bad("not exactly one Host"));
  }
  if (version == "HTTP/1.0" && !request.headers.has("connection")) {
    request.headers.add("connection", "close");
  }
  return body_framing(request.headers);
}

Result<BodyFraming> parse_response_head(std::string_view head, size_t max_headers,
                                        ResponseHead& response) {
  BR_TRY(line, take_line(head));
  const bool http11 = line.starts_with("HTTP/1.1 ");
  if (!http11 && !line.starts_with("HTTP/1.0 ")) return std::unexpected(bad("not HTTP/1"));
  const auto status = parse_u64(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599) return std::unexpected(bad("no status code"));
  response.status = static_cast<int>(*status);
  BR_TRY(parse_fields(head, max_headers, response.headers));
  const auto connection = ascii_lower(response.headers.get_or("connection", ""));
  response.keep_alive = http11 ? connection != "close" : connection == "keep-alive";
  return body_framing(response.headers);
}

Result<ChunkedDecoder::Step> ChunkedDecoder::feed(std::string_view bytes) {
  switch (state_) {
    case State::kSize: return size_line(bytes);
    case State::kData: {
      const size_t n = std::min<uint64_t>(left_, bytes.size());
      left_ -= n;
      if (left_ == 0) state_ = State::kDataEnd;
      return Step{n, bytes.substr(0, n)};
    }
    case State::kDataEnd:
      if (bytes.size() < 2) {
        if (!bytes.empty() && bytes[0] != '\r') return std::unexpected(bad("a chunk is too long"));
        return Step{};
      }
      if (bytes.substr(0, 2) != "\r\n") return std::unexpected(bad("a chunk is too long"));
      state_ = State::kSize;
      return Step{2, {}};
    case State::kTrailers: return trailer_line(bytes);
    case State::kDone: return Step{};
  }
  return Step{};
}

Result<ChunkedDecoder::Step> ChunkedDecoder::size_line(std::string_view bytes) {
  const size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() > kMaxChunkLine) return std::unexpected(bad("a chunk line is too long"));
    return Step{};
  }
  const std::string_view line = bytes.substr(0, end);
  uint64_t size = 0;
  size_t digits = 0;
  for (; digits < line.size(); ++digits) {
    const auto value = from_hex(std::string{"0"} + line[digits]);
    if (!value) break;
    size = size * 16 + static_cast<unsigned char>((*value)[0]);
    if (digits >= kMaxChunkDigits) return std::unexpected(bad("a chunk size is too large"));
  }
  // A blank behind the size is refused: others may read another size (request smuggling).
  const std::string_view rest = line.substr(digits);
  if (digits == 0 || (!rest.empty() && rest[0] != ';') || !is_field_value(rest)) {
    return std::unexpected(bad("not a chunk size"));
  }
  left_ = size;
  state_ = size == 0 ? State::kTrailers : State::kData;
  return Step{end + 2, {}};
}

Result<ChunkedDecoder::Step> ChunkedDecoder::trailer_line(std::string_view bytes) {
  const size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() > max_trailer_bytes_) return std::unexpected(bad("the trailers are too long"));
    return Step{};
  }
  trailer_bytes_ += end + 2;
  if (trailer_bytes_ > max_trailer_bytes_) {
    return std::unexpected(bad("the trailers are too long"));
  }
  if (end == 0) {
    state_ = State::kDone;
  } else {
    BR_TRY(parse_field(bytes.substr(0, end), trailers_));
  }
  return Step{end + 2, {}};
}

void write_chunk_size(char* at, size_t n) {
  assert(n < size_t{1} << 24);
  for (int digit = 5; digit >= 0; --digit, n >>= 4) at[digit] = "0123456789abcdef"[n & 15];
  at[6] = '\r';
  at[7] = '\n';
}

std::string_view reason_of(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Resume Incomplete";  // the phrase of Google's resumable uploads
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 416: return "Range Not Satisfiable";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 507: return "Insufficient Storage";
    default: return "Status";
  }
}

// HttpHeaders -------------------------------------------------------------------------------------

void HttpHeaders::add(std::string name, std::string value) {
  fields_.emplace_back(std::move(name), std::move(value));
}

void HttpHeaders::set(std::string_view name, std::string value) {
  remove(name);
  add(std::string{name}, std::move(value));
}

void HttpHeaders::remove(std::string_view name) {
  std::erase_if(fields_,
                [&](const auto& field) { return equals_ignoring_case(field.first, name); });
}

std::optional<std::string_view> HttpHeaders::get(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (equals_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

std::string_view HttpHeaders::get_or(std::string_view name, std::string_view fallback) const {
  return get(name).value_or(fallback);
}

std::vector<std::string_view> HttpHeaders::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : fields_) {
    if (equals_ignoring_case(key, name)) values.push_back(value);
  }
  return values;
}

Result<Url> Url::parse(std::string_view text) {
  const auto broken = [&] {
    return invalid("not a URL: \"" + std::string{text} + "\"", {}, "write http[s]://HOST[:PORT]");
  };
  Url url;
  url.tls = text.starts_with("https://");
  if (!url.tls && !text.starts_with("http://")) return std::unexpected(broken());
  std::string_view rest = text.substr(url.tls ? 8 : 7);
  if (const size_t query = rest.find('?'); query != std::string_view::npos) {
    url.query = rest.substr(query + 1);
    rest = rest.substr(0, query);
  }
  if (const size_t slash = rest.find('/'); slash != std::string_view::npos) {
    url.path = rest.substr(slash);
    rest = rest.substr(0, slash);
    while (url.path.ends_with('/')) url.path.pop_back();
  }
  if (rest.empty() || rest.find('@') != std::string_view::npos) return std::unexpected(broken());
  const bool has_port = rest.back() != ']' && rest.rfind(':') != std::string_view::npos;
  const std::string address =
      has_port ? std::string{rest} : std::string{rest} + (url.tls ? ":443" : ":80");
  BR_TRY(endpoint, Endpoint::parse(address));
  if (endpoint.host.empty()) return std::unexpected(broken());
  url.endpoint = std::move(endpoint);
  return url;
}

}  // namespace beringia::io

#include "wire/multipart.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/encoding.h"

namespace beringia::wire {

namespace {

constexpr size_t kMaxBoundaryBytes = 70;  // RFC 2046, 5.1.1

Error malformed(std::string why) {
  return invalid("cannot read the multipart body", std::move(why)).with_tag("malformed_multipart");
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// A boundary in single quotes without them; "" if it has none.
std::string_view without_quotes(std::string_view boundary) {
  if (boundary.size() < 3 || !boundary.starts_with('\'') || !boundary.ends_with('\'')) return {};
  return boundary.substr(1, boundary.size() - 2);
}

bool is_boundary_character(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view{"'()+_,-./:=? "}.find(c) != std::string_view::npos;
}

/// Takes one parameter value, plain or quoted, off the front of `rest`.
Result<std::string> take_value(std::string_view& rest) {
  std::string value;
  if (!rest.empty() && rest.front() == '"') {
    rest.remove_prefix(1);
    while (!rest.empty() && rest.front() != '"') {
      if (rest.front() == '\\' && rest.size() > 1) rest.remove_prefix(1);
      value += rest.front();
      rest.remove_prefix(1);
    }
    if (rest.empty()) return std::unexpected(malformed("a quote in Content-Type is not closed"));
    rest.remove_prefix(1);
    return value;
  }
  auto end = std::min(rest.find(';'), rest.size());
  value = std::string{trimmed(rest.substr(0, end))};
  rest.remove_prefix(end);
  return value;
}

}  // namespace

Result<std::string> multipart_boundary(std::string_view content_type, std::string_view subtype) {
  auto semicolon = std::min(content_type.find(';'), content_type.size());
  auto type = ascii_lower(trimmed(content_type.substr(0, semicolon)));
  if (!type.starts_with("multipart/") ||
      (!subtype.empty() && std::string_view{type}.substr(10) != subtype)) {
    return std::unexpected(
        malformed("Content-Type is not multipart/" + std::string{subtype.empty() ? "*" : subtype}));
  }
  auto rest = content_type.substr(semicolon);
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the ';'
    rest = trimmed(rest);
    auto equals = rest.find_first_of("=;");
    if (equals == std::string_view::npos) break;
    if (rest[equals] == ';') {
      rest.remove_prefix(equals);
      continue;
    }
    auto name = ascii_lower(trimmed(rest.substr(0, equals)));
    rest = trimmed(rest.substr(equals + 1));
    BR_TRY(value, take_value(rest));
    if (name == "boundary") {
      if (value.empty() || value.size() > kMaxBoundaryBytes || value.back() == ' ' ||
          !std::ranges::all_of(value, is_boundary_character)) {
        return std::unexpected(malformed("the boundary in Content-Type is not legal"));
      }
      return value;
    }
    rest.remove_prefix(std::min(rest.find(';'), rest.size()));
  }
  return std::unexpected(malformed("Content-Type has no boundary"));
}

/// Buffer over the body. Invariant: buffer_[begin_, end_) are bytes not yet consumed.
class MultipartReader::State final : public io::ByteSource {
 public:
  State(io::ByteSource& body, std::string boundary)
      : body_{body}, delimiter_{"--" + boundary}, buffer_(kBufferBytes) {
    if (const std::string_view bare = without_quotes(boundary); !bare.empty()) {
      bare_delimiter_.append("--").append(bare);
    }
  }

  Result<std::optional<io::HttpHeaders>> next(const io::Context& context);
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;

 private:
  enum class Where { kPreamble, kInPart, kAtDelimiter, kClosed };

  std::string_view window() const { return {buffer_.data() + begin_, end_ - begin_}; }
  /// Adds bytes; false at the end of the body.
  Result<bool> fill(const io::Context& context);
  /// Next line without its end; `max` bounds it. At the end of the body the rest is a line.
  Result<std::string> take_line(const io::Context& context, size_t max);
  Result<void> skip_preamble(const io::Context& context);
  Result<io::HttpHeaders> take_headers(const io::Context& context);
  /// Bytes of the part that may be handed out now; sets where_ when the delimiter is next.
  Result<size_t> available(const io::Context& context);
  enum class Match { kNo, kDelimiter, kClose, kNeedMore };
  Match match_delimiter(std::string_view text, size_t& length) const;

  io::ByteSource& body_;
  std::string delimiter_;  // "--boundary"
  // The same without single quotes, which RFC 2046 allows in a boundary, but gsutil and gcloud
  // write around it. The first delimiter line tells which is meant. "" = no other.
  std::string bare_delimiter_;
  std::string separator_;  // line end + delimiter, once the line end is known
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool body_ended_ = false;
  Where where_ = Where::kPreamble;
  std::optional<Error> failed_;
};

MultipartReader::MultipartReader(io::ByteSource& body, std::string boundary)
    : state_{std::make_unique<State>(body, std::move(boundary))} {}
MultipartReader::~MultipartReader() = default;

Result<std::optional<io::HttpHeaders>> MultipartReader::next(const io::Context& context) {
  return state_->next(context);
}

io::ByteSource& MultipartReader::part() { return *state_; }

Result<bool> MultipartReader::State::fill(const io::Context& context) {
  if (body_ended_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) return true;
  auto space = std::span{buffer_}.subspan(end_);
  BR_TRY(count, body_.read(context, space));
  if (count == 0) body_ended_ = true;
  end_ += count;
  return count > 0;
}

Result<std::string> MultipartReader::State::take_line(const io::Context& context, size_t max) {
  while (true) {
    auto text = window();
    auto newline = text.find('\n');
    if (newline != std::string_view::npos && newline <= max) {
      auto line = std::string{text.substr(0, newline)};
      begin_ += newline + 1;
      if (separator_.empty()) separator_ = line.ends_with('\r') ? "\r\n" : "\n";
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (text.size() > max) return std::unexpected(malformed("a header line is too long"));
    BR_TRY(more, fill(context));
    if (!more) return std::unexpected(malformed("the body ends inside a part's header"));
  }
}

Result<void> MultipartReader::State::skip_preamble(const io::Context& context) {
  size_t seen = 0;
  while (seen <= kMaxPreambleBytes) {
    separator_.clear();  // each line tells the line end anew; the delimiter's decides
    BR_TRY(line, take_line(context, kMaxPreambleBytes));
    seen += line.size() + 1;
    if (!bare_delimiter_.empty() && line.starts_with(bare_delimiter_)) delimiter_ = bare_delimiter_;
    if (!line.starts_with(delimiter_)) continue;
    auto rest = std::string_view{line}.substr(delimiter_.size());
    if (rest.starts_with("--")) {
      where_ = Where::kClosed;
      return {};
    }
    if (trimmed(rest).empty()) {
      separator_ += delimiter_;
      return {};
    }
  }
  return std::unexpected(malformed("no delimiter in the first bytes of the body"));
}

Result<io::HttpHeaders> MultipartReader::State::take_headers(const io::Context& context) {
  io::HttpHeaders headers;
  size_t seen = 0;
  std::string name;
  std::string value;
  auto flush = [&] {
    if (!name.empty()) headers.add(std::move(name), std::move(value));
    name.clear();
    value.clear();
  };
  while (true) {
    BR_TRY(line, take_line(context, kMaxHeaderBytes));
    seen += line.size() + 1;
    if (seen > kMaxHeaderBytes) return std::unexpected(malformed("a part's header is too long"));
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') {  // a folded line (RFC 5322, 2.2.3)
      if (name.empty()) return std::unexpected(malformed("a part's header begins with a blank"));
      value += " " + std::string{trimmed(line)};
      continue;
    }
    flush();
    auto colon = line.find(':');
    if (colon == std::string::npos || colon == 0) {
      return std::unexpected(malformed("a part's header line has no name"));
    }
    name = std::string{trimmed(std::string_view{line}.substr(0, colon))};
    value = std::string{trimmed(std::string_view{line}.substr(colon + 1))};
  }
  flush();
  return headers;
}

Result<std::optional<io::HttpHeaders>> MultipartReader::State::next(const io::Context& context) {
  if (failed_) return std::unexpected(*failed_);
  if (where_ == Where::kPreamble) {
    BR_TRY(skip_preamble(context));
  } else {
    std::vector<char> dropped(4096);
    while (where_ == Where::kInPart) {
      BR_TRY(count, read(context, dropped));
      if (count == 0) break;
    }
  }
  if (where_ == Where::kClosed) {
    // An epilogue may follow (RFC 2046, 5.1.1); the bound keeps it from being a second body.
    for (size_t seen = 0; seen <= kBufferBytes;) {
      seen += end_ - begin_;
      begin_ = end_;
      BR_TRY(more, fill(context));
      if (!more) return std::nullopt;
    }
    return std::unexpected(malformed("too much text after the last part"));
  }
  auto headers = take_headers(context);
  if (!headers) {
    failed_ = headers.error();
    return std::unexpected(headers.error());
  }
  where_ = Where::kInPart;
  return std::optional<io::HttpHeaders>{std::move(*headers)};
}

/// `text` begins with separator_. `length`: bytes of the whole delimiter line.
MultipartReader::State::Match MultipartReader::State::match_delimiter(std::string_view text,
                                                                      size_t& length) const {
  size_t at = separator_.size();
  if (text.size() < at + 2 && !body_ended_) return Match::kNeedMore;
  if (text.substr(at, 2) == "--") {
    length = at + 2;
    return Match::kClose;
  }
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
  if (at < text.size() && text[at] == '\r') ++at;
  if (at < text.size()) {
    length = at + 1;
    return text[at] == '\n' ? Match::kDelimiter : Match::kNo;
  }
  if (body_ended_ || at > separator_.size() + 128) return Match::kNo;
  return Match::kNeedMore;
}

Result<size_t> MultipartReader::State::available(const io::Context& context) {
  while (true) {
    auto text = window();
    auto hit = text.find(separator_);
    if (hit == 0) {
      size_t length = 0;
      switch (match_delimiter(text, length)) {
        case Match::kNo: return separator_.size();
        case Match::kDelimiter:
          begin_ += length;
          where_ = Where::kAtDelimiter;
          return 0;
        case Match::kClose:
          begin_ += length;
          where_ = Where::kClosed;
          return 0;
        case Match::kNeedMore: break;
      }
    } else if (hit != std::string_view::npos) {
      return hit;
    } else if (text.size() >= separator_.size()) {
      return text.size() - separator_.size() + 1;
    }
    BR_TRY(more, fill(context));
    if (!more && body_ended_ && window().size() == text.size()) {
      size_t length = 0;
      if (window().starts_with(separator_) && match_delimiter(window(), length) != Match::kNo) {
        continue;
      }
      return std::unexpected(malformed("the body ends before the closing delimiter"));
    }
  }
}

Result<size_t> MultipartReader::State::read(const io::Context& context, std::span<char> buffer) {
  if (failed_) return std::unexpected(*failed_);
  if (where_ != Where::kInPart || buffer.empty()) return 0;
  auto count = available(context);
  if (!count) {
    failed_ = count.error();
    return std::unexpected(count.error());
  }
  size_t take = std::min(*count, buffer.size());
  std::memcpy(buffer.data(), buffer_.data() + begin_, take);
  begin_ += take;
  return take;
}

RelatedFrame related_frame(std::string_view boundary, std::string_view metadata_json,
                           std::string_view media_type) {
  RelatedFrame frame;
  std::string delimiter = "--" + std::string{boundary};
  frame.content_type = "multipart/related; boundary=\"" + std::string{boundary} + "\"";
  frame.head = delimiter + "\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n" +
               std::string{metadata_json} + "\r\n" + delimiter + "\r\n";
  frame.head +=
      "Content-Type: " + std::string{media_type.empty() ? "application/octet-stream" : media_type} +
      "\r\n\r\n";
  frame.tail = "\r\n" + delimiter + "--\r\n";
  return frame;
}

}  // namespace beringia::wire

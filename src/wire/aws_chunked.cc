#include "wire/aws_chunked.h"

#include <algorithm>
#include <cstring>

#include "base/encoding.h"

namespace beringia::wire {
namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr size_t kHmacDigits = 64;  // a signature by a key pair has more
constexpr std::string_view kTrailerSignature = "x-amz-trailer-signature";

Error incomplete(std::string why) {
  return invalid(
             "You did not provide the number of bytes specified by the Content-Length HTTP header",
             std::move(why))
      .with_tag("IncompleteBody");
}

Error bad_trailer(std::string why) {
  return invalid(
             "The request contained trailing data that was not well-formed or did not conform "
             "to our published schema.",
             std::move(why))
      .with_tag("MalformedTrailerError");
}

Error bad_signature(std::string why) {
  return denied(
             "The request signature we calculated does not match the signature you provided. "
             "Check your key and signing method.",
             std::move(why))
      .with_tag("SignatureDoesNotMatch");
}

std::optional<uint64_t> parse_hex_size(std::string_view text) {
  if (text.empty() || text.size() > 13) return std::nullopt;  // 2^52 bytes are never legal
  uint64_t value = 0;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<uint64_t>(digit);
  }
  return value;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

AwsChunkedSource::AwsChunkedSource(io::ByteSource& inner, Options options)
    : inner_{inner},
      options_{std::move(options)},
      is_signed_{options_.claim.payload != PayloadMode::kChunkedUnsignedTrailer} {
  if (options_.verified) previous_signature_ = options_.verified->seed_signature;
}

Error AwsChunkedSource::truncated() const {
  return incomplete("the body ended inside its framing, after " + std::to_string(decoded_) +
                    " of " + std::to_string(options_.decoded_length) + " bytes");
}

Result<size_t> AwsChunkedSource::read(const io::Context& context, std::span<char> buffer) {
  if (failed_) return std::unexpected(*failed_);
  const auto give = [&]() -> Result<size_t> {
    for (;;) {
      if (state_ == State::kDone) return 0;
      if (state_ == State::kHeld) return give_held(buffer);
      if (state_ == State::kBytes && !is_signed_) return give_raw(context, buffer);
      BR_TRY(step(context));
    }
  };
  auto given = give();
  if (!given) {
    failed_ = given.error();
  } else {
    given_ += *given;
  }
  return given;
}

Result<void> AwsChunkedSource::step(const io::Context& context) {
  if (state_ == State::kHead) return read_head(context);
  return hold_chunk(context);
}

Result<void> AwsChunkedSource::read_head(const io::Context& context) {
  BR_TRY(line, read_line(context));
  std::string_view rest{line};
  const size_t semicolon = rest.find(';');
  const auto size = parse_hex_size(trimmed(rest.substr(0, semicolon)));
  if (!size) return std::unexpected(incomplete("a chunk size is not a hexadecimal number"));
  chunk_signature_.clear();
  if (semicolon != std::string_view::npos) {
    constexpr std::string_view kName = "chunk-signature=";
    rest = trimmed(rest.substr(semicolon + 1));
    if (rest.starts_with(kName)) chunk_signature_ = rest.substr(kName.size());
  }
  if (is_signed_ && without_padding(chunk_signature_).size() < kHmacDigits) {
    return std::unexpected(bad_signature("a chunk has no signature"));
  }
  if (is_signed_ && *size > kMaxSignedChunk) {
    return std::unexpected(invalid("a signed chunk is too large",
                                   std::to_string(*size) + " bytes; at most " +
                                       std::to_string(kMaxSignedChunk) + " are held for the check")
                               .with_tag("InvalidRequest"));
  }
  decoded_ += *size;
  if (decoded_ > options_.decoded_length) {
    return std::unexpected(incomplete("more bytes come than x-amz-decoded-content-length says"));
  }
  chunk_left_ = *size;
  if (*size == 0) return finish(context);
  state_ = State::kBytes;
  return {};
}

/// Gathers a signed chunk and proves it. Grows with what has come, not with what was announced.
Result<void> AwsChunkedSource::hold_chunk(const io::Context& context) {
  held_.clear();
  held_position_ = 0;
  while (chunk_left_ > 0) {
    if (position_ == buffer_.size()) {
      BR_TRY(more, fill(context));
      if (!more) return std::unexpected(truncated());
    }
    const size_t n = std::min<uint64_t>(chunk_left_, buffer_.size() - position_);
    held_.append(buffer_, position_, n);
    position_ += n;
    chunk_left_ -= n;
  }
  BR_TRY(expect_line_end(context));
  if (!proves_chunk(options_.claim, *options_.verified, previous_signature_, to_hex(sha256(held_)),
                    chunk_signature_)) {
    held_.clear();
    return std::unexpected(bad_signature("a chunk's signature"));
  }
  previous_signature_ = without_padding(chunk_signature_);
  state_ = State::kHeld;
  return {};
}

Result<size_t> AwsChunkedSource::give_held(std::span<char> buffer) {
  const size_t n = std::min(buffer.size(), held_.size() - held_position_);
  std::memcpy(buffer.data(), held_.data() + held_position_, n);
  held_position_ += n;
  if (held_position_ == held_.size()) state_ = State::kHead;
  return n;
}

Result<size_t> AwsChunkedSource::give_raw(const io::Context& context, std::span<char> buffer) {
  size_t n = std::min<uint64_t>(chunk_left_, buffer.size());
  if (position_ < buffer_.size()) {
    n = std::min(n, buffer_.size() - position_);
    std::memcpy(buffer.data(), buffer_.data() + position_, n);
    position_ += n;
  } else {
    BR_TRY(came, inner_.read(context, buffer.first(n)));
    if (came == 0) return std::unexpected(truncated());
    n = came;
  }
  chunk_left_ -= n;
  if (chunk_left_ == 0) {
    BR_TRY(expect_line_end(context));
    state_ = State::kHead;
  }
  return n;
}

/// The last chunk: its signature, the trailer, the length, and that nothing follows.
Result<void> AwsChunkedSource::finish(const io::Context& context) {
  if (is_signed_) {
    if (!proves_chunk(options_.claim, *options_.verified, previous_signature_, to_hex(sha256("")),
                      chunk_signature_)) {
      return std::unexpected(bad_signature("the last chunk's signature"));
    }
    previous_signature_ = without_padding(chunk_signature_);
  }
  BR_TRY(read_trailer(context));
  if (decoded_ != options_.decoded_length) {
    return std::unexpected(incomplete(std::to_string(decoded_) + " bytes came, " +
                                      std::to_string(options_.decoded_length) +
                                      " were announced by x-amz-decoded-content-length"));
  }
  // Some SDKs end with one more CRLF.
  for (;;) {
    if (position_ == buffer_.size()) {
      BR_TRY(more, fill(context));
      if (!more) break;
    }
    const std::string_view rest = std::string_view{buffer_}.substr(position_);
    if (rest.size() > 2 || rest.find_first_not_of("\r\n") != std::string_view::npos) {
      return std::unexpected(incomplete("bytes follow the last chunk"));
    }
    position_ = buffer_.size();
  }
  state_ = State::kDone;
  return {};
}

Result<void> AwsChunkedSource::read_trailer(const io::Context& context) {
  const bool signed_trailer = options_.claim.payload == PayloadMode::kChunkedSignedTrailer;
  std::string canonical;
  std::string signature;
  for (size_t count = 0;; ++count) {
    BR_TRY(line, read_line(context));
    if (line.empty()) {
      // minio-go puts an empty line before the trailer's signature.
      if (signed_trailer && signature.empty() && !canonical.empty() && count <= kMaxTrailerLines) {
        continue;
      }
      break;
    }
    if (count > kMaxTrailerLines) return std::unexpected(bad_trailer("it has too many lines"));
    const size_t colon = line.find(':');
    if (colon == std::string::npos) return std::unexpected(bad_trailer("a line has no colon"));
    const std::string name = ascii_lower(std::string_view{line}.substr(0, colon));
    const std::string value{trimmed(std::string_view{line}.substr(colon + 1))};
    if (name == kTrailerSignature) {
      signature = value;
      continue;
    }
    if (!signature.empty()) return std::unexpected(bad_trailer("a line follows its signature"));
    if (std::ranges::find(options_.trailer_names, name) == options_.trailer_names.end()) {
      return std::unexpected(bad_trailer(name.substr(0, 64) + " was not named in x-amz-trailer"));
    }
    if (trailers_.has(name)) return std::unexpected(bad_trailer(name + " comes twice"));
    canonical += name + ":" + value + "\n";
    trailers_.add(name, value);
  }
  for (const auto& name : options_.trailer_names) {
    if (!trailers_.has(name)) return std::unexpected(bad_trailer(name + " is missing"));
  }
  if (signed_trailer) return check_trailer_signature(canonical, signature);
  return {};
}

Result<void> AwsChunkedSource::check_trailer_signature(const std::string& canonical,
                                                       std::string_view signature) {
  if (!proves_trailer(options_.claim, *options_.verified, previous_signature_,
                      to_hex(sha256(canonical)), signature)) {
    return std::unexpected(bad_signature("the trailer's signature"));
  }
  return {};
}

/// A line without its end (CRLF, or a bare LF as some clients write in trailers).
Result<std::string> AwsChunkedSource::read_line(const io::Context& context) {
  std::string line;
  for (;;) {
    if (position_ == buffer_.size()) {
      BR_TRY(more, fill(context));
      if (!more) return std::unexpected(truncated());
    }
    const size_t end = buffer_.find('\n', position_);
    const size_t stop = end == std::string::npos ? buffer_.size() : end;
    if (line.size() + (stop - position_) > kMaxLine) {
      return std::unexpected(incomplete("a line of the framing is too long"));
    }
    line.append(buffer_, position_, stop - position_);
    position_ = stop;
    if (end == std::string::npos) continue;
    ++position_;
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }
}

Result<void> AwsChunkedSource::expect_line_end(const io::Context& context) {
  for (const char expected : {'\r', '\n'}) {
    if (position_ == buffer_.size()) {
      BR_TRY(more, fill(context));
      if (!more) return std::unexpected(truncated());
    }
    if (buffer_[position_] != expected) {
      return std::unexpected(incomplete("a chunk is longer than its head says"));
    }
    ++position_;
  }
  return {};
}

Result<bool> AwsChunkedSource::fill(const io::Context& context) {
  buffer_.resize(kReadBytes);
  position_ = 0;
  auto came = inner_.read(context, std::span{buffer_});
  buffer_.resize(came ? *came : 0);
  if (!came) return std::unexpected(std::move(came).error());
  return *came > 0;
}

SignedHashSource::SignedHashSource(io::ByteSource& inner, std::string expected_hex)
    : inner_{inner}, expected_hex_{ascii_lower(expected_hex)} {}

Result<size_t> SignedHashSource::read(const io::Context& context, std::span<char> buffer) {
  if (failed_) return std::unexpected(*failed_);
  if (ended_) return 0;
  BR_TRY(n, inner_.read(context, buffer));
  if (n > 0) {
    digest_.update({buffer.data(), n});
    return n;
  }
  ended_ = true;
  const std::string hash = to_hex(digest_.finish());
  if (hash != expected_hex_) {
    failed_ =
        invalid("The provided 'x-amz-content-sha256' header does not match what was computed.",
                "computed " + hash)
            .with_tag("XAmzContentSHA256Mismatch");
    return std::unexpected(*failed_);
  }
  return 0;
}

std::string encode_aws_chunked(std::string_view body, size_t chunk_bytes, const SigV4Claim& claim,
                               const HmacSha256* key,
                               const std::vector<std::pair<std::string, std::string>>& trailers) {
  std::string out;
  std::string previous = claim.signature;
  const auto head = [&](std::string_view chunk) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx", chunk.size());
    out += size;
    if (key != nullptr) {
      previous = sign_chunk(claim, *key, previous, to_hex(sha256(chunk)));
      out += ";chunk-signature=" + previous;
    }
    out += "\r\n";
  };
  while (!body.empty()) {
    const std::string_view chunk = body.substr(0, chunk_bytes);
    head(chunk);
    out += chunk;
    out += "\r\n";
    body.remove_prefix(chunk.size());
  }
  head({});
  std::string canonical;
  for (const auto& [name, value] : trailers) {
    out += name + ":" + value + "\r\n";
    canonical += name + ":" + value + "\n";
  }
  if (key != nullptr && claim.payload == PayloadMode::kChunkedSignedTrailer) {
    out += std::string{kTrailerSignature} + ":" +
           sign_trailer(claim, *key, previous, to_hex(sha256(canonical))) + "\r\n";
  }
  out += "\r\n";
  return out;
}

}  // namespace beringia::wire

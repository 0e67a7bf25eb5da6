#include "base/encoding.h"
#include "protocol/gcs/grpc/content_frame.h"
#include "protocol/gcs/grpc/methods.h"
#include "protocol/gcs/grpc/resources.h"

namespace beringia::protocol::gcs::grpc {
namespace {

constexpr size_t kChunk = 256 << 10;  // content of one message; Google's are at most 2 MiB

/// "bytes=3-9" of a request; "" = all. @error kInvalidArgument
Answer<std::string> range_of(const v2::ReadObjectRequest& request) {
  if (request.read_limit() < 0) {
    return refusal(Code::kInvalidArgument, "read_limit is negative");
  }
  const int64_t offset = request.read_offset();
  const int64_t limit = request.read_limit();
  if (offset < 0) {
    if (limit != 0 && limit < -offset) {
      return refusal(Code::kInvalidArgument, "read_limit of a negative read_offset is too small");
    }
    return "bytes=" + std::to_string(offset);
  }
  if (offset == 0 && limit == 0) return std::string{};
  std::string range = "bytes=" + std::to_string(offset) + "-";
  if (limit > 0 && limit - 1 <= INT64_MAX - offset) range += std::to_string(offset + limit - 1);
  return range;
}

/// What the media headers tell of the object, but for its times of creation.
v2::Object object_of_media(const std::string& bucket, const std::string& name,
                           const io::HttpHeaders& headers) {
  const auto number = [&](std::string_view header) {
    return parse_u64(headers.get_or(header, "")).value_or(0);
  };
  const auto text = [&](std::string_view header) {
    return std::string{headers.get_or(header, "")};
  };
  wire::gcs::ObjectResource object;
  object.bucket = bucket;
  object.name = name;
  object.generation = number("x-goog-generation");
  object.metageneration = number("x-goog-metageneration");
  object.size = number("x-goog-stored-content-length");
  object.storage_class = text("x-goog-storage-class");
  object.content_type = text("Content-Type");
  object.content_encoding = text("Content-Encoding");
  object.content_disposition = text("Content-Disposition");
  object.content_language = text("Content-Language");
  object.cache_control = text("Cache-Control");
  object.etag = text("ETag");
  object.updated = parse_http_date(text("Last-Modified"));
  object.customer_key_sha256 = text("x-goog-encryption-key-sha256");
  for (const std::string_view value : headers.all("x-goog-hash")) {
    wire::gcs::Hashes hashes;
    if (!wire::gcs::add_hash_header(hashes, value)) continue;
    if (hashes.crc32c) object.crc32c = hashes.crc32c;
    if (hashes.md5) object.md5 = hashes.md5;
  }
  constexpr std::string_view kMeta = "x-goog-meta-";
  for (const auto& [key, value] : headers.fields()) {
    if (ascii_lower(key).starts_with(kMeta)) object.metadata[key.substr(kMeta.size())] = value;
  }
  return object_of(object);
}

/// What goes with the first bytes.
std::string first_fields(v2::Object object, const io::HttpHeaders& headers) {
  v2::ReadObjectResponse first;
  if (object.has_checksums()) *first.mutable_object_checksums() = object.checksums();
  auto& range = *first.mutable_content_range();
  range.set_complete_length(object.size());
  range.set_end(object.size());
  if (const std::string_view text = headers.get_or("Content-Range", ""); !text.empty()) {
    // "bytes 3-9/20"; the end of the message's range is behind the last byte.
    const size_t dash = text.find('-');
    const size_t slash = text.find('/');
    if (text.starts_with("bytes ") && dash != std::string_view::npos && slash > dash) {
      range.set_start(static_cast<int64_t>(parse_u64(text.substr(6, dash - 6)).value_or(0)));
      range.set_end(
          static_cast<int64_t>(parse_u64(text.substr(dash + 1, slash - dash - 1)).value_or(0)) + 1);
    }
  }
  *first.mutable_metadata() = std::move(object);
  return first.SerializeAsString();
}

Answer<void> stream(GrpcCall& call, io::HttpResponse& response, std::string rest,
                    uint64_t& content_sent) {
  for (bool is_first = true;; is_first = false) {
    ContentFrame frame{kChunk, rest.size()};
    size_t filled = 0;
    while (filled < kChunk && response.body) {
      auto n = response.body->read(call.context(), frame.room().subspan(filled));
      if (!n) {
        const bool stopped = n.error().code() == beringia::Code::kCancelled;
        return refusal(stopped ? Code::kCancelled : Code::kUnavailable, n.error().what());
      }
      if (*n == 0) break;
      filled += *n;
    }
    if (filled == 0 && !is_first) return {};
    BR_TRY(call.send_frame(frame.take_read(filled, rest)));
    content_sent += filled;
    rest.clear();
    if (filled < kChunk) return {};
  }
}

}  // namespace

Answer<void> read_object(GrpcCall& call) {
  v2::ReadObjectRequest request;
  BR_TRY(call.read(request));
  BR_TRY(bucket, bucket_of(request.bucket()));
  BR_TRY(range, range_of(request));
  JsonCall ask{.path = object_path(bucket, request.object())};
  ask.query.add("alt", "media");
  if (request.generation() != 0) ask.query.add("generation", request.generation());
  add_conditions(request, ask.query);
  add_key(ask.headers, request.common_object_request_params());
  ask.headers.add("Accept-Encoding", "gzip");  // bytes as they are stored
  if (!range.empty()) ask.headers.add("Range", range);
  io::HttpResponse response = call.ask(ask);
  if (response.status >= 300) {
    if (response.on_finished) response.on_finished(0, true);
    // Over HTTP no range lies in an empty object; here the one from its start does.
    const bool is_empty = response.headers.get_or("Content-Range", "") == "bytes */0";
    if (response.status != 416 || !is_empty || request.read_offset() > 0) {
      return std::unexpected(call.status_of(response));
    }
    ask.headers.remove("Range");
    response = call.ask(ask);
    if (response.status >= 300) {
      if (response.on_finished) response.on_finished(0, true);
      return std::unexpected(call.status_of(response));
    }
  }
  uint64_t sent = 0;
  auto object = object_of_media(bucket, request.object(), response.headers);
  auto done = stream(call, response, first_fields(std::move(object), response.headers), sent);
  if (response.on_finished) response.on_finished(sent, done.has_value());
  return done;
}

}  // namespace beringia::protocol::gcs::grpc

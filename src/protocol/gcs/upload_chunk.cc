#include <algorithm>
#include <limits>
#include <utility>

#include "base/encoding.h"
#include "protocol/gcs/appendable.h"
#include "protocol/gcs/encryption_headers.h"
#include "protocol/gcs/http_range.h"
#include "protocol/gcs/media.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/resumable_session.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {
namespace {

/// A request's bytes become durable in pieces of this size, so that a connection that breaks does
/// not cost all of a long upload. Larger later on: core keeps at most 10,000 parts.
constexpr uint64_t kPieceBytes = 256ull << 20;
constexpr uint64_t kLatePieceBytes = 2ull << 30;
constexpr uint32_t kLatePart = 2000;
constexpr uint64_t kMaxObjectBytes = 5ull << 40;  // GCS: objects are at most 5 TiB

/// One request on one session.
class ChunkRequest {
 public:
  ChunkRequest(Call& call, Path path)
      : call_{call},
        path_{std::move(path)},
        id_{call.query.get("upload_id")},
        turn_{call.rooms.turns, id_} {}

  Result<io::HttpResponse> run();

 private:
  Result<void> load();
  Result<void> read_terms();
  Result<void> skip_known_bytes();
  Result<void> store_body();
  Result<void> store_piece(uint64_t limit, bool& ended);
  Result<io::HttpResponse> complete(core::ExpectedBody expected);
  io::HttpResponse incomplete() const;
  Result<void> check_turn() const;

  Call& call_;
  Path path_;
  std::string id_;
  SessionTurns::Turn turn_;
  SessionTerms terms_;
  core::WriteAttributes begun_with_;
  SessionProgress progress_;
  ContentRange range_;  // of the body
  bool has_range_ = false;
  std::optional<uint64_t> total_;
};

Result<void> ChunkRequest::check_turn() const {
  if (turn_.is_last()) return {};
  return std::unexpected(
      conflict("The chunk was not added.", "a later request of this upload took over")
          .with_tag("race"));
}

/// The session as stored.
Result<void> ChunkRequest::load() {
  BR_TRY(grant, call_.admit(core::Action::kWrite, path_));
  BR_TRY(upload, own_upload(call_, *grant, id_, kSessionProtocol));
  BR_TRY(terms, terms_of(upload.options));
  terms_ = std::move(terms);
  begun_with_ = {upload.content_type, upload.storage_class, upload.http,
                 upload.metadata,     upload.tags,          upload.acl};
  BR_TRY(parts, call_.rooms.names.list_parts(call_.context, *grant, id_));
  BR_TRY(progress, progress_of(parts));
  progress_ = progress;
  return {};
}

/// What this request says about its bytes.
Result<void> ChunkRequest::read_terms() {
  const std::string_view header = call_.header("Content-Range");
  has_range_ = !header.empty();
  if (has_range_) {
    BR_TRY(range, parse_content_range(header));
    range_ = range;
    total_ = range_.total;
  } else {
    range_.first = 0;
    range_.length = call_.request.content_length.value_or(std::numeric_limits<uint64_t>::max());
    total_ = call_.request.content_length;
  }
  const auto length = call_.request.content_length;
  if (has_range_ && range_.first && length && range_.length != UINT64_MAX &&
      *length != range_.length) {
    return std::unexpected(invalid("Content-Range and Content-Length do not agree"));
  }
  if (total_ && terms_.expected.size && *total_ != *terms_.expected.size) {
    return std::unexpected(
        invalid("The upload has another size than announced",
                "X-Upload-Content-Length was " + std::to_string(*terms_.expected.size)));
  }
  if (!total_) total_ = terms_.expected.size;
  if (total_) BR_TRY(terms_.range.check(*total_));
  if (total_ && *total_ > kMaxObjectBytes) {
    return std::unexpected(invalid("Objects are at most 5 TiB").with_tag("too_large"));
  }
  return {};
}

/// A chunk that was sent again may begin before the end of what is stored.
Result<void> ChunkRequest::skip_known_bytes() {
  uint64_t known = progress_.bytes - *range_.first;
  char buffer[16 << 10];
  while (known > 0) {
    const size_t want = std::min<uint64_t>(known, sizeof buffer);
    BR_TRY(n, call_.request.body->read(call_.context, std::span{buffer, want}));
    if (n == 0) return {};
    known -= n;
  }
  return {};
}

Result<void> ChunkRequest::store_piece(uint64_t limit, bool& ended) {
  RunningMd5 md5 = progress_.md5;
  SliceSource piece{*call_.request.body, limit, md5};
  core::PutPart part;
  part.upload_id = id_;
  part.number = progress_.parts + 1;
  part.body = &piece;
  part.at_end = [&]() -> Result<meta::StringMap> {
    BR_TRY(check_turn());
    return marks_of_part(progress_.bytes, md5);
  };
  BR_TRY(customer_key, customer_key_of(call_));
  part.customer_key = std::move(customer_key);
  BR_TRY(grant, call_.admit(core::Action::kWrite, path_));
  BR_TRY(stored, call_.rooms.names.put_part(call_.context, *grant, part));
  progress_.bytes += stored.size;
  progress_.md5 = std::move(md5);
  ++progress_.parts;
  ended = piece.ended();
  return {};
}

Result<void> ChunkRequest::store_body() {
  uint64_t left = UINT64_MAX;
  if (range_.length != UINT64_MAX) {
    const uint64_t end = *range_.first + range_.length;
    left = end > progress_.bytes ? end - progress_.bytes : 0;
  }
  bool ended = false;
  while (left > 0 && !ended) {
    if (progress_.bytes > kMaxObjectBytes) {
      return std::unexpected(invalid("Objects are at most 5 TiB").with_tag("too_large"));
    }
    const uint64_t piece = progress_.parts < kLatePart ? kPieceBytes : kLatePieceBytes;
    const uint64_t before = progress_.bytes;
    BR_TRY(store_piece(std::min(left, piece), ended));
    if (left != UINT64_MAX) left -= progress_.bytes - before;
  }
  return {};
}

io::HttpResponse ChunkRequest::incomplete() const {
  io::HttpResponse response = empty_response(308);
  if (progress_.bytes > 0) {
    response.headers.add("Range", "bytes=0-" + std::to_string(progress_.bytes - 1));
  }
  // Clients whose HTTP library follows 308 as a redirect ask for 200 instead.
  if (equals_ignoring_case(call_.header("X-GUploader-No-308"), "yes")) {
    response.status = 200;
    response.headers.add("X-Http-Status-Code-Override", "308");
  }
  return response;
}

Result<io::HttpResponse> ChunkRequest::complete(core::ExpectedBody expected) {
  BR_TRY(terms_.range.check(progress_.bytes));
  if (progress_.parts == 0) {
    io::StringSource nothing{""};
    core::PutPart part;
    part.upload_id = id_;
    part.body = &nothing;
    part.at_end = [] { return marks_of_part(0, RunningMd5{}); };
    BR_TRY(customer_key, customer_key_of(call_));
    part.customer_key = std::move(customer_key);
    BR_TRY(grant, call_.admit(core::Action::kWrite, path_));
    BR_TRY(call_.rooms.names.put_part(call_.context, *grant, part));
  }
  core::CompleteUpload request;
  request.upload_id = id_;
  request.md5 = progress_.md5.value();
  request.conditions = terms_.conditions;
  request.expected = std::move(expected);
  request.expected.size = progress_.bytes;
  request.keep_part_sizes = false;
  if (const auto asked = asked_of_appendable(call_); asked.starts_with(kLeave)) {
    const auto origin = parse_u64(asked.substr(kLeave.size())).value_or(0);
    request.attributes = std::move(begun_with_);
    request.attributes->http[kUnfinalized] =
        unfinalized_mark(call_.route.bucket, call_.route.object, origin);
  }
  BR_TRY(grant, call_.admit(core::Action::kWrite, path_));
  BR_TRY(entry, call_.rooms.names.complete_upload(call_.context, *grant, request));
  return object_response(call_, call_.route.bucket, call_.route.object, entry.record);
}

Result<io::HttpResponse> ChunkRequest::run() {
  auto loaded = load();
  if (!loaded) {
    if (loaded.error().tag() != "no_upload") return std::unexpected(std::move(loaded).error());
    // A finished session answers with its object again.
    core::CompleteUpload again;
    again.upload_id = id_;
    BR_TRY(grant, call_.admit(core::Action::kWrite, path_));
    BR_TRY(entry, call_.rooms.names.complete_upload(call_.context, *grant, again));
    return object_response(call_, call_.route.bucket, call_.route.object, entry.record);
  }
  BR_TRY(read_terms());
  core::ExpectedBody expected = terms_.expected;
  // x-goog-hash on the last request is of the whole object.
  BR_TRY(hashes, header_hashes(call_));
  BR_TRY(add_expected(expected, hashes.crc32c, hashes.md5));
  const bool has_bytes = range_.first && call_.request.has_body && call_.request.body != nullptr &&
                         call_.request.content_length != 0;
  if (has_bytes) {
    // A gap: the answer tells where to go on.
    if (*range_.first > progress_.bytes) return incomplete();
    BR_TRY(skip_known_bytes());
    BR_TRY(store_body());
    if (!total_ && (!has_range_ || range_.length == UINT64_MAX)) total_ = progress_.bytes;
  }
  if (!total_ || progress_.bytes < *total_) return incomplete();
  if (progress_.bytes > *total_) {
    return std::unexpected(invalid("The upload has more bytes than announced"));
  }
  return complete(std::move(expected));
}

}  // namespace

Result<io::HttpResponse> upload_chunk(Call& call) {
  if (call.route.object.empty()) {
    return std::unexpected(invalid("Required parameter: name", "the session's address has one",
                                   "use the Location header of the upload's first answer"));
  }
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  return ChunkRequest{call, std::move(path)}.run();
}

}  // namespace beringia::protocol::gcs

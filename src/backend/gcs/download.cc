#include "backend/gcs/download.h"

#include <utility>

#include "base/encoding.h"
#include "io/runtime.h"
#include "observe/metrics.h"

namespace beringia::backend::gcs {

namespace {

const observe::Counter kResumes{"beringia_backend_gcs_download_resumes_total",
                                "Downloads from Cloud Storage that broke off and were resumed."};

/// Of one download: a link that breaks this often is not going to deliver.
constexpr int kMaxResumes = 64;
constexpr size_t kMaxErrorBytes = 64 << 10;

struct ContentRange {
  uint64_t first = 0;
  uint64_t last = 0;
  std::optional<uint64_t> total;
};

/// "bytes 0-99/1000" or "bytes 0-99/*".
std::optional<ContentRange> parse_content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  auto dash = text.find('-');
  auto slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) {
    return std::nullopt;
  }
  auto first = parse_u64(text.substr(0, dash));
  auto last = parse_u64(text.substr(dash + 1, slash - dash - 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return ContentRange{*first, *last, parse_u64(text.substr(slash + 1))};
}

}  // namespace

Download::Download(const ObjectCalls& calls, const ReadRequest& request, Pin pin)
    : calls_{calls},
      request_{request},
      pin_{pin},
      what_{"read " + calls.at().display(request.name)},
      attempts_{calls.api().attempts()} {}

Result<std::unique_ptr<Download>> Download::open(const io::Context& context,
                                                 const ObjectCalls& calls,
                                                 const ReadRequest& request, Pin pin) {
  auto download = std::make_unique<Download>(calls, request, pin);
  if (request.version) {
    auto generation = generation_of(*request.version);
    if (!generation) return std::unexpected(std::move(generation).error().during(download->what_));
    download->generation_ = *generation;
  }
  BR_TRY(download->reopen(context, std::nullopt));
  return download;
}

Error Download::refused(const io::Context& context, io::HttpClientResponse& response) {
  auto text = io::read_all(context, *response.body, kMaxErrorBytes);
  ApiAnswer answer{response.status, response.headers, text.value_or(std::string{}), false};
  if (response.status == 416) return outside(context);
  if ((response.status == 404 || response.status == 412) && goes_on()) {
    return conflict("cannot " + what_, "the object was replaced or deleted while it was read");
  }
  return error_of(answer, what_);
}

Error Download::outside(const io::Context& context) const {
  if (goes_on()) {
    return conflict("cannot " + what_, "the object was replaced while it was read");
  }
  if (generation_ != 0) {
    // A shorter version may be there now. Google tells by 412, before it looks at the range; others
    // may not.
    auto now = calls_.get(context, request_.name);
    if (!now) return now.error();
    if (now->generation != generation_) return another_version();
  }
  return invalid("cannot " + what_, "the range does not lie inside the object");
}

Error Download::another_version() const {
  return conflict("cannot " + what_, "the object is another version now").with_tag("precondition");
}

Result<void> Download::accept(const io::Context& context, io::HttpClientResponse response) {
  const uint64_t first = request_.range.offset + position_;
  const uint64_t length = request_.range.length - position_;
  std::optional<uint64_t> total;
  bool fits = false;
  // Google's testbench answers a range by 200 with Content-Range when it is told to break it off.
  const auto content_range = response.headers.get("content-range");
  if (response.status == 206 || content_range) {
    auto range = parse_content_range(content_range.value_or(""));
    fits = range && range->first == first && range->last - range->first + 1 == length;
    if (range) total = range->total;
  } else {  // 200: the whole object
    fits = first == 0 && response.content_length == length;
    total = response.content_length;
  }
  if (auto seen = parse_u64(response.headers.get_or("x-goog-generation", ""))) {
    if (generation_ != 0 && generation_ != *seen) return std::unexpected(another_version());
    generation_ = *seen;
  }
  if (!fits && total && *total < first + length) return std::unexpected(outside(context));
  // "Accept-Encoding: gzip" was sent, so stored gzip objects come as they are stored. A gzip that
  // was put on only for the transfer would be other bytes.
  const auto stored = response.headers.get_or("x-goog-stored-content-encoding", "");
  const auto coding = response.headers.get_or("content-encoding", "identity");
  if (!stored.empty() && coding != "identity" && stored != coding) fits = false;
  if (!fits) {
    return std::unexpected(unavailable(
        "cannot " + what_, "the service sent other bytes than the range that was asked for"));
  }
  if (position_ == 0) {
    wire::gcs::Hashes hashes;
    for (auto value : response.headers.all("x-goog-hash")) {
      BR_TRY(wire::gcs::add_hash_header(hashes, value));
    }
    object_bytes_ = total;
    object_crc32c_ = hashes.crc32c;
  }
  body_ = std::move(response.body);
  return {};
}

Result<void> Download::reopen(const io::Context& context, std::optional<Error> broken) {
  body_.reset();
  if (broken && generation_ == 0) return std::unexpected(*broken);  // nothing to pin to
  while (true) {
    Query query;
    // First as a condition, which tells "changed" (412) from "gone" (404); on resuming as the
    // generation itself, which versioned buckets still have after an overwrite.
    if (generation_ != 0) {
      query.emplace_back(goes_on() ? "generation" : "ifGenerationMatch",
                         std::to_string(generation_));
    }
    ApiRequest request;
    request.target = calls_.at().media_target(request_.name, query);
    request.headers.set("Accept-Encoding", "gzip");
    const uint64_t first = request_.range.offset + position_;
    const uint64_t last = request_.range.offset + request_.range.length - 1;
    request.headers.set("Range", "bytes=" + std::to_string(first) + "-" + std::to_string(last));
    auto response = calls_.api().open(context, request);
    std::optional<Duration> retry_after;
    if (response) {
      if (response->status == 200 || response->status == 206)
        return accept(context, std::move(*response));
      if (!is_retryable_status(response->status)) {
        return std::unexpected(refused(context, *response));
      }
      retry_after = parse_retry_after(response->headers.get_or("retry-after", ""),
                                      io::current_clock().wall());
      broken = refused(context, *response);
    } else {
      broken = response.error();
      if (broken->code() != Code::kUnavailable && broken->code() != Code::kBusy) {
        return std::unexpected(std::move(*broken).during(what_));
      }
    }
    BR_TRY(again, attempts_.next(context, retry_after));
    if (!again) {
      return std::unexpected(Error{broken->code(), Retry::kSafe, "cannot " + what_,
                                   broken->to_string(),
                                   "check that the backend's endpoint can be reached from here"});
    }
  }
}

Result<void> Download::check_end() {
  const bool whole = request_.range.offset == 0 && object_bytes_ == request_.range.length;
  if (whole && object_crc32c_ && *object_crc32c_ != crc32c_.value()) {
    return std::unexpected(corrupt("cannot " + what_, "the bytes do not match the CRC32C that " +
                                                          std::string{"Cloud Storage has"}));
  }
  return {};
}

Result<size_t> Download::read(const io::Context& context, std::span<char> buffer) {
  if (failed_) return std::unexpected(*failed_);
  const uint64_t left = request_.range.length - position_;
  if (left == 0 || buffer.empty()) return 0;
  auto wanted = buffer.first(static_cast<size_t>(std::min<uint64_t>(left, buffer.size())));
  auto fail = [&](Error error) {
    failed_ = error;
    body_.reset();
    return std::unexpected(std::move(error));
  };
  while (true) {
    auto count = body_->read(context, wanted);
    if (count && *count > 0) {
      attempts_.reset();
      crc32c_.update({wanted.data(), *count});
      position_ += *count;
      if (position_ == request_.range.length) {
        // The check belongs before the last byte is handed out: a reader may stop right after it.
        if (auto checked = check_end(); !checked) return fail(checked.error());
        // Reads the end of the exchange, so that the connection returns to its pool.
        char none[1];
        if (auto end = body_->read(context, none); !end) body_.reset();
      }
      return *count;
    }
    Error broken = count ? unavailable("the download ended early") : count.error();
    if (broken.code() == Code::kCancelled && context.check(io::now())) {
      broken = unavailable("the service sends nothing any more");  // the HTTP client's time limit
    }
    if (broken.code() != Code::kUnavailable || ++resumes_ > kMaxResumes) {
      return fail(std::move(broken).during(what_));
    }
    // A resume after progress is at once; one without waits longer each time and has an end.
    if (std::exchange(resumed_at_, position_) == position_) {
      auto again = attempts_.next(context);
      if (!again) return fail(again.error());
      if (!*again) return fail(std::move(broken).during(what_));
    }
    kResumes.add();
    if (auto opened = reopen(context, broken); !opened) return fail(opened.error());
  }
}

}  // namespace beringia::backend::gcs

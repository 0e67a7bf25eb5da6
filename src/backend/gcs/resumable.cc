#include "backend/gcs/resumable.h"

#include "base/encoding.h"
#include "io/runtime.h"

namespace beringia::backend::gcs {

Result<ResumableUpload> ResumableUpload::begin(const io::Context& context, const ObjectCalls& calls,
                                               std::string name,
                                               const wire::gcs::ObjectChange& fields,
                                               uint64_t if_generation) {
  ApiRequest request;
  request.what = "upload " + calls.at().display(name);
  request.method = "POST";
  request.target = calls.at().upload_target({{"uploadType", "resumable"},
                                             {"name", calls.at().full_name(name)},
                                             {"ifGenerationMatch", std::to_string(if_generation)}});
  request.headers.set("Content-Type", "application/json; charset=UTF-8");
  request.headers.set("X-Upload-Content-Type", fields.content_type.present()
                                                   ? fields.content_type.value()
                                                   : "application/octet-stream");
  request.body = wire::gcs::render(fields);
  // A session that was opened twice is harmless: the first one is never used and expires.
  BR_TRY(answer, calls.api().call(context, request));
  if (!answer.ok()) return std::unexpected(bucket_error_of(answer, request.what));
  auto location = answer.headers.get("location");
  if (!location) {
    return std::unexpected(unavailable("cannot " + request.what,
                                       "the service's answer has no Location of the session"));
  }
  // Only path and query: the session is at the endpoint that we were told to use, whatever name the
  // service has for itself; and our token goes nowhere else.
  return ResumableUpload{calls, std::move(name), target_of_url(*location)};
}

ApiRequest ResumableUpload::chunk_request(std::string_view bytes, uint64_t position,
                                          std::optional<uint64_t> total) const {
  ApiRequest request;
  request.method = "PUT";
  request.cost = CallClass::kFree;  // billed when the session was opened
  request.target = target_;
  request.what = "upload " + calls_.at().display(name_);
  std::string range = "bytes ";
  if (bytes.empty()) {
    range += "*";
  } else {
    range += std::to_string(position) + "-" + std::to_string(position + bytes.size() - 1);
  }
  request.headers.set("Content-Range", range + "/" + (total ? std::to_string(*total) : "*"));
  if (!hash_.empty()) request.headers.set("X-Goog-Hash", hash_);
  request.payload = bytes;
  return request;
}

Result<std::optional<ResumableUpload::Standing>> ResumableUpload::standing_of(
    const io::Context& context, const ApiAnswer& answer) const {
  if (answer.status == 200 || answer.status == 201) {
    BR_TRY(object, calls_.result_of(context, answer, name_));
    return Standing{std::move(object), 0};
  }
  if (answer.status == 308) {
    // "Range: bytes=0-N" (also seen without "bytes="); absent: nothing is held yet.
    auto range = answer.headers.get_or("range", "");
    auto dash = range.rfind('-');
    if (range.empty()) return Standing{};
    auto last = dash == std::string_view::npos ? std::nullopt : parse_u64(range.substr(dash + 1));
    if (!last) {
      return std::unexpected(unavailable("cannot upload " + calls_.at().display(name_),
                                         "the service's Range header cannot be read"));
    }
    return Standing{std::nullopt, *last + 1};
  }
  if (is_retryable_status(answer.status)) return std::optional<Standing>{};
  if (answer.status == 404 || answer.status == 410) {
    return std::unexpected(unavailable("cannot upload " + calls_.at().display(name_),
                                       "the service has forgotten the upload session"));
  }
  return std::unexpected(error_of(answer, "upload " + calls_.at().display(name_)));
}

Result<ResumableUpload::Standing> ResumableUpload::put(const io::Context& context,
                                                       std::string_view chunk,
                                                       std::optional<uint64_t> total) {
  const uint64_t end = start_ + chunk.size();
  auto tries = calls_.api().attempts();
  uint64_t position = start_;
  bool ask = false;  // the last answer was lost: ask where the service stands before sending on
  while (true) {
    auto request = ask ? chunk_request({}, 0, total)
                       : chunk_request(chunk.substr(position - start_), position, total);
    auto answer = calls_.api().call_once(context, request);
    std::optional<Duration> retry_after;
    std::optional<Error> broken;
    if (answer) {
      BR_TRY(standing, standing_of(context, *answer));
      if (standing && standing->object) {
        ended_by_question_ = ask;
        return std::move(*standing);
      }
      if (standing) {
        const uint64_t held = standing->held;
        if (held < start_ || held > end) {
          return std::unexpected(unavailable(
              request.what + " failed", "the service holds " + std::to_string(held) +
                                            " bytes, expected " + std::to_string(start_) + " to " +
                                            std::to_string(end)));
        }
        if (held == end && (!total || end < *total)) return std::move(*standing);
        const bool progress = held > position || (ask && held == end);
        position = held;
        const bool was_asked = std::exchange(ask, false);
        if (progress) tries.reset();
        if (progress || was_asked) continue;
        broken = unavailable(request.what + " failed", "the service takes no more bytes");
      } else {
        retry_after = parse_retry_after(answer->headers.get_or("retry-after", ""),
                                        io::current_clock().wall());
        broken = error_of(*answer, request.what);
      }
    } else {
      broken = answer.error();
      if (broken->code() != Code::kUnavailable && broken->code() != Code::kBusy) {
        return std::unexpected(std::move(*broken).during(request.what));
      }
    }
    ask = true;
    auto again = tries.next(context, retry_after);
    if (!again) return std::unexpected(again.error());
    if (!*again) return std::unexpected(std::move(*broken).during(request.what));
  }
}

Result<void> ResumableUpload::send(const io::Context& context, std::string_view chunk) {
  BR_TRY(standing, put(context, chunk, std::nullopt));
  if (standing.object) {
    return std::unexpected(unavailable("cannot upload " + calls_.at().display(name_),
                                       "the service ended the upload before its last chunk"));
  }
  start_ += chunk.size();
  return {};
}

Result<wire::gcs::ObjectResource> ResumableUpload::finish(const io::Context& context,
                                                          std::string_view chunk, uint32_t crc32c) {
  hash_ = wire::gcs::hash_header(crc32c, std::nullopt);
  BR_TRY(standing, put(context, chunk, start_ + chunk.size()));
  if (!standing.object) {
    return std::unexpected(unavailable("cannot upload " + calls_.at().display(name_),
                                       "the service did not end the upload"));
  }
  start_ += chunk.size();
  return std::move(*standing.object);
}

void ResumableUpload::cancel(const io::Context& context) {
  ApiRequest request;
  request.method = "DELETE";
  request.target = target_;
  // One attempt; sessions that stay behind expire after a week and are not visible.
  (void)calls_.api().call_once(context, request);
}

}  // namespace beringia::backend::gcs

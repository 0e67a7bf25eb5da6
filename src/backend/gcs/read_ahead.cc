#include "backend/gcs/read_ahead.h"

#include <algorithm>

#include "observe/metrics.h"

namespace beringia::backend::gcs {

namespace {

const observe::Counter kSegments{"beringia_backend_gcs_read_ahead_segments_total",
                                 "Segments of long reads that were fetched ahead of the reader."};

}  // namespace

/// A part of the range in memory, and its share of the budget.
struct ReadAhead::Segment {
  Segment(io::Semaphore& from, ReadRequest what, int64_t memory)
      : budget{from}, request{std::move(what)}, share{memory} {}
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment() { budget.release(share); }

  io::Semaphore& budget;
  const ReadRequest request;
  const int64_t share;
  // Written by the fiber that fills it until `done`, read by the reader afterwards.
  std::string bytes;
  std::optional<Error> error;
  io::Event done;

  Result<void> fill(const io::Context& context, const ObjectCalls& calls) {
    BR_TRY(source, Download::open(context, calls, request, Download::Pin::kGoesOn));
    const auto length = static_cast<size_t>(request.range.length);
    bytes.resize(length);
    for (size_t have = 0; have < length;) {
      BR_TRY(count, source->read(context, std::span{bytes}.subspan(have)));
      if (count == 0) return std::unexpected(unavailable("the download ended early"));
      have += count;
    }
    return {};
  }
};

ReadAhead::ReadAhead(const io::Context& context, const ObjectCalls& calls,
                     const ReadRequest& request, const ReadAheadOptions& options,
                     io::Semaphore& budget)
    : calls_{calls},
      request_{request},
      options_{options},
      budget_{budget},
      more_from_{options.segment_bytes / 2},
      // Not the caller's deadline: that one is for opening. The reader waits with its own.
      scope_{context.unbounded()} {}

Result<std::unique_ptr<io::ByteSource>> ReadAhead::open(const io::Context& context,
                                                        const ObjectCalls& calls,
                                                        const ReadRequest& request,
                                                        const ReadAheadOptions& options,
                                                        io::Semaphore& budget) {
  auto out = std::make_unique<ReadAhead>(context, calls, request, options, budget);
  BR_TRY(stream, Download::open(context, calls, out->next_segment()));
  if (stream->generation() != 0) {
    out->pinned_ = true;
    out->version_ = std::to_string(stream->generation());
  }
  if (request.range.offset == 0 && stream->object_bytes() == request.range.length) {
    out->whole_crc32c_ = stream->object_crc32c();
  }
  out->stream_ = std::move(stream);
  return std::unique_ptr<io::ByteSource>{std::move(out)};
}

ReadRequest ReadAhead::next_segment() {
  ReadRequest out;
  out.name = request_.name;
  out.version = pinned_ ? version_ : request_.version;
  // Without a generation to hold on to nothing may be put together from several answers.
  const bool can_split = begun_ == 0 || pinned_;
  const uint64_t left = request_.range.length - begun_;
  out.range = {request_.range.offset + begun_,
               can_split ? std::min<uint64_t>(left, options_.segment_bytes) : left};
  begun_ += out.range.length;
  return out;
}

void ReadAhead::note_progress() {
  while (position_ >= more_from_ && ahead_ < options_.max_parallel) {
    ahead_ = std::min(ahead_ * 2, options_.max_parallel);
    // In the middle of the first segment, then at the end of each.
    more_from_ = (more_from_ / options_.segment_bytes + 1) * options_.segment_bytes;
  }
}

void ReadAhead::fetch_ahead() {
  note_progress();
  while (pinned_ && queue_.size() < ahead_ && begun_ < request_.range.length) {
    const auto share = static_cast<int64_t>(
        std::min<uint64_t>(request_.range.length - begun_, options_.segment_bytes));
    if (!budget_.try_acquire(share)) return;
    auto segment = std::make_shared<Segment>(budget_, next_segment(), share);
    queue_.push_back(segment);
    kSegments.add();
    scope_.spawn([this, segment]() -> Result<void> {
      auto filled = segment->fill(scope_.context(), calls_);
      if (!filled) segment->error = filled.error();
      segment->done.set();
      return {};  // the reader is told when it comes there; the segments before it are good
    });
  }
}

Result<size_t> ReadAhead::read_segment(const io::Context& context, std::span<char> buffer) {
  if (stream_) {
    BR_TRY(count, stream_->read(context, buffer));
    if (stream_->remaining() == 0) stream_.reset();
    return count;
  }
  if (queue_.empty()) {  // no memory was left: one stream again, a segment at a time
    BR_TRY(stream, Download::open(context, calls_, next_segment(), Download::Pin::kGoesOn));
    stream_ = std::move(stream);
    return read_segment(context, buffer);
  }
  auto& segment = *queue_.front();
  BR_TRY(segment.done.wait(context));
  if (segment.error) return std::unexpected(*segment.error);
  const size_t count = segment.bytes.copy(buffer.data(), buffer.size(), used_);
  used_ += count;
  if (used_ == segment.bytes.size()) {
    queue_.pop_front();
    used_ = 0;
  }
  return count;
}

Result<void> ReadAhead::check_end() const {
  if (!whole_crc32c_ || *whole_crc32c_ == crc32c_.value()) return {};
  return std::unexpected(corrupt("cannot read " + calls_.at().display(request_.name),
                                 "the bytes do not match the CRC32C that Cloud Storage has"));
}

Result<size_t> ReadAhead::read(const io::Context& context, std::span<char> buffer) {
  if (failed_) return std::unexpected(*failed_);
  if (position_ == request_.range.length || buffer.empty()) return 0;
  fetch_ahead();
  auto count = read_segment(context, buffer);
  if (count && *count == 0) count = std::unexpected(unavailable("the download ended early"));
  if (count) {
    crc32c_.update({buffer.data(), *count});
    position_ += *count;
    // Before the last byte is handed out: a reader may stop right after it.
    if (position_ == request_.range.length) {
      if (auto checked = check_end(); !checked) count = std::unexpected(checked.error());
    }
  }
  if (!count) failed_ = count.error();
  return count;
}

}  // namespace beringia::backend::gcs

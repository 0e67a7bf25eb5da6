#pragma once

#include <deque>
#include <memory>
#include <string>

#include "backend/gcs/download.h"
#include "base/checksum.h"
#include "io/sync.h"

namespace beringia::backend::gcs {

struct ReadAheadOptions {
  /// A longer range is fetched in segments of this size, several at once.
  size_t segment_bytes = 4 << 20;
  size_t max_parallel = 8;  ///< segments of one read that are fetched ahead of its reader
  /// Bound of the memory of all reads together. A read that finds none left goes on in one stream.
  uint64_t buffer_bytes = 64 << 20;
};

/// Streams a long range of one generation over several connections: one of them is as fast as its
/// window and the distance allow, not as the link. The first segment is handed out as it comes, so
/// the first byte is not later than with one stream. The next ones are fetched into memory when the
/// reader has begun: first one, in the middle of the first segment two, then twice as many for each
/// that was used up, so that who stops early has not paid for much: at most four times what they
/// read. The ObjectCalls and the budget must outlive it.
class ReadAhead final : public io::ByteSource {
 public:
  /// Sends the request of the first segment. Errors as Download::open().
  [[nodiscard]] static Result<std::unique_ptr<io::ByteSource>> open(const io::Context& context,
                                                                    const ObjectCalls& calls,
                                                                    const ReadRequest& request,
                                                                    const ReadAheadOptions& options,
                                                                    io::Semaphore& budget);

  /// Use open(): a ReadAhead that was not opened has no bytes.
  ReadAhead(const io::Context& context, const ObjectCalls& calls, const ReadRequest& request,
            const ReadAheadOptions& options, io::Semaphore& budget);
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;
  std::optional<uint64_t> remaining() const override { return request_.range.length - position_; }

 private:
  struct Segment;
  /// The request of the next segment, which is then begun.
  ReadRequest next_segment();
  void fetch_ahead();
  /// Wants more segments, as far as the reader has come.
  void note_progress();
  [[nodiscard]] Result<size_t> read_segment(const io::Context& context, std::span<char> buffer);
  [[nodiscard]] Result<void> check_end() const;

  const ObjectCalls& calls_;
  const ReadRequest request_;
  const ReadAheadOptions options_;
  io::Semaphore& budget_;
  std::optional<uint32_t> whole_crc32c_;  // of the service, when the range is the whole object
  Crc32c crc32c_;
  uint64_t position_ = 0;  // bytes of the range handed out
  uint64_t begun_ = 0;     // bytes of the range that some segment has
  size_t ahead_ = 1;       // segments wanted in queue_
  uint64_t more_from_;     // position_ from which twice as many are wanted
  bool pinned_ = false;    // the generation is known, so that segments cannot be of different ones
  Version version_;        // then
  std::unique_ptr<Download> stream_;            // the segment that is handed out as it comes
  std::deque<std::shared_ptr<Segment>> queue_;  // owners: this and the fiber that fills it
  size_t used_ = 0;                             // bytes of queue_.front() handed out
  std::optional<Error> failed_;
  io::Scope scope_;  // ends first: its fibers use what is above
};

}  // namespace beringia::backend::gcs

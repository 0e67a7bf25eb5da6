#pragma once

#include <memory>

#include "backend/gcs/object_calls.h"
#include "base/checksum.h"

namespace beringia::backend::gcs {

/// Streams one range of one generation. A broken download goes on from the next byte, pinned to the
/// generation it began with; a range that is the whole object is checked against the service's
/// CRC32C at its end. The ObjectCalls must outlive it.
class Download final : public io::ByteSource {
 public:
  /// Whether the request's version is a condition, or that of a read under way: that one goes on
  /// although the object was overwritten, where the bucket still has the generation.
  enum class Pin { kCondition, kGoesOn };
  /// Sends the request; the answer's head decides. `length` >= 1.
  /// @error kNotFound; kConflict: another version; kInvalid: not inside the object
  [[nodiscard]] static Result<std::unique_ptr<Download>> open(const io::Context& context,
                                                              const ObjectCalls& calls,
                                                              const ReadRequest& request,
                                                              Pin pin = Pin::kCondition);

  /// Use open(): a Download that was not opened has no bytes.
  Download(const ObjectCalls& calls, const ReadRequest& request, Pin pin);
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;
  std::optional<uint64_t> remaining() const override { return request_.range.length - position_; }
  /// Of the object that is read; 0: the service does not tell.
  uint64_t generation() const { return generation_; }
  /// What the service told about the whole object.
  std::optional<uint64_t> object_bytes() const { return object_bytes_; }
  std::optional<uint32_t> object_crc32c() const { return object_crc32c_; }

 private:
  /// Opens the rest of the range, with retries. `broken`: why the last connection ended.
  Result<void> reopen(const io::Context& context, std::optional<Error> broken);
  /// Takes over an accepted answer after checking that it is the range of the generation.
  Result<void> accept(const io::Context& context, io::HttpClientResponse response);
  Error outside(const io::Context& context) const;
  Error another_version() const;
  Error refused(const io::Context& context, io::HttpClientResponse& response);
  Result<void> check_end();
  bool goes_on() const { return position_ > 0 || pin_ == Pin::kGoesOn; }

  const ObjectCalls& calls_;
  const ReadRequest request_;
  const Pin pin_;
  const std::string what_;
  uint64_t generation_ = 0;  // pinned; 0 = not known yet
  std::optional<uint64_t> object_bytes_;
  std::optional<uint32_t> object_crc32c_;
  Crc32c crc32c_;
  uint64_t position_ = 0;  // bytes of the range handed out
  int resumes_ = 0;
  uint64_t resumed_at_ = UINT64_MAX;  // position of the last resume
  Attempts attempts_;
  std::unique_ptr<io::ByteSource> body_;
  std::optional<Error> failed_;
};

}  // namespace beringia::backend::gcs

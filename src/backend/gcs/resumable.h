#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backend/gcs/object_calls.h"

namespace beringia::backend::gcs {

/// All chunks but the last are multiples of this (Cloud Storage, "Resumable uploads").
inline constexpr size_t kChunkQuantum = 256 << 10;

/// One resumable upload session. After a broken connection or a 5xx it asks the service how much it
/// has and goes on from there. Nothing is visible before finish(). Used by one fiber.
class ResumableUpload {
 public:
  /// Opens a session for `name`. @error kConflict: `if_generation` does not hold (if the service
  /// checks it this early)
  [[nodiscard]] static Result<ResumableUpload> begin(const io::Context& context,
                                                     const ObjectCalls& calls, std::string name,
                                                     const wire::gcs::ObjectChange& fields,
                                                     uint64_t if_generation);
  /// Sends a chunk that is not the last one; its size is a multiple of kChunkQuantum.
  [[nodiscard]] Result<void> send(const io::Context& context, std::string_view chunk);
  /// Sends the last chunk (may be empty) and makes the object. `crc32c` is of the whole body: the
  /// service refuses the object if it differs. @error kConflict: `if_generation` does not hold
  [[nodiscard]] Result<wire::gcs::ObjectResource> finish(const io::Context& context,
                                                         std::string_view chunk, uint32_t crc32c);
  /// Gives the session up; best effort.
  void cancel(const io::Context& context);
  /// The object came as the answer to a question, not to the last chunk: a service may have refused
  /// that chunk (precondition) and still describe the upload as done. The caller looks.
  bool ended_by_question() const { return ended_by_question_; }

 private:
  /// Where the service stands: finished with an object, or holding the first `held` bytes.
  struct Standing {
    std::optional<wire::gcs::ObjectResource> object;
    uint64_t held = 0;
  };

  ResumableUpload(const ObjectCalls& calls, std::string name, std::string target)
      : calls_{calls}, name_{std::move(name)}, target_{std::move(target)} {}
  [[nodiscard]] Result<Standing> put(const io::Context& context, std::string_view chunk,
                                     std::optional<uint64_t> total);
  ApiRequest chunk_request(std::string_view bytes, uint64_t position,
                           std::optional<uint64_t> total) const;
  /// What an answer of the session says; nullopt: retryable, ask again.
  [[nodiscard]] Result<std::optional<Standing>> standing_of(const io::Context& context,
                                                            const ApiAnswer& answer) const;

  const ObjectCalls& calls_;
  std::string name_;
  std::string target_;  // of the session
  uint64_t start_ = 0;  // bytes the service has acknowledged and we have dropped
  bool ended_by_question_ = false;
  std::string hash_;  // x-goog-hash of the last chunk
};

}  // namespace beringia::backend::gcs

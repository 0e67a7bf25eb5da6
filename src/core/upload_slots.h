#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace beringia::core {

/// Where parts of an upload go in one file, so that completing it copies nothing: part n at
/// (n - 1) * the size of the part that came first. Known to this process only: parts of uploads
/// that an earlier run began, and whatever does not fit, get files of their own. Thread-safe.
class UploadSlots {
 public:
  static constexpr size_t kMaxUploads = 4096;
  static constexpr uint64_t kMaxEnd = 5ULL << 40;  // S3 API: objects are at most 5 TiB

  /// The right to write one part at `offset`. Ends with the write; the place is never given again.
  class Claim {
   public:
    Claim(Claim&& other) noexcept
        : slots_{std::exchange(other.slots_, nullptr)},
          upload_{std::move(other.upload_)},
          offset_{other.offset_} {}
    Claim& operator=(Claim&&) = delete;
    ~Claim() {
      if (slots_ != nullptr) slots_->end(upload_);
    }
    uint64_t offset() const { return offset_; }

   private:
    friend class UploadSlots;
    Claim(UploadSlots& slots, std::string upload, uint64_t offset)
        : slots_{&slots}, upload_{std::move(upload)}, offset_{offset} {}
    UploadSlots* slots_;
    std::string upload_;
    uint64_t offset_;
  };

  /// @param number  from 1
  /// @return nullopt: the part gets a file of its own (its place was taken before, it is larger
  /// than
  ///         the first one, the upload is being completed, or there are too many uploads)
  std::optional<Claim> claim(const std::string& upload, uint32_t number, uint64_t size);
  /// No part may be placed any more. @return false: one is being written now, so that the file may
  ///         still change
  bool close(const std::string& upload);
  void forget(const std::string& upload);

 private:
  struct Slots {
    uint64_t unit = 0;
    std::set<uint32_t> taken;
    int writing = 0;
    bool closed = false;
  };
  void end(const std::string& upload);

  std::mutex mutex_;
  std::map<std::string, Slots> uploads_;
};

}  // namespace beringia::core

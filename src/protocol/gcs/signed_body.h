#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/checksum.h"
#include "io/byte_source.h"

namespace beringia::protocol::gcs {

/// A body whose SHA-256 is under the request's signature: its end is reached only if it is the one
/// that was signed, so that nothing else can be stored. Used by one fiber.
class SignedBody final : public io::ByteSource {
 public:
  /// @param inner  may be null: then the body is empty
  SignedBody(io::ByteSource* inner, std::string sha256_hex)
      : inner_{inner}, expected_{std::move(sha256_hex)} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;
  std::optional<uint64_t> remaining() const override {
    return inner_ == nullptr ? std::optional<uint64_t>{0} : inner_->remaining();
  }
  /// @error kInvalid (tag "checksum_mismatch"): what was read is not what was signed
  [[nodiscard]] Result<void> check_end();

 private:
  io::ByteSource* inner_;
  std::string expected_;
  Digest digest_{Digest::Kind::kSha256};
  std::optional<bool> matches_;
};

}  // namespace beringia::protocol::gcs

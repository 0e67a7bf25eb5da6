#include "protocol/gcs/signed_body.h"

#include "base/encoding.h"

namespace beringia::protocol::gcs {

Result<size_t> SignedBody::read(const io::Context& context, std::span<char> buffer) {
  size_t n = 0;
  if (inner_ != nullptr) {
    BR_TRY(got, inner_->read(context, buffer));
    n = got;
  }
  if (n > 0) digest_.update({buffer.data(), n});
  // Whoever knows the length need not ask for the end.
  if (n == 0 || remaining() == 0U) BR_TRY(check_end());
  return n;
}

Result<void> SignedBody::check_end() {
  if (!matches_) matches_ = equals_ignoring_case(to_hex(digest_.finish()), expected_);
  if (*matches_) return {};
  return std::unexpected(invalid("The body is not the one that was signed",
                                 "its SHA-256 is not that of x-goog-content-sha256")
                             .with_tag("checksum_mismatch"));
}

}  // namespace beringia::protocol::gcs

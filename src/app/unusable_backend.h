#pragma once

#include "backend/backend.h"
#include "base/error.h"

namespace beringia::app {

/// Stands for a declared backend that cannot be made at start (its key file is gone, say), so that
/// everything else is served: every call fails as an unreachable backend does, with the reason.
class UnusableBackend final : public backend::Backend {
 public:
  explicit UnusableBackend(const Error& why)
      : why_{unavailable(why.what(), why.why(), why.hint())} {
    capabilities_.kind = "unusable";
  }
  const backend::Capabilities& capabilities() const override { return capabilities_; }
  Result<backend::CopyInfo> stat(const io::Context&, const backend::StatRequest&) override {
    return std::unexpected(why_);
  }
  [[nodiscard]] Result<std::unique_ptr<io::ByteSource>> read(const io::Context&,
                                                             const backend::ReadRequest&) override {
    return std::unexpected(why_);
  }
  Result<backend::CopyInfo> write(const io::Context&, const backend::WriteRequest&) override {
    return std::unexpected(why_);
  }
  Result<backend::CopyPage> list(const io::Context&, const backend::ListRequest&) override {
    return std::unexpected(why_);
  }
  Result<void> remove(const io::Context&, const backend::RemoveRequest&) override {
    return std::unexpected(why_);
  }
  Result<backend::CopyInfo> compose(const io::Context&, const backend::ComposeRequest&) override {
    return std::unexpected(why_);
  }
  Result<backend::CopyInfo> rename(const io::Context&, const backend::RenameRequest&) override {
    return std::unexpected(why_);
  }
  Result<backend::CopyInfo> update(const io::Context&, const backend::UpdateRequest&) override {
    return std::unexpected(why_);
  }
  Result<void> make_directory(const io::Context&, const std::string&) override {
    return std::unexpected(why_);
  }
  Result<void> remove_directory(const io::Context&, const std::string&) override {
    return std::unexpected(why_);
  }
  Result<uint64_t> sweep(const io::Context&, Duration) override { return std::unexpected(why_); }
  Result<backend::StoreReport> probe(const io::Context&) override { return std::unexpected(why_); }

 private:
  backend::Capabilities capabilities_;
  Error why_;
};

}  // namespace beringia::app

#include "backend/verifying_backend.h"

#include <fmt/format.h>

#include "base/checksum.h"

namespace beringia::backend {

namespace {

inline const observe::Counter kMismatches{
    "beringia_backend_checksum_mismatches_total",
    "Bytes or answers of a backend that did not match their checksum.",
    {"backend"}};

/// Sums what goes by, for writes whose caller gives no seal.
class SummedBody final : public io::ByteSource {
 public:
  explicit SummedBody(io::ByteSource& inner) : inner_{inner} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    BR_TRY(n, inner_.read(context, buffer));
    crc32c_.update({buffer.data(), n});
    size_ += n;
    return n;
  }
  std::optional<uint64_t> remaining() const override { return inner_.remaining(); }
  uint32_t crc32c() const { return crc32c_.value(); }
  uint64_t size() const { return size_; }

 private:
  io::ByteSource& inner_;
  Crc32c crc32c_;
  uint64_t size_ = 0;
};

}  // namespace

/// Ends well only if the bytes were those expected.
class VerifyingBackend::Source final : public io::ByteSource {
 public:
  Source(const VerifyingBackend& backend, std::unique_ptr<io::ByteSource> inner,
         const ReadRequest& request)
      : backend_{backend},
        inner_{std::move(inner)},
        name_{request.name},
        expected_{*request.crc32c},
        left_{request.range.length} {}

  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    if (failed_) return std::unexpected(*failed_);
    BR_TRY(n, inner_->read(context, buffer));
    crc32c_.update({buffer.data(), n});
    if (n > left_ || (n == 0 && left_ > 0)) return fail("it gave another number of bytes");
    left_ -= n;
    // Told with the last bytes: who reads exactly as many as asked never sees the end.
    if (left_ == 0 && crc32c_.value() != expected_) {
      return fail(fmt::format("their CRC32C is {:08x}, not {:08x}", crc32c_.value(), expected_));
    }
    return n;
  }
  std::optional<io::FileRegion> as_file() override { return inner_->as_file(); }
  std::optional<uint64_t> remaining() const override { return inner_->remaining(); }

 private:
  std::unexpected<Error> fail(std::string why) {
    failed_ = backend_.lie("cannot trust the bytes of " + name_, std::move(why));
    return std::unexpected(*failed_);
  }

  const VerifyingBackend& backend_;
  std::unique_ptr<io::ByteSource> inner_;
  const std::string name_;
  const uint32_t expected_;
  uint64_t left_;
  Crc32c crc32c_;
  std::optional<Error> failed_;
};

VerifyingBackend::VerifyingBackend(std::string name, std::unique_ptr<Backend> inner)
    : name_{std::move(name)}, inner_{std::move(inner)}, mismatches_{kMismatches.at({name_})} {}

Error VerifyingBackend::lie(const std::string& what, std::string why) const {
  mismatches_.add();
  return corrupt(what + " in backend \"" + name_ + "\"", std::move(why))
      .with_tag("checksum_mismatch");
}

Result<CopyInfo> VerifyingBackend::compare(CopyInfo answer, uint64_t size,
                                           std::optional<uint32_t> crc32c) const {
  std::string why;
  if (answer.size != size) {
    why = fmt::format("{} bytes were written, it says it has {}", size, answer.size);
  } else if (crc32c && answer.crc32c && *crc32c != *answer.crc32c) {
    why = fmt::format("the CRC32C of what was written is {:08x}, it says {:08x}", *crc32c,
                      *answer.crc32c);
  } else {
    return answer;
  }
  Error error = lie("cannot trust the write of " + answer.name, std::move(why));
  // Something is there now: who repeats this must look first.
  return std::unexpected(
      Error{error.code(), Retry::kMaybeApplied, error.what(), error.why()}.with_tag(
          "checksum_mismatch"));
}

Result<std::unique_ptr<io::ByteSource>> VerifyingBackend::read(const io::Context& context,
                                                               const ReadRequest& request) {
  auto source = inner_->read(context, request);
  if (!source || !request.crc32c || request.range.length == 0) return source;
  return std::make_unique<Source>(*this, std::move(*source), request);
}

Result<CopyInfo> VerifyingBackend::write(const io::Context& context, const WriteRequest& request) {
  if (request.body == nullptr) return inner_->write(context, request);
  WriteRequest checked = request;
  if (!request.seal) {
    SummedBody body{*request.body};
    checked.body = &body;
    BR_TRY(answer, inner_->write(context, checked));
    return compare(std::move(answer), body.size(), body.crc32c());
  }
  std::optional<Seal> sealed;
  checked.seal = [&]() -> Result<Seal> {
    BR_TRY(seal, request.seal());
    sealed = Seal{seal.size, seal.crc32c, {}, {}, {}, {}};
    return std::move(seal);
  };
  BR_TRY(answer, inner_->write(context, checked));
  if (!sealed) return std::unexpected(internal("the write of " + request.name + " was not sealed"));
  return compare(std::move(answer), sealed->size, sealed->crc32c);
}

Result<CopyInfo> VerifyingBackend::compose(const io::Context& context,
                                           const ComposeRequest& request) {
  BR_TRY(answer, inner_->compose(context, request));
  return compare(std::move(answer), request.seal.size, request.seal.crc32c);
}

Result<CopyInfo> VerifyingBackend::stat(const io::Context& context, const StatRequest& request) {
  return inner_->stat(context, request);
}

Result<CopyPage> VerifyingBackend::list(const io::Context& context, const ListRequest& request) {
  return inner_->list(context, request);
}

Result<void> VerifyingBackend::remove(const io::Context& context, const RemoveRequest& request) {
  return inner_->remove(context, request);
}

Result<CopyInfo> VerifyingBackend::rename(const io::Context& context,
                                          const RenameRequest& request) {
  return inner_->rename(context, request);
}

Result<CopyInfo> VerifyingBackend::update(const io::Context& context,
                                          const UpdateRequest& request) {
  return inner_->update(context, request);
}

Result<void> VerifyingBackend::make_directory(const io::Context& context, const std::string& name) {
  return inner_->make_directory(context, name);
}

Result<void> VerifyingBackend::remove_directory(const io::Context& context,
                                                const std::string& name) {
  return inner_->remove_directory(context, name);
}

Result<uint64_t> VerifyingBackend::sweep(const io::Context& context, Duration age) {
  return inner_->sweep(context, age);
}

Result<StoreReport> VerifyingBackend::probe(const io::Context& context) {
  return inner_->probe(context);
}

}  // namespace beringia::backend

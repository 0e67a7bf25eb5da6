#include "backend/retrying_backend.h"

#include <algorithm>

#include "io/runtime.h"

namespace beringia::backend {

namespace {

inline const observe::Counter kRetries{
    "beringia_backend_retries_total", "Calls that were repeated after an error.", {"backend"}};

/// Remembers whether anything was asked of a body: from then on the write cannot be repeated.
class WatchedBody final : public io::ByteSource {
 public:
  explicit WatchedBody(io::ByteSource& inner) : inner_{inner} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    touched_ = true;
    return inner_.read(context, buffer);
  }
  std::optional<io::FileRegion> as_file() override {
    auto region = inner_.as_file();
    touched_ |= region.has_value();
    return region;
  }
  std::optional<uint64_t> remaining() const override { return inner_.remaining(); }
  bool touched() const { return touched_; }

 private:
  io::ByteSource& inner_;
  bool touched_ = false;
};

}  // namespace

/// A read that goes on by itself after a break.
class RetryingBackend::Source final : public io::ByteSource {
 public:
  Source(RetryingBackend& backend, std::unique_ptr<io::ByteSource> inner, ReadRequest request)
      : backend_{backend}, inner_{std::move(inner)}, request_{std::move(request)} {}

  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    if (failed_) return std::unexpected(*failed_);
    for (;;) {
      auto n = inner_->read(context, buffer);
      if (n) {
        request_.range.offset += *n;
        request_.range.length -= std::min<uint64_t>(*n, request_.range.length);
        if (*n > 0) attempt_ = 1;  // progress: the next break counts as the first
        return n;
      }
      // After the last byte only a check can have failed: nothing is left to read again.
      if (request_.range.length == 0) return fail(std::move(n).error());
      BR_TRY(more, reopen(context, n.error()));
      if (!more) return fail(std::move(n).error());
    }
  }
  std::optional<io::FileRegion> as_file() override { return inner_->as_file(); }
  std::optional<uint64_t> remaining() const override { return request_.range.length; }

 private:
  std::unexpected<Error> fail(Error error) {
    failed_ = error;
    return std::unexpected(std::move(error));
  }

  /// Opens the rest; false: `error` shall stand.
  Result<bool> reopen(const io::Context& context, Error error) {
    for (;;) {
      BR_TRY(again, backend_.wait(context, error, ++attempt_));
      if (!again) return false;
      auto opened = backend_.inner_->read(context, request_);
      if (opened) {
        inner_ = std::move(*opened);
        return true;
      }
      // Replaced or gone meanwhile: a mix is never sent on.
      if (opened.error().retry() != Retry::kSafe) {
        failed_ = opened.error();
        return std::unexpected(std::move(opened).error());
      }
      error = std::move(opened).error();
    }
  }

  RetryingBackend& backend_;
  std::unique_ptr<io::ByteSource> inner_;
  ReadRequest request_;  // of what is left
  int attempt_ = 1;
  std::optional<Error> failed_;
};

RetryingBackend::RetryingBackend(std::string name, std::unique_ptr<Backend> inner,
                                 RetryLimits limits, Rng& rng)
    : inner_{std::move(inner)}, limits_{limits}, rng_{rng}, retries_{kRetries.at({name})} {}

Result<bool> RetryingBackend::wait(const io::Context& context, const Error& error, int next) {
  if (error.retry() != Retry::kSafe || next > limits_.max_attempts) return false;
  const int doublings = std::min(next - 2, 30);
  const Duration bound =
      std::min<Duration>(limits_.max_delay, limits_.initial_delay * (1LL << doublings));
  const auto delay =
      bound <= Duration::zero()
          ? Duration::zero()
          : Duration{static_cast<int64_t>(rng_.below(static_cast<uint64_t>(bound.count()) + 1))};
  if (context.deadline() && io::now() + delay >= *context.deadline()) return false;
  if (delay > Duration::zero()) BR_TRY(io::sleep_for(context, delay));
  retries_.add();
  return true;
}

template <class Call>
auto RetryingBackend::repeat(const io::Context& context, Call&& call) -> decltype(call()) {
  for (int attempt = 1;; ++attempt) {
    auto result = call();
    if (result || result.error().retry() != Retry::kSafe) return result;
    BR_TRY(again, wait(context, result.error(), attempt + 1));
    if (!again) return result;
  }
}

Result<std::unique_ptr<io::ByteSource>> RetryingBackend::read(const io::Context& context,
                                                              const ReadRequest& request) {
  auto source = repeat(context, [&] { return inner_->read(context, request); });
  if (!source || !request.version || inner_->capabilities().zero_copy_read) return source;
  ReadRequest rest = request;
  rest.crc32c.reset();  // of the whole range, which a resumed read is not
  return std::make_unique<Source>(*this, std::move(*source), std::move(rest));
}

Result<CopyInfo> RetryingBackend::write(const io::Context& context, const WriteRequest& request) {
  if (request.body == nullptr) return inner_->write(context, request);
  WatchedBody body{*request.body};
  WriteRequest watched = request;
  watched.body = &body;
  bool sealed = false;
  if (request.seal) {
    watched.seal = [&] {
      sealed = true;
      return request.seal();
    };
  }
  for (int attempt = 1;; ++attempt) {
    auto written = inner_->write(context, watched);
    if (written || written.error().retry() != Retry::kSafe) return written;
    if (body.touched() || sealed) return written;
    BR_TRY(again, wait(context, written.error(), attempt + 1));
    if (!again) return written;
  }
}

Result<CopyInfo> RetryingBackend::stat(const io::Context& context, const StatRequest& request) {
  return repeat(context, [&] { return inner_->stat(context, request); });
}

Result<CopyPage> RetryingBackend::list(const io::Context& context, const ListRequest& request) {
  return repeat(context, [&] { return inner_->list(context, request); });
}

Result<void> RetryingBackend::remove(const io::Context& context, const RemoveRequest& request) {
  return repeat(context, [&] { return inner_->remove(context, request); });
}

Result<CopyInfo> RetryingBackend::compose(const io::Context& context,
                                          const ComposeRequest& request) {
  return repeat(context, [&] { return inner_->compose(context, request); });
}

Result<CopyInfo> RetryingBackend::rename(const io::Context& context, const RenameRequest& request) {
  return repeat(context, [&] { return inner_->rename(context, request); });
}

Result<CopyInfo> RetryingBackend::update(const io::Context& context, const UpdateRequest& request) {
  return repeat(context, [&] { return inner_->update(context, request); });
}

Result<void> RetryingBackend::make_directory(const io::Context& context, const std::string& name) {
  return repeat(context, [&] { return inner_->make_directory(context, name); });
}

Result<void> RetryingBackend::remove_directory(const io::Context& context,
                                               const std::string& name) {
  return repeat(context, [&] { return inner_->remove_directory(context, name); });
}

Result<uint64_t> RetryingBackend::sweep(const io::Context& context, Duration age) {
  return repeat(context, [&] { return inner_->sweep(context, age); });
}

Result<StoreReport> RetryingBackend::probe(const io::Context& context) {
  return repeat(context, [&] { return inner_->probe(context); });
}

}  // namespace beringia::backend

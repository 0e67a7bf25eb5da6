#include <algorithm>
#include <cstring>
#include <mutex>

#include "io/socket.h"
#include "io/stream.h"
#include "io/sync.h"

namespace beringia::io {
namespace {

constexpr size_t kPipeBytes = 64 << 10;

/// One direction of a pair: a bounded buffer.
class Pipe {
 public:
  Result<size_t> read(const Context& context, std::span<char> buffer) {
    if (crashed()) return std::unexpected(cancelled("the connection is gone", "simulated crash"));
    std::unique_lock lock{mutex_};
    while (bytes_.empty()) {
      if (closed_) return 0;
      BR_TRY(readers_.wait(context, lock));
    }
    const size_t n = std::min(buffer.size(), bytes_.size());
    std::memcpy(buffer.data(), bytes_.data(), n);
    bytes_.erase(0, n);
    writers_.notify_all();
    return n;
  }

  Result<void> write(const Context& context, std::string_view bytes) {
    if (crashed()) return std::unexpected(cancelled("the connection is gone", "simulated crash"));
    std::unique_lock lock{mutex_};
    while (!bytes.empty()) {
      if (closed_) return std::unexpected(unavailable("the connection was closed"));
      if (bytes_.size() >= kPipeBytes) {
        BR_TRY(writers_.wait(context, lock));
        continue;
      }
      const size_t n = std::min(bytes.size(), kPipeBytes - bytes_.size());
      bytes_ += bytes.substr(0, n);
      bytes.remove_prefix(n);
      readers_.notify_all();
    }
    return {};
  }

  void close() {
    std::lock_guard lock{mutex_};
    closed_ = true;
    readers_.notify_all();
    writers_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::string bytes_;
  bool closed_ = false;
  WaitQueue readers_;
  WaitQueue writers_;
};

class PairedStream final : public Stream {
 public:
  PairedStream(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out)
      : in_{std::move(in)}, out_{std::move(out)} {}
  ~PairedStream() override { PairedStream::close(); }
  Result<size_t> read(const Context& context, std::span<char> buffer) override {
    return in_->read(context, buffer);
  }
  Result<void> write(const Context& context, std::string_view bytes, bool) override {
    return out_->write(context, bytes);
  }
  Result<void> send_file(const Context& context, const FileRegion& region) override {
    return send_file_by_copy(context, *this, region);
  }
  void close() override {
    in_->close();
    out_->close();
  }
  std::string peer_address() const override { return "pair"; }
  bool is_tls() const override { return false; }

 private:
  std::shared_ptr<Pipe> in_;   // owners: both ends
  std::shared_ptr<Pipe> out_;  // owners: both ends
};

}  // namespace

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_stream_pair() {
  auto a = std::make_shared<Pipe>();
  auto b = std::make_shared<Pipe>();
  return {std::make_unique<PairedStream>(a, b), std::make_unique<PairedStream>(b, a)};
}

}  // namespace beringia::io

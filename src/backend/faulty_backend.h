#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "backend/memory/memory_backend.h"

namespace beringia::backend {

/// A backend that fails and lies as told, over one in memory. For tests of wrappers.
class FaultyBackend final : public Backend {
 public:
  /// The next calls of `operation` ("stat", "write" ...) fail like this before they do anything.
  void fail(const std::string& operation, Error error, int times = 1) {
    for (int i = 0; i < times; ++i) faults_[operation].push_back(error);
  }
  /// Streams break after so many bytes, once for each element, with this error.
  void break_reads(std::deque<uint64_t> after, Error error) {
    breaks_ = std::move(after);
    break_error_ = std::move(error);
  }
  std::function<void(CopyInfo&)> lie = [](CopyInfo&) {};  ///< changes answers to writes
  std::function<void()> during = [] {};                   ///< runs in the middle of each call
  bool takes_body_before_failing = false;
  bool damages_reads = false;
  int calls = 0;
  memory::MemoryBackend& memory() { return memory_; }

  const Capabilities& capabilities() const override { return memory_.capabilities(); }
  [[nodiscard]] Result<CopyInfo> stat(const io::Context& context,
                                      const StatRequest& request) override {
    BR_TRY(enter("stat"));
    return memory_.stat(context, request);
  }
  [[nodiscard]] Result<std::unique_ptr<io::ByteSource>> read(const io::Context& context,
                                                             const ReadRequest& request) override {
    BR_TRY(enter("read"));
    BR_TRY(source, memory_.read(context, request));
    return std::make_unique<Source>(*this, std::move(source));
  }
  [[nodiscard]] Result<CopyInfo> write(const io::Context& context,
                                       const WriteRequest& request) override {
    if (takes_body_before_failing && !faults_["write"].empty()) {
      char one = 0;
      BR_TRY(request.body->read(context, {&one, 1}));
    }
    BR_TRY(enter("write"));
    BR_TRY(info, memory_.write(context, request));
    lie(info);
    return std::move(info);
  }
  [[nodiscard]] Result<CopyPage> list(const io::Context& context,
                                      const ListRequest& request) override {
    BR_TRY(enter("list"));
    return memory_.list(context, request);
  }
  [[nodiscard]] Result<void> remove(const io::Context& context,
                                    const RemoveRequest& request) override {
    BR_TRY(enter("remove"));
    return memory_.remove(context, request);
  }
  [[nodiscard]] Result<CopyInfo> compose(const io::Context& context,
                                         const ComposeRequest& request) override {
    BR_TRY(enter("compose"));
    BR_TRY(info, memory_.compose(context, request));
    lie(info);
    return std::move(info);
  }
  [[nodiscard]] Result<CopyInfo> rename(const io::Context& context,
                                        const RenameRequest& request) override {
    BR_TRY(enter("rename"));
    return memory_.rename(context, request);
  }
  [[nodiscard]] Result<CopyInfo> update(const io::Context& context,
                                        const UpdateRequest& request) override {
    BR_TRY(enter("update"));
    return memory_.update(context, request);
  }
  [[nodiscard]] Result<void> make_directory(const io::Context& context,
                                            const std::string& name) override {
    BR_TRY(enter("make_directory"));
    return memory_.make_directory(context, name);
  }
  [[nodiscard]] Result<void> remove_directory(const io::Context& context,
                                              const std::string& name) override {
    BR_TRY(enter("remove_directory"));
    return memory_.remove_directory(context, name);
  }
  [[nodiscard]] Result<uint64_t> sweep(const io::Context& context, Duration age) override {
    BR_TRY(enter("sweep"));
    return memory_.sweep(context, age);
  }
  [[nodiscard]] Result<StoreReport> probe(const io::Context& context) override {
    BR_TRY(enter("probe"));
    return memory_.probe(context);
  }

 private:
  class Source final : public io::ByteSource {
   public:
    Source(FaultyBackend& backend, std::unique_ptr<io::ByteSource> inner)
        : backend_{backend}, inner_{std::move(inner)} {
      if (backend_.breaks_.empty()) return;
      left_ = backend_.breaks_.front();
      backend_.breaks_.pop_front();
    }
    Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
      if (left_ && *left_ == 0) return std::unexpected(backend_.break_error_);
      const size_t most = left_ ? std::min<uint64_t>(buffer.size(), *left_) : buffer.size();
      BR_TRY(n, inner_->read(context, buffer.first(most)));
      if (left_) *left_ -= n;
      if (backend_.damages_reads && n > 0) buffer[0] ^= 1;
      return n;
    }
    std::optional<uint64_t> remaining() const override { return inner_->remaining(); }

   private:
    FaultyBackend& backend_;
    std::unique_ptr<io::ByteSource> inner_;
    std::optional<uint64_t> left_;
  };

  [[nodiscard]] Result<void> enter(const std::string& operation) {
    ++calls;
    during();
    auto& faults = faults_[operation];
    if (faults.empty()) return {};
    Error error = std::move(faults.front());
    faults.pop_front();
    return std::unexpected(std::move(error));
  }

  memory::MemoryBackend memory_;
  std::map<std::string, std::deque<Error>> faults_;
  std::deque<uint64_t> breaks_;
  Error break_error_ = unavailable("the connection broke");
};

}  // namespace beringia::backend

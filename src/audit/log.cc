#include <utility>

#include "audit/audit.h"
#include "audit/batcher.h"
#include "audit/log_directory.h"
#include "audit/sequencer.h"
#include "io/runtime.h"
#include "io/sync.h"

namespace beringia::audit {
namespace {

/// The parts, wired: a fiber for the batches, a fiber for the tree.
class TileLog final : public Log {
 public:
  TileLog(kv::Store& store, io::Disk& disk, const LogOptions& options)
      : directory_{disk, options.directory},
        batcher_{store, options.read_flush_interval, [this](uint64_t n) { committed(n); }} {}
  ~TileLog() override {
    if (!sequencer_) return;
    batcher_.stop();
    wait_for(batcher_ended_);
    sequencer_->stop();
    wait_for(sequencer_ended_);
  }

  Result<void> start(kv::Store& store, io::Runtime& runtime, const LogOptions& options) {
    BR_TRY(directory_.prepare());
    BR_TRY(is_new, directory_.is_new());
    if (is_new) BR_TRY(begin_anew(io::Context{}, store, runtime.clock().wall()));
    BR_TRY(signer,
           directory_.load_or_create_key(options.origin, runtime.rng(), !runtime.simulated()));
    auto sequencer =
        std::make_unique<Sequencer>(store, directory_, std::move(signer), options,
                                    [this](uint64_t number) { batcher_.moved(number); });
    BR_TRY(sequencer->load(io::Context{}));
    sequencer_ = std::move(sequencer);
    runtime.spawn([this] {
      batcher_.run();
      batcher_ended_.set();
    });
    runtime.spawn([this] {
      sequencer_->run();
      sequencer_ended_.set();
    });
    return {};
  }

  void record(const io::Context& context, Record record) override {
    batcher_.record(context, std::move(record));
  }

  Result<void> flush(const io::Context& context) override {
    BR_TRY(batcher_.drain(context));
    return sequencer_->flush(context);
  }

  Result<void> ready(bool changes) const override {
    if (!sequencer_->stopped() && !batcher_.failed()) return {};
    if (!changes && !batcher_.failed() && !batcher_.behind()) return {};
    const auto why = sequencer_->why_stopped();
    return std::unexpected(unavailable("cannot keep an audit record of the request",
                                       why ? why->to_string() : "the catalog refuses changes",
                                       "check the disk of the audit log")
                               .with_tag("audit_stopped"));
  }

  uint64_t size() const override { return sequencer_->size(); }

 private:
  void committed(uint64_t count) {
    unsequenced_ += count;
    if (unsequenced_ >= kHurryRecords) {
      unsequenced_ = 0;
      sequencer_->hurry();
    }
  }

  /// Ends without a result when the simulation has crashed: the fibers then end by themselves.
  static void wait_for(io::Event& ended) {
    while (!ended.wait(io::Context{})) io::yield();
  }

  LogDirectory directory_;
  Batcher batcher_;
  std::unique_ptr<Sequencer> sequencer_;
  // Of the batcher's fiber.
  uint64_t unsequenced_ = 0;
  io::Event batcher_ended_;
  io::Event sequencer_ended_;
};

}  // namespace

Result<std::unique_ptr<Log>> Log::open(kv::Store& store, io::Disk& disk, io::Runtime& runtime,
                                       const LogOptions& options) {
  auto log = std::make_unique<TileLog>(store, disk, options);
  BR_TRY(log->start(store, runtime, options));
  return log;
}

}  // namespace beringia::audit

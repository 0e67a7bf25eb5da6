#include "events/native_changes.h"

#include <algorithm>
#include <utility>

#include "observe/log.h"

namespace beringia::events {
namespace {

constexpr Duration kLook = std::chrono::milliseconds{500};  // whether the estate was replaced

}  // namespace

NativeChanges::NativeChanges(io::Runtime& runtime, core::Namespace::Parts& parts,
                             MakeFeed make_feed)
    : runtime_{runtime},
      parts_{parts},
      make_feed_{std::move(make_feed)},
      cancel_{std::make_shared<io::CancelToken>()} {
  runtime_.spawn([this, context = io::Context{}.with_cancel(cancel_).with_work(
                            std::make_shared<io::Work>("changes"))] {
    supervise(context);
    ended_.set();
  });
}

NativeChanges::~NativeChanges() { stop(); }

void NativeChanges::stop() {
  cancel_->cancel();
  (void)ended_.wait(io::Context{});
}

void NativeChanges::supervise(const io::Context& context) {
  std::shared_ptr<const core::Mounts> followed;
  do {
    const auto mounts = parts_.mounts.get();
    if (mounts && mounts != followed) follow(mounts->estate());
    followed = mounts;
  } while (io::sleep_for(context, kLook));
  for (auto& [name, running] : followers_) running.cancel->cancel();
  for (auto& [name, running] : followers_) end(running);
  followers_.clear();
}

void NativeChanges::follow(const meta::Estate& estate) {
  for (auto at = followers_.begin(); at != followers_.end();) {
    const auto& backends = estate.backends;
    if (std::ranges::find(backends, at->second.backend) != backends.end()) {
      ++at;
      continue;
    }
    end(at->second);
    at = followers_.erase(at);
  }
  for (const auto& backend : estate.backends) {
    if (!backend.subscription.empty() && !followers_.contains(backend.name)) begin(backend);
  }
}

void NativeChanges::begin(const meta::BackendDeclaration& backend) {
  auto feed = make_feed_(backend);
  if (!feed) {
    observe::log_error(
        "subscription_unusable",
        "Foreign changes in a backend cannot be followed; looks on access go on.",
        {observe::field("backend", backend.name), observe::field("why", feed.error().to_string())});
    return;
  }
  Running running{backend, std::make_shared<io::CancelToken>(), std::make_shared<io::Event>()};
  // Owner: the fiber.
  auto follower = std::make_shared<ChangeFollower>(parts_, backend, std::move(*feed));
  runtime_.spawn([follower = std::move(follower), ended = running.ended,
                  context = io::Context{}
                                .with_cancel(running.cancel)
                                .with_work(std::make_shared<io::Work>("changes"))]() mutable {
    follower->run(context);
    follower.reset();
    ended->set();
  });
  followers_.emplace(backend.name, std::move(running));
}

void NativeChanges::end(Running& running) {
  running.cancel->cancel();
  (void)running.ended->wait(io::Context{});
}

}  // namespace beringia::events

#include "events/dispatcher.h"

#include <algorithm>
#include <utility>

#include "observe/log.h"

namespace beringia::events {
namespace {

constexpr Duration kLook = std::chrono::milliseconds{500};  // whether the estate was replaced

}  // namespace

Dispatcher::Dispatcher(io::Runtime& runtime, core::Namespace::Parts& parts, Options options)
    : runtime_{runtime},
      parts_{parts},
      options_{std::move(options)},
      cancel_{std::make_shared<io::CancelToken>()} {
  runtime_.spawn([this, context = io::Context{}.with_cancel(cancel_)] {
    supervise(context);
    ended_.set();
  });
}

Dispatcher::~Dispatcher() { stop(); }

void Dispatcher::stop() {
  cancel_->cancel();
  (void)ended_.wait(io::Context{});
}

void Dispatcher::supervise(const io::Context& context) {
  std::shared_ptr<const core::Mounts> followed;
  do {
    const auto mounts = parts_.mounts.get();
    if (mounts && mounts != followed) follow(mounts->estate());
    followed = mounts;
  } while (io::sleep_for(context, kLook));
  for (auto& [name, running] : workers_) running.cancel->cancel();
  for (auto& [name, running] : workers_) end(running);
  workers_.clear();
}

void Dispatcher::follow(const meta::Estate& estate) {
  for (auto at = workers_.begin(); at != workers_.end();) {
    const bool stays = std::ranges::find(estate.notification_targets, at->second.target) !=
                       estate.notification_targets.end();
    if (stays) {
      ++at;
      continue;
    }
    end(at->second);
    at = workers_.erase(at);
  }
  for (const auto& target : estate.notification_targets) {
    if (!workers_.contains(target.name)) begin(target);
  }
}

void Dispatcher::begin(const meta::NotificationTargetDeclaration& target) {
  auto sender = options_.make_sender(target);
  if (!sender) {
    observe::log_error(
        "notification_target_unusable",
        "A notification target cannot be used; what is for it waits.",
        {observe::field("target", target.name), observe::field("why", sender.error().to_string())});
    return;
  }
  Running running{target, std::make_shared<io::CancelToken>(), std::make_shared<io::Event>()};
  // Owner: the fiber.
  auto worker = std::make_shared<Worker>(parts_, target, std::move(*sender), options_.message,
                                         options_.patience);
  runtime_.spawn([worker = std::move(worker), ended = running.ended,
                  context = io::Context{}.with_cancel(running.cancel)]() mutable {
    worker->run(context);
    worker.reset();
    ended->set();
  });
  workers_.emplace(target.name, std::move(running));
}

void Dispatcher::end(Running& running) {
  running.cancel->cancel();
  (void)running.ended->wait(io::Context{});
}

}  // namespace beringia::events

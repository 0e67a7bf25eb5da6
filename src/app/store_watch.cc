#include "app/store_watch.h"

#include <algorithm>
#include <utility>

#include "observe/log.h"

namespace beringia::app {
namespace {

constexpr Duration kTurn = std::chrono::milliseconds{500};  // whether the estate was replaced
constexpr Duration kAfterSuccess =
    std::chrono::minutes{10};  // two calls of class B, one of class A
constexpr Duration kAfterFailure = std::chrono::seconds{30};

void tell(const std::string& backend, const backend::StoreReport& before,
          const backend::StoreReport& now) {
  for (const auto& trait : now) {
    if (!trait.warns || std::ranges::find(before, trait) != before.end()) continue;
    observe::log_warn(
        "store_property", "A bucket is set so that operations cost more, or are refused.",
        {observe::field("backend", backend), observe::field("property", trait.name),
         observe::field("value", trait.value), observe::field("consequence", trait.consequence)});
  }
}

}  // namespace

StoreWatch::StoreWatch(io::Runtime& runtime, const core::MountTable& mounts)
    : runtime_{runtime}, mounts_{mounts}, cancel_{std::make_shared<io::CancelToken>()} {
  runtime_.spawn([this, context = io::Context{}.with_cancel(cancel_)] {
    run(context);
    ended_.set();
  });
}

StoreWatch::~StoreWatch() { stop(); }

void StoreWatch::stop() {
  cancel_->cancel();
  (void)ended_.wait(io::Context{});
}

void StoreWatch::run(const io::Context& context) {
  do {
    const auto mounts = mounts_.get();
    if (!mounts) continue;
    for (const auto& declared : mounts->estate().backends) {
      const auto live = mounts->backend(declared.id);
      // A directory has no settings, and is seen to be there when it is used.
      if (live && live->client->capabilities().kind == "gcs") look(context, live);
      if (!context.check(io::now())) return;
    }
    std::erase_if(looked_, [](const auto& one) { return one.second.at.expired(); });
  } while (io::sleep_for(context, kTurn));
}

void StoreWatch::look(const io::Context& context,
                      const std::shared_ptr<const core::LiveBackend>& live) {
  auto& looked = looked_[live->declaration.name];
  if (looked.at.lock() == live && io::now() < looked.next) return;
  looked.at = live;
  auto report = live->client->probe(context);
  looked.next = io::now() + (report ? kAfterSuccess : kAfterFailure);
  if (!report) return;  // whoever uses it is told
  tell(live->declaration.name, live->report(), *report);
  live->set_report(std::move(*report));
}

}  // namespace beringia::app

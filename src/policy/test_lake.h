#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/kill_point.h"
#include "core/doom.h"
#include "core/janitor.h"
#include "core/test_world.h"
#include "policy/policy.h"

namespace beringia::policy::test {

using core::test::Call;
using core::test::must;
using core::test::World;
using core::test::WorldOptions;

inline constexpr const char* kCold = "cold";

inline meta::PolicyDeclaration to_cloud(std::string when = "path.startsWith('/b/')") {
  return {kCold, std::move(when), {{"cloud", ""}}, 0};
}
inline meta::PolicyDeclaration to_disk(std::string when = "path.startsWith('/b/')") {
  return {"hot", std::move(when), {{"disk", ""}}, 0};
}

/// A union of a directory and a stand-in for a remote store at "/".
inline WorldOptions hybrid(bool exclusive = true) {
  WorldOptions options;
  options.memory_backends = {"cloud"};
  options.mounts = {{"/", {"disk", "cloud"}, exclusive}};
  options.policies = {to_cloud()};
  options.start = false;
  return options;
}

/// A world with a policy engine on a simulated runtime; virtual time.
class Lake : public testing::Test {
 protected:
  explicit Lake(WorldOptions options = hybrid(), uint64_t seed = 7)
      : runtime_{io::Runtime::make_simulated(seed)},
        world_{std::make_unique<World>(std::move(options), runtime_.get())} {
    options_.parallel_moves = 4;
    set_kill_hook(&Lake::pass, this);
  }
  ~Lake() override {
    set_kill_hook(nullptr, nullptr);
    runtime_->run([&] {
      engine_.reset();
      world_->stop();
      world_->forget_process();
    });
  }

  /// Runs `body` in a process that is started for it, and leaves the process running.
  void in(const std::function<void()>& body) {
    runtime_->run([&] {
      if (!started_) {
        start();
        for (const char* bucket : {"/b/", "/c/"}) must(world_->make_directory(bucket), bucket);
      }
      body();
    });
  }
  void start() {
    world_->restart();
    make_engine();
    started_ = true;
  }
  void make_engine() {
    engine_ = Engine::make({world_->names(), world_->parts(), world_->gate(), *runtime_,
                            [this](const io::Context& context, const std::string& name) {
                              return world_->directory().principal_named(context, name, "run");
                            }},
                           options_);
    must(engine_->start(context_), "engine");
  }
  /// The process is gone; what the runtime of it still held has ended.
  void die_and_restart() {
    if (world_->disk().crashed()) world_->disk().restart();
    runtime_->run([&] {
      engine_.reset();
      start();
    });
  }

  PlanSummary plan(const PlanRequest& request = {}, const std::string& who = "root") {
    return must(engine_->make_plan(context_, world_->principal(who), request), "plan");
  }
  RunStatus begin(const std::string& plan_id, uint64_t bandwidth = 0,
                  const std::string& who = "root") {
    return must(engine_->start_run(context_, world_->principal(who), {plan_id, bandwidth, false}),
                "run");
  }
  RunStatus wait(const std::string& run_id) {
    return must(engine_->wait(context_, world_->principal(), run_id), "wait");
  }
  RunStatus run_all(const PlanRequest& request = {}) { return wait(begin(plan(request).id).id); }
  std::vector<RunRow> rows(const std::string& run_id) {
    return must(engine_->run_rows(context_, world_->principal(), run_id, 0, 1000, {}), "rows");
  }
  /// The only unfinished or finished run there is.
  std::string only_run() {
    const auto runs = must(engine_->runs(context_, world_->principal()), "runs");
    EXPECT_EQ(runs.size(), 1U);
    return runs.empty() ? "" : runs.front().id;
  }

  std::vector<std::string> backends_of(const std::string& path) {
    auto entry = world_->stat(path);
    if (!entry) return {"error: " + entry.error().to_string()};
    std::vector<std::string> names;
    for (const auto& copy : entry->record.copies) {
      names.push_back(world_->mounts()->backend(copy.backend)->declaration.name);
    }
    return names;
  }
  /// No row of delayed deletes or reserved names is left, after the janitor has been there.
  void expect_no_guards() {
    for (int i = 0; i < 4; ++i) must(core::reap_doomed(context_, world_->parts(), 1000));
    EXPECT_TRUE(must(world_->store().scan(context_, "g", "i", 100)).empty());
  }

  std::unique_ptr<io::Runtime> runtime_;
  std::unique_ptr<World> world_;
  Options options_;
  std::unique_ptr<Engine> engine_;
  io::Context context_;
  /// Called at every kill point that is passed.
  std::function<void(const std::string&)> at_point_;
  bool started_ = false;

 private:
  static void pass(const char* name, void* self) {
    auto& lake = *static_cast<Lake*>(self);
    if (lake.at_point_) lake.at_point_(name);
  }
};

/// Every kill point of a move, in order.
inline const std::vector<std::string>& move_points() {
  static const std::vector<std::string> points = {
      "move.begun",     "move.read",     "move.copied",   "move.verifying", "move.verified",
      "move.switching", "move.switched", "move.cleaning", "move.cleaned"};
  return points;
}
/// The entry's lock is held there: what a test does then must not wait for it.
inline bool holds_lock(const std::string& point) {
  return point == "move.copied" || point == "move.switching" || point == "move.switched" ||
         point == "move.cleaning" || point == "move.cleaned";
}

}  // namespace beringia::policy::test

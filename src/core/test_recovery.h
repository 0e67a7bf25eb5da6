#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <tuple>

#include "base/kill_point.h"
#include "core/test_world.h"
#include "meta/journal.h"

namespace beringia::core::test {

/// A process that dies at a named point of a call, with or without the power.
struct Death {
  const char* point;
  bool power;
};

class Recovery : public testing::TestWithParam<std::tuple<Death, std::string>> {
 protected:
  Recovery() {
    WorldOptions options;
    options.memory_backends = {"cloud"};
    options.mounts = {{"/", {std::get<1>(GetParam())}}};
    options.catalog_on_disk = true;
    options.start = false;
    world_ = std::make_unique<World>(options, runtime_.get());
    set_kill_hook(&Recovery::at_point, this);
  }
  ~Recovery() override {
    set_kill_hook(nullptr, nullptr);
    runtime_->run([&] { world_->forget_process(); });
  }
  static void at_point(const char* name, void* self) {
    auto& test = *static_cast<Recovery*>(self);
    const Death& death = std::get<0>(GetParam());
    if (!test.armed_ || std::string{name} != death.point) return;
    test.armed_ = false;
    test.died_ = true;
    if (death.power) test.world_->disk().crash();
    test.runtime_->crash();
  }

  /// `before` runs in the first process, `fatal` dies in it, `after` runs in the next one.
  void live_and_die(const std::function<void()>& before, const std::function<void()>& fatal,
                    const std::function<void()>& after) {
    runtime_->run([&] {
      world_->start();
      before();
      armed_ = true;
      fatal();
    });
    ASSERT_TRUE(died_) << "the call does not pass " << std::get<0>(GetParam()).point;
    if (world_->disk().crashed()) world_->disk().restart();
    runtime_->run([&] {
      world_->restart();
      after();
      EXPECT_TRUE(must(meta::all_intents(world_->context, world_->store())).empty());
      for (int i = 0; i < 5; ++i) must(reap_doomed(world_->context, world_->parts(), 100));
    });
  }

  std::unique_ptr<io::Runtime> runtime_ = io::Runtime::make_simulated(17);
  std::unique_ptr<World> world_;
  bool armed_ = false;
  bool died_ = false;
};

inline std::string name_of(const testing::TestParamInfo<std::tuple<Death, std::string>>& info) {
  std::string name = std::get<0>(info.param).point;
  std::replace(name.begin(), name.end(), '.', '_');
  return name + (std::get<0>(info.param).power ? "_power_" : "_process_") + std::get<1>(info.param);
}

}  // namespace beringia::core::test

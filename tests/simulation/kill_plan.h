#pragma once

#include <cstdint>

#include "base/kill_point.h"
#include "core/test_world.h"

namespace beringia::simulation {

/// A crash that is to come at a kill point, with or without a loss of power.
struct KillPlan {
  io::Runtime* runtime = nullptr;
  core::test::World* world = nullptr;
  uint64_t left = 0;  // passes until the crash; 0: none
  bool power = false;
};

inline void crash_now(KillPlan& plan) {
  if (plan.power) plan.world->disk().crash();
  plan.runtime->crash();
}

/// While it lives, kill points carry out its plan. One at a time: the process has one hook.
class KillHook {
 public:
  KillHook() { set_kill_hook(&KillHook::pass, this); }
  ~KillHook() { set_kill_hook(nullptr, nullptr); }
  KillHook(const KillHook&) = delete;
  KillHook& operator=(const KillHook&) = delete;

  KillPlan plan;

 private:
  static void pass(const char*, void* self) {
    KillPlan& plan = static_cast<KillHook*>(self)->plan;
    if (plan.left == 0 || --plan.left > 0) return;
    crash_now(plan);
  }
};

}  // namespace beringia::simulation

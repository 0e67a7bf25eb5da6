#include <gtest/gtest.h>

#include <tuple>

#include "policy/test_lake.h"

namespace beringia::policy {
namespace {

using test::hybrid;
using test::Lake;
using test::must;

std::string word_of(std::string text) {
  std::replace(text.begin(), text.end(), '.', '_');
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

constexpr const char* kBytes = "some bytes";

// ---- a client does something at every step ------------------------------------------------------

/// {kill point, direction}: the client acts when the move passes there.
class Interference : public Lake,
                     public testing::WithParamInterface<std::tuple<std::string, std::string>> {
 protected:
  Interference() : Lake{hybrid(std::get<1>(GetParam()).find("shared") == std::string::npos)} {}

  bool reverse() const { return std::get<1>(GetParam()).starts_with("back"); }
  const std::string& point() const { return std::get<0>(GetParam()); }

  /// The entry lies in the source, a plan to move it exists.
  std::string prepare() {
    must(world_->put("/b/k", kBytes));
    if (reverse()) {
      run_all();
      world_->set_policies({test::to_disk()});
    }
    return plan().id;
  }
  /// Runs the plan; `act` runs on its own fiber when the point is passed.
  RunStatus run_with(const std::string& plan_id, const std::function<void()>& act) {
    bool armed = true;
    io::Scope scope{context_};
    at_point_ = [&](const std::string& passed) {
      if (!armed || passed != point()) return;
      armed = false;
      if (!test::holds_lock(passed)) return act();
      scope.spawn([&]() -> Result<void> {
        act();
        return {};
      });
    };
    const auto status = wait(begin(plan_id).id);
    must(scope.join());
    at_point_ = nullptr;
    EXPECT_FALSE(armed) << "the move does not pass " << point();
    return status;
  }
  void expect_nothing_left() {
    for (const char* backend : {"disk", "cloud"}) {
      EXPECT_FALSE(world_->has_native(backend, "b/k")) << backend;
    }
  }
};

TEST_P(Interference, a_delete_holds_for_good) {
  in([&] {
    const auto id = prepare();
    run_with(id, [&] { EXPECT_TRUE(world_->remove("/b/k")) << point(); });
    EXPECT_EQ(world_->get("/b/k").error().code(), Code::kNotFound);
    expect_no_guards();
    expect_nothing_left();
    // Not even after a look at what lies in the backends.
    engine_.reset();
    world_->restart();
    make_engine();
    EXPECT_EQ(world_->names_in("/b/"), std::vector<std::string>{});
  });
}

TEST_P(Interference, an_overwrite_succeeds_and_is_what_is_read) {
  in([&] {
    const auto id = prepare();
    uint64_t generation = 0;
    run_with(id, [&] {
      auto written = world_->put("/b/k", "newer");
      ASSERT_TRUE(written) << point() << ": " << written.error().to_string();
      generation = written->record.generation;
    });
    EXPECT_EQ(world_->get("/b/k").value(), "newer");
    EXPECT_EQ(must(world_->stat("/b/k")).record.generation, generation);
    expect_no_guards();
    // One copy, where the write put it; nothing of the old generation is left.
    EXPECT_EQ(must(world_->stat("/b/k")).record.copies.size(), 1U);
    EXPECT_EQ(world_->has_native("disk", "b/k") + world_->has_native("cloud", "b/k"), 1);
  });
}

TEST_P(Interference, a_rename_of_its_directory_takes_it_along) {
  in([&] {
    must(world_->put("/b/d/k", kBytes));
    if (reverse()) {
      run_all();
      world_->set_policies({test::to_disk()});
    }
    const auto id = plan().id;
    run_with(id, [&] {
      auto renamed = world_->rename_directory("/b/d/", "/b/e/");
      ASSERT_TRUE(renamed) << point() << ": " << renamed.error().to_string();
    });
    EXPECT_EQ(world_->get("/b/e/k").value(), kBytes);
    EXPECT_EQ(world_->names_in("/b/"), std::vector<std::string>{"e/k"});
    for (int i = 0; i < 4; ++i) must(core::reap_doomed(context_, world_->parts(), 1000));
    EXPECT_EQ(world_->get("/b/e/k").value(), kBytes);
  });
}

INSTANTIATE_TEST_SUITE_P(AtEachStep, Interference,
                         testing::Combine(testing::ValuesIn(test::move_points()),
                                          testing::Values("out", "back", "out-shared",
                                                          "back-shared")),
                         [](const auto& info) {
                           return word_of(std::get<0>(info.param) + "_" + std::get<1>(info.param));
                         });

// ---- the process dies at every step -------------------------------------------------------------

/// {kill point, "process" or "power", direction}.
class Death
    : public Lake,
      public testing::WithParamInterface<std::tuple<std::string, std::string, std::string>> {
 protected:
  Death() : Lake{durable()} {}
  static test::WorldOptions durable() {
    auto options = hybrid();
    options.catalog_on_disk = true;
    return options;
  }
  bool power() const { return std::get<1>(GetParam()) == "power"; }
  bool reverse() const { return std::get<2>(GetParam()) == "back"; }

  /// Starts the move of /b/k and dies in it.
  void move_and_die() {
    in([&] {
      must(world_->put("/b/k", kBytes));
      if (reverse()) {
        run_all();
        world_->set_policies({test::to_disk()});
      }
      generation_ = must(world_->stat("/b/k")).record.generation;
      at_point_ = [&](const std::string& passed) {
        if (passed != std::get<0>(GetParam())) return;
        at_point_ = nullptr;
        died_ = true;
        if (power()) world_->disk().crash();
        runtime_->crash();
      };
      run_ = begin(plan().id).id;
      (void)engine_->wait(context_, world_->principal(), run_);
    });
    ASSERT_TRUE(died_) << "the move does not pass " << std::get<0>(GetParam());
  }
  void restart_without_engine() {
    if (world_->disk().crashed()) world_->disk().restart();
    runtime_->run([&] {
      engine_.reset();
      world_->restart();
    });
  }

  uint64_t generation_ = 0;
  std::string run_;
  bool died_ = false;
};

TEST_P(Death, the_run_goes_on_and_nothing_is_lost_or_left) {
  ASSERT_NO_FATAL_FAILURE(move_and_die());
  die_and_restart();
  in([&] {
    EXPECT_EQ(world_->get("/b/k").value(), kBytes);
    const auto status = wait(run_);
    EXPECT_EQ(status.objects_done, 1U);
    EXPECT_EQ(status.state, meta::RunRecord::State::kDone);
    EXPECT_EQ(world_->get("/b/k").value(), kBytes);
    EXPECT_EQ(must(world_->stat("/b/k")).record.generation, generation_);
    EXPECT_EQ(backends_of("/b/k"), std::vector<std::string>{reverse() ? "disk" : "cloud"});
    expect_no_guards();
    EXPECT_FALSE(world_->has_native(reverse() ? "cloud" : "disk", "b/k"));
    EXPECT_EQ(world_->names_in("/b/"), std::vector<std::string>{"k"});
  });
}

TEST_P(Death, a_delete_before_the_run_goes_on_holds_for_good) {
  ASSERT_NO_FATAL_FAILURE(move_and_die());
  restart_without_engine();
  in([&] {
    must(world_->remove("/b/k"));
    EXPECT_EQ(world_->names_in("/b/"), std::vector<std::string>{});
    make_engine();
    wait(run_);
    expect_no_guards();
    EXPECT_EQ(world_->names_in("/b/"), std::vector<std::string>{});
    EXPECT_FALSE(world_->has_native("disk", "b/k"));
    EXPECT_FALSE(world_->has_native("cloud", "b/k"));
  });
}

TEST_P(Death, an_overwrite_before_the_run_goes_on_stays) {
  ASSERT_NO_FATAL_FAILURE(move_and_die());
  restart_without_engine();
  in([&] {
    auto written = world_->put("/b/k", "newer");
    ASSERT_TRUE(written) << written.error().to_string();
    make_engine();
    wait(run_);
    expect_no_guards();
    EXPECT_EQ(world_->get("/b/k").value(), "newer");
    EXPECT_EQ(must(world_->stat("/b/k")).record.generation, written->record.generation);
  });
}

INSTANTIATE_TEST_SUITE_P(AtEachStep, Death,
                         testing::Combine(testing::ValuesIn(test::move_points()),
                                          testing::Values("process", "power"),
                                          testing::Values("out", "back")),
                         [](const auto& info) {
                           return word_of(std::get<0>(info.param) + "_" + std::get<1>(info.param) +
                                          "_" + std::get<2>(info.param));
                         });

}  // namespace
}  // namespace beringia::policy

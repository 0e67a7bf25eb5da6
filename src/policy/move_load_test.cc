#include <gtest/gtest.h>

#include <map>

#include "policy/test_lake.h"

namespace beringia::policy {
namespace {

using test::hybrid;
using test::Lake;
using test::must;

constexpr int kKeys = 6;
constexpr int kSteps = 40;

/// Clients write, read, delete and list while runs move everything to and fro; {seed, mode}.
class UnderLoad : public Lake, public testing::WithParamInterface<std::tuple<int, std::string>> {
 protected:
  UnderLoad() : Lake{options(), static_cast<uint64_t>(std::get<0>(GetParam()))} {
    options_.grace = std::chrono::milliseconds{20};
  }
  static test::WorldOptions options() {
    auto options = hybrid(std::get<1>(GetParam()) == "exclusive");
    options.seed = static_cast<uint64_t>(std::get<0>(GetParam())) + 1000;
    if (std::get<1>(GetParam()) == "stale") {
      options.mounts.at(0).max_staleness = std::chrono::seconds{5};
    }
    return options;
  }

  /// One client has its key for itself, so it knows what must be there.
  void client(int number, SeededRng rng) {
    const std::string path = "/b/d" + std::to_string(number % 2) + "/k" + std::to_string(number);
    std::optional<std::string> expected;
    for (int step = 0; step < kSteps; ++step) {
      must(io::sleep_for(context_, std::chrono::microseconds{rng.below(20'000)}));
      switch (rng.below(5)) {
        case 0:
        case 1: {
          const std::string bytes =
              path + " " + std::to_string(step) + std::string(rng.below(3000), 'x');
          auto written = world_->put(path, bytes);
          ASSERT_TRUE(written) << path << ": " << written.error().to_string();
          expected = bytes;
          break;
        }
        case 2: {
          if (rng.below(3) != 0) break;
          auto removed = world_->remove(path);
          EXPECT_EQ(removed.has_value(), expected.has_value())
              << path << (removed ? "" : removed.error().to_string());
          expected.reset();
          break;
        }
        default: {
          auto read = world_->get(path);
          if (!expected) {
            ASSERT_FALSE(read) << path << " came back";
            EXPECT_EQ(read.error().code(), Code::kNotFound) << read.error().to_string();
          } else {
            ASSERT_TRUE(read) << path << ": " << read.error().to_string();
            EXPECT_EQ(*read, *expected);
          }
        }
      }
    }
    expected_[path] = expected;
  }

  /// Plans and runs, alternately there and back, until the clients are done.
  void mover() {
    for (int round = 0; !clients_done_; ++round) {
      world_->set_policies({round % 2 == 0 ? test::to_cloud() : test::to_disk()});
      const auto status = run_all();
      EXPECT_EQ(status.objects_failed, 0U)
          << (status.reasons.empty() ? "" : status.reasons[0].reason);
      moved_ += status.objects_done;
      must(io::sleep_for(context_, std::chrono::milliseconds{1}));
    }
  }

  std::map<std::string, std::optional<std::string>> expected_;
  uint64_t moved_ = 0;
  bool clients_done_ = false;
};

TEST_P(UnderLoad, each_client_reads_what_it_wrote_and_deletes_hold) {
  in([&] {
    io::Scope clients{context_};
    io::Scope movers{context_};
    movers.spawn([&]() -> Result<void> {
      mover();
      return {};
    });
    for (int i = 0; i < kKeys; ++i) {
      clients.spawn([this, i]() -> Result<void> {
        client(i, SeededRng{static_cast<uint64_t>(std::get<0>(GetParam()) * 100 + i)});
        return {};
      });
    }
    must(clients.join());
    clients_done_ = true;
    must(movers.join());
    EXPECT_GT(moved_, 0U);
    expect_no_guards();
    // What the backends hold is what the namespace shows, also after another look.
    engine_.reset();
    world_->restart();
    make_engine();
    size_t natives = 0;
    std::vector<std::string> names;
    for (const auto& [path, bytes] : expected_) {
      for (const char* backend : {"disk", "cloud"}) {
        natives += world_->has_native(backend, path.substr(1)) ? 1 : 0;
      }
      if (!bytes) continue;
      names.push_back(path.substr(3));
      EXPECT_EQ(world_->get(path).value_or("lost"), *bytes) << path;
    }
    std::sort(names.begin(), names.end());
    EXPECT_EQ(world_->names_in("/b/"), names);
    EXPECT_EQ(natives, names.size());
  });
}

INSTANTIATE_TEST_SUITE_P(Seeds, UnderLoad,
                         testing::Combine(testing::Range(1, 9),
                                          testing::Values("exclusive", "shared", "stale")),
                         [](const auto& info) {
                           return std::to_string(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param);
                         });

}  // namespace
}  // namespace beringia::policy

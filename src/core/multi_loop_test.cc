#include <gtest/gtest.h>

#include <atomic>

#include "core/test_world.h"

namespace beringia::core {
namespace {

using test::must;
using test::World;
using test::WorldOptions;

constexpr int kLoops = 4;
constexpr int kFibers = 12;
constexpr int kCalls = 40;

/// Runs `body(number)` on fibers of all loops and waits for them.
void on_all_loops(io::Runtime& runtime, const std::function<void(int)>& body) {
  std::atomic<int> left{kFibers};
  io::Event ended;
  for (int i = 0; i < kFibers; ++i) {
    runtime.spawn_on(i, [&, i] {
      body(i);
      if (--left == 0) ended.set();
    });
  }
  must(ended.wait({}));
}

class ManyLoops : public testing::TestWithParam<std::string> {
 protected:
  WorldOptions options() const {
    WorldOptions options;
    options.memory_backends = {"cloud"};
    const std::string& kind = GetParam();
    test::MountSpec mount{"/", {kind == "union" ? "disk" : kind}};
    if (kind == "union") mount.backends.push_back("cloud");
    mount.exclusive = kind != "cloud";
    options.mounts = {mount};
    return options;
  }
  std::unique_ptr<io::Runtime> runtime_ = io::Runtime::make({kLoops});
};

std::string bytes_of(int writer, int call) {
  const std::string id = std::to_string(writer) + "-" + std::to_string(call) + ";";
  std::string bytes;
  for (int i = 0; i < 200; ++i) bytes += id;
  return bytes;
}

/// All of one writer and call.
bool is_whole(const std::string& bytes) {
  const std::string id = bytes.substr(0, bytes.find(';') + 1);
  if (bytes.size() != id.size() * 200) return false;
  for (size_t at = 0; at < bytes.size(); at += id.size()) {
    if (bytes.compare(at, id.size(), id) != 0) return false;
  }
  return true;
}

TEST_P(ManyLoops, share_one_namespace) {
  runtime_->run([&] {
    World world{options(), runtime_.get()};
    must(world.make_directory("/b/"));
    (void)world.principal();
    std::atomic<int> wrong{0};
    std::atomic<int> reads{0};
    on_all_loops(*runtime_, [&](int number) {
      SeededRng rng{static_cast<uint64_t>(number)};
      for (int call = 0; call < kCalls; ++call) {
        const std::string path =
            "/b/d" + std::to_string(rng.below(2)) + "/k" + std::to_string(rng.below(3));
        switch (rng.below(8)) {
          case 0:
          case 1:
          case 2: {
            auto written = world.put(path, bytes_of(number, call));
            if (!written && written.error().tag() != "race") ++wrong;
            break;
          }
          case 3: (void)world.remove(path); break;
          case 4: (void)world.list("/b/"); break;
          case 5: (void)world.copy(path, "/b/copy"); break;
          case 6: (void)world.rename(path, "/b/renamed"); break;
          default: {
            auto bytes = world.get(path);
            if (bytes) ++reads;
            if (bytes ? !is_whole(*bytes) : bytes.error().code() != Code::kNotFound) ++wrong;
          }
        }
      }
    });
    EXPECT_EQ(wrong, 0);
    EXPECT_GT(reads, 0);
    for (const auto& name : world.names_in("/b/")) {
      auto bytes = world.get("/b/" + name);
      ASSERT_TRUE(bytes) << name << ": " << bytes.error().to_string();
      EXPECT_TRUE(is_whole(*bytes)) << name;
    }
    EXPECT_EQ(must(recover_intents(world.context, world.parts())), 0U);
  });
}

TEST_P(ManyLoops, only_one_of_many_creations_wins) {
  runtime_->run([&] {
    World world{options(), runtime_.get()};
    must(world.make_directory("/b/"));
    (void)world.principal();
    for (int round = 0; round < 5; ++round) {
      std::atomic<int> won{0};
      std::atomic<int> odd{0};
      const std::string path = "/b/only-" + std::to_string(round);
      on_all_loops(*runtime_, [&](int number) {
        WriteRequest request;
        request.conditions.generation_match = 0;
        auto written = world.put(path, bytes_of(number, round), request);
        if (written) ++won;
        if (!written && written.error().code() != Code::kConflict) ++odd;
      });
      EXPECT_EQ(won, 1);
      EXPECT_EQ(odd, 0);
      EXPECT_TRUE(is_whole(must(world.get(path))));
    }
  });
}

TEST_P(ManyLoops, directories_are_renamed_under_running_writes) {
  if (GetParam() != "disk") GTEST_SKIP() << "needs native directories";
  runtime_->run([&] {
    World world{options(), runtime_.get()};
    must(world.make_directory("/b/"));
    (void)world.principal();
    std::atomic<int> acknowledged{0};
    on_all_loops(*runtime_, [&](int number) {
      if (number == 0) {
        for (int i = 0; i < 20; ++i) {
          (void)world.rename_directory("/b/d/", "/b/e" + std::to_string(i) + "/");
          io::yield();
        }
        return;
      }
      for (int call = 0; call < kCalls; ++call) {
        const std::string name = std::to_string(number) + "-" + std::to_string(call);
        if (world.put("/b/d/" + name, bytes_of(number, call))) ++acknowledged;
      }
    });
    // Every acknowledged write is under exactly one name, whatever its directory is called now.
    const auto names = world.names_in("/b/");
    EXPECT_EQ(names.size(), static_cast<size_t>(acknowledged));
    for (const auto& name : names) {
      auto bytes = world.get("/b/" + name);
      ASSERT_TRUE(bytes) << name << ": " << bytes.error().to_string();
      EXPECT_TRUE(is_whole(*bytes));
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Mounts, ManyLoops, testing::Values("disk", "cloud", "union"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace beringia::core

// Calls of the file backend that move the same name at the same time: every interleaving that the
// seeds give on a simulated disk.

#include <gtest/gtest.h>

#include "backend/file/file_backend.h"
#include "base/checksum.h"
#include "io/runtime.h"
#include "io/sim_disk.h"

namespace beringia::backend::file {
namespace {

constexpr uint64_t kSeeds = 400;

/// One backend on a simulated disk, in one fiber's world.
class Races {
 public:
  explicit Races(uint64_t seed) : disk_{{.seed = seed}}, rng_{seed} {
    disk_.prepare_directory("/root");
  }

  Result<CopyInfo> put(const std::string& name, const std::string& bytes) {
    io::StringSource body{bytes};
    WriteRequest request;
    request.name = name;
    request.body = &body;
    request.seal = [&]() -> Result<Seal> {
      return Seal{bytes.size(), Crc32c::of(bytes), {}, "t/t", {}, {}};
    };
    return backend_.write(context_, request);
  }
  std::string get(const std::string& name) {
    auto info = backend_.stat(context_, {name});
    if (!info) return info.error().to_string();
    auto source = backend_.read(context_, {name, {0, info->size}, info->version});
    if (!source) return source.error().to_string();
    auto bytes = io::read_all(context_, **source, 1 << 20);
    return bytes ? *bytes : bytes.error().to_string();
  }

  const io::Context context_;
  io::SimDisk disk_;
  SeededRng rng_;
  FileBackend backend_{{"/root", 4}, disk_, rng_};
};

/// `call` moves the object `a` while another write makes the directory of `a/x`.
void race_with_a_write_below(const std::function<Result<void>(Races&, const CopyInfo&)>& call,
                             const std::function<void(Races&)>& check) {
  for (uint64_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto runtime = io::Runtime::make_simulated(seed);
    runtime->run([&] {
      Races races{seed};
      auto made = races.put("a", "precious");
      ASSERT_TRUE(made);
      io::Scope scope{races.context_};
      Result<void> called;
      Result<void> wrote;
      scope.spawn([&]() -> Result<void> {
        called = call(races, *made);
        return {};
      });
      scope.spawn([&]() -> Result<void> {
        (void)io::sleep_for({}, std::chrono::microseconds{races.rng_.below(3000)});
        auto put = races.put("a/x", "below");
        if (!put) wrote = std::unexpected(put.error());
        return {};
      });
      ASSERT_TRUE(scope.join());
      EXPECT_TRUE(called) << called.error().to_string();
      EXPECT_TRUE(wrote) << wrote.error().to_string();
      EXPECT_EQ(races.get("a/x"), "below");
      check(races);
    });
  }
}

TEST(FileRaces, what_steps_aside_for_a_directory_is_renamed_all_the_same) {
  race_with_a_write_below(
      [](Races& races, const CopyInfo& made) -> Result<void> {
        BR_TRY(races.backend_.rename(races.context_, {"a", "z", made.version, {}}));
        return {};
      },
      [](Races& races) {
        EXPECT_EQ(races.get("z"), "precious");
        EXPECT_FALSE(races.backend_.stat(races.context_, {"a"}));
      });
}

TEST(FileRaces, what_steps_aside_for_a_directory_gets_its_second_name) {
  race_with_a_write_below(
      [](Races& races, const CopyInfo& made) -> Result<void> {
        RenameRequest request{"a", "z", made.version, {}};
        request.keep_source = true;
        BR_TRY(races.backend_.rename(races.context_, request));
        return {};
      },
      [](Races& races) {
        EXPECT_EQ(races.get("a"), "precious");
        EXPECT_EQ(races.get("z"), "precious");
      });
}

TEST(FileRaces, what_steps_aside_for_a_directory_is_removed_once) {
  race_with_a_write_below(
      [](Races& races, const CopyInfo& made) -> Result<void> {
        return races.backend_.remove(races.context_, {"a", made.version});
      },
      [](Races& races) { EXPECT_FALSE(races.backend_.stat(races.context_, {"a"})); });
}

TEST(FileRaces, an_object_can_be_renamed_to_a_name_below_its_own) {
  Races races{1};
  ASSERT_TRUE(races.put("a", "precious"));
  auto renamed = races.backend_.rename(races.context_, {"a", "a/x", {}, {}});
  ASSERT_TRUE(renamed) << renamed.error().to_string();
  EXPECT_EQ(races.get("a/x"), "precious");
  EXPECT_FALSE(races.backend_.stat(races.context_, {"a"}));
  renamed = races.backend_.rename(races.context_, {"a/x", "a", {}, {}});
  ASSERT_TRUE(renamed) << renamed.error().to_string();
  EXPECT_EQ(races.get("a"), "precious");
}

TEST(FileRaces, two_objects_can_change_places_with_directories_of_their_names) {
  for (uint64_t seed = 1; seed <= kSeeds / 10 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto runtime = io::Runtime::make_simulated(seed);
    runtime->run([&] {
      Races races{seed};
      ASSERT_TRUE(races.put("a", "1"));
      ASSERT_TRUE(races.put("b", "2"));
      const auto rename = [&](const char* from, const char* to) {
        for (int attempt = 0; attempt < 3; ++attempt) {
          auto renamed = races.backend_.rename(races.context_, {from, to, {}, {}});
          if (renamed || renamed.error().code() != Code::kBusy) return renamed.has_value();
        }
        return false;
      };
      bool first = false;
      bool second = false;
      io::Scope scope{races.context_};
      scope.spawn([&]() -> Result<void> {
        first = rename("a", "b/x");
        return {};
      });
      scope.spawn([&]() -> Result<void> {
        second = rename("b", "a/x");
        return {};
      });
      ASSERT_TRUE(scope.join());
      EXPECT_TRUE(first && second);
      EXPECT_EQ(races.get("b/x"), "1");
      EXPECT_EQ(races.get("a/x"), "2");
    });
  }
}

}  // namespace
}  // namespace beringia::backend::file

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "io/cached_stat.h"
#include "io/disk.h"
#include "io/faulty_disk.h"
#include "io/group_sync.h"
#include "io/runtime.h"
#include "io/sync.h"

namespace beringia::io {
namespace {

TEST(GroupSync, shares_runs_that_began_after_each_call) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    auto runtime = Runtime::make_simulated(seed);
    runtime->run([&] {
      int begun = 0;
      int running = 0;
      GroupSync group{[&](const std::string&) -> Result<void> {
        ++begun;
        EXPECT_EQ(++running, 1);
        BR_TRY(sleep_for(Context{}, std::chrono::milliseconds{5}));
        --running;
        return {};
      }};
      Scope scope{Context{}};
      for (int i = 0; i < 40; ++i) {
        scope.spawn([&, i]() -> Result<void> {
          BR_TRY(sleep_for(scope.context(), std::chrono::milliseconds{i / 4}));
          const int before = begun;
          BR_TRY(group.sync("d"));
          EXPECT_GT(begun, before) << "the run must have begun after the call";
          return {};
        });
      }
      EXPECT_TRUE(scope.join());
      EXPECT_LE(begun, 5) << "40 calls in 10 ms share runs of 5 ms";
    });
  }
}

class PosixDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/beringia-disk-XXXXXX";
    root_ = ::mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  std::unique_ptr<File> create(const std::string& name, std::string_view bytes) {
    auto file = disk_->open(root_ + name, OpenMode::kCreateExclusive);
    EXPECT_TRUE(file) << file.error().to_string();
    EXPECT_TRUE((*file)->write_at(0, bytes));
    return std::move(*file);
  }
  std::unique_ptr<Disk> disk_ = make_posix_disk();
  std::string root_;
};

TEST_F(PosixDiskTest, many_names_below_a_directory_are_as_each_by_itself) {
  std::filesystem::create_directories(root_ + "/d/e");
  create("/d/a", "1");
  create("/d/e/b", "22");
  std::filesystem::create_symlink("a", root_ + "/d/link");
  const std::vector<std::string> names = {"a", "none", "e", "e/b", "link"};
  const auto found = disk_->stat_below(root_ + "/d", names);
  ASSERT_EQ(found.size(), names.size());
  for (size_t k = 0; k < names.size(); ++k) {
    const auto alone = disk_->stat(root_ + "/d/" + names[k]);
    ASSERT_EQ(found[k].has_value(), alone.has_value()) << names[k];
    if (!alone) {
      EXPECT_EQ(found[k].error().code(), Code::kNotFound);
      continue;
    }
    EXPECT_EQ(found[k]->inode, alone->inode) << names[k];
    EXPECT_EQ(found[k]->size, alone->size) << names[k];
    EXPECT_EQ(found[k]->is_regular, alone->is_regular) << names[k];
  }
  const auto nowhere = disk_->stat_below(root_ + "/none", names);
  ASSERT_EQ(nowhere.size(), names.size());
  EXPECT_EQ(nowhere[0].error().code(), Code::kNotFound);
}

TEST_F(PosixDiskTest, keeps_files_and_names) {
  const std::string& root = root_;
  auto& disk = disk_;
  auto file = disk->open(root + "/a", OpenMode::kCreateExclusive);
  ASSERT_TRUE(file);
  EXPECT_TRUE((*file)->write_at(0, "hello"));
  EXPECT_TRUE((*file)->sync());
  EXPECT_EQ(disk->open(root + "/a", OpenMode::kCreateExclusive).error().code(),
            Code::kAlreadyExists);
  EXPECT_TRUE(disk->rename_exclusive(root + "/a", root + "/b"));
  EXPECT_TRUE(disk->sync_directory(root));
  EXPECT_EQ(disk->stat(root + "/a").error().code(), Code::kNotFound);
  EXPECT_EQ(disk->stat(root + "/b")->size, 5U);
  ASSERT_TRUE(disk->open(root + "/a", OpenMode::kCreateExclusive));
  EXPECT_EQ(disk->rename_exclusive(root + "/a", root + "/b").error().code(), Code::kAlreadyExists);
  auto copy = disk->open(root + "/c", OpenMode::kCreateExclusive);
  EXPECT_TRUE((*copy)->copy_from(**file, 1, 0, 4));
  char text[4];
  EXPECT_EQ((*copy)->read_at(0, text).value(), 4U);
  EXPECT_EQ(std::string(text, 4), "ello");
  std::vector<std::string> names;
  EXPECT_TRUE(disk->list(root, [&](DirectoryItem item) {
    names.push_back(item.name);
    return true;
  }));
  EXPECT_EQ(names.size(), 3U);
}

TEST_F(PosixDiskTest, concurrent_directory_syncs_all_return) {
  const std::string& root = root_;
  auto& disk = disk_;
  auto runtime = Runtime::make({.loops = 2});
  runtime->run([&] {
    Scope scope{Context{}};
    for (int i = 0; i < 50; ++i) {
      scope.spawn([&]() -> Result<void> { return disk->sync_directory(root); });
    }
    EXPECT_TRUE(scope.join());
  });
  EXPECT_EQ(disk->sync_directory(root + "/none").error().code(), Code::kNotFound);
}

TEST_F(PosixDiskTest, keeps_attributes_where_the_file_system_has_them) {
  auto file = create("/a", "x");
  auto set = file->set_xattr("user.beringia.test", std::string(3000, 'v'));
  if (!set) {
    EXPECT_EQ(set.error().code(), Code::kUnsupported);
    return;
  }
  EXPECT_EQ(file->get_xattr("user.beringia.test").value(), std::string(3000, 'v'));
  EXPECT_EQ(disk_->get_xattr(root_ + "/a", "user.beringia.test").value().size(), 3000U);
  EXPECT_TRUE(disk_->set_xattr(root_ + "/a", "user.beringia.empty", ""));
  EXPECT_EQ(disk_->get_xattr(root_ + "/a", "user.beringia.empty").value(), "");
  EXPECT_EQ(file->get_xattr("user.beringia.none").error().code(), Code::kNotFound);
}

TEST_F(PosixDiskTest, does_not_follow_symbolic_links) {
  create("/a", "x");
  ASSERT_EQ(::symlink((root_ + "/a").c_str(), (root_ + "/link").c_str()), 0);
  auto stat = disk_->stat(root_ + "/link");
  ASSERT_TRUE(stat);
  EXPECT_FALSE(stat->is_regular || stat->is_directory);
  EXPECT_FALSE(disk_->open(root_ + "/link", OpenMode::kRead));
}

TEST_F(PosixDiskTest, reads_from_the_page_cache_without_blocking) {
  auto file = create("/a", "hello");
  char text[5];
  auto cached = file->try_read_cached(0, text);
  if (cached) {
    EXPECT_EQ(std::string(text, *cached), "hello");
  }
  EXPECT_EQ(file->try_read_cached(5, text).value_or(0), 0U);
}

TEST_F(PosixDiskTest, copies_in_the_kernel_and_notices_short_sources) {
  auto from = create("/a", std::string(5 << 20, 'c'));
  auto to = create("/b", "");
  EXPECT_TRUE(to->copy_from(*from, 1, 7, (5 << 20) - 1));
  EXPECT_EQ(to->stat()->size, (5U << 20) + 6);
  EXPECT_EQ(to->copy_from(*from, 0, 0, 6 << 20).error().code(), Code::kCorrupt);
}

TEST_F(PosixDiskTest, answers_with_the_kind_of_the_error) {
  ASSERT_TRUE(disk_->make_directory(root_ + "/d"));
  create("/d/a", "x");
  EXPECT_EQ(disk_->make_directory(root_ + "/d").error().code(), Code::kAlreadyExists);
  EXPECT_FALSE(disk_->remove_directory(root_ + "/d"));
  EXPECT_EQ(disk_->unlink(root_ + "/none").error().code(), Code::kNotFound);
  EXPECT_EQ(disk_->list(root_ + "/none", [](DirectoryItem) { return true; }).error().code(),
            Code::kNotFound);
  EXPECT_EQ(disk_->rename(root_ + "/d/a", root_ + "/d").error().code(), Code::kAlreadyExists);
  EXPECT_GT(disk_->free_bytes(root_).value(), 0U);
}

TEST_F(PosixDiskTest, sets_the_modification_time) {
  auto file = create("/a", "x");
  EXPECT_TRUE(file->set_modified(1'700'000'000'123'000'000));
  EXPECT_EQ(file->stat()->mtime_nanos, 1'700'000'000'123'000'000);
}

TEST_F(PosixDiskTest, stops_listing_when_told_so) {
  for (int i = 0; i < 10; ++i) create("/" + std::to_string(i), "");
  int seen = 0;
  EXPECT_TRUE(disk_->list(root_, [&](DirectoryItem item) {
    EXPECT_TRUE(item.is_regular);
    return ++seen < 3;
  }));
  EXPECT_EQ(seen, 3);
}

TEST_F(PosixDiskTest, faulty_disk_fails_the_chosen_calls_and_passes_the_others) {
  DiskFaults faults;
  auto faulty = make_faulty_disk(*disk_, faults);
  faults.fail_call(DiskCall::kSyncDirectory, 2, EIO);
  faults.fail_always(DiskCall::kWrite, ENOSPC);
  EXPECT_TRUE(faulty->sync_directory(root_));
  EXPECT_EQ(faulty->sync_directory(root_).error().code(), Code::kUnavailable);
  EXPECT_TRUE(faulty->sync_directory(root_));
  auto a = faulty->open(root_ + "/a", OpenMode::kCreateExclusive);
  EXPECT_EQ((*a)->write_at(0, "x").error().tag(), "no_space");
  faults.clear();
  EXPECT_TRUE((*a)->write_at(0, "x"));
  auto b = faulty->open(root_ + "/b", OpenMode::kCreateExclusive);
  EXPECT_TRUE((*b)->copy_from(**a, 0, 0, 1));
  EXPECT_EQ(faults.calls(DiskCall::kSyncDirectory), 3U);
}

TEST_F(PosixDiskTest, what_the_kernel_remembers_is_what_lstat_tells) {
  const std::string path = root_ + "/file";
  auto file = create("/file", "hello");
  ASSERT_EQ(::symlink("file", (root_ + "/link").c_str()), 0);
  for (int round = 0; round < 3; ++round) {
    // Written through another descriptor in between: size and times must be those of now.
    ASSERT_TRUE(file->write_at(5, std::string(round, 'x')));
    struct ::stat expected{};
    ASSERT_EQ(::lstat(path.c_str(), &expected), 0);
    const auto known = try_stat_cached(path);
    if (!known) GTEST_SKIP() << "this file system or kernel cannot tell without asking";
    ASSERT_TRUE(*known);
    EXPECT_EQ((*known)->inode, expected.st_ino);
    EXPECT_EQ((*known)->size, 5u + static_cast<uint64_t>(round));
    EXPECT_TRUE((*known)->is_regular);
  }
  const auto link = try_stat_cached(root_ + "/link");
  ASSERT_TRUE(link && *link);
  EXPECT_FALSE((*link)->is_regular) << "links are not followed";
  ASSERT_EQ(::unlink(path.c_str()), 0);
  if (const auto gone = try_stat_cached(path)) {
    EXPECT_FALSE(*gone);
    EXPECT_EQ(gone->error().code(), Code::kNotFound);
  }
  EXPECT_EQ(disk_->stat(path).error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace beringia::io

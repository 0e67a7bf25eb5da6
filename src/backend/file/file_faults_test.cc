// The file backend on disks that fail, fill up, cannot be written, or have no attributes.

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "backend/backend_behaviour.h"
#include "backend/file/file_backend.h"
#include "backend/test_directory.h"
#include "io/faulty_disk.h"
#include "io/sim_disk.h"

namespace beringia::backend::file {
namespace {

namespace fs = std::filesystem;
using io::DiskCall;

/// A file system without extended attributes: attributes go beside the files.
class NoXattrFixture final : public BackendFixture {
 public:
  NoXattrFixture() {
    faults_.fail_always(DiskCall::kSetXattr, ENOTSUP);
    faults_.fail_always(DiskCall::kGetXattr, ENOTSUP);
  }
  Backend& backend() override { return backend_; }

 private:
  TestDirectory directory_;
  std::unique_ptr<io::Disk> real_ = io::make_posix_disk();
  io::DiskFaults faults_;
  std::unique_ptr<io::Disk> disk_ = io::make_faulty_disk(*real_, faults_);
  SeededRng rng_{3};
  FileBackend backend_{{directory_.path(), 4}, *disk_, rng_};
};

INSTANTIATE_TEST_SUITE_P(FileWithoutXattrs, BackendBehaviour,
                         testing::Values(BehaviourParameter{
                             "file", [] { return std::make_unique<NoXattrFixture>(); }}),
                         behaviour_name);

class FileFaultsTest : public testing::Test {
 protected:
  Result<CopyInfo> put(const std::string& name, const std::string& bytes,
                       Expectation expectation = {}) {
    io::StringSource body{bytes};
    WriteRequest request;
    request.name = name;
    request.body = &body;
    request.expectation = std::move(expectation);
    request.seal = [&]() -> Result<Seal> {
      return Seal{bytes.size(), Crc32c::of(bytes), {}, "t/t", {{"k", "v"}}, {}};
    };
    return backend_.write(context_, request);
  }
  Result<std::string> get(const std::string& name) {
    BR_TRY(info, backend_.stat(context_, {name}));
    BR_TRY(source, backend_.read(context_, {name, {0, info.size}, info.version}));
    return io::read_all(context_, *source, 8 << 20);
  }
  size_t temporary_files() const {
    const fs::path folder = directory_.path() + "/.beringia/tmp";
    if (!fs::exists(folder)) return 0;
    return static_cast<size_t>(std::distance(fs::directory_iterator{folder}, {}));
  }

  const io::Context context_;
  TestDirectory directory_;
  std::unique_ptr<io::Disk> real_ = io::make_posix_disk();
  io::DiskFaults faults_;
  std::unique_ptr<io::Disk> disk_ = io::make_faulty_disk(*real_, faults_);
  SeededRng rng_{4};
  FileBackend backend_{{directory_.path(), 4}, *disk_, rng_};
};

constexpr DiskCall kWriteCalls[] = {
    DiskCall::kOpen,        DiskCall::kWrite,         DiskCall::kSync,
    DiskCall::kRename,      DiskCall::kSetXattr,      DiskCall::kRenameExclusive,
    DiskCall::kSetModified, DiskCall::kMakeDirectory, DiskCall::kSyncDirectory};

TEST_F(FileFaultsTest, a_write_that_fails_anywhere_is_not_acknowledged_and_tears_nothing) {
  const std::string old_bytes(300'000, 'o');
  const std::string new_bytes(2'000'000, 'n');  // more than one buffer
  int failures = 0;
  for (const int error_number : {ENOSPC, EROFS, EIO, EDQUOT}) {
    for (const DiskCall call : kWriteCalls) {
      for (uint64_t nth = 1; nth <= 3; ++nth) {
        SCOPED_TRACE(std::string{io::to_string(call)} + " " + std::to_string(nth) + " fails with " +
                     std::to_string(error_number));
        const std::string name = "d" + std::to_string(error_number) +
                                 std::string{io::to_string(call)} + "/" + std::to_string(nth);
        ASSERT_TRUE(put(name + "-old", old_bytes));
        faults_.fail_call(call, nth, error_number);
        auto fresh = put("new/" + name, new_bytes, Expectation::absent());
        faults_.clear();
        // A missing attribute store may be made up for (ENOSPC in an xattr); else it failed.
        if (fresh) {
          EXPECT_TRUE(get("new/" + name).value() == new_bytes);
        } else {
          ++failures;
          EXPECT_EQ(backend_.stat(context_, {"new/" + name}).error().code(), Code::kNotFound);
          const bool full = error_number == ENOSPC || error_number == EDQUOT;
          EXPECT_EQ(fresh.error().tag() == "no_space", full && fresh.error().tag() != "")
              << fresh.error().to_string();
        }
        faults_.fail_call(call, nth, error_number);
        auto replaced = put(name + "-old", new_bytes);
        faults_.clear();
        auto seen = get(name + "-old");
        ASSERT_TRUE(seen) << seen.error().to_string();
        EXPECT_TRUE(*seen == old_bytes || *seen == new_bytes);
        if (replaced) {
          EXPECT_TRUE(*seen == new_bytes);
        }
        EXPECT_EQ(temporary_files(), 0U);
      }
    }
  }
  EXPECT_GT(failures, 40);
}

TEST_F(FileFaultsTest, a_full_disk_says_so_and_works_again_when_there_is_room) {
  ASSERT_TRUE(put("kept", "old"));
  for (const auto call : {DiskCall::kWrite, DiskCall::kOpen}) {
    faults_.fail_always(call, ENOSPC);
    auto written = put("kept", "new");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code(), Code::kUnavailable);
    EXPECT_EQ(written.error().tag(), "no_space") << written.error().to_string();
    faults_.clear();
    EXPECT_EQ(get("kept").value(), "old");
  }
  ASSERT_TRUE(put("kept", "new"));
  EXPECT_EQ(get("kept").value(), "new");
  EXPECT_TRUE(backend_.remove(context_, {"kept", {}}));
}

TEST_F(FileFaultsTest, a_read_only_tree_can_be_read_and_refuses_writes) {
  std::ofstream{directory_.path() + "/foreign"} << "bytes";
  for (const auto call :
       {DiskCall::kWrite, DiskCall::kRename, DiskCall::kRenameExclusive, DiskCall::kUnlink,
        DiskCall::kMakeDirectory, DiskCall::kRemoveDirectory, DiskCall::kSetXattr}) {
    faults_.fail_always(call, EROFS);
  }
  EXPECT_EQ(get("foreign").value(), "bytes");
  EXPECT_EQ(backend_.list(context_, {}).value().items.size(), 1U);
  for (const auto& failed :
       {put("new", "x").error(), put("foreign", "x").error(),
        backend_.remove(context_, {"foreign", {}}).error(),
        backend_.update(context_, {"foreign", {}, {}, "a/b", ""}).error(),
        backend_.rename(context_, {"foreign", "other", {}, {}}).error(),
        backend_.make_directory(context_, "made/").error(), backend_.probe(context_).error()}) {
    EXPECT_EQ(failed.code(), Code::kDenied) << failed.to_string();
  }
  EXPECT_EQ(get("foreign").value(), "bytes");
}

TEST_F(FileFaultsTest, damage_of_the_disk_is_an_error_not_an_absence) {
  ASSERT_TRUE(put("f", "0123456789"));
  faults_.fail_always(DiskCall::kList, EIO);
  EXPECT_FALSE(backend_.list(context_, {}));
  faults_.clear();
  faults_.fail_always(DiskCall::kStat, EIO);
  EXPECT_EQ(backend_.stat(context_, {"f"}).error().code(), Code::kUnavailable);
  EXPECT_EQ(backend_.stat(context_, {"none"}).error().code(), Code::kUnavailable);  // not "absent"
  faults_.clear();
  EXPECT_EQ(get("f").value(), "0123456789");
}

TEST_F(FileFaultsTest, damage_on_the_way_to_a_file_aside_is_not_an_absence) {
  ASSERT_TRUE(put("a", "1"));
  ASSERT_TRUE(put("a/b", "2"));                // "a" stepped aside
  faults_.fail_call(DiskCall::kStat, 2, EIO);  // the look at the file aside
  EXPECT_EQ(backend_.stat(context_, {"a"}).error().code(), Code::kUnavailable);
  faults_.clear();
  EXPECT_EQ(get("a").value(), "1");
}

TEST_F(FileFaultsTest, a_rename_to_its_own_name_makes_the_name_durable) {
  ASSERT_TRUE(put("d/e/f", "x"));
  FileBackend another{{directory_.path(), 4}, *disk_, rng_};  // as after a crash
  for (const char* name : {"d/e/f", "d/e/"}) {
    const uint64_t before = faults_.calls(DiskCall::kSyncDirectory);
    ASSERT_TRUE(another.rename(context_, {name, name, {}, {}}));
    EXPECT_GT(faults_.calls(DiskCall::kSyncDirectory), before) << name;
    faults_.fail_always(DiskCall::kSyncDirectory, EIO);
    EXPECT_FALSE(another.rename(context_, {name, name, {}, {}})) << name;
    faults_.clear();
  }
  EXPECT_EQ(another.rename(context_, {"none/", "none/", {}, {}}).error().code(), Code::kNotFound);
  EXPECT_EQ(get("d/e/f").value(), "x");
}

Result<CopyInfo> put_into(FileBackend& backend, const std::string& name, const std::string& bytes) {
  io::StringSource body{bytes};
  WriteRequest request;
  request.name = name;
  request.body = &body;
  request.seal = [&]() -> Result<Seal> {
    return Seal{bytes.size(), Crc32c::of(bytes), {}, "t/t", {}, {}};
  };
  return backend.write({}, request);
}

/// A power loss at the `nth` call of a rename into directories that are new. @return it came
bool loses_power_in_rename(const std::string& from, const std::string& to, uint64_t seed,
                           uint64_t nth) {
  const std::string old_name = from.ends_with('/') ? from + "k" : from;
  const std::string new_name = to.ends_with('/') ? to + "k" : to;
  io::SimDisk disk{{.seed = seed, .max_latency = {}}};
  disk.prepare_directory("/root");
  SeededRng rng{seed};
  {
    FileBackend backend{{"/root", 4}, disk, rng};
    EXPECT_TRUE(put_into(backend, old_name, "bytes"));
    disk.crash_at(nth);
    (void)backend.rename({}, {from, to, {}, {}});
  }
  const bool came = disk.crashed();
  if (!came) disk.crash();
  disk.restart();
  FileBackend backend{{"/root", 4}, disk, rng};
  EXPECT_TRUE(backend.stat({}, {old_name}) || backend.stat({}, {new_name}))
      << from << " to " << to << ", seed " << seed << ", call " << nth << "\n"
      << disk.describe();
  return came;
}

TEST(FileRename, a_power_loss_leaves_the_old_name_or_the_new_one) {
  const std::pair<const char*, const char*> renames[] = {{"f/", "a/b/"}, {"f/k", "a/b/k"}};
  for (const auto& [from, to] : renames) {
    for (uint64_t seed = 1; seed <= 40; ++seed) {
      uint64_t nth = 1;
      while (loses_power_in_rename(from, to, seed, nth)) ++nth;
      EXPECT_GT(nth, 5U);
    }
  }
}

TEST_F(FileFaultsTest, a_removal_that_may_come_back_is_not_acknowledged) {
  ASSERT_TRUE(put("f", "x"));
  faults_.fail_call(DiskCall::kSyncDirectory, 1, EIO);
  auto removed = backend_.remove(context_, {"f", {}});
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().retry(), Retry::kMaybeApplied);
}

/// Trees made by others hold all kinds of things; each is shown as it is or not at all.
TEST_F(FileFaultsTest, adopts_a_tree_of_odd_names) {
  const std::string root = directory_.path();
  auto make_file = [&](const std::string& name) {
    fs::create_directories(fs::path{root + "/" + name}.parent_path());
    std::ofstream{root + "/" + name} << name;
  };
  const std::string long_name(255, 'l');
  for (const std::string name : {"plain", "with space/and+plus", "\xC3\xA9t\xC3\xA9", "percent%20",
                                 ".hidden/.file", "tilde~", "new\nline", "a\\b"}) {
    make_file(name);
  }
  make_file("long/" + long_name);
  make_file("latin-\xE9");  // not UTF-8
  fs::create_directories(root + "/empty/inside");
  ASSERT_EQ(::mkfifo((root + "/pipe").c_str(), 0600), 0);
  fs::create_symlink("plain", root + "/link");
  fs::create_hard_link(root + "/plain", root + "/hard");
  auto page = backend_.list(context_, {});
  ASSERT_TRUE(page) << page.error().to_string();
  std::vector<std::string> names;
  for (const auto& item : page->items) {
    names.push_back(item.name);
    EXPECT_EQ(get(item.name).value_or("?"), item.name == "hard" ? "plain" : item.name);
  }
  EXPECT_EQ(names.size(), 11U);
  EXPECT_EQ(std::count(names.begin(), names.end(), "link"), 0);
  EXPECT_EQ(std::count(names.begin(), names.end(), "pipe"), 0);
  // Overwriting one name of a hard link leaves the other name's bytes alone.
  ASSERT_TRUE(put("hard", "ours"));
  EXPECT_EQ(get("plain").value(), "plain");
  EXPECT_EQ(get("hard").value(), "ours");
}

}  // namespace
}  // namespace beringia::backend::file

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "io/disk.h"
#include "io/faulty_disk.h"
#include "io/sim_disk.h"

// What every Disk must do alike: the simulation is only worth something if it answers as the
// kernel.

namespace beringia::io {
namespace {

enum class Kind { kPosix, kSimulated, kFaulty };

class DiskConformance : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    char name[] = "/tmp/beringia-disks-XXXXXX";
    root_ = ::mkdtemp(name);
    simulated_.prepare_directory(root_);
    switch (GetParam()) {
      case Kind::kPosix: disk_ = posix_.get(); break;
      case Kind::kSimulated: disk_ = &simulated_; break;
      case Kind::kFaulty: disk_ = faulty_.get(); break;
    }
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::unique_ptr<File> open(const std::string& name, OpenMode mode) {
    auto file = disk_->open(root_ + name, mode);
    EXPECT_TRUE(file) << file.error().to_string();
    return file ? std::move(*file) : nullptr;
  }
  void write(const std::string& name, std::string_view bytes) {
    auto file = open(name, OpenMode::kCreateOrTruncate);
    EXPECT_TRUE(file->write_at(0, bytes));
    EXPECT_TRUE(file->sync());
  }
  std::string read(const std::string& name) {
    auto file = open(name, OpenMode::kRead);
    std::string bytes(4096, '\0');
    bytes.resize(file->read_at(0, bytes).value());
    return bytes;
  }
  template <class T>
  static Code code(const Result<T>& result) {
    EXPECT_FALSE(result.has_value());
    return result ? Code::kInternal : result.error().code();
  }
  std::string at(const std::string& name) const { return root_ + name; }

  std::string root_;
  std::unique_ptr<Disk> posix_ = make_posix_disk();
  SimDisk simulated_;
  DiskFaults no_faults_;
  std::unique_ptr<Disk> faulty_ = make_faulty_disk(*posix_, no_faults_);
  Disk* disk_ = nullptr;
};

TEST_P(DiskConformance, opens_as_the_mode_says) {
  EXPECT_EQ(code(disk_->open(at("/a"), OpenMode::kRead)), Code::kNotFound);
  EXPECT_EQ(code(disk_->open(at("/a"), OpenMode::kReadWrite)), Code::kNotFound);
  EXPECT_EQ(code(disk_->open(at("/none/a"), OpenMode::kCreateExclusive)), Code::kNotFound);
  write("/a", "hello");
  EXPECT_EQ(code(disk_->open(at("/a"), OpenMode::kCreateExclusive)), Code::kAlreadyExists);
  EXPECT_EQ(open("/a", OpenMode::kReadWrite)->stat()->size, 5U);
  EXPECT_EQ(open("/a", OpenMode::kCreateOrTruncate)->stat()->size, 0U);
  write("/a", "x");
  EXPECT_FALSE(open("/a", OpenMode::kRead)->write_at(0, "y"));
  EXPECT_EQ(read("/a"), "x");
  EXPECT_FALSE(disk_->open(at(""), OpenMode::kReadWrite)) << "a directory";
}

TEST_P(DiskConformance, opens_a_directory_that_took_the_place_of_a_file) {
  auto opened = disk_->open(at(""), OpenMode::kRead);
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_TRUE((*opened)->stat()->is_directory) << "so that whoever races can tell";
  char buffer[8];
  EXPECT_FALSE((*opened)->read_at(0, buffer));
}

TEST_P(DiskConformance, reads_and_writes_anywhere) {
  auto file = open("/a", OpenMode::kCreateExclusive);
  EXPECT_TRUE(file->write_at(3, "def"));
  EXPECT_EQ(read("/a"), std::string(3, '\0') + "def");
  EXPECT_TRUE(file->write_at(0, "abc"));
  char bytes[4];
  EXPECT_EQ(file->read_at(4, bytes).value(), 2U);
  EXPECT_EQ(file->read_at(6, bytes).value(), 0U);
  EXPECT_EQ(file->read_at(600, bytes).value(), 0U);
  EXPECT_TRUE(file->truncate(2));
  EXPECT_TRUE(file->truncate(4));
  EXPECT_EQ(read("/a"), std::string("ab\0\0", 4));
}

TEST_P(DiskConformance, keeps_an_open_file_that_lost_its_name) {
  write("/a", "old");
  auto file = open("/a", OpenMode::kRead);
  write("/b", "new");
  EXPECT_TRUE(disk_->rename(at("/b"), at("/a")));
  char bytes[3];
  EXPECT_EQ(file->read_at(0, bytes).value(), 3U);
  EXPECT_EQ(std::string(bytes, 3), "old");
  EXPECT_TRUE(disk_->unlink(at("/a")));
  EXPECT_EQ(file->stat()->size, 3U);
}

TEST_P(DiskConformance, renames_replacing_or_not) {
  EXPECT_EQ(code(disk_->rename(at("/a"), at("/b"))), Code::kNotFound);
  EXPECT_EQ(code(disk_->rename_exclusive(at("/a"), at("/b"))), Code::kNotFound);
  write("/a", "1");
  write("/b", "2");
  EXPECT_EQ(code(disk_->rename_exclusive(at("/a"), at("/b"))), Code::kAlreadyExists);
  EXPECT_EQ(read("/b"), "2");
  const uint64_t inode = disk_->stat(at("/a"))->inode;
  EXPECT_TRUE(disk_->rename(at("/a"), at("/b")));
  EXPECT_EQ(read("/b"), "1");
  EXPECT_EQ(disk_->stat(at("/b"))->inode, inode);
  EXPECT_TRUE(disk_->rename_exclusive(at("/b"), at("/c")));
  EXPECT_EQ(code(disk_->stat(at("/b"))), Code::kNotFound);
  EXPECT_TRUE(disk_->make_directory(at("/d")));
  EXPECT_EQ(code(disk_->rename(at("/c"), at("/d"))), Code::kAlreadyExists);
  EXPECT_EQ(code(disk_->rename(at("/c"), at("/none/c"))), Code::kNotFound);
  EXPECT_TRUE(disk_->rename(at("/c"), at("/d/c")));
  EXPECT_EQ(read("/d/c"), "1");
  EXPECT_TRUE(disk_->rename(at("/d"), at("/e")));
  EXPECT_EQ(read("/e/c"), "1");
  EXPECT_FALSE(disk_->rename(at("/e"), at("/e/inside")));
}

TEST_P(DiskConformance, links_give_one_file_two_names) {
  EXPECT_EQ(code(disk_->link(at("/a"), at("/b"))), Code::kNotFound);
  write("/a", "1");
  EXPECT_TRUE(disk_->make_directory(at("/d")));
  EXPECT_FALSE(disk_->link(at("/d"), at("/e"))) << "a directory";
  ASSERT_TRUE(disk_->link(at("/a"), at("/d/b")));
  EXPECT_EQ(disk_->stat(at("/a"))->inode, disk_->stat(at("/d/b"))->inode);
  EXPECT_EQ(disk_->stat(at("/a"))->mtime_nanos, disk_->stat(at("/d/b"))->mtime_nanos);
  EXPECT_EQ(code(disk_->link(at("/a"), at("/d/b"))), Code::kAlreadyExists);
  // rename(2): two names of one file are left as they are.
  EXPECT_TRUE(disk_->rename(at("/a"), at("/d/b")));
  EXPECT_EQ(read("/a"), "1");
  write("/c", "2");
  EXPECT_TRUE(disk_->rename(at("/c"), at("/a")));
  EXPECT_EQ(read("/d/b"), "1");
  EXPECT_TRUE(disk_->unlink(at("/a")));
  EXPECT_EQ(read("/d/b"), "1");
}

TEST_P(DiskConformance, makes_lists_and_removes_directories) {
  EXPECT_TRUE(disk_->make_directory(at("/d")));
  EXPECT_EQ(code(disk_->make_directory(at("/d"))), Code::kAlreadyExists);
  EXPECT_EQ(code(disk_->make_directory(at("/none/d"))), Code::kNotFound);
  write("/d/a", "1");
  EXPECT_TRUE(disk_->make_directory(at("/d/sub")));
  std::set<std::string> names;
  EXPECT_TRUE(disk_->list(at("/d"), [&](DirectoryItem item) {
    EXPECT_EQ(item.is_directory, item.name == "sub");
    EXPECT_EQ(item.is_regular, item.name == "a");
    return names.insert(item.name).second;
  }));
  EXPECT_EQ(names, (std::set<std::string>{"a", "sub"}));
  EXPECT_EQ(code(disk_->list(at("/none"), [](DirectoryItem) { return true; })), Code::kNotFound);
  EXPECT_FALSE(disk_->remove_directory(at("/d"))) << "not empty";
  EXPECT_FALSE(disk_->unlink(at("/d/sub"))) << "a directory";
  EXPECT_FALSE(disk_->remove_directory(at("/d/a"))) << "a file";
  EXPECT_TRUE(disk_->unlink(at("/d/a")));
  EXPECT_EQ(code(disk_->unlink(at("/d/a"))), Code::kNotFound);
  EXPECT_TRUE(disk_->remove_directory(at("/d/sub")));
  EXPECT_TRUE(disk_->remove_directory(at("/d")));
  EXPECT_EQ(code(disk_->remove_directory(at("/d"))), Code::kNotFound);
}

TEST_P(DiskConformance, answers_alike_where_a_file_stands_for_a_directory) {
  write("/a", "1");
  const Code of_posix = code(posix_->stat("/dev/null/x"));
  EXPECT_EQ(code(disk_->stat(at("/a/x"))), of_posix);
  EXPECT_EQ(code(disk_->open(at("/a/x"), OpenMode::kCreateExclusive)), of_posix);
  EXPECT_EQ(code(disk_->stat(at("/" + std::string(256, 'n')))),
            code(posix_->stat("/" + std::string(256, 'n'))));
}

TEST_P(DiskConformance, syncs_what_exists) {
  write("/a", "1");
  EXPECT_TRUE(disk_->sync_directory(root_));
  EXPECT_EQ(code(disk_->sync_directory(at("/none"))), Code::kNotFound);
  EXPECT_FALSE(disk_->sync_directory(at("/a"))) << "a file";
  EXPECT_GT(disk_->free_bytes(root_).value(), 0U);
}

TEST_P(DiskConformance, keeps_times_and_attributes) {
  auto file = open("/a", OpenMode::kCreateExclusive);
  EXPECT_TRUE(file->set_modified(1'700'000'000'000'000'000));
  EXPECT_EQ(disk_->stat(at("/a"))->mtime_nanos, 1'700'000'000'000'000'000);
  EXPECT_TRUE(file->write_at(0, "x"));
  EXPECT_NE(disk_->stat(at("/a"))->mtime_nanos, 1'700'000'000'000'000'000);
  auto set = file->set_xattr("user.beringia.a", "1");
  if (!set && set.error().code() == Code::kUnsupported) return;  // of this file system
  EXPECT_TRUE(set);
  EXPECT_TRUE(disk_->set_xattr(at("/a"), "user.beringia.a", "2"));
  EXPECT_EQ(file->get_xattr("user.beringia.a").value(), "2");
  EXPECT_EQ(code(disk_->get_xattr(at("/a"), "user.beringia.b")), Code::kNotFound);
  EXPECT_EQ(code(disk_->get_xattr(at("/none"), "user.beringia.b")), Code::kNotFound);
}

TEST_P(DiskConformance, copies_between_files) {
  write("/a", "0123456789");
  auto from = open("/a", OpenMode::kRead);
  auto to = open("/b", OpenMode::kCreateExclusive);
  EXPECT_TRUE(to->copy_from(*from, 2, 1, 5));
  EXPECT_EQ(read("/b"), std::string(1, '\0') + "23456");
  EXPECT_EQ(code(to->copy_from(*from, 8, 0, 5)), Code::kCorrupt);
  EXPECT_TRUE(to->copy_from(*from, 0, 0, 0));
}

INSTANTIATE_TEST_SUITE_P(Disks, DiskConformance,
                         testing::Values(Kind::kPosix, Kind::kSimulated, Kind::kFaulty),
                         [](const auto& chosen) {
                           return std::string{chosen.param == Kind::kPosix       ? "posix"
                                              : chosen.param == Kind::kSimulated ? "simulated"
                                                                                 : "faulty"};
                         });

}  // namespace
}  // namespace beringia::io

// Names that are kept of directories: they are used, and never when the directory has changed.

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>

#include "backend/file/file_backend.h"
#include "backend/test_directory.h"
#include "io/faulty_disk.h"
#include "io/runtime.h"

namespace beringia::backend::file {
namespace {

namespace fs = std::filesystem;

class KnownNamesTest : public testing::Test {
 protected:
  static constexpr int kFiles = 3000;

  KnownNamesTest() {
    fs::create_directories(root() + "/d/inner");
    for (int n = 0; n < kFiles; ++n) make("d/" + std::to_string(100'000 + n));
    make("d/inner/file");
  }
  void make(const std::string& name) {
    std::ofstream{root() + "/" + name} << "x";
    if (name.starts_with("d/1")) names_.insert(name);
  }
  void remove(const std::string& name) {
    fs::remove(root() + "/" + name);
    names_.erase(name);
  }
  std::vector<std::string> page(const std::string& after, size_t count, bool by_directory = true,
                                const std::string& prefix = "d/") {
    std::vector<std::string> shown;
    auto found = backend_.list(context_, {prefix, after, by_directory, count, {}});
    EXPECT_TRUE(found) << found.error().what();
    if (!found) return shown;
    for (const auto& item : found->items) shown.push_back(item.name);
    shown.insert(shown.end(), found->directories.begin(), found->directories.end());
    return shown;
  }
  std::vector<std::string> expected(const std::string& after, size_t count) const {
    std::vector<std::string> found;
    for (auto it = names_.upper_bound(after); it != names_.end() && found.size() < count; ++it) {
      found.push_back(*it);
    }
    return found;
  }
  /// Lists until the directory is not read any more, which the coarse times of files delay.
  bool becomes_known() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (std::chrono::steady_clock::now() < deadline) {
      (void)page("d/", 10);
      faults_.fail_always(io::DiskCall::kList, EIO);
      const bool known = backend_.list(context_, {"d/", "d/1", true, 10, {}}).has_value();
      faults_.clear();
      if (known) return true;
    }
    return false;
  }
  const std::string& root() const { return directory_.path(); }

  TestDirectory directory_;
  std::unique_ptr<io::Disk> real_ = io::make_posix_disk();
  io::DiskFaults faults_;
  std::unique_ptr<io::Disk> disk_ = io::make_faulty_disk(*real_, faults_);
  SeededRng rng_{3};
  FileBackend backend_{{directory_.path(), 4}, *disk_, rng_};
  io::Context context_;
  std::set<std::string> names_;
  std::unique_ptr<io::Runtime> runtime_ = io::Runtime::make({.loops = 1});
};

TEST_F(KnownNamesTest, pages_of_kept_names_are_those_of_the_directory) {
  runtime_->run([&] {
    ASSERT_TRUE(becomes_known());
    faults_.fail_always(io::DiskCall::kList, EIO);  // whatever follows reads no directory
    EXPECT_EQ(page("d/101500", 1000), expected("d/101500", 1000));
    EXPECT_EQ(page("d/1015", 3), expected("d/1015", 3));
    EXPECT_EQ(page("", 2500), expected("", 2500)) << "more than is taken at once";
    EXPECT_EQ(page("", 100, true, "d/1029"), expected("d/1029", 100));
    EXPECT_EQ(page("", 10, true, "d/in"), std::vector<std::string>{"d/inner/"});
    EXPECT_EQ(page("d/102998", 10), (std::vector<std::string>{"d/102999", "d/inner/"}));
    faults_.clear();
    EXPECT_EQ(page("d/102998", 10, false), (std::vector<std::string>{"d/102999", "d/inner/file"}));
    EXPECT_EQ(page("d/inner/a", 10, false), std::vector<std::string>{"d/inner/file"});
    EXPECT_EQ(page("d/inner/file", 10), std::vector<std::string>{});
  });
}

TEST_F(KnownNamesTest, every_change_of_the_directory_shows_at_once) {
  runtime_->run([&] {
    for (int round = 0; round < 2; ++round) {
      ASSERT_TRUE(becomes_known());
      const std::string one = "d/10150" + std::to_string(round);
      remove(one);
      EXPECT_EQ(page("d/101400", 200), expected("d/101400", 200));
      make(one + "-new");
      EXPECT_EQ(page("d/101400", 200), expected("d/101400", 200));
      fs::rename(root() + "/" + one + "-new", root() + "/" + one + "-newer");
      names_.erase(one + "-new");
      names_.insert(one + "-newer");
      EXPECT_EQ(page("d/101400", 200), expected("d/101400", 200));
    }
  });
}

TEST_F(KnownNamesTest, another_directory_under_the_name_is_another) {
  runtime_->run([&] {
    ASSERT_TRUE(becomes_known());
    fs::rename(root() + "/d", root() + "/was");
    fs::create_directories(root() + "/d");
    std::ofstream{root() + "/d/only"} << "x";
    EXPECT_EQ(page("", 10), std::vector<std::string>{"d/only"});
  });
}

}  // namespace
}  // namespace beringia::backend::file

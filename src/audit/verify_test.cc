#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "audit/audit.h"
#include "audit/merkle.h"
#include "audit/note.h"
#include "base/encoding.h"
#include "io/disk.h"
#include "io/runtime.h"
#include "kv/store.h"

namespace beringia::audit {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kRecords = 600;

/// A log of 600 records on the real disk, written once, damaged in copies.
class VerifyTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    base_ = fs::temp_directory_path() / ("beringia-verify-" + std::to_string(::getpid()));
    fs::remove_all(base_);
    fs::create_directories(base_);
    auto runtime = io::Runtime::make({.loops = 1});
    auto disk = io::make_posix_disk();
    auto store = kv::open_memory().value();
    const LogOptions options{(base_ / "whole").string(), "beringia.local/verify"};
    auto log = Log::open(*store, *disk, *runtime, options);
    ASSERT_TRUE(log) << log.error().to_string();
    for (uint64_t n = 0; n < kRecords; ++n) {
      Record record;
      record.time = {1'790'000'000'000'000};
      record.door = "s3";
      record.operation = "GetObject";
      record.path = "/t/" + std::to_string(n);
      (*log)->record(io::Context{}, std::move(record));
    }
    ASSERT_TRUE((*log)->flush(io::Context{}));
  }
  static void TearDownTestSuite() { fs::remove_all(base_); }

  void SetUp() override {
    fs::remove_all(directory());
    fs::copy(base_ / "whole", directory(), fs::copy_options::recursive);
  }
  static fs::path directory() { return base_ / "copy"; }

  static std::string read(const std::string& name) {
    std::ifstream file{directory() / name, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  static void write(const std::string& name, const std::string& bytes) {
    std::ofstream{directory() / name, std::ios::binary} << bytes;
  }
  static void flip(const std::string& name, size_t at) {
    std::string bytes = read(name);
    bytes.at(at) = static_cast<char>(bytes.at(at) ^ 0x20);
    write(name, bytes);
  }
  static VerifyReport report(const std::string& key = {}) {
    auto found = verify(directory().string(), key, nullptr);
    EXPECT_TRUE(found) << found.error().to_string();
    return found.value_or(VerifyReport{});
  }
  /// Offset of record `n` (in its bundle), after its length.
  static size_t offset_of(const std::string& bundle, uint64_t n) {
    std::string_view rest = bundle;
    for (uint64_t i = 0; i < n; ++i) take_entry(rest);
    return bundle.size() - rest.size() + 2;
  }

  static inline fs::path base_;
};

TEST_F(VerifyTest, accepts_the_log_and_tells_its_size_and_root) {
  uint64_t last = 0;
  const auto found = verify(directory().string(), "", [&](uint64_t done, uint64_t total) {
    EXPECT_GT(done, last);
    EXPECT_EQ(total, kRecords);
    last = done;
  });
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_EQ(found->problem, "");
  EXPECT_EQ(found->records, kRecords);
  EXPECT_EQ(found->root_hash_hex.size(), 64u);
  EXPECT_FALSE(found->first_damaged);
  EXPECT_EQ(last, kRecords);
}

TEST_F(VerifyTest, names_the_record_that_was_changed) {
  for (const uint64_t n : {0, 1, 255, 256, 300, 511, 512, 599}) {
    SetUp();
    const std::string name =
        bundle_path(n / kTileWidth, std::min(kTileWidth, kRecords - n / kTileWidth * kTileWidth));
    flip(name, offset_of(read(name), n % kTileWidth) + 60);
    const auto found = report();
    EXPECT_EQ(found.first_damaged, n) << found.problem;
    EXPECT_NE(found.problem, "");
  }
}

TEST_F(VerifyTest, names_the_first_record_under_a_changed_hash) {
  flip("tile/0/001", 40 * kHashBytes + 3);
  EXPECT_EQ(report().first_damaged, 256u + 40);
  EXPECT_NE(report().problem.find("those that were signed"), std::string::npos);
  SetUp();
  flip("tile/1/000.p/2", kHashBytes);
  EXPECT_EQ(report().first_damaged, 256u);
}

TEST_F(VerifyTest, finds_every_changed_byte_of_every_file) {
  for (const auto& item : fs::recursive_directory_iterator{base_ / "whole"}) {
    if (!item.is_regular_file()) continue;
    const std::string name = fs::relative(item.path(), base_ / "whole").string();
    // "public-key" is compared with a copy of the auditor's own.
    const std::string key = name == "public-key" ? "" : read("public-key");
    const size_t size = fs::file_size(item.path());
    for (size_t at = 0; at < size; at += std::max<size_t>(1, size / 12)) {
      flip(name, at);
      const auto found = verify(directory().string(), key, nullptr);
      EXPECT_TRUE(!found || !found->problem.empty()) << name << " at " << at;
      flip(name, at);
    }
  }
}

TEST_F(VerifyTest, finds_missing_cut_and_longer_files) {
  for (const auto& item : fs::recursive_directory_iterator{base_ / "whole" / "tile"}) {
    if (!item.is_regular_file()) continue;
    const std::string name = fs::relative(item.path(), base_ / "whole").string();
    SetUp();
    fs::remove(directory() / name);
    EXPECT_TRUE(report().first_damaged) << name << " removed";
    SetUp();
    fs::resize_file(directory() / name, fs::file_size(item.path()) - 1);
    EXPECT_TRUE(report().first_damaged) << name << " cut";
    SetUp();
    write(name, read(name) + "x");
    EXPECT_TRUE(report().first_damaged) << name << " longer";
  }
}

TEST_F(VerifyTest, names_the_first_record_of_a_missing_bundle_and_of_a_cut_one) {
  fs::remove(directory() / "tile/entries/001");
  EXPECT_EQ(report().first_damaged, 256u);
  SetUp();
  const std::string bundle = read("tile/entries/001");
  fs::resize_file(directory() / "tile/entries/001", offset_of(bundle, 100) + 5);
  EXPECT_EQ(report().first_damaged, 256u + 100);
}

/// Removes record 10, and makes all tiles fit again, as somebody without the key could.
TEST_F(VerifyTest, finds_a_log_that_was_rewritten_consistently) {
  TreeEdge edge;
  std::vector<LogFile> files;
  for (const char* name : {"tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"}) {
    const std::string bundle = read(name);
    std::string_view rest = bundle;
    while (const auto entry = take_entry(rest)) {
      std::string text{*entry};
      if (edge.size() == 10) text.replace(text.find("/t/10"), 5, "/t/99");
      edge.append(text, files);
    }
  }
  for (auto& file : edge.partial_files(TreeEdge{})) files.push_back(std::move(file));
  for (const auto& file : files) write(file.path, file.bytes);
  const auto found = report();
  EXPECT_NE(found.problem.find("written anew"), std::string::npos) << found.problem;
}

TEST_F(VerifyTest, finds_a_checkpoint_signed_by_another_key_or_cut_back) {
  SeededRng rng{5};
  const auto other = Signer::generate("beringia.local/verify", rng).value();
  EXPECT_NE(report(other.verifier().to_string()).problem, "");
  std::string note = read("checkpoint");
  note.replace(note.find("\n600\n"), 5, "\n512\n");
  write("checkpoint", note);
  EXPECT_NE(report().problem, "");
}

TEST_F(VerifyTest, finds_records_whose_numbers_are_not_dense_although_they_are_signed) {
  SeededRng rng{6};
  const auto signer = Signer::generate("beringia.local/verify", rng).value();
  TreeEdge edge;
  std::vector<LogFile> full;
  for (const int sequence : {0, 1, 2, 4}) {
    edge.append("{\"seq\":" + std::to_string(sequence) + "}", full);
  }
  fs::remove_all(directory());
  fs::create_directories(directory() / "tile/0/000.p");
  fs::create_directories(directory() / "tile/entries/000.p");
  for (const auto& file : edge.partial_files(TreeEdge{})) write(file.path, file.bytes);
  write("checkpoint", signer.sign(to_text({"beringia.local/verify", 4, edge.root()})).value());
  write("public-key", signer.verifier().to_string());
  EXPECT_EQ(report().first_damaged, 3u);
  EXPECT_NE(report().problem.find("seq 4"), std::string::npos);
}

TEST_F(VerifyTest, says_when_there_is_no_log_or_no_key) {
  EXPECT_EQ(verify(directory().string(), "nonsense", nullptr).error().code(), Code::kInvalid);
  fs::remove(directory() / "checkpoint");
  EXPECT_EQ(verify(directory().string(), "", nullptr).error().code(), Code::kNotFound);
  EXPECT_EQ(verify("/nonexistent", "", nullptr).error().code(), Code::kNotFound);
}

TEST_F(VerifyTest, the_signing_key_is_private) {
  const auto mode = fs::status(base_ / "whole.key").permissions() & fs::perms::all;
  EXPECT_EQ(mode, fs::perms::owner_read | fs::perms::owner_write);
  auto runtime = io::Runtime::make({.loops = 1});
  auto disk = io::make_posix_disk();
  auto store = kv::open_memory().value();
  fs::permissions(base_ / "whole.key", fs::perms::owner_read | fs::perms::group_read);
  const auto opened =
      Log::open(*store, *disk, *runtime, {(base_ / "whole").string(), "beringia.local/verify"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::kDenied);
}

}  // namespace
}  // namespace beringia::audit

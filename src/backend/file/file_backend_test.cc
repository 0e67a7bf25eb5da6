#include "backend/file/file_backend.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "backend/backend_behaviour.h"
#include "backend/test_directory.h"

namespace beringia::backend::file {
namespace {

namespace fs = std::filesystem;

class FileFixture final : public BackendFixture {
 public:
  Backend& backend() override { return backend_; }

 private:
  TestDirectory directory_;
  std::unique_ptr<io::Disk> disk_ = io::make_posix_disk();
  SeededRng rng_{1};
  FileBackend backend_{{directory_.path(), 4}, *disk_, rng_};
};

INSTANTIATE_TEST_SUITE_P(File, BackendBehaviour,
                         testing::Values(BehaviourParameter{
                             "file", [] { return std::make_unique<FileFixture>(); }}),
                         behaviour_name);

class FileBackendTest : public testing::Test {
 protected:
  Result<CopyInfo> put(const std::string& name, const std::string& bytes,
                       Expectation expectation = {}) {
    io::StringSource body{bytes};
    WriteRequest request;
    request.name = name;
    request.body = &body;
    request.expectation = std::move(expectation);
    request.seal = [&]() -> Result<Seal> {
      return Seal{bytes.size(), Crc32c::of(bytes), {}, "t/t", {{"beringia-write-id", "w"}}, {}};
    };
    return backend_.write(context_, request);
  }
  Result<std::string> get(const std::string& name) {
    BR_TRY(info, backend_.stat(context_, {name}));
    BR_TRY(source, backend_.read(context_, {name, {0, info.size}, info.version}));
    return io::read_all(context_, *source, 1 << 20);
  }
  void write_foreign(const std::string& name, const std::string& bytes) {
    const fs::path path = root() + "/" + name;
    fs::create_directories(path.parent_path());
    std::ofstream{path, std::ios::binary} << bytes;
  }
  const std::string& root() const { return directory_.path(); }
  size_t temporary_files() const {
    const fs::path folder = root() + "/.beringia/tmp";
    if (!fs::exists(folder)) return 0;
    return static_cast<size_t>(std::distance(fs::directory_iterator{folder}, {}));
  }
  std::vector<std::string> list(const std::string& prefix, bool by_directory = false) {
    auto page = backend_.list(context_, {prefix, {}, by_directory, 1000, {}});
    EXPECT_TRUE(page);
    std::vector<std::string> names = page->directories;
    for (const auto& item : page->items) names.push_back(item.name);
    return names;
  }

  const io::Context context_;
  TestDirectory directory_;
  std::unique_ptr<io::Disk> disk_ = io::make_posix_disk();
  SeededRng rng_{2};
  FileBackend backend_{{directory_.path(), 4}, *disk_, rng_};
};

TEST_F(FileBackendTest, a_tree_that_exists_is_readable_as_it_is) {
  write_foreign("lake/dt=1/part-0", "foreign bytes");
  auto info = backend_.stat(context_, {"lake/dt=1/part-0"});
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size, 13U);
  EXPECT_EQ(info->crc32c, std::nullopt);
  EXPECT_EQ(info->md5, std::nullopt);
  EXPECT_EQ(get("lake/dt=1/part-0").value(), "foreign bytes");
  EXPECT_EQ(list(""), std::vector<std::string>{"lake/dt=1/part-0"});
  auto again = put("lake/dt=1/part-0", "ours", Expectation::at(info->version));
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(get("lake/dt=1/part-0").value(), "ours");
}

TEST_F(FileBackendTest, one_object_is_one_plain_file) {
  ASSERT_TRUE(put("sales/2026/q1.parquet", "bytes"));
  std::ifstream file{root() + "/sales/2026/q1.parquet"};
  EXPECT_EQ((std::string{std::istreambuf_iterator<char>{file}, {}}), "bytes");
  EXPECT_EQ(temporary_files(), 0U);
}

TEST_F(FileBackendTest, drops_what_was_true_of_other_bytes) {
  auto written = put("f", "before");
  ASSERT_TRUE(written);
  write_foreign("f", "overwritten in place");
  auto info = backend_.stat(context_, {"f"});
  ASSERT_TRUE(info);
  EXPECT_NE(info->version, written->version);
  EXPECT_EQ(info->crc32c, std::nullopt);
  EXPECT_FALSE(info->attributes.contains("beringia-write-id"));
  EXPECT_EQ(info->content_type, "t/t");
  EXPECT_EQ(get("f").value(), "overwritten in place");
}

TEST_F(FileBackendTest, sees_a_foreign_replacement_at_the_next_read) {
  auto written = put("f", "one");
  ASSERT_TRUE(written);
  EXPECT_EQ(get("f").value(), "one");
  write_foreign("other", "two");
  fs::rename(root() + "/other", root() + "/f");
  EXPECT_EQ(get("f").value(), "two");
  auto stale = backend_.read(context_, {"f", {0, 3}, written->version});
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code(), Code::kConflict);
}

TEST_F(FileBackendTest, a_reader_keeps_its_version_while_the_name_moves_on) {
  ASSERT_TRUE(put("f", "first"));
  auto source = backend_.read(context_, {"f", {0, 5}, {}});
  ASSERT_TRUE(source);
  ASSERT_TRUE(put("f", "second"));
  ASSERT_TRUE(backend_.remove(context_, {"f", {}}));
  EXPECT_EQ(io::read_all(context_, **source, 100).value(), "first");
}

TEST_F(FileBackendTest, hands_out_file_regions) {
  ASSERT_TRUE(put("f", "0123456789"));
  auto source = backend_.read(context_, {"f", {2, 3}, {}});
  ASSERT_TRUE(source);
  auto region = (*source)->as_file();
  ASSERT_TRUE(region);
  EXPECT_EQ(region->range, (io::ByteRange{2, 3}));
  auto again = backend_.read(context_, {"f", {0, 1}, {}});
  EXPECT_EQ((*again)->as_file()->file, region->file);  // no second open
}

TEST_F(FileBackendTest, never_follows_links_or_special_files) {
  TestDirectory outside;
  std::ofstream{outside.path() + "/secret"} << "secret";
  fs::create_symlink(outside.path(), root() + "/link");
  fs::create_symlink(outside.path() + "/secret", root() + "/file-link");
  ASSERT_EQ(::mkfifo((root() + "/fifo").c_str(), 0600), 0);
  EXPECT_TRUE(list("").empty());
  EXPECT_TRUE(list("", true).empty());
  EXPECT_TRUE(list("link/").empty());
  for (const std::string name : {"link/secret", "file-link", "fifo"}) {
    EXPECT_EQ(backend_.stat(context_, {name}).error().code(), Code::kNotFound) << name;
    EXPECT_EQ(backend_.read(context_, {name, {0, 0}, {}}).error().code(), Code::kNotFound) << name;
    EXPECT_FALSE(backend_.remove(context_, {name, {}})) << name;
  }
  EXPECT_EQ(put("link/new", "x").error().code(), Code::kDenied);
  EXPECT_FALSE(fs::exists(outside.path() + "/new"));
  ASSERT_TRUE(put("file-link", "beside the link"));
  EXPECT_EQ(get("file-link").value(), "beside the link");
  EXPECT_TRUE(fs::is_symlink(root() + "/file-link"));
}

TEST_F(FileBackendTest, never_leaves_the_root_by_any_name) {
  const std::string parent = fs::path{root()}.parent_path();
  for (const std::string name : {"../escape", "a/../../escape", "/etc/passwd", "..", "."}) {
    auto written = put(name, "x");
    ASSERT_TRUE(written) << name << written.error().to_string();
    EXPECT_EQ(get(name).value(), "x");
  }
  EXPECT_FALSE(fs::exists(parent + "/escape"));
  EXPECT_EQ(put(".beringia/../../escape", "x").error().code(), Code::kInvalid);
  EXPECT_EQ(put("", "x").error().code(), Code::kInvalid);
  EXPECT_EQ(put(std::string(1000, '/') + "x", "x").error().code(), Code::kInvalid);
}

TEST_F(FileBackendTest, hides_foreign_files_that_look_escaped) {
  write_foreign("%br-zzz", "?");
  write_foreign("%br-xplain", "?");
  write_foreign("%br-lshort/rest", "?");
  EXPECT_TRUE(list("").empty());
}

TEST_F(FileBackendTest, a_plain_file_wins_over_one_aside_and_takes_it_along) {
  ASSERT_TRUE(put("a/b", "below"));
  ASSERT_TRUE(put("a", "aside"));
  ASSERT_TRUE(backend_.remove(context_, {"a/b", {}}));
  write_foreign("a", "foreign");
  EXPECT_EQ(get("a").value(), "foreign");
  EXPECT_EQ(list(""), std::vector<std::string>{"a"});
  ASSERT_TRUE(backend_.remove(context_, {"a", {}}));
  EXPECT_EQ(backend_.stat(context_, {"a"}).error().code(), Code::kNotFound);
}

TEST_F(FileBackendTest, a_renamed_directory_replaces_empty_ones_that_a_crash_brought_back) {
  ASSERT_TRUE(put("old/a", "1"));
  fs::create_directories(root() + "/new/x/y");
  fs::create_directories(root() + "/new/z");
  ASSERT_TRUE(backend_.rename(context_, {"old/", "new/", {}, {}}));
  EXPECT_EQ(get("new/a").value(), "1");
  EXPECT_FALSE(fs::exists(root() + "/new/x"));
  write_foreign("taken/x/y/file", "foreign");
  EXPECT_EQ(backend_.rename(context_, {"new/", "taken/", {}, {}}).error().code(),
            Code::kAlreadyExists);
  EXPECT_TRUE(fs::exists(root() + "/taken/x/y/file"));
  EXPECT_EQ(get("new/a").value(), "1");
}

TEST_F(FileBackendTest, lists_more_names_than_it_holds_in_memory) {
  fs::create_directories(root() + "/big");
  constexpr int kFiles = 70'000;
  for (int i = 0; i < kFiles; ++i) {
    const int fd = ::creat((root() + "/big/" + std::to_string(i * 7919 % kFiles)).c_str(), 0600);
    ASSERT_GE(fd, 0);
    ::close(fd);
  }
  ListRequest request{"", {}, false, 10'000, {}};
  std::vector<std::string> names;
  for (;;) {
    auto page = backend_.list(context_, request);
    ASSERT_TRUE(page);
    for (auto& item : page->items) names.push_back(std::move(item.name));
    if (page->next_page_token.empty()) break;
    request.page_token = page->next_page_token;
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kFiles));
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST_F(FileBackendTest, the_next_page_shows_files_as_they_are_then) {
  for (const char* name : {"a", "b", "c"}) write_foreign(name, "1");
  auto page = backend_.list(context_, {"", {}, true, 1, {}});
  ASSERT_TRUE(page && page->items.size() == 1 && !page->next_page_token.empty());
  write_foreign("b", "overwritten meanwhile");
  fs::remove(root() + "/c");
  auto next = backend_.list(context_, {"", {}, true, 10, page->next_page_token});
  ASSERT_TRUE(next && next->items.size() == 1);
  EXPECT_EQ(next->items[0].name, "b");
  EXPECT_EQ(next->items[0].size, 21U);
  EXPECT_EQ(next->items[0].version, backend_.stat(context_, {"b"})->version);
}

TEST_F(FileBackendTest, a_page_token_outlives_the_process) {
  for (const std::string name : {"a", "b/1", "c"}) ASSERT_TRUE(put(name, "x"));
  auto page = backend_.list(context_, {"", {}, true, 2, {}});
  ASSERT_TRUE(page);
  FileBackend other{{root(), 4}, *disk_, rng_};
  auto next = other.list(context_, {"", {}, true, 2, page->next_page_token});
  ASSERT_TRUE(next);
  ASSERT_EQ(next->items.size(), 1U);
  EXPECT_EQ(next->items[0].name, "c");
  EXPECT_EQ(other.list(context_, {"", {}, true, 2, "junk"}).error().code(), Code::kInvalid);
}

TEST_F(FileBackendTest, sweeps_old_temporary_files_only) {
  ASSERT_TRUE(put("x", "x"));
  std::ofstream{root() + "/.beringia/tmp/left"} << "behind";
  EXPECT_EQ(backend_.sweep(context_, std::chrono::hours{1}).value(), 0U);
  EXPECT_EQ(backend_.sweep(context_, std::chrono::seconds{-1}).value(), 1U);
  EXPECT_EQ(temporary_files(), 0U);
  EXPECT_EQ(get("x").value(), "x");
}

TEST_F(FileBackendTest, an_unmounted_root_is_unavailable_not_empty) {
  ASSERT_TRUE(put("x", "x"));
  ASSERT_EQ(backend_.stat(context_, {"none"}).error().code(), Code::kNotFound);
  fs::rename(root(), root() + ".away");
  EXPECT_EQ(backend_.stat(context_, {"x"}).error().code(), Code::kUnavailable);
  fs::create_directory(root());
  EXPECT_EQ(backend_.stat(context_, {"x"}).error().code(), Code::kUnavailable);
  EXPECT_EQ(backend_.list(context_, {"", {}, true, 10, {}}).error().code(), Code::kUnavailable);
  EXPECT_EQ(backend_.probe(context_).error().code(), Code::kUnavailable);
  EXPECT_FALSE(put("y", "y"));
  fs::remove_all(root());
  fs::rename(root() + ".away", root());
  EXPECT_EQ(get("x").value(), "x");
}

TEST_F(FileBackendTest, keeps_attributes_of_files_older_than_1970) {
  write_foreign("old", "bytes");
  const timespec times[2] = {{-86'400, 5}, {-86'400, 5}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (root() + "/old").c_str(), times, 0), 0);
  auto info = backend_.stat(context_, {"old"});
  ASSERT_TRUE(info);
  ASSERT_TRUE(backend_.update(context_, {"old", info->version, {{"k", "v"}}, "a/b", ""}));
  auto seen = backend_.stat(context_, {"old"});
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->attributes, (Attributes{{"k", "v"}}));
  EXPECT_EQ(seen->version, info->version);
  EXPECT_EQ(get("old").value(), "bytes");
}

TEST_F(FileBackendTest, refuses_bytes_that_are_not_those_that_were_sealed) {
  io::StringSource body{"bytes"};
  WriteRequest request;
  request.name = "f";
  request.body = &body;
  request.seal = [] -> Result<Seal> { return Seal{5, 1, {}, {}, {}, {}}; };
  EXPECT_EQ(backend_.write(context_, request).error().code(), Code::kCorrupt);
  EXPECT_TRUE(list("").empty());
}

}  // namespace
}  // namespace beringia::backend::file

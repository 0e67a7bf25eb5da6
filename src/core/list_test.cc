#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/test_world.h"

namespace beringia::core {
namespace {

using test::must;
using test::World;
using test::WorldOptions;

/// What a listing must be, from the sorted keys alone.
struct Expected {
  std::vector<std::string> items;
  std::vector<std::string> prefixes;
  bool truncated = false;
  bool operator==(const Expected&) const = default;
};

Expected reference(const std::set<std::string>& keys, const ListRequest& request) {
  Expected page;
  for (const auto& key : keys) {
    if (!key.starts_with(request.prefix) || key <= request.start_after) continue;
    if (key < request.start_offset) continue;
    if (!request.end_offset.empty() && key >= request.end_offset) continue;
    std::optional<std::string> prefix;
    if (!request.delimiter.empty()) {
      const size_t found = key.find(request.delimiter, request.prefix.size());
      if (found != std::string::npos) prefix = key.substr(0, found + request.delimiter.size());
    }
    if (prefix && *prefix == request.start_after) continue;
    const bool fresh = prefix && (page.prefixes.empty() || page.prefixes.back() != *prefix);
    const bool item = !prefix || (request.include_trailing_delimiter && *prefix == key);
    const size_t wanted = (fresh ? 1U : 0U) + (item ? 1U : 0U);
    if (wanted == 0) continue;
    const size_t count = page.items.size() + page.prefixes.size();
    if (count >= request.limit || (count > 0 && count + wanted > request.limit)) {
      page.truncated = true;
      break;
    }
    if (fresh) page.prefixes.push_back(*prefix);
    if (item) page.items.push_back(key);
  }
  return page;
}

Expected seen(const ListPage& page) {
  Expected found;
  for (const auto& item : page.items) found.items.push_back(item.name);
  found.prefixes = page.prefixes;
  found.truncated = page.truncated;
  return found;
}

std::string describe(const ListRequest& request) {
  return "prefix '" + request.prefix + "' delimiter '" + request.delimiter + "' after '" +
         request.start_after + "' from '" + request.start_offset + "' to '" + request.end_offset +
         "' limit " + std::to_string(request.limit) +
         (request.include_trailing_delimiter ? " with trailing" : "");
}

class Listing : public testing::TestWithParam<std::string> {
 protected:
  static WorldOptions options() {
    WorldOptions options;
    options.file_backends = {"disk"};
    options.memory_backends = {"cloud"};
    const std::string& kind = GetParam();
    test::MountSpec mount{"/", {kind.substr(0, kind.find('-'))}};
    mount.exclusive = kind.ends_with("-exclusive");
    options.mounts = {mount};
    return options;
  }

  void expect_same(const ListRequest& request) {
    auto page = world_.list("/b/", request);
    ASSERT_TRUE(page) << page.error().to_string() << " for " << describe(request);
    const Expected want = reference(keys_, request);
    const Expected have = seen(*page);
    EXPECT_EQ(have.items, want.items) << describe(request);
    EXPECT_EQ(have.prefixes, want.prefixes) << describe(request);
    EXPECT_EQ(have.truncated, want.truncated) << describe(request);
  }

  /// All pages of a small limit add up to the whole.
  void expect_pages(ListRequest request) {
    request.limit = 1'000'000;
    const Expected want = reference(keys_, request);
    Expected have;
    for (size_t limit : {1U, 2U, 3U}) {
      have = {};
      ListRequest part = request;
      part.limit = limit;
      for (int page_number = 0; page_number < 1000; ++page_number) {
        auto page = world_.list("/b/", part);
        ASSERT_TRUE(page) << page.error().to_string();
        for (auto& item : page->items) have.items.push_back(item.name);
        for (auto& prefix : page->prefixes) have.prefixes.push_back(prefix);
        if (!page->truncated) break;
        part.start_after = page->last;
      }
      EXPECT_EQ(have.items, want.items) << describe(part);
      EXPECT_EQ(have.prefixes, want.prefixes) << describe(part);
    }
  }

  void put(const std::string& key) {
    auto written = world_.put("/b/" + key, key);
    ASSERT_TRUE(written) << key << ": " << written.error().to_string();
    keys_.insert(key);
  }

  World world_{options()};
  std::set<std::string> keys_;
};

std::string random_key(Rng& rng) {
  static const std::vector<std::string> kParts = {"",  "a",  "b",  "a-", "a.",       "a0",
                                                  ".", "..", "ab", "0",  "\xC3\xA9", "x=1"};
  std::string key;
  const size_t depth = 1 + rng.below(4);
  for (size_t i = 0; i < depth; ++i) {
    if (i > 0) key += '/';
    key += kParts[rng.below(kParts.size())];
  }
  if (rng.below(6) == 0) key += '/';
  return key.empty() || key == "/" ? "k" : key;
}

ListRequest random_request(Rng& rng) {
  ListRequest request;
  auto cut = [&] {
    std::string key = random_key(rng);
    return key.substr(0, rng.below(key.size() + 1));
  };
  // Half a character of a key is no possible position of a client.
  auto position = [&] {
    std::string text = cut();
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0x80) != 0) text.pop_back();
    return text;
  };
  if (rng.below(2) == 0) request.prefix = position();
  if (rng.below(3) != 0) request.delimiter = rng.below(4) == 0 ? "a" : "/";
  if (rng.below(3) == 0) request.start_after = position();
  if (rng.below(3) == 0) request.start_offset = position();
  if (rng.below(3) == 0) request.end_offset = position();
  request.include_trailing_delimiter = rng.below(3) == 0;
  request.limit = 1 + rng.below(20);
  return request;
}

TEST_P(Listing, agrees_with_the_sorted_keys_for_any_request) {
  SeededRng rng{7};
  ASSERT_TRUE(world_.make_directory("/b/"));
  for (int i = 0; i < 60; ++i) put(random_key(rng));
  for (int i = 0; i < 400 && !HasFailure(); ++i) expect_same(random_request(rng));
}

TEST_P(Listing, pages_add_up_to_the_whole) {
  SeededRng rng{11};
  ASSERT_TRUE(world_.make_directory("/b/"));
  for (int i = 0; i < 30; ++i) put(random_key(rng));
  for (const char* delimiter : {"", "/", "a", "a/"}) {
    for (const char* prefix : {"", "a", "a/", "a/a"}) {
      for (const bool trailing : {false, true}) {
        ListRequest request;
        request.delimiter = delimiter;
        request.prefix = prefix;
        request.include_trailing_delimiter = trailing;
        expect_pages(request);
      }
    }
  }
}

TEST_P(Listing, is_in_byte_order_and_not_in_the_order_of_directories) {
  ASSERT_TRUE(world_.make_directory("/b/"));
  for (const char* key : {"a/b", "a-b", "a0", "a", "a/"}) put(key);
  EXPECT_EQ(world_.names_in("/b/"), (std::vector<std::string>{"a", "a-b", "a/", "a/b", "a0"}));
}

TEST_P(Listing, shows_the_children_behind_a_marker_object) {
  ASSERT_TRUE(world_.make_directory("/b/"));
  for (const char* key : {"a/", "a/1", "a/2"}) put(key);
  ListRequest request;
  request.prefix = "a/";
  request.delimiter = "/";
  request.start_after = "a/";
  EXPECT_EQ(world_.names_in("/b/", request), (std::vector<std::string>{"a/1", "a/2"}));
}

TEST_P(Listing, of_a_missing_bucket_says_so) {
  auto page = world_.list("/none/");
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().code(), Code::kNotFound);
  EXPECT_EQ(page.error().tag(), "no_bucket");
}

TEST_P(Listing, of_a_prefix_that_no_key_can_have_is_empty) {
  ASSERT_TRUE(world_.make_directory("/b/"));
  put("a");
  ListRequest request;
  request.prefix = std::string(2000, 'x') + "/";
  EXPECT_TRUE(world_.names_in("/b/", request).empty());
  request.prefix = std::string("a\0/", 3);
  EXPECT_TRUE(world_.names_in("/b/", request).empty());
}

TEST_P(Listing, forgets_directories_that_became_empty) {
  ASSERT_TRUE(world_.make_directory("/b/"));
  put("d/e/f");
  ASSERT_TRUE(world_.remove("/b/d/e/f"));
  ListRequest request;
  request.delimiter = "/";
  EXPECT_TRUE(world_.names_in("/b/", request).empty());
  EXPECT_TRUE(world_.stat("/b/d/e/f").error().code() == Code::kNotFound);
}

INSTANTIATE_TEST_SUITE_P(Mounts, Listing,
                         testing::Values("disk-exclusive", "disk-shared", "cloud-exclusive",
                                         "cloud-shared"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(ListOfDirectories, shows_an_empty_one_whose_own_name_is_in_the_range) {
  World world;
  for (const char* path : {"/b/", "/b/d/", "/b/d/e/", "/b/f/"}) {
    ASSERT_TRUE(world.make_directory(path));
  }
  ListRequest request;
  request.delimiter = "/";
  request.start_offset = "d/";
  request.end_offset = "f/b";
  EXPECT_EQ(world.names_in("/b/", request), (std::vector<std::string>{"d/", "f/"}));
  request.start_offset = "d/a";  // behind "d/", before "d/e/"
  EXPECT_EQ(world.names_in("/b/", request), (std::vector<std::string>{"d/", "f/"}));
  request.start_after = "d/";  // the page before ended with it
  EXPECT_EQ(world.names_in("/b/", request), (std::vector<std::string>{"f/"}));
  request.start_after.clear();
  request.start_offset = "d/x";
  request.end_offset = "f/";
  EXPECT_TRUE(world.names_in("/b/", request).empty());
}

/// Keys of 1,024 bytes have up to 512 levels; a listing of them asks for each level a few times,
/// whether it is new to the catalog or not, and with files on the way back up.
TEST(ListOfADeepTree, asks_a_backend_in_proportion_to_the_levels) {
  for (const auto& [backend, levels] : {std::pair{"disk", size_t{60}}, {"cloud", size_t{250}}}) {
    WorldOptions options;
    options.memory_backends = {"cloud"};
    options.mounts = {{"/", {backend}, false}};
    World world{options};
    std::string deep;
    for (size_t i = 0; i < levels; ++i) deep += "a/";
    world.foreign_write(backend, "b/" + deep + "z", "deep");
    world.foreign_write(backend, "b/" + deep.substr(0, 40) + "b", "on the way back");
    world.foreign_write(backend, "b/" + deep.substr(0, 80) + "b", "on the way back, too");
    for (const char* time : {"first", "second"}) {
      const uint64_t before = world.faults(backend).calls();
      EXPECT_EQ(world.names_in("/b/").size(), 3U) << backend;
      EXPECT_LE(world.faults(backend).calls() - before, 4 * levels) << backend << ", " << time;
    }
  }
}

TEST(ListOnAFiber, the_deepest_key_does_not_exhaust_the_stack) {
  auto runtime = io::Runtime::make({1});
  WorldOptions options;
  options.file_backends = {};
  options.memory_backends = {"cloud"};
  options.mounts = {{"/", {"cloud"}, false}};
  runtime->run([&] {
    World world{options, runtime.get()};
    ASSERT_TRUE(world.make_directory("/b/"));
    std::string key;
    for (int i = 0; i < 510; ++i) key += "a/";
    ASSERT_TRUE(world.put("/b/" + key + "z", "deep"));
    ASSERT_TRUE(world.put("/b/" + key, "marker"));
    ASSERT_TRUE(world.put("/b/b", "last"));
    EXPECT_EQ(world.names_in("/b/"), (std::vector<std::string>{key, key + "z", "b"}));
  });
}

}  // namespace
}  // namespace beringia::core

#include "meta/tree.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>

#include "io/runtime.h"
#include "meta/keys.h"

namespace beringia::meta {
namespace {

Path path(const std::string& text) { return *Path::parse(text); }

class TreeTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(tree.initialize(context, now)); }

  Location at(const std::string& text) {
    auto location = tree.resolve(context, path(text));
    EXPECT_TRUE(location);
    return *location;
  }
  Result<void> commit(const kv::Batch& batch) {
    auto committed = store->commit(context, batch, kv::Durability::kBuffered);
    tree.committed(batch);
    if (!committed) return std::unexpected(committed.error());
    return {};
  }
  Result<void> put(const std::string& text, uint64_t generation = 1) {
    kv::Batch batch;
    EntryRecord record;
    record.generation = generation;
    tree.put_entry(batch, at(text), record, now);
    return commit(batch);
  }
  Result<void> remove(const std::string& text) {
    kv::Batch batch;
    tree.remove_entry(batch, at(text));
    return commit(batch);
  }
  Result<void> mkdir(const std::string& text) {
    kv::Batch batch;
    DirectoryEntry attributes;
    attributes.explicit_directory = true;
    tree.put_directory(batch, at(text), attributes, now);
    return commit(batch);
  }
  Result<void> rename(const std::string& from, const std::string& to) {
    kv::Batch batch;
    BR_TRY(tree.rename_directory(batch, at(from), at(to), {{1, from.substr(1)}}, now));
    return commit(batch);
  }
  /// Depth first, in pages: full keys below `id`.
  void walk(DirectoryId id, const std::string& below, std::vector<std::string>& keys,
            size_t page = 3) {
    std::string after;
    for (;;) {
      auto children = tree.children(context, id, "", after, page);
      ASSERT_TRUE(children);
      for (const auto& child : *children) {
        after = child.stored_name();
        if (child.is_directory) {
          directories.insert(below + child.name + "/");
          walk(child.directory_id, below + child.name + "/", keys, page);
        } else {
          keys.push_back(below + child.name);
        }
      }
      if (children->size() < page) return;
    }
  }
  std::vector<std::string> all_keys() {
    directories.clear();
    std::vector<std::string> keys;
    walk(kRootDirectory, "/", keys);
    return keys;
  }
  size_t rows(char table) {
    const std::string first(1, table);
    return store->scan(context, first, std::string(1, static_cast<char>(table + 1)), 100'000)
        ->size();
  }

  io::Context context;
  Timestamp now{1'000'000};
  std::unique_ptr<kv::Store> store = std::move(*kv::open_memory());
  SeededRng rng{1};
  Tree tree{*store, rng};
  std::set<std::string> directories;
};

TEST_F(TreeTest, lists_in_the_byte_order_of_full_keys) {
  for (const char* key : {"/b/a", "/b/a/", "/b/a/x", "/b/a-b", "/b/a0", "/b/a//c", "/b/A", "/b/a.b",
                          "/b/\xc3\xa9", "/b/.."}) {
    ASSERT_TRUE(put(key)) << key;
  }
  const auto keys = all_keys();
  EXPECT_EQ(keys.size(), 10u);
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
}

TEST_F(TreeTest, implicit_directories_vanish_with_their_last_child) {
  ASSERT_TRUE(mkdir("/bucket/"));
  ASSERT_TRUE(put("/bucket/x/y/1"));
  ASSERT_TRUE(put("/bucket/x/2"));
  ASSERT_TRUE(remove("/bucket/x/y/1"));
  EXPECT_FALSE(at("/bucket/x/y/").parent_exists);
  EXPECT_TRUE(at("/bucket/x/").parent_exists);
  ASSERT_TRUE(remove("/bucket/x/2"));
  EXPECT_FALSE(at("/bucket/x/").parent_exists);
  EXPECT_TRUE(at("/bucket/").parent_exists);
  EXPECT_EQ(rows('d'), 2u);  // root and bucket: no orphan records
}

TEST_F(TreeTest, explicit_directories_stay_and_implicit_ones_become_explicit) {
  ASSERT_TRUE(put("/a/b/1"));
  ASSERT_TRUE(mkdir("/a/b/"));
  ASSERT_TRUE(remove("/a/b/1"));
  EXPECT_TRUE(at("/a/b/").parent_exists);
  kv::Batch batch;
  tree.remove_directory(batch, at("/a/b/"));
  ASSERT_TRUE(commit(batch));
  EXPECT_FALSE(at("/a/").parent_exists);
}

TEST_F(TreeTest, a_directory_with_children_cannot_be_removed) {
  ASSERT_TRUE(mkdir("/a/"));
  ASSERT_TRUE(put("/a/1"));
  kv::Batch batch;
  tree.remove_directory(batch, at("/a/"));
  EXPECT_EQ(commit(batch).error().code(), Code::kConflict);
  EXPECT_TRUE(at("/a/1").entry);
}

TEST_F(TreeTest, a_put_into_a_directory_that_vanished_meanwhile_conflicts) {
  ASSERT_TRUE(put("/a/1"));
  const Location stale = at("/a/2");
  ASSERT_TRUE(remove("/a/1"));
  kv::Batch batch;
  tree.put_entry(batch, stale, {}, now);
  EXPECT_EQ(commit(batch).error().code(), Code::kConflict);
  ASSERT_TRUE(put("/a/2"));
  EXPECT_EQ(all_keys(), std::vector<std::string>{"/a/2"});
}

TEST_F(TreeTest, a_delete_does_not_take_a_directory_made_explicit_meanwhile) {
  ASSERT_TRUE(put("/a/1"));
  kv::Batch batch;
  tree.remove_entry(batch, at("/a/1"));
  ASSERT_TRUE(mkdir("/a/"));
  EXPECT_EQ(commit(batch).error().code(), Code::kConflict);
  ASSERT_TRUE(remove("/a/1"));
  EXPECT_TRUE(at("/a/").parent_exists);
}

TEST_F(TreeTest, two_writers_of_one_entry_conflict) {
  ASSERT_TRUE(put("/a/1", 1));
  const Location stale = at("/a/1");
  ASSERT_TRUE(put("/a/1", 2));
  kv::Batch batch;
  tree.put_entry(batch, stale, {}, now);
  EXPECT_EQ(commit(batch).error().code(), Code::kConflict);
  EXPECT_EQ(at("/a/1").entry->generation, 2u);
}

TEST_F(TreeTest, a_rename_moves_everything_below_in_one_small_batch) {
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(put("/a/b/" + std::to_string(i)));
  ASSERT_TRUE(put("/a/keep"));
  kv::Batch batch;
  ASSERT_TRUE(tree.rename_directory(batch, at("/a/b/"), at("/new/c/"), {{4, "a/b/"}}, now));
  EXPECT_LT(batch.operations().size(), 20u);
  ASSERT_TRUE(commit(batch));
  EXPECT_FALSE(at("/a/b/").parent_exists);
  const Location moved = at("/new/c/7");
  ASSERT_TRUE(moved.entry);
  EXPECT_EQ(moved.directories.back().record.native_base.at(4), "a/b/");
  EXPECT_EQ(tree.path_of(context, moved.parent_id())->text(), "/new/c/");
}

TEST_F(TreeTest, a_rename_takes_emptied_implicit_parents_with_it) {
  ASSERT_TRUE(put("/p/q/r/1"));
  ASSERT_TRUE(rename("/p/q/r/", "/p2/"));
  EXPECT_EQ(all_keys(), std::vector<std::string>{"/p2/1"});
  EXPECT_FALSE(at("/p/").parent_exists);
  EXPECT_EQ(rows('d'), 2u);
}

TEST_F(TreeTest, a_directory_cannot_move_into_itself_or_onto_another) {
  ASSERT_TRUE(put("/a/b/1"));
  ASSERT_TRUE(put("/c/1"));
  EXPECT_EQ(rename("/a/", "/a/b/d/").error().code(), Code::kInvalid);
  EXPECT_EQ(rename("/a/", "/a/x/").error().code(), Code::kInvalid);
  EXPECT_EQ(rename("/a/", "/c/").error().code(), Code::kAlreadyExists);
  EXPECT_EQ(rename("/missing/", "/d/").error().code(), Code::kNotFound);
}

TEST_F(TreeTest, two_renames_that_would_close_a_cycle_conflict) {
  ASSERT_TRUE(put("/a/1"));
  ASSERT_TRUE(put("/b/1"));
  kv::Batch one, two;
  ASSERT_TRUE(tree.rename_directory(one, at("/a/"), at("/b/a/"), {}, now));
  ASSERT_TRUE(tree.rename_directory(two, at("/b/"), at("/a/b/"), {}, now));
  ASSERT_TRUE(commit(one));
  EXPECT_EQ(commit(two).error().code(), Code::kConflict);
  EXPECT_EQ(all_keys(), (std::vector<std::string>{"/b/1", "/b/a/1"}));
}

TEST_F(TreeTest, children_can_be_narrowed_by_prefix_and_resumed) {
  for (const char* key : {"/d/a", "/d/ab", "/d/abc/x", "/d/b"}) ASSERT_TRUE(put(key));
  const DirectoryId id = at("/d/").parent_id();
  auto found = tree.children(context, id, "ab", "", 10);
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].name, "ab");
  EXPECT_TRUE((*found)[1].is_directory);
  found = tree.children(context, id, "", "abc/", 10);
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].name, "b");
}

TEST_F(TreeTest, a_newer_format_is_refused) {
  kv::Batch batch;
  batch.put(system_key("format"), "\x09");
  ASSERT_TRUE(store->commit(context, std::move(batch), kv::Durability::kSync));
  const auto refused = tree.initialize(context, now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kUnsupported);
  EXPECT_NE(refused.error().why().find("format 9"), std::string::npos);
}

TEST_F(TreeTest, agrees_with_a_map_of_flat_keys_over_random_changes) {
  std::map<std::string, uint64_t> model;
  const std::vector<std::string> names{"a", "a-b", "a0", "b", "", "..", "\xc3\xa9"};
  const auto random_directory = [&] {
    std::string text = "/";
    for (uint64_t n = rng.below(4); n > 0; --n) text += names[rng.below(names.size())] + "/";
    return text;
  };
  for (uint64_t step = 1; step <= 4000; ++step) {
    const uint64_t choice = rng.below(20);
    if (choice < 12) {
      const std::string key = random_directory() + names[rng.below(names.size())];
      ASSERT_TRUE(put(key, step));
      model[key] = step;
    } else if (choice < 18 && !model.empty()) {
      auto victim = model.begin();
      std::advance(victim, static_cast<long>(rng.below(model.size())));
      ASSERT_TRUE(remove(victim->first));
      model.erase(victim);
    } else {
      const std::string from = random_directory();
      const std::string to = random_directory();
      const auto under = [](const std::string& key, const std::string& d) {
        return key.starts_with(d);
      };
      const bool exists = std::any_of(model.begin(), model.end(),
                                      [&](const auto& row) { return under(row.first, from); });
      const bool taken = std::any_of(model.begin(), model.end(),
                                     [&](const auto& row) { return under(row.first, to); });
      const bool legal = exists && !taken && from != "/" && to != "/" && !under(to, from);
      ASSERT_EQ(rename(from, to).has_value(), legal) << from << " -> " << to;
      if (!legal) continue;
      std::map<std::string, uint64_t> renamed;
      for (const auto& [key, generation] : model) {
        renamed[under(key, from) ? to + key.substr(from.size()) : key] = generation;
      }
      model = std::move(renamed);
    }
    if (step % 50 != 0) continue;
    std::vector<std::string> keys;
    std::set<std::string> expected_directories;
    for (const auto& [key, generation] : model) {
      keys.push_back(key);
      ASSERT_EQ(at(key).entry->generation, generation);
      for (size_t slash = key.find('/', 1); slash != std::string::npos;
           slash = key.find('/', slash + 1)) {
        expected_directories.insert(key.substr(0, slash + 1));
      }
    }
    ASSERT_EQ(all_keys(), keys);
    ASSERT_EQ(directories, expected_directories);
    ASSERT_EQ(rows('d'), expected_directories.size() + 1);
  }
}

TEST_F(TreeTest, the_cache_never_shows_a_replaced_directory_to_later_readers) {
  // Writers make and drop the same directories while others put into them; every put retries.
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const std::string key = "/d/" + std::to_string(i % 3) + "/" + std::to_string(t);
        for (int attempt = 0; attempt < 200; ++attempt) {
          if (put(key)) break;
          ASSERT_LT(attempt, 199);
        }
        for (int attempt = 0; attempt < 200; ++attempt) {
          if (remove(key)) break;
          ASSERT_LT(attempt, 199);
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(all_keys(), std::vector<std::string>{});
  EXPECT_EQ(rows('d'), 1u);
  EXPECT_EQ(rows('e'), 0u);
}

class SteppedClock final : public Clock {
 public:
  Timestamp wall() const override { return {micros}; }
  MonotonicTime monotonic() const override { return {micros * 1000}; }
  int64_t micros = 1'000'000;
};

TEST(GenerationClock, never_repeats_after_a_restart_even_when_time_goes_back) {
  auto store = std::move(*kv::open_memory());
  SteppedClock clock;
  uint64_t last = 0;
  for (int run = 0; run < 5; ++run) {
    GenerationClock generations{*store, clock};
    ASSERT_TRUE(generations.open({}));
    for (int i = 0; i < 100; ++i) {
      const auto next = generations.next({});
      ASSERT_TRUE(next);
      ASSERT_GT(*next, last);
      last = *next;
    }
    clock.micros -= 50'000;
  }
}

TEST(GenerationClock, follows_the_wall_clock_and_passes_what_it_observed) {
  auto store = std::move(*kv::open_memory());
  SteppedClock clock;
  GenerationClock generations{*store, clock};
  ASSERT_TRUE(generations.open({}));
  EXPECT_EQ(*generations.next({}), 1'000'000u);
  clock.micros = 90'000'000;
  EXPECT_EQ(*generations.next({}), 90'000'000u);
  generations.observe(95'000'000'000);
  EXPECT_EQ(*generations.next({}), 95'000'000'001u);
}

TEST(GenerationClock, gives_different_numbers_to_concurrent_callers) {
  auto store = std::move(*kv::open_memory());
  SteppedClock clock;
  GenerationClock generations{*store, clock};
  std::mutex mutex;
  std::set<uint64_t> seen;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        const auto next = generations.next({});
        ASSERT_TRUE(next);
        std::lock_guard lock{mutex};
        ASSERT_TRUE(seen.insert(*next).second);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace beringia::meta

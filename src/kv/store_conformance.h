#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "io/context.h"
#include "kv/store.h"

namespace beringia::kv {

/// What every Store must do. Include in ONE test file and instantiate per engine.
struct StoreMaker {
  std::string name;
  /// Opens the store on its medium; called again after the store was destroyed: a restart.
  std::function<Result<std::unique_ptr<Store>>()> open;
  /// Forgets all; called before each test.
  std::function<void()> reset;
  bool survives_restart = true;
};

class StoreConformance : public testing::TestWithParam<StoreMaker> {
 protected:
  void SetUp() override {
    GetParam().reset();
    open();
  }
  void open() {
    store.reset();
    auto opened = GetParam().open();
    ASSERT_TRUE(opened) << opened.error().to_string();
    store = std::move(*opened);
  }
  Result<Committed> commit(Batch batch, Durability durability = Durability::kSync) {
    return store->commit(context, std::move(batch), durability);
  }
  void put(const std::string& key, const std::string& value) {
    Batch batch;
    batch.put(key, value);
    ASSERT_TRUE(commit(std::move(batch)));
  }
  std::optional<std::string> get(const std::string& key) {
    auto value = store->get(context, key);
    EXPECT_TRUE(value);
    return value ? *value : std::nullopt;
  }
  std::vector<std::string> keys(std::string_view first, std::string_view last,
                                size_t limit = 1'000'000) {
    std::vector<std::string> names;
    auto rows = store->scan(context, first, last, limit);
    EXPECT_TRUE(rows);
    if (rows) {
      for (auto& row : *rows) names.push_back(row.key);
    }
    return names;
  }
  static std::string numbered(const std::string& stream, uint64_t number) {
    std::string key = stream;
    append_be64(key, number);
    return key;
  }

  io::Context context;
  std::unique_ptr<Store> store;
};

using Names = std::vector<std::string>;

TEST_P(StoreConformance, reads_what_was_committed) {
  put("a", "1");
  put("empty", "");
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(get("empty"), "");
  EXPECT_EQ(get("b"), std::nullopt);
  auto many = store->get_many(context, {"b", "a", "a"});
  ASSERT_TRUE(many);
  EXPECT_EQ((*many)[0], std::nullopt);
  EXPECT_EQ((*many)[1], "1");
  EXPECT_EQ((*many)[2], "1");
}

TEST_P(StoreConformance, the_last_operation_on_a_key_wins) {
  Batch batch;
  batch.put("a", "1");
  batch.remove("a");
  batch.remove("b");
  batch.put("b", "2");
  ASSERT_TRUE(commit(std::move(batch)));
  EXPECT_EQ(get("a"), std::nullopt);
  EXPECT_EQ(get("b"), "2");
}

TEST_P(StoreConformance, a_failed_check_aborts_the_whole_batch_and_names_the_key) {
  put("a", "1");
  for (auto expected : {std::optional<std::string>{}, std::optional<std::string>{"2"}}) {
    Batch batch;
    batch.put("b", "x");
    batch.append("f", "x");
    batch.check("a", expected);
    auto committed = commit(std::move(batch));
    ASSERT_FALSE(committed);
    EXPECT_EQ(committed.error().code(), Code::kConflict);
    EXPECT_NE(committed.error().what().find("\"a\""), std::string::npos);
  }
  Batch gone;
  gone.check("missing", "1");
  EXPECT_EQ(commit(std::move(gone)).error().code(), Code::kConflict);
  EXPECT_EQ(get("b"), std::nullopt);
  Batch append;
  append.append("f", "first");
  EXPECT_EQ(commit(std::move(append))->appended, std::vector<uint64_t>{1});
}

TEST_P(StoreConformance, checks_see_the_rows_before_the_batch) {
  put("a", "1");
  Batch batch;
  batch.put("a", "2");
  batch.check("a", "1");
  batch.check("b", std::nullopt);
  batch.put("b", "3");
  ASSERT_TRUE(commit(std::move(batch)));
  EXPECT_EQ(get("a"), "2");
}

TEST_P(StoreConformance, check_empty_counts_the_batches_own_removals) {
  put("d/a", "1");
  put("d/b", "1");
  Batch one;
  one.remove("d/a");
  one.check_empty("d/", "d0");
  EXPECT_EQ(commit(std::move(one)).error().code(), Code::kConflict);
  EXPECT_EQ(get("d/a"), "1");
  Batch both;
  both.check_empty("d/", "d0");
  both.remove("d/a");
  both.remove("d/b");
  EXPECT_TRUE(commit(std::move(both)));
  EXPECT_EQ(keys("d/", "d0"), Names{});
}

TEST_P(StoreConformance, remove_if_empty_is_judged_at_the_end_in_call_order) {
  put("x", "dir");
  put("x/y", "dir");
  put("x/y/1", "file");
  Batch batch;
  batch.remove_if_empty("x/y", "x/y/", "x/y0");
  batch.remove_if_empty("x", "x/", "x0");
  batch.remove("x/y/1");
  ASSERT_TRUE(commit(std::move(batch)));
  EXPECT_EQ(keys("a", "z"), Names{});
  put("x", "dir");
  Batch refilled;
  refilled.remove_if_empty("x", "x/", "x0");
  refilled.put("x/2", "file");
  ASSERT_TRUE(commit(std::move(refilled)));
  EXPECT_EQ(keys("a", "z"), (Names{"x", "x/2"}));
}

/// However rows go, the row of their directory goes with the last of them, and only then.
TEST_P(StoreConformance, remove_if_empty_is_right_in_every_order) {
  enum class Order { kAscending, kDescending, kShuffled };
  for (const auto order : {Order::kAscending, Order::kDescending, Order::kShuffled}) {
    std::vector<std::string> names;
    for (int row = 100; row < 300; ++row) names.push_back("x/" + std::to_string(row));
    put("x", "dir");
    for (const auto& name : names) put(name, "file");
    if (order == Order::kDescending) std::ranges::reverse(names);
    if (order == Order::kShuffled) {
      for (size_t i = 0; i < names.size(); ++i) std::swap(names[i], names[i * 7919 % names.size()]);
    }
    for (size_t gone = 1; gone <= names.size(); ++gone) {
      Batch batch;
      batch.remove(names[gone - 1]);
      batch.remove_if_empty("x", "x/", "x0");
      ASSERT_TRUE(commit(std::move(batch), Durability::kBuffered));
      ASSERT_EQ(keys("x", "x/"), gone < names.size() ? Names{"x"} : Names{}) << gone;
      if (gone == 150) {  // one comes back below those that are left, and goes again
        put(names[0], "file");
        Batch again;
        again.remove(names[0]);
        again.remove_if_empty("x", "x/", "x0");
        ASSERT_TRUE(commit(std::move(again), Durability::kBuffered));
        ASSERT_EQ(keys("x", "x/"), Names{"x"});
      }
    }
  }
}

TEST_P(StoreConformance, scans_are_ordered_by_bytes_and_bounded) {
  for (const char* key : {"a/", "a-b", "a0", "\xff", "\xff\xff", "a", "\x7f", "\x80"}) put(key, "");
  EXPECT_EQ(keys("a", "b"), (Names{"a", "a-b", "a/", "a0"}));
  EXPECT_EQ(keys("\x7f", "\xff"), (Names{"\x7f", "\x80"}));
  EXPECT_EQ(keys("\xff", "\xff\xff\xff"), (Names{"\xff", "\xff\xff"}));
  EXPECT_EQ(keys("\xff", std::string(20, '\xff')), (Names{"\xff", "\xff\xff"}));
  EXPECT_EQ(keys("a", "\xff\xff\xff", 3), (Names{"a", "a-b", "a/"}));
  EXPECT_EQ(keys("b", "a"), Names{});
  EXPECT_EQ(keys("", "b"), (Names{"a", "a-b", "a/", "a0"}));  // the store's own rows are hidden
  EXPECT_EQ(keys("a", "b", 0), Names{});
}

TEST_P(StoreConformance, a_scan_finds_what_is_behind_thousands_of_removed_rows) {
  constexpr int kRows = 5000;
  for (const bool keep : {true, false}) {
    Batch batch;
    for (int n = 0; n < kRows; ++n) {
      const std::string key = numbered("r", static_cast<uint64_t>(n));
      keep ? batch.put(key, "v") : batch.remove(key);
    }
    ASSERT_TRUE(commit(std::move(batch)));
  }
  put("s", "behind");
  auto rows = store->scan(context, "r", "t", 10);
  ASSERT_TRUE(rows) << rows.error().to_string();
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().key, "s");
  EXPECT_TRUE(store->scan(context, "r", "s", 10)->empty());
}

TEST_P(StoreConformance, keys_with_zero_bytes_inside_are_ordinary) {
  const std::string key{"a\0b", 3};
  put(key, std::string("v\0w", 3));
  EXPECT_EQ(get(key), std::string("v\0w", 3));
  EXPECT_EQ(keys("a", "b"), Names{key});
}

TEST_P(StoreConformance, refuses_what_is_over_the_limits) {
  const auto refused = [&](Batch batch) {
    auto committed = commit(std::move(batch));
    return !committed && committed.error().code() == Code::kInvalid;
  };
  Batch long_key, long_value, own_key, empty_key, large;
  long_key.put(std::string(10'001, 'k'), "");
  long_value.put("k", std::string(100'001, 'v'));
  own_key.put(std::string("\0q", 2), "");
  empty_key.remove("");
  for (int i = 0; i < 85; ++i) large.put("k" + std::to_string(i), std::string(100'000, 'v'));
  EXPECT_TRUE(refused(long_key));
  EXPECT_TRUE(refused(long_value));
  EXPECT_TRUE(refused(own_key));
  EXPECT_TRUE(refused(empty_key));
  EXPECT_TRUE(refused(large));
  Batch largest;
  largest.put(std::string(10'000, 'k'), std::string(100'000, 'v'));
  EXPECT_TRUE(commit(std::move(largest)));
}

TEST_P(StoreConformance, a_snapshot_does_not_see_later_commits) {
  put("a", "1");
  put("b", "1");
  auto snapshot = store->snapshot();
  Batch batch;
  batch.put("a", "2");
  batch.remove("b");
  batch.put("c", "2");
  ASSERT_TRUE(commit(std::move(batch)));
  std::string seen;
  ASSERT_TRUE(snapshot->scan("a", "z", [&](std::string_view key, std::string_view value) {
    seen += std::string{key} + "=" + std::string{value} + " ";
    return true;
  }));
  EXPECT_EQ(seen, "a=1 b=1 ");
  EXPECT_EQ(*snapshot->get("b"), "1");
  EXPECT_EQ(*snapshot->get("c"), std::nullopt);
  snapshot.reset();
  EXPECT_EQ(keys("a", "z"), (Names{"a", "c"}));
  put("b", "3");
  EXPECT_EQ(keys("a", "z"), (Names{"a", "b", "c"}));
}

TEST_P(StoreConformance, a_scan_during_commits_sees_whole_batches_only) {
  constexpr int kRows = 700;  // more than a chunk of any engine
  std::atomic<bool> stop{false};
  const auto write = [&](const std::string& value) {
    Batch batch;
    for (int i = 0; i < kRows; ++i) batch.put(numbered("r", static_cast<uint64_t>(i)), value);
    return commit(std::move(batch), Durability::kBuffered).has_value();
  };
  ASSERT_TRUE(write("0"));
  std::thread writer{[&] {
    for (int n = 1; !stop; ++n) EXPECT_TRUE(write(std::to_string(n)));
  }};
  for (int round = 0; round < 50; ++round) {
    auto rows = store->scan(context, "r", "s", 10'000);
    ASSERT_TRUE(rows);
    ASSERT_EQ(rows->size(), static_cast<size_t>(kRows));
    for (const auto& row : *rows) ASSERT_EQ(row.value, rows->front().value);
  }
  stop = true;
  writer.join();
}

TEST_P(StoreConformance, streams_stay_dense_under_32_committers) {
  constexpr int kCommitters = 32;
  constexpr int kEach = 40;
  std::atomic<int> aborted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kCommitters; ++t) {
    threads.emplace_back([&, t] {
      uint64_t last_sequence = 0;
      uint64_t last_number = 0;
      for (int i = 0; i < kEach; ++i) {
        Batch batch;
        batch.append("f", std::to_string(t));
        if (i % 4 == 3) batch.check("never", "there");
        auto committed = commit(std::move(batch), Durability::kSync);
        if (!committed) {
          ++aborted;
          continue;
        }
        EXPECT_GT(committed->sequence, last_sequence);
        EXPECT_GT(committed->appended.at(0), last_number);
        last_sequence = committed->sequence;
        last_number = committed->appended.at(0);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(aborted, kCommitters * kEach / 4);
  const auto rows = keys("f", "g");
  ASSERT_EQ(rows.size(), static_cast<size_t>(kCommitters * kEach * 3 / 4));
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i], numbered("f", i + 1));
}

TEST_P(StoreConformance, one_of_many_racing_check_and_sets_wins_each_round) {
  put("counter", "0");
  constexpr int kRacers = 8;
  constexpr int kEach = 25;
  std::vector<std::thread> threads;
  for (int t = 0; t < kRacers; ++t) {
    threads.emplace_back([&] {
      for (int done = 0; done < kEach;) {
        const auto seen = store->get(context, "counter");
        Batch batch;
        batch.check("counter", **seen);
        batch.put("counter", std::to_string(std::stoi(**seen) + 1));
        if (commit(std::move(batch), Durability::kBuffered)) ++done;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(get("counter"), std::to_string(kRacers * kEach));
}

TEST_P(StoreConformance, wait_appended_returns_when_the_number_is_passed) {
  Batch first;
  first.append("f", "1");
  ASSERT_TRUE(commit(std::move(first)));
  ASSERT_TRUE(store->wait_appended(context, "f", 0));
  std::thread waiter{[&] { EXPECT_TRUE(store->wait_appended(context, "f", 2)); }};
  for (int i = 0; i < 2; ++i) {
    Batch more;
    more.append("f", "x");
    ASSERT_TRUE(commit(std::move(more)));
  }
  waiter.join();
}

TEST_P(StoreConformance, a_cancelled_wait_ends_and_a_cancelled_commit_changes_nothing) {
  auto token = std::make_shared<io::CancelToken>();
  token->cancel();
  const auto dead = context.with_cancel(token);
  EXPECT_EQ(store->wait_appended(dead, "f", 7).error().code(), Code::kCancelled);
  Batch batch;
  batch.put("a", "1");
  EXPECT_EQ(store->commit(dead, std::move(batch), Durability::kSync).error().code(),
            Code::kCancelled);
  EXPECT_EQ(get("a"), std::nullopt);
}

TEST_P(StoreConformance, rows_numbers_and_sequence_survive_a_restart) {
  if (!GetParam().survives_restart) GTEST_SKIP() << "nothing survives by design";
  put("gone", "1");
  Batch batch;
  batch.put("a", "1");
  batch.remove("gone");
  batch.append("f", "one");
  batch.append("f", "two");
  const auto before = commit(std::move(batch));
  ASSERT_TRUE(before);
  Batch trim;  // trimming a stream must not free its numbers
  trim.remove(numbered("f", 1));
  trim.remove(numbered("f", 2));
  ASSERT_TRUE(commit(std::move(trim), Durability::kBuffered));
  open();
  EXPECT_EQ(keys("a", "z"), Names{"a"});
  Batch more;
  more.append("f", "three");
  const auto after = commit(std::move(more));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->appended, std::vector<uint64_t>{3});
  EXPECT_GT(after->sequence, before->sequence);
  open();
  EXPECT_EQ(keys("a", "z"), (Names{"a", numbered("f", 3)}));
}

}  // namespace beringia::kv

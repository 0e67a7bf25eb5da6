#include "kv/committer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <thread>

#include "kv/memory_rows.h"
#include "kv/test_disk.h"

namespace beringia::kv {
namespace {

/// An engine whose writes wait for a gate and count.
class GatedEngine final : public Engine {
 public:
  Result<std::optional<std::string>> get(std::string_view key) override { return rows.get(key); }
  std::optional<Result<std::optional<std::string>>> try_get(std::string_view) override {
    return std::nullopt;  // everything is cold
  }
  Result<bool> try_scan(std::string_view, std::string_view, const Snapshot::Visit&) override {
    return false;
  }
  std::unique_ptr<Snapshot> snapshot() override { return std::make_unique<View>(rows); }
  Result<void> write(const Changes& changes, bool sync) override {
    std::unique_lock lock{mutex};
    ++started;
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
    if (broken) return std::unexpected(unavailable("cannot write", "I/O error"));
    ++writes;
    if (sync) ++syncs;
    rows.apply(changes);
    return {};
  }
  bool blocks() const override { return true; }
  uint64_t approximate_bytes() override { return rows.bytes(); }

  void wait_started(int n) {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return started >= n; });
  }
  void set_open() {
    std::lock_guard lock{mutex};
    open = true;
    changed.notify_all();
  }

  struct View final : Snapshot {
    explicit View(MemoryRows& r) : rows{r} {}
    Result<std::optional<std::string>> get(std::string_view key) override { return rows.get(key); }
    Result<void> scan(std::string_view first, std::string_view last, const Visit& visit) override {
      rows.scan(first, last, MemoryRows::kNewest, visit);
      return {};
    }
    MemoryRows& rows;
  };

  MemoryRows rows;
  std::mutex mutex;
  std::condition_variable changed;
  bool open = true;
  bool broken = false;
  int started = 0;
  int writes = 0;
  int syncs = 0;
};

Batch put(const std::string& key, const std::string& value = "v") {
  Batch batch;
  batch.put(key, value);
  return batch;
}

class CommitterTest : public testing::Test {
 protected:
  /// Starts `n` commits while the first one is being written.
  void commit_behind_a_slow_write(int n, Durability durability) {
    engine.open = false;
    std::vector<std::thread> threads;
    threads.emplace_back([&] { note(committer.commit({}, put("first"), durability)); });
    engine.wait_started(1);
    for (int i = 0; i < n; ++i) {
      threads.emplace_back(
          [&, i] { note(committer.commit({}, put("k" + std::to_string(i)), durability)); });
    }
    // All followers are parked or about to: the gate opens only when the queue cannot grow.
    for (int i = 0; i < 200; ++i) std::this_thread::yield();
    engine.set_open();
    for (auto& thread : threads) thread.join();
  }
  void note(const Result<Committed>& committed) {
    if (committed) ++succeeded;
  }

  GatedEngine engine;
  Committer committer{engine, {}};
  std::atomic<int> succeeded{0};
};

TEST_F(CommitterTest, commits_that_come_during_a_write_share_the_next_one) {
  commit_behind_a_slow_write(32, Durability::kSync);
  EXPECT_EQ(succeeded, 33);
  EXPECT_LT(engine.syncs, 33);
}

TEST_F(CommitterTest, buffered_commits_do_not_sync) {
  ASSERT_TRUE(committer.commit({}, put("a"), Durability::kBuffered));
  EXPECT_EQ(engine.writes, 1);
  EXPECT_EQ(engine.syncs, 0);
}

TEST_F(CommitterTest, batches_without_changes_write_nothing) {
  Batch only_checks;
  only_checks.check("a", std::nullopt);
  ASSERT_TRUE(committer.commit({}, std::move(only_checks), Durability::kSync));
  ASSERT_TRUE(committer.commit({}, {}, Durability::kSync));
  EXPECT_EQ(engine.writes, 0);
}

TEST_F(CommitterTest, a_failed_write_fails_its_group_and_poisons_the_store) {
  engine.broken = true;
  const auto failed = committer.commit({}, put("a"), Durability::kSync);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), Code::kUnavailable);
  EXPECT_EQ(failed.error().retry(), Retry::kMaybeApplied);
  engine.broken = false;
  const auto refused = committer.commit({}, put("b"), Durability::kSync);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kUnavailable);
  EXPECT_EQ(refused.error().retry(), Retry::kNever);
  EXPECT_NE(refused.error().to_string().find("restart"), std::string::npos);
  EXPECT_EQ(engine.started, 1);
  EXPECT_EQ(committer.wait_appended({}, "f", 0).error().code(), Code::kUnavailable);
}

TEST_F(CommitterTest, followers_of_a_failed_write_are_refused) {
  engine.broken = true;
  commit_behind_a_slow_write(8, Durability::kSync);
  EXPECT_EQ(succeeded, 0);
  EXPECT_EQ(engine.started, 1);
}

TEST_F(CommitterTest, a_deadline_takes_a_waiting_commit_out_of_the_queue) {
  engine.open = false;
  std::thread leader{[&] { EXPECT_TRUE(committer.commit({}, put("a"), Durability::kSync)); }};
  engine.wait_started(1);
  auto token = std::make_shared<io::CancelToken>();
  std::thread follower{[&] {
    auto cancelled =
        committer.commit(io::Context{}.with_cancel(token), put("b"), Durability::kSync);
    ASSERT_FALSE(cancelled);
    EXPECT_EQ(cancelled.error().code(), Code::kCancelled);
  }};
  token->cancel();
  follower.join();
  engine.set_open();
  leader.join();
  EXPECT_EQ(engine.rows.get("b"), std::nullopt);
}

TEST(Group, judges_each_batch_against_the_ones_before_it) {
  GatedEngine engine;
  Witnesses witnesses;
  Group group{engine, {}, witnesses};
  ASSERT_TRUE(group.add(put("d/1")));
  Batch again;
  again.check("d/1", std::nullopt);
  again.put("d/2", "lost");
  EXPECT_FALSE(group.add(again));
  Batch is_empty;
  is_empty.check_empty("d/", "d0");
  EXPECT_FALSE(group.add(is_empty));
  Batch remove;
  remove.check("d/1", "v");
  remove.remove("d/1");
  ASSERT_TRUE(group.add(remove));
  ASSERT_TRUE(group.add(is_empty));
  Changes changes = group.take_changes();
  EXPECT_EQ(changes.at("d/1"), std::nullopt);
  EXPECT_FALSE(changes.contains("d/2"));
}

TEST(MemoryEngine, keeps_synced_commits_and_drops_a_torn_tail_after_a_power_loss) {
  for (size_t kept : {size_t{0}, size_t{7}, size_t{30}}) {
    TestDisk disk;
    {
      auto store = open_memory(&disk, "/c");
      ASSERT_TRUE(store);
      ASSERT_TRUE((*store)->commit({}, put("a"), Durability::kSync));
      ASSERT_TRUE((*store)->commit({}, put("b", std::string(100, 'x')), Durability::kBuffered));
    }
    disk.lose_unsynced(kept);
    for (int reopen = 0; reopen < 2; ++reopen) {
      auto store = open_memory(&disk, "/c");
      ASSERT_TRUE(store);
      EXPECT_EQ(*(*store)->get({}, "a"), "v");
      EXPECT_EQ(*(*store)->get({}, "b"), std::nullopt);
      ASSERT_TRUE((*store)->commit({}, put("a"), Durability::kSync));
    }
  }
}

TEST(MemoryEngine, never_acknowledges_when_the_sync_fails) {
  TestDisk disk;
  auto store = open_memory(&disk, "/c");
  ASSERT_TRUE(store);
  disk.faults.syncs_fail = true;
  auto committed = (*store)->commit({}, put("a"), Durability::kSync);
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().retry(), Retry::kMaybeApplied);
  EXPECT_EQ(*(*store)->get({}, "a"), std::nullopt);
}

TEST(RocksDbStore, says_that_another_process_has_the_catalog_open) {
  const std::string directory =
      testing::TempDir() + "beringia_kv_locked_" + std::to_string(::getpid());
  {
    auto first = open_rocksdb({.directory = directory});
    ASSERT_TRUE(first) << first.error().to_string();
    auto second = open_rocksdb({.directory = directory});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), Code::kUnavailable);
    EXPECT_NE(second.error().why().find("another process"), std::string::npos);
    EXPECT_NE(second.error().hint().find("--data"), std::string::npos);
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace beringia::kv

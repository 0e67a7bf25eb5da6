#include "kv/row_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace beringia::kv {
namespace {

constexpr size_t kBytes = 1 << 20;

/// A map that counts its reads; writes can be made to fail after they were applied.
class CountingEngine final : public Engine {
 public:
  Result<std::optional<std::string>> get(std::string_view key) override {
    std::lock_guard lock{mutex_};
    ++reads;
    const auto found = rows_.find(key);
    if (found == rows_.end()) return std::optional<std::string>{};
    return std::optional{found->second};
  }
  std::optional<Result<std::optional<std::string>>> try_get(std::string_view key) override {
    return get(key);
  }
  Result<bool> try_scan(std::string_view, std::string_view, const Snapshot::Visit&) override {
    return true;
  }
  std::unique_ptr<Snapshot> snapshot() override { return nullptr; }
  Result<void> write(const Changes& changes, bool) override {
    std::lock_guard lock{mutex_};
    for (const auto& [key, value] : changes) {
      if (value) {
        rows_[key] = *value;
      } else {
        rows_.erase(key);
      }
    }
    if (fails) return std::unexpected(unavailable("cannot write", "a test says so"));
    return {};
  }
  bool blocks() const override { return false; }
  uint64_t approximate_bytes() override { return 0; }

  std::atomic<int> reads{0};
  std::atomic<bool> fails{false};

 private:
  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> rows_;
};

class CachingEngineTest : public testing::Test {
 protected:
  CachingEngineTest() {
    auto counting = std::make_unique<CountingEngine>();
    inner_ = counting.get();
    engine_ = make_caching_engine(std::move(counting), kBytes);
  }
  void put(const std::string& key, const std::string& value) {
    ASSERT_TRUE(engine_->write({{key, value}}, false));
  }
  std::optional<std::string> get(const std::string& key) { return engine_->get(key).value(); }

  CountingEngine* inner_ = nullptr;
  std::unique_ptr<Engine> engine_;
};

TEST_F(CachingEngineTest, asks_once_for_a_row_and_for_its_absence) {
  put("a", "1");
  for (int k = 0; k < 3; ++k) {
    EXPECT_EQ(get("a"), "1");
    EXPECT_EQ(get("b"), std::nullopt);
  }
  EXPECT_EQ(inner_->reads, 2);
}

TEST_F(CachingEngineTest, answers_what_was_written_last) {
  EXPECT_EQ(get("a"), std::nullopt);
  put("a", "1");
  EXPECT_EQ(get("a"), "1");
  put("a", "2");
  EXPECT_EQ(get("a"), "2");
  ASSERT_TRUE(engine_->write({{"a", std::nullopt}}, false));
  EXPECT_EQ(get("a"), std::nullopt);
  EXPECT_EQ(inner_->reads, 1) << "rows that are known follow the writes";
}

TEST_F(CachingEngineTest, asks_the_engine_for_rows_whose_write_failed) {
  put("a", "1");
  EXPECT_EQ(get("a"), "1");
  inner_->fails = true;
  EXPECT_FALSE(engine_->write({{"a", "2"}}, true));
  const int before = inner_->reads;
  EXPECT_EQ(get("a"), "2");
  EXPECT_EQ(get("a"), "2");
  EXPECT_EQ(inner_->reads, before + 2);
}

TEST(RowCache, holds_no_more_than_its_bytes) {
  constexpr size_t kRows = 10'000;
  RowCache cache{kBytes};
  RowCache::Ticket ticket = 0;
  for (size_t k = 0; k < kRows; ++k) {
    const std::string key = std::to_string(k);
    ASSERT_FALSE(cache.find(key, ticket));
    cache.insert(key, std::string(1000, 'x'), ticket);
  }
  size_t kept = 0;
  for (size_t k = 0; k < kRows; ++k) kept += cache.find(std::to_string(k), ticket).has_value();
  EXPECT_GT(kept, 500U);
  EXPECT_LE(kept * 1000, kBytes);
  EXPECT_TRUE(cache.find(std::to_string(kRows - 1), ticket)) << "the last row is the newest";
}

TEST(RowCache, takes_in_nothing_that_was_read_before_a_change) {
  RowCache cache{kBytes};
  RowCache::Ticket ticket = 0;
  EXPECT_FALSE(cache.find("a", ticket));
  const Changes changes{{"a", "new"}};
  cache.begin_changes(changes);
  cache.insert("a", "old", ticket);
  cache.end_changes(changes);
  cache.insert("a", "old", ticket);
  EXPECT_FALSE(cache.find("a", ticket));
}

TEST_F(CachingEngineTest, no_reader_goes_back_in_time) {
  constexpr int kWrites = 20'000;
  put("n", "0");
  std::atomic<int> acknowledged{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int k = 0; k < 3; ++k) {
    readers.emplace_back([&] {
      for (int last = 0; !done;) {
        const int least = acknowledged;
        const int seen = std::stoi(*engine_->get("n").value());
        EXPECT_GE(seen, least);
        EXPECT_GE(seen, last);
        last = seen;
      }
    });
  }
  for (int n = 1; n <= kWrites; ++n) {
    EXPECT_TRUE(engine_->write({{"n", std::to_string(n)}}, false));
    acknowledged = n;
  }
  done = true;
  for (auto& reader : readers) reader.join();
}

}  // namespace
}  // namespace beringia::kv

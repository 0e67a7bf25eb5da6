#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/encoding.h"
#include "core/test_world.h"
#include "policy/plan_rows.h"
#include "policy/row_feed.h"

namespace beringia::policy {
namespace {

using core::test::must;

uint64_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  uint64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// BERINGIA_PLAN_ROWS=1000000 measures a plan of that size (docs/formats/plans.md).
uint64_t row_count() {
  const char* text = std::getenv("BERINGIA_PLAN_ROWS");
  return text == nullptr ? 20'000 : parse_u64(text).value_or(20'000);
}

TEST(PlanRows, are_read_in_order_and_page_by_page_however_many) {
  const auto directory =
      std::filesystem::path{testing::TempDir()} / ("plan-rows-" + std::to_string(::getpid()));
  std::filesystem::create_directories(directory);
  {
    auto store = must(kv::open_rocksdb({directory.string()}), "store");
    const io::Context context;
    const uint64_t rows = row_count();
    PlanWriter writer{context, *store, "plan"};
    const uint64_t before = resident_bytes();
    meta::MoveRecord move;
    for (uint64_t i = 0; i < rows; ++i) {
      // Two rows for every third entry.
      const uint64_t entry = i / 4 * 3 + std::min<uint64_t>(i % 4, 2);
      move.path = "/sales/orders/day=2026-01-01/part-" + std::to_string(entry) + ".parquet";
      move.generation = 1'790'000'000'000'000 + i;
      move.size = i;
      move.from = 1;
      move.to = 2;
      move.rule = "cold";
      must(writer.add(move));
    }
    StoredPlan plan;
    plan.summary.id = "plan";
    plan.summary.created = {1};
    must(writer.finish(plan));
    // The journal knows one row better.
    kv::Batch batch;
    move.state = meta::MoveRecord::State::kDone;
    move.path = "/sales/orders/day=2026-01-01/part-1.parquet";
    batch.put(meta::move_key("run", 2), meta::encode(move));
    must(store->commit(context, std::move(batch), kv::Durability::kSync));

    RowFeed feed{*store, "run", "plan"};
    uint64_t seen = 0, doubles = 0, done = 0;
    for (;;) {
      const auto group = must(feed.next(context));
      if (group.empty()) break;
      for (const auto& row : group) {
        ASSERT_EQ(row.seq, ++seen);
        ASSERT_EQ(row.move.path, group.front().move.path);
        done += row.move.state == meta::MoveRecord::State::kDone ? 1 : 0;
      }
      ASSERT_LE(group.size(), 2U);
      doubles += group.size() == 2 ? 1 : 0;
    }
    EXPECT_EQ(seen, rows);
    EXPECT_EQ(doubles, rows / 4);
    EXPECT_EQ(done, 1U);
    const uint64_t grown = resident_bytes() - std::min(before, resident_bytes());
    RecordProperty("resident_growth_bytes", std::to_string(grown));
    RecordProperty("bytes_on_disk", std::to_string(store->approximate_bytes()));
    EXPECT_LT(grown, 128U << 20);
    std::printf("%llu rows: resident memory grew by %llu bytes, %llu bytes on disk\n",
                static_cast<unsigned long long>(rows), static_cast<unsigned long long>(grown),
                static_cast<unsigned long long>(store->approximate_bytes()));
    must(remove_plan(context, *store, "plan"));
    EXPECT_TRUE(must(rows_of_plan(context, *store, "plan", 0, 1)).empty());
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace beringia::policy

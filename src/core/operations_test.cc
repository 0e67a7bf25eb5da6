#include "core/operations.h"

#include "core/test_world.h"

namespace beringia::core::test {
namespace {

constexpr int64_t kDayMicros = 86'400'000'000;

class OperationsTest : public testing::Test {
 protected:
  std::string add(const std::string& bucket, int64_t micros) {
    const std::string id = Operations::make_id({micros});
    must(operations_.add(world_.context, {bucket, id, "{\"id\":\"" + id + "\"}"}));
    return id;
  }
  size_t count(const std::string& bucket, Timestamp since = {}) {
    return must(operations_.of(world_.context, bucket, since, "", 20'000)).size();
  }
  int64_t now_micros() const { return world_.clock().wall().micros; }

  World world_;
  Operations operations_{world_.store(), world_.clock()};
};

TEST_F(OperationsTest, are_remembered_by_bucket_in_the_order_of_time) {
  const int64_t now = now_micros();
  const std::string second = add("b", now + 2);
  const std::string first = add("b", now + 1);
  const std::string other = add("bb", now + 3);
  const auto page = must(operations_.of(world_.context, "b", {}, "", 1));
  ASSERT_EQ(page.size(), 1u);
  EXPECT_EQ(page[0].id, first);
  const auto rest = must(operations_.of(world_.context, "b", {}, first, 10));
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].id, second);
  EXPECT_TRUE(must(operations_.find(world_.context, "b", {}, first)));
  EXPECT_FALSE(must(operations_.find(world_.context, "b", {}, other)));
  EXPECT_FALSE(must(operations_.find(world_.context, "b", {}, "../" + first)));
  Operations again{world_.store(), world_.clock()};
  EXPECT_EQ(must(again.find(world_.context, "b", {}, first)), "{\"id\":\"" + first + "\"}");
}

TEST_F(OperationsTest, of_a_bucket_of_that_name_before_are_not_its_own) {
  const std::string id = add("b", now_micros());
  const Timestamp later{now_micros() + 1};
  EXPECT_EQ(count("b", later), 0u);
  EXPECT_FALSE(must(operations_.find(world_.context, "b", later, id)));
}

TEST_F(OperationsTest, are_forgotten_after_a_week) {
  add("b", now_micros() - 8 * kDayMicros);
  EXPECT_EQ(count("b"), 1u);
  add("c", now_micros() - 6 * kDayMicros);
  EXPECT_EQ(count("b"), 0u);
  add("b", now_micros());
  EXPECT_EQ(count("c"), 1u);
}

TEST_F(OperationsTest, are_bounded_in_number) {
  kv::Batch batch;
  std::string oldest;
  for (size_t i = 0; i < Operations::kMaxKept; ++i) {
    const std::string id = Operations::make_id({now_micros() + static_cast<int64_t>(i)});
    if (i == 0) oldest = id;
    batch.put("zoperations/" + id, "b\n{}");
  }
  must(world_.store().commit(world_.context, std::move(batch), kv::Durability::kBuffered));
  ASSERT_EQ(count("b"), Operations::kMaxKept);
  add("b", now_micros() + kDayMicros);
  EXPECT_EQ(count("b"), Operations::kMaxKept);
  EXPECT_FALSE(must(operations_.find(world_.context, "b", {}, oldest)));
}

}  // namespace
}  // namespace beringia::core::test

#include "audit/intake.h"

#include <gtest/gtest.h>

#include "io/runtime.h"

namespace beringia::audit {
namespace {

Record record_of(int64_t second, const std::string& id) {
  Record record;
  record.time.micros = second * 1'000'000;
  record.door = "gcs-native";
  record.operation = "storage.objects.get";
  record.path = "/cold/a";
  record.request_id = id;
  return record;
}

class IntakeTest : public testing::Test {
 protected:
  IntakeTest() { store = *kv::open_memory(); }

  /// Recorded and repeated, as "3+1".
  std::string take(Intake& intake, const std::vector<Record>& records) {
    std::string told;
    runtime->run([&] {
      const auto counts = intake.record_once(io::Context{}, records);
      told = counts ? std::to_string(counts->recorded) + "+" + std::to_string(counts->repeated)
                    : counts.error().to_string();
    });
    return told;
  }
  size_t rows(const std::string& first, const std::string& last) {
    size_t count = 0;
    runtime->run([&] { count = store->scan(io::Context{}, first, last, 10'000)->size(); });
    return count;
  }
  size_t recorded() { return rows("a", "b"); }
  size_t remembered() { return rows("zintake/", "zintake0"); }

  std::unique_ptr<io::Runtime> runtime = io::Runtime::make({});
  std::unique_ptr<kv::Store> store;
};

TEST_F(IntakeTest, records_what_it_knows_already_no_second_time) {
  Intake intake{*store};
  EXPECT_EQ(take(intake, {record_of(1, "x"), record_of(1, "y"), record_of(1, "x")}), "2+1");
  EXPECT_EQ(take(intake, {record_of(1, "x"), record_of(1, "y"), record_of(2, "x")}), "1+2");
  EXPECT_EQ(recorded(), 3u);
}

TEST_F(IntakeTest, knows_it_after_a_restart) {
  std::vector<Record> many;
  for (int i = 0; i < 200; ++i) many.push_back(record_of(i, "id-" + std::to_string(i)));
  {
    Intake intake{*store};
    EXPECT_EQ(take(intake, many), "200+0");
  }
  Intake intake{*store};
  EXPECT_EQ(take(intake, many), "0+200");
  EXPECT_EQ(recorded(), 200u);
}

TEST_F(IntakeTest, tells_records_without_an_id_by_what_they_say) {
  Intake intake{*store};
  Record other = record_of(1, "");
  other.path = "/cold/b";
  EXPECT_EQ(take(intake, {record_of(1, ""), other, record_of(1, "")}), "2+1");
}

TEST_F(IntakeTest, forgets_the_oldest_beyond_its_bound) {
  Intake intake{*store, 10};
  std::vector<Record> many;
  for (int i = 0; i < 25; ++i) many.push_back(record_of(100 - i, std::to_string(i)));
  EXPECT_EQ(take(intake, many), "25+0");
  EXPECT_EQ(remembered(), 10u);
  EXPECT_EQ(take(intake, {record_of(100, "0"), record_of(91, "9")}), "0+2");
  EXPECT_EQ(take(intake, {record_of(76, "24")}), "1+0");  // was among the oldest
  EXPECT_EQ(remembered(), 10u);
}

}  // namespace
}  // namespace beringia::audit

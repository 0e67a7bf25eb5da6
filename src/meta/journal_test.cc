#include "meta/journal.h"

#include <gtest/gtest.h>

namespace beringia::meta {
namespace {

class JournalTest : public testing::Test {
 protected:
  void commit(kv::Batch batch) {
    ASSERT_TRUE(store->commit(context, std::move(batch), kv::Durability::kBuffered));
  }
  io::Context context;
  std::unique_ptr<kv::Store> store = std::move(*kv::open_memory());
};

TEST_F(JournalTest, uploads_and_their_parts_are_kept_apart) {
  kv::Batch batch;
  for (const char* id : {"aa", "ab", "b"}) {
    UploadRecord upload;
    upload.id = id;
    batch.put(upload_key(id), encode(upload));
    for (uint32_t number : {3u, 1u, 10'000u}) {
      PartRecord part;
      part.number = number;
      batch.put(part_key(id, number), encode(part));
    }
  }
  commit(std::move(batch));
  const auto uploads = all_uploads(context, *store);
  ASSERT_EQ(uploads->size(), 3u);
  EXPECT_EQ((*uploads)[1].id, "ab");
  const auto parts = parts_of(context, *store, "ab");
  ASSERT_EQ(parts->size(), 3u);
  EXPECT_EQ((*parts)[0].number, 1u);
  EXPECT_EQ((*parts)[2].number, 10'000u);
  EXPECT_TRUE((*find_upload(context, *store, "b"))->id == "b");
  EXPECT_FALSE(*find_upload(context, *store, "zz"));
  EXPECT_FALSE(*find_upload(context, *store, part_key("b", 3).substr(1)));
  kv::Batch removal;
  remove_upload(removal, "ab", *parts);
  commit(std::move(removal));
  EXPECT_EQ(all_uploads(context, *store)->size(), 2u);
  EXPECT_TRUE(parts_of(context, *store, "ab")->empty());
  EXPECT_EQ(parts_of(context, *store, "aa")->size(), 3u);
}

TEST_F(JournalTest, moves_are_read_in_order_and_by_run) {
  kv::Batch batch;
  for (uint64_t seq = 1; seq <= 5; ++seq) {
    MoveRecord move;
    move.path = "/" + std::to_string(seq);
    batch.put(move_key("r1", seq), encode(move));
    batch.put(move_key("r10", seq), encode(move));
  }
  RunRecord run;
  run.id = "r1";
  batch.put(run_key("r1"), encode(run));
  commit(std::move(batch));
  const auto moves = moves_of(context, *store, "r1", 2, 2);
  ASSERT_EQ(moves->size(), 2u);
  EXPECT_EQ((*moves)[0].seq, 3u);
  EXPECT_EQ((*moves)[1].move.path, "/4");
  EXPECT_EQ(moves_of(context, *store, "r1", 0, 100)->size(), 5u);
  EXPECT_EQ(all_runs(context, *store)->size(), 1u);
  EXPECT_TRUE(*find_run(context, *store, "r1"));
}

TEST_F(JournalTest, doomed_copies_come_out_when_they_are_due) {
  const DoomedCopy early{{100}, 2, "a/b", "v1"};
  const DoomedCopy late{{200}, 1, "c", "v2"};
  kv::Batch batch;
  doom(batch, late);
  doom(batch, early);
  commit(std::move(batch));
  EXPECT_TRUE(doomed_until(context, *store, {99}, 10)->empty());
  const auto due = doomed_until(context, *store, {100}, 10);
  ASSERT_EQ(due->size(), 1u);
  EXPECT_EQ((*due)[0].native_name, "a/b");
  EXPECT_EQ((*due)[0].version, "v1");
  EXPECT_EQ((*due)[0].backend, 2u);
  EXPECT_EQ((*due)[0].due, Timestamp{100});
  kv::Batch done;
  forgive(done, early);
  commit(std::move(done));
  EXPECT_EQ(doomed_until(context, *store, {500}, 10)->size(), 1u);
}

TEST_F(JournalTest, intents_and_outcomes_are_found) {
  kv::Batch batch;
  IntentRecord intent;
  intent.path = "/a";
  batch.put(intent_key(intent.path), encode(intent));
  batch.put(outcome_key("x"), encode(OutcomeRecord{OutcomeRecord::Result::kCommitted, 4, {5}}));
  commit(std::move(batch));
  EXPECT_EQ(all_intents(context, *store)->size(), 1u);
  EXPECT_EQ((*outcome(context, *store, "x"))->generation, 4u);
  EXPECT_FALSE(*outcome(context, *store, "y"));
}

TEST_F(JournalTest, history_is_trimmed_to_a_day_of_outcomes_and_100000_feed_rows) {
  constexpr int64_t kHour = int64_t{3600} * 1'000'000;
  constexpr uint64_t kFeed = 120'500;
  for (uint64_t n = 0; n < kFeed;) {
    kv::Batch batch;
    for (int i = 0; i < 5000 && n < kFeed; ++i, ++n) {
      append_feed(batch, {FeedRecord::Kind::kPut, "/" + std::to_string(n + 1), "", n, {1}});
    }
    commit(std::move(batch));
  }
  kv::Batch batch;
  for (int64_t hour : {1, 10, 25, 40}) {
    batch.put(outcome_key(std::to_string(hour)),
              encode(OutcomeRecord{OutcomeRecord::Result::kCommitted, 1, {hour * kHour}}));
  }
  commit(std::move(batch));
  ASSERT_TRUE(trim_history(context, *store, {36 * kHour}));
  EXPECT_FALSE(*outcome(context, *store, "10"));
  EXPECT_TRUE(*outcome(context, *store, "25"));
  EXPECT_TRUE(*outcome(context, *store, "40"));
  const auto feed = feed_after(context, *store, 0, 200'000);
  ASSERT_EQ(feed->size(), 100'000u);
  EXPECT_EQ(feed->back().number, kFeed);
  EXPECT_EQ(feed->back().record.path, "/" + std::to_string(kFeed));
  EXPECT_EQ(feed_after(context, *store, kFeed - 1, 10)->size(), 1u);
  EXPECT_TRUE(feed_after(context, *store, kFeed, 10)->empty());
}

TEST_F(JournalTest, feed_rows_that_a_notification_target_has_not_read_stay_within_a_bound) {
  constexpr uint64_t kFeed = 130'000;
  const auto oldest = [&] { return feed_after(context, *store, 0, 1)->front().number; };
  const auto set_cursor = [&](const char* target, uint64_t number) {
    kv::Batch batch;
    batch.put(event_cursor_key(target), std::to_string(number));
    commit(std::move(batch));
  };
  for (uint64_t n = 0; n < kFeed;) {
    kv::Batch batch;
    for (int i = 0; i < 5000; ++i, ++n)
      append_feed(batch, {FeedRecord::Kind::kPut, "/a", "", n, {1}});
    commit(std::move(batch));
  }
  ASSERT_TRUE(trim_history(context, *store, {1}, {"new"}));
  EXPECT_EQ(oldest(), 1u) << "it has read nothing yet";
  ASSERT_TRUE(trim_history(context, *store, {1}, {"new"}, 125'000));
  EXPECT_EQ(oldest(), 5'001u) << "nobody is waited for without an end";
  set_cursor("slow", 10'000);
  set_cursor("quick", kFeed);
  ASSERT_TRUE(trim_history(context, *store, {1}, {"slow", "quick"}));
  EXPECT_EQ(oldest(), 10'001u);
  ASSERT_TRUE(trim_history(context, *store, {1}, {"quick"}));
  EXPECT_EQ(oldest(), kFeed - 100'000 + 1);
}

}  // namespace
}  // namespace beringia::meta

#include "meta/records.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/random.h"

namespace beringia::meta {
namespace {

EntryRecord full_entry() {
  EntryRecord record;
  record.generation = 1'764'000'000'123'456;
  record.metageneration = 7;
  record.size = 5ull << 40;
  record.created = {1'764'000'000'123'000};
  record.modified = {1'764'000'999'000'000};
  record.crc32c = 0xdeadbeef;
  record.md5 = std::string(16, '\x9a');
  record.etag = "abc-3";
  record.content_type = "text/csv";
  record.owner = "ana";
  record.write_id = "00ff10ab";
  record.http = {{"cache-control", "no-cache"}, {"", "empty name"}};
  record.metadata = {{"k", "v"}, {"empty", ""}};
  record.tags = {{"hold", "yes"}};
  record.checksums = {{"crc64nvme", "AAAA"}};
  record.part_sizes = {5u << 20, 0, 1};
  record.copies = {{1, CopyState::kRetiring, "native/a", "v1", "NEARLINE", {1'764'000'001'000'000}},
                   {4'000'000'000, CopyState::kValid, "", "", "", {}}};
  record.placed_by = "run-7";
  record.storage_class = "STANDARD";
  record.encryption = {Encryption::Method::kCustomer,
                       "key",
                       std::string(61, 'w'),
                       std::string(16, '5'),
                       std::string(32, '2'),
                       "e30=",
                       true,
                       std::string(32, 's'),
                       {5u << 20, 2, 1, 1},
                       0xfeedface};
  record.versioned = true;
  record.lock = {Lock::Mode::kCompliance, {1'900'000'000'000'000}, true};
  return record;
}

TEST(Records, entries_come_back_as_they_were) {
  for (const EntryRecord& record : {full_entry(), EntryRecord{}}) {
    const auto decoded = decode_entry(encode(record));
    ASSERT_TRUE(decoded) << decoded.error().to_string();
    EXPECT_EQ(*decoded, record);
  }
}

TEST(Records, encrypted_entries_are_refused_by_readers_that_know_no_encryption) {
  EntryRecord record;
  record.size = 100'000;
  record.crc32c = 1;
  record.md5 = "m";
  EXPECT_EQ(encode(record).front(), 1);
  EXPECT_EQ(record.stored_size(), record.size);
  EXPECT_EQ(record.stored_crc32c(), record.crc32c);
  EXPECT_EQ(record.stored_md5(), record.md5);
  record.encryption.method = Encryption::Method::kServer;
  record.encryption.stored_crc32c = 2;
  EXPECT_EQ(encode(record).front(), 2);
  EXPECT_EQ(record.stored_size(), 40u + 100'000u + 2 * 16u);
  EXPECT_EQ(record.stored_crc32c(), 2u);
  EXPECT_EQ(record.stored_md5(), std::nullopt);
  // Two parts are two streams.
  append_stream(record.encryption.runs, 50'000);
  append_stream(record.encryption.runs, 50'000);
  EXPECT_EQ(record.encryption.runs, (std::vector<uint64_t>{50'000, 2}));
  EXPECT_EQ(record.stored_size(), 2 * (40u + 50'000u + 16u));
  append_stream(record.encryption.runs, 0);
  EXPECT_EQ(record.encryption.runs, (std::vector<uint64_t>{50'000, 2, 0, 1}));
}

TEST(Records, times_are_kept_whatever_the_generation) {
  for (const int64_t created : {int64_t{0}, int64_t{1}, int64_t{-5}, INT64_MAX, INT64_MIN}) {
    for (const int64_t modified : {int64_t{0}, int64_t{7}, INT64_MAX, INT64_MIN}) {
      for (const uint64_t generation : {uint64_t{0}, UINT64_MAX, uint64_t{1} << 63}) {
        EntryRecord record;
        record.generation = generation;
        record.created = {created};
        record.modified = {modified};
        record.copies = {{1, CopyState::kValid, "", "v", "", {modified}}};
        const auto decoded = decode_entry(encode(record));
        ASSERT_TRUE(decoded);
        EXPECT_EQ(*decoded, record);
      }
    }
  }
}

TEST(Records, ids_that_are_not_hex_stay_as_they_are) {
  for (const char* id : {"", "a", "ab", "AB", "xyz!", "0123456789abcdef0123456789abcdef"}) {
    EntryRecord record;
    record.write_id = record.placed_by = id;
    EXPECT_EQ(decode_entry(encode(record))->write_id, id);
    EXPECT_EQ(decode_entry(encode(record))->placed_by, id);
  }
}

TEST(Records, the_other_records_come_back_as_they_were) {
  DirectoryEntry directory{77, true, {5}, "bo", 9, 3, {6}, {{"location", "EU"}}};
  EXPECT_EQ(*decode_directory_entry(encode(directory)), directory);
  DirectoryRecord place{12, std::string("a\0b", 3), {{1, "old/name/"}, {9, ""}}};
  EXPECT_EQ(*decode_directory(encode(place)), place);
  const auto sync = decode_sync(encode(SyncRecord{{4}, 5, "t"}));
  EXPECT_EQ(sync->synced_at, Timestamp{4});
  EXPECT_EQ(sync->epoch, 5u);
  EXPECT_EQ(sync->token, "t");

  const VersionRecord version{full_entry(), false, {1'764'000'002'000'000}};
  EXPECT_EQ(*decode_version(encode(version)), version);
  VersionRecord marker;
  marker.delete_marker = true;
  marker.record.generation = 12;
  EXPECT_EQ(*decode_version(encode(marker)), marker);

  IntentRecord intent;
  intent.replaced = encode(full_entry());
  intent.kept = {{1, ".beringia/versions/0a/1-b"}, {2, "c"}};
  intent.other_kept = {{3, "d"}};
  intent.drops_generation = 5;
  intent.brings_back = true;
  EXPECT_EQ(decode_intent(encode(intent))->replaced, intent.replaced);
  EXPECT_EQ(decode_intent(encode(intent))->kept, intent.kept);
  EXPECT_EQ(decode_intent(encode(intent))->other_kept, intent.other_kept);
  EXPECT_EQ(decode_intent(encode(intent))->drops_generation, 5u);
  EXPECT_TRUE(decode_intent(encode(intent))->brings_back);
  intent.id = "aabb";
  intent.kind = IntentRecord::Kind::kUpdate;
  intent.path = "/a/b";
  intent.other_path = "/c";
  intent.backend = 3;
  intent.native_name = "n";
  intent.expected_version = "v";
  intent.generation = 8;
  intent.started = {9};
  intent.boot = 10;
  intent.entry = encode(full_entry());
  const auto intent_back = decode_intent(encode(intent));
  ASSERT_TRUE(intent_back);
  EXPECT_EQ(encode(*intent_back), encode(intent));
  EXPECT_EQ(intent_back->entry, intent.entry);

  for (auto result : {OutcomeRecord::Result::kCommitted, OutcomeRecord::Result::kAborted}) {
    const auto outcome = decode_outcome(encode(OutcomeRecord{result, 5, {6}}));
    EXPECT_EQ(outcome->result, result);
    EXPECT_EQ(outcome->generation, 5u);
    EXPECT_EQ(outcome->time, Timestamp{6});
  }
  MoveRecord move;
  move.state = MoveRecord::State::kCleaning;
  move.path = "/a";
  move.keep_source = true;
  move.crc32c = 5;
  move.rule = "cold";
  move.switched_at = {3};
  move.attempts = 2;
  EXPECT_EQ(encode(*decode_move(encode(move))), encode(move));
  EXPECT_TRUE(decode_move(encode(move))->keep_source);
  RunRecord run;
  run.id = "r1";
  run.state = RunRecord::State::kCancelled;
  run.bytes_done = 9;
  run.policies = {"cold", "hot"};
  run.problems = {{"changed since the plan", 2, {"/a", "/b"}}};
  EXPECT_EQ(encode(*decode_run(encode(run))), encode(run));
  EXPECT_EQ(decode_run(encode(run))->policies, run.policies);
  EXPECT_EQ(decode_run(encode(run))->problems[0].examples, run.problems[0].examples);
  UploadRecord upload;
  upload.id = "u";
  upload.path = "/a/b";
  upload.options = {{"checksum", "crc32c"}};
  EXPECT_EQ(encode(*decode_upload(encode(upload))), encode(upload));
  PartRecord part;
  part.number = 10'000;
  part.md5 = std::string(16, 'x');
  EXPECT_EQ(encode(*decode_part(encode(part))), encode(part));
  FeedRecord feed{FeedRecord::Kind::kRename, "/a", "/b", 4, {5}};
  EXPECT_EQ(encode(*decode_feed(encode(feed))), encode(feed));
  feed.event = {wire::EventKind::kCopied,
                "ann",
                "127.0.0.1:5",
                "00ff",
                "bob",
                encode(full_entry()),
                7,
                {{"hook", "q", false, true, {}}, {"topic", "2", true, false, {{"a", "b"}}}}};
  EXPECT_EQ(decode_feed(encode(feed))->event, feed.event);
}

TEST(Records, unknown_fields_of_this_version_are_skipped) {
  std::string bytes = encode(full_entry());
  append_varint(bytes, 39 * 2);  // an unknown number
  append_varint(bytes, 5);
  append_varint(bytes, 900 * 2 + 1);  // unknown bytes with a large tag
  append_varint(bytes, 3);
  bytes += "abc";
  EXPECT_EQ(*decode_entry(bytes), full_entry());
}

TEST(Records, a_newer_version_is_refused_with_a_hint) {
  const auto decoded = decode_entry("\x03rest");
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code(), Code::kUnsupported);
  EXPECT_NE(decoded.error().hint().find("newer"), std::string::npos);
}

TEST(Records, damaged_bytes_are_corrupt_or_harmless_but_never_crash) {
  SeededRng rng{7};
  const std::string good = encode(full_entry());
  EXPECT_EQ(decode_entry("").error().code(), Code::kCorrupt);
  for (size_t cut = 1; cut < good.size(); ++cut) (void)decode_entry(good.substr(0, cut));
  for (int round = 0; round < 20'000; ++round) {
    std::string bad = good;
    for (uint64_t n = 1 + rng.below(4); n > 0; --n) {
      bad[rng.below(bad.size())] = static_cast<char>(rng.below(256));
    }
    const auto decoded = decode_entry(bad);
    if (decoded) (void)encode(*decoded);
  }
}

TEST(Records, a_number_out_of_range_is_corrupt) {
  std::string bytes = encode(MoveRecord{});
  append_varint(bytes, 1 * 2);
  append_varint(bytes, 99);  // no such state
  EXPECT_EQ(decode_move(bytes).error().code(), Code::kCorrupt);
}

TEST(Records, the_etag_falls_back_to_md5_then_generation) {
  EntryRecord record;
  record.generation = 255;
  EXPECT_EQ(record.effective_etag(), "00000000000000ff");
  record.md5 = std::string(16, '\x01');
  EXPECT_EQ(record.effective_etag(), "01010101010101010101010101010101");
  record.etag = "x-2";
  EXPECT_EQ(record.effective_etag(), "x-2");
}

}  // namespace
}  // namespace beringia::meta

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/checksum.h"
#include "meta/journal.h"
#include "meta/tree.h"

namespace beringia::meta {
namespace {

constexpr int64_t kSecond = 1'000'000;

uint64_t bytes_below(const std::string& directory) {
  uint64_t sum = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator{directory}) {
    if (file.is_regular_file()) sum += file.file_size();
  }
  return sum;
}

EntryRecord typical_entry(Rng& rng, uint64_t generation) {
  EntryRecord record;
  record.generation = generation;
  record.size = 4096 + rng.below(1 << 20);
  record.created = record.modified = {static_cast<int64_t>(generation) + 900};
  record.crc32c = static_cast<uint32_t>(rng.next());
  record.md5 = md5(std::to_string(rng.next()));
  record.content_type = "application/octet-stream";
  record.owner = "etl";
  record.write_id = random_hex(rng, 16);
  record.copies = {{1, CopyState::kValid, "",
                    std::to_string(generation * 1000 + rng.below(1000)) + "." +
                        std::to_string(1'000'000 + rng.below(1 << 24)) + "." +
                        std::to_string(record.size),
                    "", record.created}};
  return record;
}

/// Writes `objects` entries as an S3 writer would: intent, then entry + outcome + feed - intent.
/// BERINGIA_CATALOG_OBJECTS=1000000 measures the figure of docs/formats/catalog.md.
TEST(Catalog, stays_below_250_bytes_per_object_with_feed_and_outcomes) {
  const char* wanted = std::getenv("BERINGIA_CATALOG_OBJECTS");
  const uint64_t objects = wanted ? std::stoull(wanted) : 100'000;
  constexpr uint64_t kPerDirectory = 1000;
  constexpr uint64_t kPerBatch = 250;
  const std::string directory =
      testing::TempDir() + "beringia_catalog_size_" + std::to_string(::getpid());
  SeededRng rng{1};
  io::Context context;
  uint64_t generation = 1'764'000'000'000'000;
  for (int part = 0; part < 2; ++part) {  // the second opening compacts what the first one logged
    auto opened = kv::open_rocksdb({.directory = directory});
    ASSERT_TRUE(opened) << opened.error().to_string();
    auto store = std::move(*opened);
    Tree tree{*store, rng};
    ASSERT_TRUE(tree.initialize(context, {1}));
    for (uint64_t n = part * objects / 2; n < (part + 1) * objects / 2;) {
      const std::string below = "/sales/year=2026/part=" + std::to_string(n / kPerDirectory) + "/";
      auto location = tree.resolve(context, *Path::parse(below + "x"));
      if (!location->parent_exists) {
        kv::Batch batch;
        tree.put_directory(batch, *tree.resolve(context, *Path::parse(below)), {}, {1});
        ASSERT_TRUE(store->commit(context, batch, kv::Durability::kBuffered));
        tree.committed(batch);
        continue;
      }
      kv::Batch intents, commits;
      for (uint64_t i = 0; i < kPerBatch; ++i, ++n) {
        generation += rng.below(2000) + 1;
        const std::string name = "part-" + std::to_string(100'000 + n) + ".parquet";
        const EntryRecord entry = typical_entry(rng, generation);
        IntentRecord intent;
        intent.id = entry.write_id;
        intent.path = below + name;
        intent.entry = encode(entry);
        intents.put(intent_key(intent.path), encode(intent));
        commits.put(entry_key(location->parent_id(), name), encode(entry));
        commits.put(outcome_key(entry.write_id),
                    encode(OutcomeRecord{OutcomeRecord::Result::kCommitted,
                                         generation,
                                         {static_cast<int64_t>(generation) + kSecond}}));
        append_feed(commits, {FeedRecord::Kind::kPut,
                              intent.path,
                              "",
                              generation,
                              {static_cast<int64_t>(generation) + 1000}});
        commits.remove(intent_key(intent.path));
      }
      ASSERT_TRUE(store->commit(context, std::move(intents), kv::Durability::kBuffered));
      ASSERT_TRUE(store->commit(context, std::move(commits), kv::Durability::kBuffered));
    }
    ASSERT_TRUE(trim_history(context, *store, {static_cast<int64_t>(generation)}));
  }
  const double per_object =
      static_cast<double>(bytes_below(directory)) / static_cast<double>(objects);
  std::printf("catalog: %.0f bytes on disk per object, %llu objects\n", per_object,
              static_cast<unsigned long long>(objects));
  RecordProperty("bytes_per_object", std::to_string(per_object));
  // Few objects still have every feed row and the last log file beside them.
  EXPECT_LT(per_object, objects >= 1'000'000 ? 250 : 500);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace beringia::meta

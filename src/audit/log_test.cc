
#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <set>

#include "audit/audit.h"
#include "audit/leaf.h"
#include "audit/merkle.h"
#include "audit/note.h"
#include "base/encoding.h"
#include "io/faulty_disk.h"
#include "io/runtime.h"
#include "io/sim_disk.h"
#include "io/sync.h"
#include "kv/store.h"

namespace beringia::audit {
namespace {

using namespace std::chrono_literals;

const LogOptions kOptions{"/data/audit", "beringia.local/test", 1s, 100ms};

Record numbered_record(uint64_t n) {
  Record record;
  record.time = {1'790'000'000'000'000 + static_cast<int64_t>(n)};
  record.door = "s3";
  record.operation = "GetObject";
  record.action = "read";
  record.allowed = true;
  record.path = "/t/" + std::to_string(n);
  return record;
}

/// "" when there is none, or the simulation has crashed.
std::string read_file(io::Disk& disk, const std::string& path) {
  auto file = disk.open(path, io::OpenMode::kRead);
  if (!file) return {};
  const auto status = (*file)->stat();
  if (!status) return {};
  std::string bytes(status->size, '\0');
  bytes.resize((*file)->read_at(0, bytes).value_or(0));
  return bytes;
}

/// Paths ("/t/5") of all leaves under the checkpoint, in order.
std::vector<std::string> paths_in_log(io::Disk& disk, const std::string& directory) {
  std::vector<std::string> paths;
  const std::string checkpoint = read_file(disk, directory + "/checkpoint");
  const size_t line = checkpoint.find('\n') + 1;
  const auto size_text = checkpoint.substr(line, checkpoint.find('\n', line) - line);
  const uint64_t size = parse_u64(size_text).value_or(0);
  for (uint64_t first = 0; first < size; first += kTileWidth) {
    const std::string bundle =
        read_file(disk, directory + "/" +
                            bundle_path(first / kTileWidth, std::min(kTileWidth, size - first)));
    std::string_view rest = bundle;
    while (const auto entry = take_entry(rest)) {
      const size_t begin = entry->find("\"/t/") + 1;
      paths.emplace_back(entry->substr(begin, entry->find('"', begin) - begin));
    }
  }
  return paths;
}

void collect_files(io::Disk& disk, const std::string& directory, std::set<std::string>& found) {
  std::vector<io::DirectoryItem> items;
  ASSERT_TRUE(disk.list(directory, [&](io::DirectoryItem item) {
    items.push_back(std::move(item));
    return true;
  }));
  for (const auto& item : items) {
    const std::string path = directory + "/" + item.name;
    if (item.is_directory) {
      collect_files(disk, path, found);
    } else {
      found.insert(path);
    }
  }
}

VerifyReport verified(io::Disk& disk) {
  auto report = verify(disk, kOptions.directory, "", nullptr);
  EXPECT_TRUE(report) << report.error().to_string();
  return report ? *report : VerifyReport{0, "", 0, report.error().to_string()};
}

/// A log in a simulation.
class LogTest : public ::testing::Test {
 protected:
  LogTest() {
    disk.prepare_directory("/data");
    disk.prepare_directory("/catalog");
    store = kv::open_memory(&disk, "/catalog").value();
  }
  void start() {
    auto opened = Log::open(*store, disk, *runtime, kOptions);
    ASSERT_TRUE(opened) << opened.error().to_string();
    log = std::move(*opened);
  }
  void mutate(uint64_t n) {
    kv::Batch batch;
    batch.put("e" + std::to_string(n), "row");
    batch.append(std::string{kStream}, to_canonical_json(numbered_record(n)));
    ASSERT_TRUE(store->commit(context, std::move(batch), kv::Durability::kSync));
  }

  io::SimDisk disk{{.seed = 3}};
  std::unique_ptr<io::Runtime> runtime = io::Runtime::make_simulated(3);
  std::unique_ptr<kv::Store> store;
  std::unique_ptr<Log> log;
  io::Context context;
};

TEST_F(LogTest, keeps_recorded_and_committed_records_in_order_and_verifies) {
  runtime->run([&] {
    start();
    std::vector<std::string> expected;
    for (uint64_t n = 0; n < 1500; ++n) {
      expected.push_back("/t/" + std::to_string(n));
      if (n % 3 == 0) {
        ASSERT_TRUE(log->flush(context));
        mutate(n);
      } else {
        log->record(context, numbered_record(n));
      }
    }
    ASSERT_TRUE(log->flush(context));
    EXPECT_EQ(log->size(), 1500u);
    EXPECT_EQ(paths_in_log(disk, kOptions.directory), expected);
    const auto report = verified(disk);
    EXPECT_EQ(report.problem, "");
    EXPECT_EQ(report.records, 1500u);
    log.reset();
  });
}

TEST_F(LogTest, publishes_within_the_interval_without_being_asked) {
  runtime->run([&] {
    start();
    mutate(0);
    log->record(context, numbered_record(1));
    ASSERT_TRUE(io::sleep_for(context, 1500ms));
    EXPECT_EQ(log->size(), 2u);
    for (uint64_t n = 2; n < 2002; ++n) log->record(context, numbered_record(n));
    ASSERT_TRUE(io::sleep_for(context, 700ms));  // many records do not wait for the second
    EXPECT_EQ(log->size(), 2002u);
    log.reset();
  });
}

TEST_F(LogTest, its_end_puts_everything_under_a_checkpoint_and_empties_the_stream) {
  runtime->run([&] {
    start();
    for (uint64_t n = 0; n < 700; ++n) log->record(context, numbered_record(n));
    mutate(700);
    log.reset();
    EXPECT_EQ(paths_in_log(disk, kOptions.directory).size(), 701u);
    EXPECT_EQ(store->scan(context, "a", "b", 10)->size(), 0u);
    start();
    log->record(context, numbered_record(701));
    log.reset();
    EXPECT_EQ(paths_in_log(disk, kOptions.directory).size(), 702u);
    EXPECT_EQ(verified(disk).problem, "");
  });
}

TEST_F(LogTest, holds_only_files_that_belong_to_the_last_checkpoint) {
  runtime->run([&] {
    start();
    for (uint64_t n = 0; n < 600; ++n) {
      log->record(context, numbered_record(n));
      if (n % 50 == 0) ASSERT_TRUE(log->flush(context));
    }
    log.reset();
    std::set<std::string> found;
    collect_files(disk, kOptions.directory, found);
    const std::string root = kOptions.directory + "/";
    EXPECT_EQ(found,
              (std::set<std::string>{root + "checkpoint", root + "public-key", root + "tile/0/000",
                                     root + "tile/0/001", root + "tile/0/002.p/88",
                                     root + "tile/1/000.p/2", root + "tile/entries/000",
                                     root + "tile/entries/001", root + "tile/entries/002.p/88"}));
  });
}

TEST_F(LogTest, refuses_to_go_on_without_its_key_or_with_a_foreign_directory) {
  const auto open_error = [&] {
    auto opened = Log::open(*store, disk, *runtime, kOptions);
    EXPECT_FALSE(opened);
    return opened ? Code::kInternal : opened.error().code();
  };
  runtime->run([&] {
    start();
    mutate(0);
    log.reset();
    mutate(1);
    start();
    log.reset();
    ASSERT_TRUE(disk.rename("/data/audit.key", "/data/kept"));
    EXPECT_EQ(open_error(), Code::kNotFound);
    ASSERT_TRUE(disk.rename("/data/kept", "/data/audit.key"));
    // The catalog of an older backup.
    auto older = kv::open_memory().value();
    std::swap(store, older);
    EXPECT_EQ(open_error(), Code::kCorrupt);
    std::swap(store, older);
    ASSERT_TRUE(disk.rename("/data/audit/checkpoint", "/data/kept"));
    EXPECT_EQ(open_error(), Code::kCorrupt);
    ASSERT_TRUE(disk.rename("/data/kept", "/data/audit/checkpoint"));
    ASSERT_TRUE(disk.rename("/data/audit/tile/0/000.p/2", "/data/kept"));
    EXPECT_EQ(open_error(), Code::kCorrupt);
    ASSERT_TRUE(disk.rename("/data/kept", "/data/audit/tile/0/000.p/2"));
    start();
    log.reset();
  });
}

TEST_F(LogTest, begins_another_log_when_directory_and_key_were_taken_away) {
  runtime->run([&] {
    start();
    for (uint64_t n = 0; n < 3; ++n) mutate(n);
    log.reset();
    mutate(3);
    ASSERT_TRUE(disk.rename("/data/audit", "/data/old"));
    auto refused = Log::open(*store, disk, *runtime, kOptions);
    ASSERT_FALSE(refused) << "the directory alone may be a disk that is not mounted";
    EXPECT_EQ(refused.error().code(), Code::kCorrupt);
    std::set<std::string> left;
    collect_files(disk, "/data/audit", left);
    for (const auto& path : left) ASSERT_TRUE(disk.unlink(path));
    ASSERT_TRUE(disk.rename("/data/audit.key", "/data/old.key"));
    start();
    mutate(4);
    log.reset();
    EXPECT_EQ(verified(disk).problem, "");
    EXPECT_EQ(verified(disk).records, 3u);
    const std::string first = read_file(disk, "/data/audit/tile/entries/000.p/3");
    EXPECT_NE(first.find("the last log had 3 records"), std::string::npos);
    EXPECT_EQ(verify(disk, "/data/old", "", nullptr)->problem, "");
  });
}

TEST_F(LogTest, stops_changes_while_its_disk_is_full_and_resumes_without_a_gap) {
  io::DiskFaults faults;
  const auto faulty = io::make_faulty_disk(disk, faults);
  runtime->run([&] {
    log = Log::open(*store, *faulty, *runtime, kOptions).value();
    mutate(0);
    ASSERT_TRUE(log->flush(context));
    EXPECT_TRUE(log->ready(true));
    faults.fail_always(io::DiskCall::kWrite, ENOSPC);
    mutate(1);
    const auto flushed = log->flush(context);
    ASSERT_FALSE(flushed);
    EXPECT_EQ(flushed.error().code(), Code::kUnavailable);
    ASSERT_FALSE(log->ready(true));
    EXPECT_EQ(log->ready(true).error().tag(), "audit_stopped");
    EXPECT_TRUE(log->ready(false)) << "reads go on while their records can be kept";
    log->record(context, numbered_record(2));
    EXPECT_FALSE(log->flush(context));
    faults.clear();
    ASSERT_TRUE(io::sleep_for(context, 3s));
    EXPECT_TRUE(log->ready(true));
    mutate(3);
    ASSERT_TRUE(log->flush(context));
    log.reset();
    EXPECT_EQ(paths_in_log(disk, kOptions.directory),
              (std::vector<std::string>{"/t/0", "/t/1", "/t/2", "/t/3"}));
    EXPECT_EQ(verified(disk).problem, "");
  });
}

TEST_F(LogTest, each_failing_call_is_repaired_by_the_next_cycle) {
  for (const auto call :
       {io::DiskCall::kOpen, io::DiskCall::kWrite, io::DiskCall::kSync, io::DiskCall::kRename,
        io::DiskCall::kSyncDirectory, io::DiskCall::kMakeDirectory}) {
    for (uint64_t nth = 1; nth <= 9; ++nth) {
      io::SimDisk fresh{{.seed = nth}};
      fresh.prepare_directory("/data");
      io::DiskFaults faults;
      const auto faulty = io::make_faulty_disk(fresh, faults);
      auto sim = io::Runtime::make_simulated(nth);
      auto memory = kv::open_memory().value();
      sim->run([&] {
        auto opened = Log::open(*memory, *faulty, *sim, kOptions).value();
        faults.fail_call(call, nth, EIO);
        for (uint64_t n = 0; n < 600; ++n) {
          opened->record(context, numbered_record(n));
          if (n % 100 == 0) (void)opened->flush(context);
        }
        (void)opened->flush(context);
        EXPECT_TRUE(opened->flush(context)) << to_string(call) << " " << nth;
        EXPECT_EQ(opened->size(), 600u);
        opened.reset();
        EXPECT_EQ(verified(fresh).problem, "");
      });
    }
  }
}

/// What a crash test knows: which records were promised to stay.
struct Promises {
  std::set<std::string> durable;            // committed with sync, or flushed
  std::vector<std::string> last_published;  // of an acknowledged flush: must stay a prefix
};

/// One life of a process: writes until the disk's power fails.
void live_until_crash(uint64_t seed, io::SimDisk& disk, Promises& promises, uint64_t& next) {
  auto runtime = io::Runtime::make_simulated(seed);
  SeededRng rng{seed * 7919};
  std::unique_ptr<kv::Store> store;
  std::unique_ptr<Log> log;
  disk.crash_at(1 + rng.below(400), [&] { runtime->crash(); });
  runtime->run([&] {
    const io::Context context;
    auto opened_store = kv::open_memory(&disk, "/catalog");
    if (!opened_store) return;
    store = std::move(*opened_store);
    auto opened = Log::open(*store, disk, *runtime, kOptions);
    if (!opened) {
      EXPECT_TRUE(io::crashed()) << "seed " << seed << ": " << opened.error().to_string();
      return;
    }
    log = std::move(*opened);
    while (!io::crashed()) {
      const std::string path = "/t/" + std::to_string(next);
      const uint64_t kind = rng.below(20);
      if (kind == 0) {
        // Everything before is under a checkpoint when this succeeds.
        if (!log->flush(context)) continue;
        auto published = paths_in_log(disk, kOptions.directory);
        if (!io::crashed()) promises.last_published = std::move(published);
      } else if (kind < 6) {
        kv::Batch batch;
        batch.append(std::string{kStream}, to_canonical_json(numbered_record(next++)));
        if (store->commit(context, std::move(batch), kv::Durability::kSync)) {
          promises.durable.insert(path);
        }
      } else {
        const uint64_t burst = 1 + rng.below(60);
        for (uint64_t i = 0; i < burst; ++i) log->record(context, numbered_record(next++));
        (void)io::sleep_for(context, Duration{static_cast<int64_t>(rng.below(50'000'000))});
      }
    }
  });
  log.reset();
  store.reset();
  runtime.reset();
  disk.restart();
}

TEST(AuditCrash, no_gap_no_duplicate_and_nothing_promised_is_lost) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    io::SimDisk disk{{.seed = seed}};
    disk.prepare_directory("/data");
    disk.prepare_directory("/catalog");
    Promises promises;
    uint64_t next = 0;
    for (uint64_t life = 0; life < 5; ++life) {
      live_until_crash(seed * 100 + life, disk, promises, next);
    }
    // A last life without a crash.
    auto runtime = io::Runtime::make_simulated(seed);
    runtime->run([&] {
      auto store = kv::open_memory(&disk, "/catalog").value();
      auto opened = Log::open(*store, disk, *runtime, kOptions);
      ASSERT_TRUE(opened) << "seed " << seed << ": " << opened.error().to_string();
      ASSERT_TRUE((*opened)->flush(io::Context{}));
      opened->reset();
    });
    const auto report = verified(disk);
    EXPECT_EQ(report.problem, "") << "seed " << seed;
    const auto found = paths_in_log(disk, kOptions.directory);
    const std::set<std::string> distinct{found.begin(), found.end()};
    EXPECT_EQ(distinct.size(), found.size()) << "seed " << seed << ": a record is there twice";
    for (const auto& path : promises.durable) {
      EXPECT_TRUE(distinct.contains(path)) << "seed " << seed << " lost " << path;
    }
    ASSERT_LE(promises.last_published.size(), found.size()) << "seed " << seed;
    EXPECT_TRUE(
        std::equal(promises.last_published.begin(), promises.last_published.end(), found.begin()))
        << "seed " << seed << ": a published tree was changed";
    if (::testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace beringia::audit

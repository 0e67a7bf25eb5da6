#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/encoding.h"
#include "core/test_world.h"
#include "meta/journal.h"

namespace beringia::core {
namespace {

using test::Call;
using test::must;
using test::World;
using test::WorldOptions;

class Writing : public testing::Test {
 protected:
  explicit Writing(WorldOptions options = {}) : world_{std::move(options)} {
    EXPECT_TRUE(world_.make_directory("/b/"));
  }
  static WorldOptions remote(bool exclusive = true) {
    WorldOptions options;
    options.file_backends = {};
    options.memory_backends = {"cloud"};
    options.mounts = {{"/", {"cloud"}, exclusive}};
    return options;
  }
  std::vector<meta::IntentRecord> intents() {
    return must(meta::all_intents(world_.context, world_.store()));
  }
  static WriteRequest when(Conditions conditions) {
    WriteRequest request;
    request.conditions = std::move(conditions);
    return request;
  }

  World world_;
};

class WritingRemotely : public Writing {
 protected:
  WritingRemotely() : Writing{remote()} {}
};

TEST_F(Writing, is_read_back_with_its_attributes) {
  WriteRequest request;
  request.attributes.content_type = "text/plain";
  request.attributes.metadata = {{"colour", "blue"}};
  request.attributes.tags = {{"hold", "yes"}};
  request.attributes.http = {{"cache-control", "no-cache"}};
  auto written = world_.put("/b/k", "bytes", request);
  ASSERT_TRUE(written) << written.error().to_string();
  EXPECT_EQ(world_.get("/b/k").value(), "bytes");
  auto entry = world_.stat("/b/k");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->record, written->record);
  EXPECT_EQ(entry->record.content_type, "text/plain");
  EXPECT_EQ(entry->record.metadata.at("colour"), "blue");
  EXPECT_EQ(entry->record.tags.at("hold"), "yes");
  EXPECT_EQ(entry->record.owner, "root");
  EXPECT_EQ(entry->record.crc32c, Crc32c::of("bytes"));
  EXPECT_EQ(entry->record.effective_etag(), to_hex(md5("bytes")));
  EXPECT_TRUE(intents().empty());
}

TEST_F(Writing, lies_in_the_backend_as_an_ordinary_object_of_the_same_name) {
  ASSERT_TRUE(world_.put("/b/d/k", "bytes"));
  auto info = world_.faults("disk").inner().stat(world_.context, {"b/d/k"});
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size, 5U);
}

TEST_F(Writing, generations_only_grow_also_over_deletes_and_restarts) {
  uint64_t last = 0;
  for (int i = 0; i < 5; ++i) {
    auto written = world_.put("/b/k", std::to_string(i));
    ASSERT_TRUE(written);
    EXPECT_GT(written->record.generation, last);
    last = written->record.generation;
    if (i == 2) ASSERT_TRUE(world_.remove("/b/k"));
    if (i == 3) world_.restart();
  }
}

TEST_F(Writing, a_bucket_must_exist) {
  auto written = world_.put("/none/k", "x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), Code::kNotFound);
  EXPECT_EQ(written.error().tag(), "no_bucket");
  EXPECT_EQ(world_.put("/k", "x").error().code(), Code::kInvalid);
}

TEST_F(Writing, reserved_names_are_refused) {
  world_.set_mounts({{"/", {"disk"}}, {"/r/", {"disk"}}});
  must(make_mount_points(world_.context, world_.parts()));
  EXPECT_EQ(world_.put("/r/.beringia/x", "x").error().code(), Code::kInvalid);
  EXPECT_TRUE(world_.put("/b/.beringia/x", "x"));  // natively below b/: nothing special
}

TEST_F(Writing, a_read_only_mount_takes_nothing) {
  world_.set_mounts({{"/", {"disk"}, true, {}, true}});
  EXPECT_EQ(world_.put("/b/k", "x").error().code(), Code::kDenied);
  EXPECT_EQ(world_.remove("/b/k").error().code(), Code::kDenied);
}

TEST_F(Writing, a_body_that_is_not_what_was_announced_leaves_nothing) {
  ASSERT_TRUE(world_.put("/b/k", "old"));
  WriteRequest wrong_sum;
  wrong_sum.expected.crc32c = 1;
  auto refused = world_.put("/b/k", "new", wrong_sum);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kInvalid);
  EXPECT_EQ(refused.error().tag(), "checksum_mismatch");
  WriteRequest wrong_size;
  wrong_size.expected.size = 4;
  refused = world_.put("/b/k", "new", wrong_size);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().tag(), "size_mismatch");
  WriteRequest wrong_md5;
  wrong_md5.expected.md5 = md5("other");
  EXPECT_EQ(world_.put("/b/k", "new", wrong_md5).error().tag(), "checksum_mismatch");
  EXPECT_EQ(world_.get("/b/k").value(), "old");
}

TEST_F(Writing, what_the_caller_finds_at_the_end_can_stop_it) {
  WriteRequest request;
  request.at_end = []() -> Result<meta::StringMap> { return std::unexpected(invalid("no")); };
  EXPECT_EQ(world_.put("/b/k", "x", request).error().code(), Code::kInvalid);
  EXPECT_EQ(world_.stat("/b/k").error().code(), Code::kNotFound);
  request.at_end = []() -> Result<meta::StringMap> { return meta::StringMap{{"sha1", "s"}}; };
  ASSERT_TRUE(world_.put("/b/k", "x", request));
  EXPECT_EQ(world_.stat("/b/k")->record.checksums.at("sha1"), "s");
}

TEST_F(Writing, conditions_are_checked_against_the_current_entry) {
  Conditions absent;
  absent.generation_match = 0;
  auto first = world_.put("/b/k", "1", when(absent));
  ASSERT_TRUE(first);
  auto again = world_.put("/b/k", "2", when(absent));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::kConflict);
  EXPECT_EQ(again.error().tag(), "precondition");
  Conditions same;
  same.etag_match = {first->record.effective_etag()};
  ASSERT_TRUE(world_.put("/b/k", "3", when(same)));
  EXPECT_EQ(world_.put("/b/k", "4", when(same)).error().tag(), "precondition");
  EXPECT_EQ(world_.get("/b/k").value(), "3");
}

TEST_F(Writing, a_condition_is_checked_again_after_the_body) {
  // Someone else writes while our body is under way.
  class Late final : public io::ByteSource {
   public:
    explicit Late(World& world) : world_{world} {}
    Result<size_t> read(const io::Context&, std::span<char>) override {
      if (!std::exchange(done_, true)) must(world_.put("/b/k", "theirs"));
      return size_t{0};
    }

   private:
    World& world_;
    bool done_ = false;
  };
  Late body{world_};
  WriteRequest request;
  request.body = &body;
  request.conditions.generation_match = 0;
  auto written =
      world_.names().write(world_.context, world_.grant(Action::kWrite, "/b/k"), request);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().tag(), "precondition");
  EXPECT_EQ(world_.get("/b/k").value(), "theirs");

  // Without a condition the last one to finish wins.
  Late second{world_};
  request.body = &second;
  request.conditions = {};
  ASSERT_TRUE(world_.names().write(world_.context, world_.grant(Action::kWrite, "/b/k"), request));
  EXPECT_EQ(world_.get("/b/k").value(), "");
}

TEST_F(Writing, names_that_only_differ_by_slashes_stand_together) {
  for (const char* key : {"a", "a/", "a//b", "a/b", "a/./b", "a/../b", "//", "."}) {
    ASSERT_TRUE(world_.put("/b/" + std::string{key}, key)) << key;
  }
  for (const char* key : {"a", "a/", "a//b", "a/b", "a/./b", "a/../b", "//", "."}) {
    EXPECT_EQ(world_.get("/b/" + std::string{key}).value(), key);
  }
  for (const char* key : {"a", "a/", "a//b", "a/b", "a/./b", "a/../b", "//", "."}) {
    EXPECT_TRUE(world_.remove("/b/" + std::string{key})) << key;
  }
  EXPECT_TRUE(world_.names_in("/b/").empty());
}

TEST_F(Writing, a_disk_that_cannot_sync_acknowledges_nothing) {
  ASSERT_TRUE(world_.put("/b/k", "old"));
  world_.disk().faults().fail_always(io::DiskCall::kSync, EIO);
  EXPECT_FALSE(world_.put("/b/k", "new"));
  EXPECT_FALSE(world_.put("/b/other", "new"));
  world_.disk().faults().clear();
  EXPECT_EQ(world_.get("/b/k").value(), "old");
  EXPECT_EQ(world_.stat("/b/other").error().code(), Code::kNotFound);
  EXPECT_TRUE(world_.put("/b/other", "new"));
}

TEST_F(Writing, a_directory_that_cannot_be_synced_acknowledges_nothing) {
  world_.disk().faults().fail_always(io::DiskCall::kSyncDirectory, EIO);
  EXPECT_FALSE(world_.put("/b/k", "new"));
  world_.disk().faults().clear();
  // Old or new whole, never half; and the name can be written.
  if (auto bytes = world_.get("/b/k")) EXPECT_EQ(*bytes, "new");
  ASSERT_TRUE(world_.put("/b/k", "newer"));
  EXPECT_EQ(world_.get("/b/k").value(), "newer");
}

TEST_F(Writing, a_full_disk_is_told_and_the_old_bytes_stay) {
  ASSERT_TRUE(world_.put("/b/k", "old"));
  world_.disk().faults().fail_always(io::DiskCall::kWrite, ENOSPC);
  auto written = world_.put("/b/k", std::string(100'000, 'n'));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().tag(), "no_space");
  world_.disk().faults().clear();
  EXPECT_EQ(world_.get("/b/k").value(), "old");
}

TEST_F(WritingRemotely, a_failure_before_the_effect_changes_nothing) {
  ASSERT_TRUE(world_.put("/b/k", "old"));
  world_.faults("cloud").fail_before(Call::kWrite, unavailable("503"));
  EXPECT_EQ(world_.put("/b/k", "new").error().code(), Code::kUnavailable);
  EXPECT_EQ(world_.get("/b/k").value(), "old");
  EXPECT_TRUE(intents().empty());
}

TEST_F(WritingRemotely, a_lost_answer_is_found_out) {
  world_.faults("cloud").fail_after(Call::kWrite);
  auto written = world_.put("/b/k", "new");
  ASSERT_TRUE(written) << written.error().to_string();
  EXPECT_EQ(world_.get("/b/k").value(), "new");
  EXPECT_EQ(world_.stat("/b/k")->record.generation, written->record.generation);
}

TEST_F(WritingRemotely, a_lost_answer_that_cannot_be_asked_for_is_settled_later) {
  ASSERT_TRUE(world_.put("/b/k", "old"));
  auto& cloud = world_.faults("cloud");
  cloud.fail_after(Call::kWrite);
  cloud.fail_before(Call::kStat, unavailable("cut off"), 1);
  EXPECT_FALSE(world_.put("/b/k", "new"));
  EXPECT_EQ(world_.parts().unsettled_intents, 1U);
  ASSERT_EQ(intents().size(), 1U);
  EXPECT_EQ(must(recover_intents(world_.context, world_.parts())), 0U);
  EXPECT_TRUE(intents().empty());
  EXPECT_EQ(world_.get("/b/k").value(), "new");
}

TEST_F(WritingRemotely, a_write_over_an_unsettled_one_succeeds_in_the_end) {
  ASSERT_TRUE(world_.put("/b/k", "old"));
  auto& cloud = world_.faults("cloud");
  cloud.fail_after(Call::kWrite);
  cloud.fail_before(Call::kStat, unavailable("cut off"), 1);
  EXPECT_FALSE(world_.put("/b/k", "lost"));
  // The first try may find out that the catalog is behind; the next one must go through.
  auto next = world_.put("/b/k", "next");
  if (!next) next = world_.put("/b/k", "next");
  ASSERT_TRUE(next) << next.error().to_string();
  EXPECT_EQ(world_.get("/b/k").value(), "next");
  EXPECT_EQ(must(recover_intents(world_.context, world_.parts())), 0U);
  EXPECT_EQ(world_.get("/b/k").value(), "next");
}

TEST_F(WritingRemotely, an_absent_name_that_is_taken_natively_heals) {
  // An exclusive mount does not expect it, yet a client must not be stuck.
  ASSERT_TRUE(world_.put("/b/first", "1"));
  EXPECT_EQ(world_.names_in("/b/").size(), 1U);
  world_.foreign_write("cloud", "b/k", "foreign");
  auto written = world_.put("/b/k", "ours");
  if (!written) written = world_.put("/b/k", "ours");
  ASSERT_TRUE(written) << written.error().to_string();
  EXPECT_EQ(world_.get("/b/k").value(), "ours");
}

TEST_F(WritingRemotely, a_cut_off_client_after_publication_does_not_lose_the_write) {
  auto cancel = std::make_shared<io::CancelToken>();
  const auto context = world_.context.with_cancel(cancel);
  world_.faults("cloud").set_after([&](Call call, const std::string&) -> Result<void> {
    if (call == Call::kWrite) cancel->cancel();
    return {};
  });
  io::StringSource body{"bytes"};
  WriteRequest request;
  request.body = &body;
  auto written = world_.names().write(context, world_.grant(Action::kWrite, "/b/k"), request);
  world_.faults("cloud").set_after({});
  EXPECT_TRUE(written) << written.error().to_string();
  EXPECT_EQ(world_.get("/b/k").value(), "bytes");
  EXPECT_TRUE(intents().empty());
}

TEST(WritingInAUnion, overwriting_removes_the_copy_elsewhere) {
  WorldOptions options;
  options.memory_backends = {"cloud"};
  options.mounts = {{"/", {"disk", "cloud"}}};
  World world{options};
  world.foreign_write("cloud", "b/k", "in the cloud");
  ASSERT_EQ(world.get("/b/k").value(), "in the cloud");
  ASSERT_TRUE(world.put("/b/k", "on the disk"));
  EXPECT_EQ(world.get("/b/k").value(), "on the disk");
  EXPECT_FALSE(world.has_native("cloud", "b/k"));
  EXPECT_TRUE(world.has_native("disk", "b/k"));
}

TEST(WritingInAUnion, a_copy_in_a_backend_that_is_away_is_removed_later) {
  WorldOptions options;
  options.memory_backends = {"cloud"};
  options.mounts = {{"/", {"disk", "cloud"}}};
  World world{options};
  world.foreign_write("cloud", "b/k", "in the cloud");
  ASSERT_EQ(world.get("/b/k").value(), "in the cloud");
  world.faults("cloud").set_down(true);
  ASSERT_TRUE(world.put("/b/k", "on the disk"));
  EXPECT_EQ(world.get("/b/k").value(), "on the disk");
  ASSERT_TRUE(world.remove("/b/k"));
  world.faults("cloud").set_down(false);
  world.forgive_backends();
  EXPECT_EQ(world.stat("/b/k").error().code(), Code::kNotFound);  // not taken for a foreign write
  EXPECT_EQ(world.names_in("/b/"), std::vector<std::string>{});
  EXPECT_EQ(must(reap_doomed(world.context, world.parts(), 10)), 1U);
  EXPECT_FALSE(world.has_native("cloud", "b/k"));
}

}  // namespace
}  // namespace beringia::core

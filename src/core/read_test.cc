#include <gtest/gtest.h>

#include "core/test_world.h"

namespace beringia::core {
namespace {

using test::Call;
using test::must;
using test::World;
using test::WorldOptions;

WorldOptions with_mount(std::vector<std::string> backends, bool exclusive) {
  WorldOptions options;
  options.memory_backends = {"cloud"};
  options.mounts = {{"/", std::move(backends), exclusive}};
  return options;
}

class Reading : public testing::Test {
 protected:
  explicit Reading(WorldOptions options = with_mount({"disk"}, true)) : world_{std::move(options)} {
    // As if it had been there before us: exclusive mounts look at it when it is first used.
    world_.foreign_write("disk", "b/earlier", "before");
    world_.foreign_write("cloud", "b/earlier", "before");
  }
  World world_;
};

TEST_F(Reading, a_range_is_cut_once_the_size_is_known) {
  ASSERT_TRUE(world_.put("/b/k", "0123456789"));
  ReadRequest request;
  request.range = [](const Entry& entry) -> Result<std::optional<io::ByteRange>> {
    return io::ByteRange{entry.record.size - 3, 3};
  };
  EXPECT_EQ(world_.get("/b/k", request).value(), "789");
  request.range = [](const Entry&) -> Result<std::optional<io::ByteRange>> {
    return std::unexpected(invalid("no such range").with_tag("range"));
  };
  EXPECT_EQ(world_.get("/b/k", request).error().tag(), "range");
}

TEST_F(Reading, an_empty_entry_has_no_bytes) {
  ASSERT_TRUE(world_.put("/b/k", ""));
  EXPECT_EQ(world_.get("/b/k").value(), "");
}

TEST_F(Reading, a_named_generation_must_be_the_current_one) {
  auto first = world_.put("/b/k", "1");
  ReadRequest request;
  request.generation = first->record.generation;
  EXPECT_EQ(world_.get("/b/k", request).value(), "1");
  ASSERT_TRUE(world_.put("/b/k", "2"));
  EXPECT_EQ(world_.get("/b/k", request).error().code(), Code::kNotFound);
}

TEST_F(Reading, failed_conditions_say_whether_the_client_has_it_already) {
  auto written = world_.put("/b/k", "1");
  ReadRequest request;
  request.conditions.etag_none_match = {written->record.effective_etag()};
  EXPECT_EQ(world_.get("/b/k", request).error().tag(), "not_modified");
  request.conditions = {};
  request.conditions.etag_match = {"other"};
  EXPECT_EQ(world_.get("/b/k", request).error().tag(), "precondition");
}

TEST_F(Reading, an_open_read_goes_on_with_the_bytes_it_began_with) {
  ASSERT_TRUE(world_.put("/b/k", "old bytes"));
  auto open = world_.names().read(world_.context, world_.grant(Action::kRead, "/b/k"), {});
  ASSERT_TRUE(open);
  ASSERT_TRUE(world_.put("/b/k", "NEW BYTES"));
  EXPECT_EQ(io::read_all(world_.context, *open->body, 100).value(), "old bytes");
  EXPECT_EQ(world_.get("/b/k").value(), "NEW BYTES");
}

TEST_F(Reading, an_open_read_survives_the_delete) {
  ASSERT_TRUE(world_.put("/b/k", "old bytes"));
  auto open = world_.names().read(world_.context, world_.grant(Action::kRead, "/b/k"), {});
  ASSERT_TRUE(open);
  ASSERT_TRUE(world_.remove("/b/k"));
  EXPECT_EQ(io::read_all(world_.context, *open->body, 100).value(), "old bytes");
}

class SharedReading : public Reading {
 protected:
  SharedReading() : Reading{with_mount({"disk"}, false)} {}
};

TEST_F(SharedReading, a_file_that_is_overwritten_in_place_breaks_the_read) {
  world_.foreign_write("disk", "b/k", "first content");
  auto open = world_.names().read(world_.context, world_.grant(Action::kRead, "/b/k"), {});
  ASSERT_TRUE(open) << open.error().to_string();
  world_.foreign_write("disk", "b/k", "other content");
  EXPECT_FALSE(io::read_all(world_.context, *open->body, 100));
  EXPECT_EQ(world_.get("/b/k").value(), "other content");
}

TEST_F(SharedReading, a_file_that_is_replaced_goes_on_with_the_bytes_it_began_with) {
  world_.foreign_write("disk", "b/k", "first content");
  auto open = world_.names().read(world_.context, world_.grant(Action::kRead, "/b/k"), {});
  ASSERT_TRUE(open) << open.error().to_string();
  must(world_.foreign_replace("disk", "b/k", "other content"));
  EXPECT_EQ(io::read_all(world_.context, *open->body, 100).value(), "first content");
  EXPECT_EQ(world_.get("/b/k").value(), "other content");
}

TEST_F(SharedReading, a_file_is_only_read_once_its_writer_had_time_to_finish) {
  ASSERT_TRUE(world_.get("/b/earlier"));
  const auto before = io::now();
  world_.foreign_write("disk", "b/k", "just written");
  EXPECT_EQ(world_.get("/b/k").value(), "just written");
  EXPECT_GE(io::now() - before, std::chrono::milliseconds{90});
}

TEST_F(SharedReading, foreign_files_are_seen_changed_and_gone_at_once) {
  world_.foreign_write("disk", "b/d/k", "one");
  EXPECT_EQ(world_.get("/b/d/k").value(), "one");
  const uint64_t first = world_.stat("/b/d/k")->record.generation;
  world_.foreign_write("disk", "b/d/k", "second");
  auto entry = world_.stat("/b/d/k");
  ASSERT_TRUE(entry);
  EXPECT_GT(entry->record.generation, first);
  EXPECT_EQ(entry->record.size, 6U);
  EXPECT_EQ(world_.get("/b/d/k").value(), "second");
  world_.foreign_remove("disk", "b/d/k");
  EXPECT_EQ(world_.stat("/b/d/k").error().code(), Code::kNotFound);
  EXPECT_EQ(world_.get("/b/d/k").error().code(), Code::kNotFound);
}

class UnionReading : public Reading {
 protected:
  UnionReading() : Reading{with_mount({"disk", "cloud"}, true)} {}
};

TEST_F(UnionReading, the_first_location_shadows_the_others) {
  world_.foreign_write("disk", "b/k", "disk");
  world_.foreign_write("cloud", "b/k", "cloud");
  world_.foreign_write("cloud", "b/only", "cloud only");
  EXPECT_EQ(world_.get("/b/k").value(), "disk");
  EXPECT_EQ(world_.get("/b/only").value(), "cloud only");
  EXPECT_EQ(world_.names_in("/b/"), (std::vector<std::string>{"earlier", "k", "only"}));
  EXPECT_EQ(world_.get("/b/k").value(), "disk");
}

TEST_F(UnionReading, what_is_on_the_disk_is_served_while_the_cloud_is_away) {
  world_.foreign_write("disk", "b/here", "here");
  world_.foreign_write("cloud", "b/there", "there");
  EXPECT_EQ(world_.names_in("/b/").size(), 3U);
  world_.faults("cloud").set_down(true);
  EXPECT_EQ(world_.get("/b/here").value(), "here");
  EXPECT_EQ(world_.get("/b/there").error().code(), Code::kUnavailable);
  EXPECT_EQ(world_.names_in("/b/").size(), 3U);
  EXPECT_EQ(world_.stat("/b/none").error().code(), Code::kNotFound);  // the directory is known
  ASSERT_TRUE(world_.put("/b/new", "new"));
  EXPECT_EQ(world_.get("/b/new").value(), "new");
  world_.faults("cloud").set_down(false);
  world_.forgive_backends();
  EXPECT_EQ(world_.get("/b/there").value(), "there");
}

TEST_F(UnionReading, a_name_nobody_has_seen_is_not_called_absent_while_a_backend_is_away) {
  world_.foreign_write("disk", "b/d/x", "x");  // nobody has listed b/d/ yet
  world_.faults("cloud").set_down(true);
  EXPECT_EQ(world_.stat("/b/d/none").error().code(), Code::kUnavailable);
  EXPECT_EQ(world_.get("/b/d/x").value(), "x");
}

TEST_F(UnionReading, a_second_copy_is_used_when_the_first_is_away) {
  // Two copies of one generation, as a policy makes them.
  auto written = world_.put("/b/k", "bytes");
  ASSERT_TRUE(written);
  world_.foreign_write("cloud", "b/k", "bytes");
  auto info = must(world_.faults("cloud").stat(world_.context, {"b/k"}));
  auto location = must(world_.parts().tree.resolve(world_.context, must(Path::parse("/b/k"))));
  meta::EntryRecord record = *location.entry;
  record.copies.push_back(
      {world_.id_of("cloud"), meta::CopyState::kValid, "", info.version, "", {}});
  kv::Batch batch;
  world_.parts().tree.put_entry(batch, location, record, record.created);
  must(world_.store().commit(world_.context, batch, kv::Durability::kSync));
  EXPECT_EQ(world_.get("/b/k").value(), "bytes");
  world_.faults("disk").set_down(true);
  EXPECT_EQ(world_.get("/b/k").value(), "bytes");
  EXPECT_EQ(world_.faults("cloud").calls(Call::kRead), 1U);
}

class RemoteReading : public Reading {
 protected:
  RemoteReading() : Reading{with_mount({"cloud"}, true)} {}
};

TEST_F(RemoteReading, a_lost_object_ends_as_not_found) {
  ASSERT_TRUE(world_.put("/b/k", "bytes"));
  world_.foreign_remove("cloud", "b/k");
  EXPECT_EQ(world_.get("/b/k").error().code(), Code::kNotFound);
  EXPECT_EQ(world_.stat("/b/k").error().code(), Code::kNotFound);
}

TEST_F(RemoteReading, an_overwritten_object_is_read_whole) {
  ASSERT_TRUE(world_.put("/b/k", "bytes"));
  world_.foreign_write("cloud", "b/k", "foreign bytes");
  EXPECT_EQ(world_.get("/b/k").value(), "foreign bytes");
  EXPECT_EQ(world_.stat("/b/k")->record.size, 13U);
}

TEST_F(RemoteReading, a_version_that_never_settles_ends_as_unavailable) {
  ASSERT_TRUE(world_.put("/b/k", "bytes"));
  auto& cloud = world_.faults("cloud");
  cloud.set_before([&](Call call, const std::string& name) -> Result<void> {
    if (call == Call::kRead) world_.foreign_write("cloud", name, "again");
    return {};
  });
  EXPECT_EQ(world_.get("/b/k").error().code(), Code::kUnavailable);
}

TEST(ReadingLeases, keep_a_move_from_removing_the_copy) {
  OpenReads reads;
  {
    auto lease = reads.open(1, "n", "v");
    EXPECT_TRUE(reads.any(1, "n", "v"));
    EXPECT_FALSE(reads.any(2, "n", "v"));
    auto other = reads.open(1, "n", "v");
    auto moved = std::move(lease);
  }
  EXPECT_FALSE(reads.any(1, "n", "v"));
}

}  // namespace
}  // namespace beringia::core

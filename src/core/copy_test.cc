#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/encoding.h"
#include "core/test_world.h"

namespace beringia::core {
namespace {

using test::Call;
using test::must;
using test::World;
using test::WorldOptions;

class Copying : public testing::Test {
 protected:
  static WorldOptions options() {
    WorldOptions options;
    options.memory_backends = {"cloud"};
    options.mounts = {{"/", {"disk"}}, {"/cloud/", {"cloud"}}};
    return options;
  }
  Copying() : world_{options()} { EXPECT_TRUE(world_.make_directory("/b/")); }

  Result<Entry> compose(const std::string& to, const std::vector<std::string>& sources,
                        const Conditions& conditions = {},
                        std::vector<std::optional<uint64_t>> generations = {}) {
    std::vector<Grant> grants;
    std::vector<const Grant*> pointers;
    grants.reserve(sources.size());
    for (const auto& source : sources) {
      grants.push_back(world_.grant(Action::kRead, source));
      pointers.push_back(&grants.back());
    }
    return world_.names().compose(world_.context, world_.grant(Action::kWrite, to), pointers,
                                  generations, {}, conditions);
  }

  World world_{options()};
};

TEST_F(Copying, keeps_the_attributes_unless_others_are_given) {
  WriteRequest request;
  request.attributes.content_type = "text/plain";
  request.attributes.metadata = {{"m", "1"}};
  ASSERT_TRUE(world_.put("/b/from", "bytes", request));
  auto copied = world_.copy("/b/from", "/b/to");
  ASSERT_TRUE(copied) << copied.error().to_string();
  EXPECT_EQ(world_.get("/b/to").value(), "bytes");
  EXPECT_EQ(copied->record.content_type, "text/plain");
  EXPECT_EQ(copied->record.metadata.at("m"), "1");
  EXPECT_EQ(copied->record.effective_etag(), to_hex(md5("bytes")));

  CopyRequest replace;
  replace.attributes = WriteAttributes{};
  replace.attributes->metadata = {{"n", "2"}};
  copied = world_.copy("/b/from", "/b/to", replace);
  ASSERT_TRUE(copied) << copied.error().to_string();
  EXPECT_EQ(copied->record.metadata, (meta::StringMap{{"n", "2"}}));
  EXPECT_EQ(world_.get("/b/from").value(), "bytes");
}

TEST_F(Copying, onto_itself_changes_the_attributes) {
  ASSERT_TRUE(world_.put("/b/k", "bytes"));
  CopyRequest replace;
  replace.attributes = WriteAttributes{};
  replace.attributes->metadata = {{"n", "2"}};
  auto copied = world_.copy("/b/k", "/b/k", replace);
  ASSERT_TRUE(copied) << copied.error().to_string();
  EXPECT_EQ(world_.get("/b/k").value(), "bytes");
  EXPECT_EQ(world_.stat("/b/k")->record.metadata.at("n"), "2");
}

TEST_F(Copying, goes_from_one_backend_to_another) {
  ASSERT_TRUE(world_.put("/b/k", "bytes"));
  ASSERT_TRUE(world_.copy("/b/k", "/cloud/k"));
  EXPECT_EQ(world_.get("/cloud/k").value(), "bytes");
  EXPECT_TRUE(world_.has_native("cloud", "k"));
  ASSERT_TRUE(world_.copy("/cloud/k", "/b/back"));
  EXPECT_EQ(world_.get("/b/back").value(), "bytes");
}

TEST_F(Copying, inside_a_backend_reads_no_bytes) {
  ASSERT_TRUE(world_.put("/cloud/k", "bytes"));
  ASSERT_TRUE(world_.copy("/cloud/k", "/cloud/other"));
  EXPECT_EQ(world_.faults("cloud").calls(Call::kRead), 0U);
  EXPECT_EQ(world_.get("/cloud/other").value(), "bytes");
}

TEST_F(Copying, checks_both_sides) {
  auto from = world_.put("/b/from", "bytes");
  ASSERT_TRUE(world_.put("/b/to", "there"));
  CopyRequest request;
  request.source_generation = from->record.generation + 1;
  EXPECT_EQ(world_.copy("/b/from", "/b/to", request).error().code(), Code::kNotFound);
  request = {};
  request.source_conditions.etag_match = {"other"};
  EXPECT_EQ(world_.copy("/b/from", "/b/to", request).error().tag(), "precondition");
  request = {};
  request.conditions.generation_match = 0;
  EXPECT_EQ(world_.copy("/b/from", "/b/to", request).error().tag(), "precondition");
  EXPECT_EQ(world_.get("/b/to").value(), "there");
  EXPECT_EQ(world_.copy("/b/none", "/b/to").error().code(), Code::kNotFound);
  EXPECT_EQ(world_.copy("/b/from", "/none/to").error().tag(), "no_bucket");
}

TEST_F(Copying, a_composed_entry_is_its_sources_in_order) {
  for (const char* place : {"/b/", "/cloud/"}) {
    const std::string base = place;
    ASSERT_TRUE(world_.put(base + "1", "one "));
    ASSERT_TRUE(world_.put(base + "2", "two "));
    auto composed = compose(base + "all", {base + "1", base + "2", base + "1"});
    ASSERT_TRUE(composed) << composed.error().to_string();
    EXPECT_EQ(world_.get(base + "all").value(), "one two one ");
    EXPECT_EQ(composed->record.crc32c, Crc32c::of("one two one "));
    EXPECT_FALSE(composed->record.md5);
    // Onto one of its own sources, as appending clients do.
    ASSERT_TRUE(compose(base + "1", {base + "1", base + "2"}));
    EXPECT_EQ(world_.get(base + "1").value(), "one two ");
  }
}

TEST_F(Copying, composing_checks_generations_and_the_target) {
  auto one = world_.put("/b/1", "one");
  EXPECT_EQ(compose("/b/all", {"/b/1"}, {}, {one->record.generation + 1}).error().code(),
            Code::kNotFound);
  EXPECT_EQ(compose("/b/all", {"/b/none"}).error().code(), Code::kNotFound);
  Conditions exists;
  exists.generation_match = 5;
  EXPECT_EQ(compose("/b/all", {"/b/1"}, exists).error().tag(), "precondition");
  EXPECT_TRUE(compose("/b/all", {"/b/1"}, {}, {one->record.generation}));
}

class Renaming : public Copying {};

TEST_F(Renaming, an_entry_moves_with_its_attributes) {
  WriteRequest request;
  request.attributes.metadata = {{"m", "1"}};
  ASSERT_TRUE(world_.put("/b/d/from", "bytes", request));
  ASSERT_TRUE(world_.rename("/b/d/from", "/b/e/to"));
  EXPECT_EQ(world_.get("/b/e/to").value(), "bytes");
  EXPECT_EQ(world_.stat("/b/e/to")->record.metadata.at("m"), "1");
  EXPECT_EQ(world_.stat("/b/d/from").error().code(), Code::kNotFound);
  EXPECT_FALSE(world_.has_native("disk", "b/d/from"));
  EXPECT_EQ(world_.names_in("/b/"), (std::vector<std::string>{"e/to"}));
}

TEST_F(Renaming, an_entry_replaces_what_was_there) {
  ASSERT_TRUE(world_.put("/b/from", "new"));
  ASSERT_TRUE(world_.put("/b/to", "old"));
  ASSERT_TRUE(world_.rename("/b/from", "/b/to"));
  EXPECT_EQ(world_.get("/b/to").value(), "new");
  EXPECT_EQ(world_.names_in("/b/"), (std::vector<std::string>{"to"}));
}

TEST_F(Renaming, an_entry_moves_between_mounts) {
  ASSERT_TRUE(world_.put("/b/from", "bytes"));
  ASSERT_TRUE(world_.rename("/b/from", "/cloud/to"));
  EXPECT_EQ(world_.get("/cloud/to").value(), "bytes");
  EXPECT_EQ(world_.stat("/b/from").error().code(), Code::kNotFound);
  EXPECT_FALSE(world_.has_native("disk", "b/from"));
}

TEST_F(Renaming, a_marker_object_is_an_entry_like_others) {
  ASSERT_TRUE(world_.put("/b/d/", "marker"));
  ASSERT_TRUE(world_.put("/b/d/k", "k"));
  ASSERT_TRUE(world_.rename("/b/d/", "/b/e/"));
  EXPECT_EQ(world_.names_in("/b/"), (std::vector<std::string>{"d/k", "e/"}));
  EXPECT_EQ(world_.get("/b/e/").value(), "marker");
}

TEST_F(Renaming, a_source_that_changes_meanwhile_leaves_both_as_they_were) {
  ASSERT_TRUE(world_.put("/b/from", "old"));
  ASSERT_TRUE(world_.put("/cloud/to", "precious"));
  // Between the read of the source and the commit somebody overwrites the source.
  world_.faults("cloud").set_before(
      [&, once = true](Call call, const std::string&) mutable -> Result<void> {
        if (call == Call::kWrite && std::exchange(once, false)) must(world_.put("/b/from", "new"));
        return {};
      });
  auto renamed = world_.rename("/b/from", "/cloud/to");
  world_.faults("cloud").set_before({});
  if (renamed) {
    EXPECT_EQ(world_.stat("/b/from").error().code(), Code::kNotFound);
  } else {
    EXPECT_EQ(world_.get("/b/from").value(), "new");
    EXPECT_EQ(world_.get("/cloud/to").value(), "precious");
  }
}

TEST_F(Renaming, a_directory_moves_as_a_whole) {
  for (const char* key : {"d/1", "d/x/2", "d/"})
    ASSERT_TRUE(world_.put(std::string{"/b/"} + key, key));
  const uint64_t generation = world_.stat("/b/d/x/2")->record.generation;
  ASSERT_TRUE(world_.rename_directory("/b/d/", "/b/e/f/"));
  EXPECT_EQ(world_.names_in("/b/"), (std::vector<std::string>{"e/f/", "e/f/1", "e/f/x/2"}));
  EXPECT_EQ(world_.get("/b/e/f/x/2").value(), "d/x/2");
  EXPECT_EQ(world_.get("/b/e/f/").value(), "d/");
  EXPECT_EQ(world_.stat("/b/e/f/x/2")->record.generation, generation);
  EXPECT_EQ(world_.stat("/b/d/1").error().code(), Code::kNotFound);
  // The native directory has followed, and its old name is free.
  EXPECT_TRUE(world_.has_native("disk", "b/e/f/x/2"));
  EXPECT_FALSE(world_.has_native("disk", "b/d/1"));
  ASSERT_TRUE(world_.put("/b/d/1", "again"));
  EXPECT_EQ(world_.get("/b/d/1").value(), "again");
  EXPECT_EQ(world_.get("/b/e/f/1").value(), "d/1");
}

TEST_F(Renaming, a_directory_needs_a_free_name_outside_of_itself) {
  ASSERT_TRUE(world_.put("/b/d/1", "1"));
  ASSERT_TRUE(world_.put("/b/e/1", "1"));
  EXPECT_EQ(world_.rename_directory("/b/d/", "/b/e/").error().code(), Code::kAlreadyExists);
  EXPECT_EQ(world_.rename_directory("/b/d/", "/b/d/x/").error().code(), Code::kInvalid);
  EXPECT_EQ(world_.rename_directory("/b/none/", "/b/x/").error().code(), Code::kNotFound);
  EXPECT_EQ(world_.rename_directory("/b/d/", "/cloud/d/").error().code(), Code::kUnsupported);
  EXPECT_EQ(world_.rename_directory("/b/d/", "/b/x").error().code(), Code::kInvalid);
}

TEST_F(Renaming, a_native_rename_that_fails_is_caught_up) {
  ASSERT_TRUE(world_.put("/b/d/1", "1"));
  world_.faults("disk").fail_before(Call::kRename, unavailable("busy"));
  ASSERT_TRUE(world_.rename_directory("/b/d/", "/b/e/"));
  EXPECT_EQ(world_.get("/b/e/1").value(), "1");
  EXPECT_TRUE(world_.has_native("disk", "b/d/1"));
  settle_all(world_.context, world_.parts(), *world_.mounts());
  EXPECT_TRUE(world_.has_native("disk", "b/e/1"));
  EXPECT_EQ(world_.get("/b/e/1").value(), "1");
}

TEST_F(Renaming, a_postponed_delete_at_the_new_name_is_in_nobodys_way) {
  ASSERT_TRUE(world_.put("/b/d/1", "1"));
  ASSERT_TRUE(world_.put("/b/e/old", "old"));
  world_.faults("disk").fail_before(Call::kRemove, unavailable("busy"));
  ASSERT_TRUE(world_.remove("/b/e/old"));
  ASSERT_TRUE(world_.has_native("disk", "b/e/old")) << "its delete was postponed";
  ASSERT_TRUE(world_.rename_directory("/b/d/", "/b/e/"));
  EXPECT_TRUE(world_.has_native("disk", "b/e/1"));
  EXPECT_FALSE(world_.has_native("disk", "b/e/old"));
  ASSERT_TRUE(world_.put("/b/d", "the old name is free"));
  EXPECT_EQ(world_.names_in("/b/"), (std::vector<std::string>{"d", "e/1"}));
}

TEST_F(Renaming, what_was_deleted_does_not_come_back_with_its_directory) {
  ASSERT_TRUE(world_.put("/b/d/1", "1"));
  ASSERT_TRUE(world_.put("/b/d/2", "2"));
  world_.faults("disk").fail_before(Call::kRemove, unavailable("busy"));
  ASSERT_TRUE(world_.remove("/b/d/1"));
  ASSERT_TRUE(world_.has_native("disk", "b/d/1")) << "its delete was postponed";
  ASSERT_TRUE(world_.rename_directory("/b/d/", "/b/e/"));
  EXPECT_FALSE(world_.has_native("disk", "b/e/1"));
  EXPECT_EQ(world_.names_in("/b/e/"), std::vector<std::string>{"2"});
  EXPECT_EQ(world_.get("/b/e/1").error().code(), Code::kNotFound);
}

TEST_F(Renaming, waits_natively_for_deletes_that_cannot_be_done_yet) {
  ASSERT_TRUE(world_.put("/b/d/1", "1"));
  ASSERT_TRUE(world_.put("/b/d/2", "2"));
  world_.faults("disk").fail_before(Call::kRemove, unavailable("busy"));
  ASSERT_TRUE(world_.remove("/b/d/1"));
  world_.faults("disk").fail_before(Call::kRemove, unavailable("still busy"));
  ASSERT_TRUE(world_.rename_directory("/b/d/", "/b/e/"));
  EXPECT_TRUE(world_.has_native("disk", "b/d/2")) << "it kept its native name";
  EXPECT_EQ(world_.names_in("/b/e/"), std::vector<std::string>{"2"});
  settle_all(world_.context, world_.parts(), *world_.mounts());
  EXPECT_TRUE(world_.has_native("disk", "b/e/2"));
  EXPECT_FALSE(world_.has_native("disk", "b/e/1"));
  EXPECT_EQ(world_.names_in("/b/e/"), std::vector<std::string>{"2"});
}

TEST_F(Renaming, a_native_rename_whose_answer_is_lost_loses_nothing) {
  ASSERT_TRUE(world_.put("/b/d/1", "1"));
  world_.faults("disk").fail_after(Call::kRename);
  ASSERT_TRUE(world_.rename_directory("/b/d/", "/b/e/"));
  // Whatever it answers until the rename is settled, the entry must not be forgotten.
  (void)world_.get("/b/e/1");
  (void)world_.stat("/b/e/1");
  (void)world_.names_in("/b/");
  settle_all(world_.context, world_.parts(), *world_.mounts());
  EXPECT_EQ(world_.get("/b/e/1").value(), "1");
}

TEST_F(Renaming, of_a_flat_backend_does_not_bring_the_old_names_back) {
  ASSERT_TRUE(world_.put("/cloud/d/1", "1"));
  ASSERT_TRUE(world_.rename_directory("/cloud/d/", "/cloud/e/"));
  EXPECT_EQ(world_.get("/cloud/e/1").value(), "1");
  world_.restart();  // unclean: everything is looked at again
  EXPECT_EQ(world_.names_in("/cloud/"), (std::vector<std::string>{"e/1"}));
  EXPECT_EQ(world_.stat("/cloud/d/1").error().code(), Code::kNotFound);
  // The old name may be used again without harm to the renamed entry.
  auto written = world_.put("/cloud/d/1", "new");
  EXPECT_EQ(world_.get("/cloud/e/1").value(), "1");
  if (written) EXPECT_EQ(world_.get("/cloud/d/1").value(), "new");
}

}  // namespace
}  // namespace beringia::core

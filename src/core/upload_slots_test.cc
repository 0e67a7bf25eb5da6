#include "core/upload_slots.h"

#include <gtest/gtest.h>

#include "base/checksum.h"
#include "core/test_world.h"
#include "core/upload_parts.h"
#include "meta/journal.h"

namespace beringia::core {
namespace {

using test::must;
using test::World;
using test::WorldOptions;

TEST(UploadSlots, give_each_place_once_and_only_to_what_fits) {
  UploadSlots slots;
  auto second = slots.claim("u", 2, 100);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->offset(), 100U);  // the first that comes gives the size
  EXPECT_EQ(slots.claim("u", 1, 100)->offset(), 0U);
  EXPECT_FALSE(slots.claim("u", 1, 100));  // taken before, though the write has ended
  EXPECT_FALSE(slots.claim("u", 3, 101));
  EXPECT_FALSE(slots.claim("u", 3, 0));
  EXPECT_EQ(slots.claim("u", 3, 7)->offset(), 200U);
  EXPECT_FALSE(slots.claim("v", 10'000, 1ULL << 40));  // beyond the largest object
  EXPECT_FALSE(slots.close("u"));                      // part 2 is being written
  second.reset();
  EXPECT_TRUE(slots.close("u"));
  EXPECT_FALSE(slots.claim("u", 4, 1));
  EXPECT_TRUE(slots.close("unknown"));
}

TEST(UploadSlots, are_bounded_and_forgotten) {
  UploadSlots slots;
  for (size_t i = 0; i < UploadSlots::kMaxUploads; ++i) {
    EXPECT_TRUE(slots.claim(std::to_string(i), 1, 1));
  }
  EXPECT_FALSE(slots.claim("one more", 1, 1));
  slots.forget("0");
  auto held = slots.claim("one more", 1, 1);
  EXPECT_TRUE(held);
  slots.forget("one more");  // somebody still writes
  EXPECT_FALSE(slots.claim("one more", 2, 1));
}

/// Parts whose sizes are known before they come, on a file backend.
class PiecesTest : public testing::Test {
 protected:
  PiecesTest() : world_{options()} { EXPECT_TRUE(world_.make_directory("/b/")); }
  static WorldOptions options() {
    WorldOptions options;
    options.mounts = {{"/", {"disk"}}};
    options.catalog_on_disk = true;
    return options;
  }
  std::string begin() {
    BeginUpload request;
    request.protocol = "s3";
    return must(world_.names().begin_upload(world_.context, world_.grant(Action::kWrite, "/b/k"),
                                            request))
        .id;
  }
  Result<meta::PartRecord> part(const std::string& id, uint32_t number, const std::string& bytes,
                                std::optional<size_t> announced = {}) {
    io::StringSource body{bytes};
    PutPart request;
    request.upload_id = id;
    request.number = number;
    request.body = &body;
    request.expected.size = announced.value_or(bytes.size());
    return world_.names().put_part(world_.context, world_.grant(Action::kWrite, "/b/k"), request);
  }
  Result<Entry> complete(const std::string& id, std::vector<uint32_t> numbers = {}) {
    CompleteUpload request;
    request.upload_id = id;
    request.etag = "e";
    for (const uint32_t number : numbers) request.parts.push_back({number, ""});
    return world_.names().complete_upload(world_.context, world_.grant(Action::kWrite, "/b/k"),
                                          request);
  }
  std::string bytes() { return must(world_.get("/b/k")); }
  std::string path_of(const std::string& name) { return World::root_of("disk") + "/" + name; }
  std::optional<uint64_t> inode_of(const std::string& name) {
    auto stat = world_.disk().stat(path_of(name));
    return stat ? std::optional{stat->inode} : std::nullopt;
  }
  /// Nothing is left of any upload.
  bool is_tidy() {
    size_t left = 0;
    auto listed = world_.disk().list(path_of(".beringia/uploads"), [&](io::DirectoryItem) {
      ++left;
      return true;
    });
    return left == 0 && must(meta::all_uploads(world_.context, world_.store())).empty();
  }

  World world_;
};

TEST_F(PiecesTest, the_shared_file_becomes_the_object) {
  const std::string id = begin();
  for (const auto& [number, bytes] : {std::pair{2U, "bbbb"}, {1U, "aaaa"}, {3U, "cc"}}) {
    const auto written = part(id, number, bytes);
    ASSERT_TRUE(written) << written.error().to_string();
    EXPECT_TRUE(is_piece(*written));
  }
  const auto inode = inode_of(shared_part_name(id));
  ASSERT_TRUE(inode);
  const auto entry = complete(id);
  ASSERT_TRUE(entry) << entry.error().to_string();
  EXPECT_EQ(bytes(), "aaaabbbbcc");
  EXPECT_EQ(inode_of("b/k"), inode);
  EXPECT_EQ(entry->record.crc32c, Crc32c::of("aaaabbbbcc"));
  EXPECT_TRUE(is_tidy());
}

TEST_F(PiecesTest, what_does_not_lie_in_line_is_copied) {
  const std::string id = begin();
  ASSERT_TRUE(part(id, 1, "aaaa"));
  ASSERT_TRUE(part(id, 2, "b"));  // leaves a hole
  ASSERT_TRUE(part(id, 3, "cccc"));
  ASSERT_TRUE(part(id, 5, "not chosen!"));  // larger than the first: a file of its own
  ASSERT_TRUE(part(id, 4, "dddd"));
  EXPECT_TRUE(is_piece(must(part(id, 6, "f"))));
  ASSERT_TRUE(complete(id, {1, 2, 3, 4}));
  EXPECT_EQ(bytes(), "aaaabccccdddd");
  EXPECT_TRUE(is_tidy());
}

TEST_F(PiecesTest, a_part_that_comes_again_does_not_touch_the_first) {
  const std::string id = begin();
  ASSERT_TRUE(part(id, 1, "aaaa"));
  ASSERT_TRUE(part(id, 2, "bbbb"));
  const auto again = part(id, 1, "AAAA");
  ASSERT_TRUE(again);
  EXPECT_FALSE(is_piece(*again));
  ASSERT_TRUE(complete(id));
  EXPECT_EQ(bytes(), "AAAAbbbb");
  EXPECT_TRUE(is_tidy());
}

TEST_F(PiecesTest, a_part_that_broke_off_is_no_part) {
  const std::string id = begin();
  ASSERT_TRUE(part(id, 1, "aaaa"));
  const auto cut = part(id, 2, "bb", 4);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().tag(), "size_mismatch");
  EXPECT_FALSE(part(id, 3, "too long", 4));
  ASSERT_TRUE(part(id, 2, "BBBB"));
  ASSERT_TRUE(complete(id));
  EXPECT_EQ(bytes(), "aaaaBBBB");
  EXPECT_TRUE(is_tidy());
}

TEST_F(PiecesTest, an_aborted_upload_leaves_nothing) {
  const std::string id = begin();
  ASSERT_TRUE(part(id, 1, "aaaa"));
  EXPECT_FALSE(part(id, 2, "bb", 4));
  ASSERT_TRUE(
      world_.names().abort_upload(world_.context, world_.grant(Action::kWrite, "/b/k"), id));
  EXPECT_FALSE(part(id, 3, "cccc"));
  EXPECT_TRUE(is_tidy());
  // Only a part that broke off, and no row of any.
  const std::string other = begin();
  EXPECT_FALSE(part(other, 1, "bb", 4));
  ASSERT_TRUE(
      world_.names().abort_upload(world_.context, world_.grant(Action::kWrite, "/b/k"), other));
  EXPECT_TRUE(is_tidy());
}

TEST_F(PiecesTest, pieces_survive_a_power_loss_and_go_on_beside_new_parts) {
  const std::string id = begin();
  ASSERT_TRUE(part(id, 1, "aaaa"));
  ASSERT_TRUE(part(id, 3, "cccc"));
  world_.disk().crash();
  world_.forget_process();
  world_.disk().restart();
  world_.restart();
  const auto later = part(id, 2, "bbbb");
  ASSERT_TRUE(later) << later.error().to_string();
  EXPECT_FALSE(is_piece(*later));  // of this run nobody knows who wrote where before
  ASSERT_TRUE(complete(id));
  EXPECT_EQ(bytes(), "aaaabbbbcccc");
  EXPECT_TRUE(is_tidy());
}

}  // namespace
}  // namespace beringia::core

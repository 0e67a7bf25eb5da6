#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/encoding.h"
#include "core/test_world.h"
#include "meta/journal.h"

namespace beringia::core {
namespace {

using test::Call;
using test::HandClock;
using test::must;
using test::World;
using test::WorldOptions;

class Uploading : public testing::TestWithParam<std::string> {
 protected:
  Uploading() : world_{options()} { EXPECT_TRUE(world_.make_directory("/b/")); }
  WorldOptions options() {
    WorldOptions options;
    options.memory_backends = {"cloud"};
    options.mounts = {{"/", {GetParam()}}};
    return options;
  }
  std::string begin(const std::string& path = "/b/k") {
    BeginUpload request;
    request.protocol = "s3";
    request.attributes.content_type = "text/plain";
    return must(world_.names().begin_upload(world_.context, world_.grant(Action::kWrite, path),
                                            request))
        .id;
  }
  Result<meta::PartRecord> part(const std::string& id, uint32_t number, const std::string& bytes,
                                const std::string& path = "/b/k") {
    io::StringSource body{bytes};
    PutPart request;
    request.upload_id = id;
    request.number = number;
    request.body = &body;
    return world_.names().put_part(world_.context, world_.grant(Action::kWrite, path), request);
  }
  Result<Entry> complete(const CompleteUpload& request, const std::string& path = "/b/k") {
    return world_.names().complete_upload(world_.context, world_.grant(Action::kWrite, path),
                                          request);
  }
  size_t rows() { return must(meta::all_uploads(world_.context, world_.store())).size(); }

  World world_;
};

TEST_P(Uploading, parts_become_one_entry_in_the_order_of_their_numbers) {
  const std::string id = begin();
  ASSERT_TRUE(part(id, 2, "two"));
  ASSERT_TRUE(part(id, 1, "one "));
  CompleteUpload request;
  request.upload_id = id;
  request.etag = "etag-2";
  auto entry = complete(request);
  ASSERT_TRUE(entry) << entry.error().to_string();
  EXPECT_EQ(world_.get("/b/k").value(), "one two");
  EXPECT_EQ(entry->record.effective_etag(), "etag-2");
  EXPECT_EQ(entry->record.crc32c, Crc32c::of("one two"));
  EXPECT_EQ(entry->record.content_type, "text/plain");
  EXPECT_EQ(entry->record.part_sizes, (std::vector<uint64_t>{4, 3}));
  EXPECT_EQ(rows(), 0U);
  EXPECT_EQ(world_.names_in("/b/"), (std::vector<std::string>{"k"}));
}

TEST_P(Uploading, nothing_is_visible_before_it_is_complete) {
  const std::string id = begin();
  ASSERT_TRUE(part(id, 1, "one"));
  EXPECT_EQ(world_.stat("/b/k").error().code(), Code::kNotFound);
  EXPECT_TRUE(world_.names_in("/b/").empty());
}

TEST_P(Uploading, only_the_named_parts_are_used_and_the_others_go) {
  const std::string id = begin();
  auto one = part(id, 1, "one");
  ASSERT_TRUE(part(id, 2, "two"));
  auto three = part(id, 3, "three");
  CompleteUpload request;
  request.upload_id = id;
  request.parts = {{1, to_hex(one->md5)}, {3, to_hex(three->md5)}};
  ASSERT_TRUE(complete(request));
  EXPECT_EQ(world_.get("/b/k").value(), "onethree");
}

TEST_P(Uploading, a_part_that_is_missing_or_different_stops_the_completion) {
  const std::string id = begin();
  ASSERT_TRUE(part(id, 1, "one"));
  CompleteUpload request;
  request.upload_id = id;
  request.parts = {{1, "0123"}};
  EXPECT_EQ(complete(request).error().tag(), "bad_part");
  request.parts = {{2, ""}};
  EXPECT_EQ(complete(request).error().tag(), "bad_part");
  request.parts = {};
  request.expected.size = 7;
  EXPECT_EQ(complete(request).error().tag(), "size_mismatch");
  request.expected = {};
  ASSERT_TRUE(complete(request));
}

TEST_P(Uploading, a_part_that_comes_again_replaces_the_first) {
  const std::string id = begin();
  ASSERT_TRUE(part(id, 1, "first"));
  ASSERT_TRUE(part(id, 1, "second"));
  auto parts = world_.names().list_parts(world_.context, world_.grant(Action::kWrite, "/b/k"), id);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->size(), 1U);
  CompleteUpload request;
  request.upload_id = id;
  ASSERT_TRUE(complete(request));
  EXPECT_EQ(world_.get("/b/k").value(), "second");
}

TEST_P(Uploading, completing_again_answers_the_same_entry) {
  const std::string id = begin();
  ASSERT_TRUE(part(id, 1, "one"));
  CompleteUpload request;
  request.upload_id = id;
  auto first = complete(request);
  auto second = complete(request);
  ASSERT_TRUE(first);
  ASSERT_TRUE(second) << second.error().to_string();
  EXPECT_EQ(first->record.generation, second->record.generation);
  request.upload_id = "none";
  EXPECT_EQ(complete(request).error().tag(), "no_upload");
}

TEST_P(Uploading, conditions_hold_at_the_completion) {
  const std::string id = begin();
  ASSERT_TRUE(part(id, 1, "one"));
  ASSERT_TRUE(world_.put("/b/k", "there"));
  CompleteUpload request;
  request.upload_id = id;
  request.conditions.generation_match = 0;
  EXPECT_EQ(complete(request).error().tag(), "precondition");
  EXPECT_EQ(world_.get("/b/k").value(), "there");
  request.conditions = {};
  ASSERT_TRUE(complete(request));
  EXPECT_EQ(world_.get("/b/k").value(), "one");
}

TEST_P(Uploading, an_aborted_upload_is_gone) {
  const std::string id = begin();
  ASSERT_TRUE(part(id, 1, "one"));
  ASSERT_TRUE(
      world_.names().abort_upload(world_.context, world_.grant(Action::kWrite, "/b/k"), id));
  EXPECT_EQ(part(id, 2, "two").error().tag(), "no_upload");
  CompleteUpload request;
  request.upload_id = id;
  EXPECT_EQ(complete(request).error().tag(), "no_upload");
  EXPECT_EQ(rows(), 0U);
}

TEST_P(Uploading, an_upload_belongs_to_its_path_and_protocol) {
  const std::string id = begin();
  EXPECT_EQ(part(id, 1, "x", "/b/other").error().tag(), "no_upload");
  auto listed =
      world_.names().list_uploads(world_.context, world_.grant(Action::kList, "/b/"), "s3");
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->size(), 1U);
  listed = world_.names().list_uploads(world_.context, world_.grant(Action::kList, "/b/"), "gcs");
  EXPECT_TRUE(listed->empty());
  EXPECT_EQ(part(id, 0, "x").error().code(), Code::kInvalid);
  EXPECT_EQ(part(id, 10'001, "x").error().code(), Code::kInvalid);
}

TEST_P(Uploading, goes_on_after_a_restart) {
  const std::string id = begin();
  ASSERT_TRUE(part(id, 1, "one "));
  world_.restart();
  ASSERT_TRUE(part(id, 2, "two"));
  CompleteUpload request;
  request.upload_id = id;
  ASSERT_TRUE(complete(request));
  EXPECT_EQ(world_.get("/b/k").value(), "one two");
}

TEST_P(Uploading, a_lost_answer_of_the_completion_is_found_out) {
  const std::string id = begin();
  ASSERT_TRUE(part(id, 1, "one"));
  world_.faults(GetParam()).fail_after(Call::kCompose);
  CompleteUpload request;
  request.upload_id = id;
  auto entry = complete(request);
  ASSERT_TRUE(entry) << entry.error().to_string();
  EXPECT_EQ(world_.get("/b/k").value(), "one");
  EXPECT_EQ(rows(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Backends, Uploading, testing::Values("disk", "cloud"),
                         [](const auto& info) { return info.param; });

TEST(UploadCare, drops_uploads_that_nobody_completes) {
  auto runtime = io::Runtime::make_simulated(3);
  runtime->run([&] {
    WorldOptions options;
    World world{options, runtime.get()};
    must(world.make_directory("/b/"));
    BeginUpload request;
    request.protocol = "s3";
    auto upload = must(
        world.names().begin_upload(world.context, world.grant(Action::kWrite, "/b/k"), request));
    io::StringSource body{"bytes"};
    PutPart put;
    put.upload_id = upload.id;
    put.body = &body;
    must(world.names().put_part(world.context, world.grant(Action::kWrite, "/b/k"), put));
    Janitor::Options care;
    care.sweep_interval = std::chrono::hours{1};
    care.interval = std::chrono::minutes{10};
    world.start_janitor(care);
    must(io::sleep_for(world.context, std::chrono::hours{24 * 6}));
    EXPECT_EQ(must(meta::all_uploads(world.context, world.store())).size(), 1U);
    must(io::sleep_for(world.context, std::chrono::hours{26}));
    EXPECT_TRUE(must(meta::all_uploads(world.context, world.store())).empty());
  });
}

}  // namespace
}  // namespace beringia::core

#include "core/locks.h"

#include <gtest/gtest.h>

#include "core/test_world.h"

namespace beringia::core {
namespace {

using test::must;
using test::World;
using Mode = meta::Lock::Mode;

class LocksTest : public testing::Test {
 protected:
  LocksTest() : world_{options()} {
    must(world_.names().make_directory(
        world_.context, world_.grant(Action::kAdminister, "/b/"),
        {{std::string{kVersioningAttribute}, std::string{kVersioningOn}},
         {std::string{kLockAttribute}, encode(BucketLock{})}}));
  }
  test::WorldOptions options() {
    test::WorldOptions options;
    options.clock = &clock_;
    return options;
  }
  uint64_t put(meta::Lock lock = {}) {
    WriteRequest request;
    request.attributes.lock = lock;
    return must(world_.put("/b/k", "bytes", request), "put").record.generation;
  }
  meta::Lock lock_of(uint64_t generation) {
    return must(
               world_.names().stat(world_.context, world_.grant(Action::kRead, "/b/k"), generation))
        .record.lock;
  }
  Result<Removed> remove(uint64_t generation, bool bypasses = false) {
    RemoveRequest request;
    request.generation = generation;
    request.brings_back = true;
    request.bypasses_governance = bypasses;
    return world_.names().remove(world_.context, world_.grant(Action::kDelete, "/b/k"), request);
  }
  Result<Entry> change(uint64_t generation, Mode mode, Timestamp until, bool bypasses = false) {
    AttributePatch patch;
    patch.generation = generation;
    patch.retention = {mode, until};
    patch.bypasses_governance = bypasses;
    return world_.names().set_attributes(world_.context, world_.grant(Action::kWrite, "/b/k"),
                                         patch);
  }
  Result<Entry> hold(uint64_t generation, bool on) {
    AttributePatch patch;
    patch.generation = generation;
    patch.hold = on;
    return world_.names().set_attributes(world_.context, world_.grant(Action::kWrite, "/b/k"),
                                         patch);
  }
  Timestamp in_days(int64_t days) const {
    return Timestamp{clock_.wall().micros + days * 86'400'000'000};
  }

  test::HandClock clock_;
  World world_;
};

TEST_F(LocksTest, compliance_holds_for_everyone_until_its_time) {
  const uint64_t locked = put({Mode::kCompliance, in_days(3), false});
  EXPECT_EQ(remove(locked).error().tag(), "locked");
  EXPECT_EQ(remove(locked, true).error().tag(), "locked");
  EXPECT_EQ(change(locked, Mode::kCompliance, in_days(2), true).error().tag(), "locked");
  EXPECT_EQ(change(locked, Mode::kGovernance, in_days(9), true).error().tag(), "locked");
  EXPECT_EQ(change(locked, Mode::kNone, {}, true).error().tag(), "locked");
  EXPECT_TRUE(change(locked, Mode::kCompliance, in_days(4)));
  clock_.pass(std::chrono::hours{24 * 4 + 1});
  EXPECT_TRUE(remove(locked));
}

TEST_F(LocksTest, governance_is_bypassed_by_who_may) {
  const uint64_t locked = put({Mode::kGovernance, in_days(3), false});
  EXPECT_EQ(remove(locked).error().tag(), "locked");
  EXPECT_EQ(change(locked, Mode::kGovernance, in_days(2)).error().tag(), "locked");
  EXPECT_EQ(change(locked, Mode::kCompliance, in_days(3)).error().tag(), "locked");
  EXPECT_TRUE(change(locked, Mode::kGovernance, in_days(5)));
  EXPECT_TRUE(change(locked, Mode::kGovernance, in_days(2), true));
  EXPECT_TRUE(remove(locked, true));
}

TEST_F(LocksTest, a_hold_holds_until_it_is_taken_off) {
  const uint64_t held = put({Mode::kNone, {}, true});
  EXPECT_EQ(remove(held, true).error().tag(), "locked");
  clock_.pass(std::chrono::hours{24 * 365});
  EXPECT_EQ(remove(held).error().tag(), "locked");
  ASSERT_TRUE(hold(held, false));
  EXPECT_TRUE(remove(held));
}

TEST_F(LocksTest, locked_versions_are_overwritten_and_deleted_like_others_and_stay) {
  const uint64_t locked = put({Mode::kCompliance, in_days(3), false});
  put();
  ASSERT_TRUE(world_.remove("/b/k"));
  EXPECT_EQ(remove(locked).error().tag(), "locked");
  EXPECT_EQ(lock_of(locked).mode, Mode::kCompliance);
  ReadRequest request;
  request.generation = locked;
  EXPECT_EQ(world_.get("/b/k", request).value(), "bytes");
  ASSERT_TRUE(hold(locked, true)) << "a version that is not current";
  EXPECT_TRUE(lock_of(locked).hold);
}

TEST_F(LocksTest, new_versions_get_the_default_of_the_bucket) {
  const auto set = [&](BucketLock lock) {
    must(world_.names().set_directory_attributes(world_.context,
                                                 world_.grant(Action::kAdminister, "/b/"),
                                                 {{std::string{kLockAttribute}, encode(lock)}}));
  };
  EXPECT_EQ(lock_of(put()), meta::Lock{});
  set({Mode::kGovernance, 5, false});
  EXPECT_EQ(lock_of(put()), (meta::Lock{Mode::kGovernance, in_days(5), false}));
  set({Mode::kCompliance, 2, true});
  EXPECT_EQ(lock_of(put()), (meta::Lock{Mode::kCompliance, in_days(730), false}));
  EXPECT_EQ(lock_of(put({Mode::kGovernance, in_days(1), true})),
            (meta::Lock{Mode::kGovernance, in_days(1), true}));
  EXPECT_EQ(lock_of(put({Mode::kNone, {}, true})),
            (meta::Lock{Mode::kCompliance, in_days(730), true}));
}

TEST_F(LocksTest, a_copy_has_no_lock_of_its_source) {
  put({Mode::kCompliance, in_days(3), true});
  const Entry copy = must(world_.copy("/b/k", "/b/c"));
  EXPECT_EQ(copy.record.lock, meta::Lock{});
  EXPECT_TRUE(copy.has_lock);
}

TEST_F(LocksTest, a_bucket_with_locks_keeps_versions) {
  const auto set = [&](const std::string& bucket, std::string_view name, std::string_view value) {
    return world_.names().set_directory_attributes(world_.context,
                                                   world_.grant(Action::kAdminister, bucket),
                                                   {{std::string{name}, std::string{value}}});
  };
  EXPECT_EQ(set("/b/", kVersioningAttribute, kVersioningSuspended).error().tag(), "locked_bucket");
  EXPECT_EQ(set("/b/", kVersioningAttribute, "").error().tag(), "locked_bucket");
  must(world_.make_directory("/plain/"));
  EXPECT_EQ(set("/plain/", kLockAttribute, encode(BucketLock{})).error().tag(), "locked_bucket");
  ASSERT_TRUE(set("/plain/", kVersioningAttribute, kVersioningOn));
  EXPECT_TRUE(set("/plain/", kLockAttribute, encode(BucketLock{})));
}

TEST_F(LocksTest, buckets_without_locks_take_none) {
  must(world_.make_directory("/plain/"));
  WriteRequest request;
  request.attributes.lock = {Mode::kGovernance, in_days(1), false};
  EXPECT_EQ(world_.put("/plain/k", "x", request).error().tag(), "no_lock");
  EXPECT_EQ(world_.get("/plain/k").error().code(), Code::kNotFound);
  must(world_.put("/plain/k", "x"));
  AttributePatch patch;
  patch.hold = true;
  EXPECT_EQ(world_.names()
                .set_attributes(world_.context, world_.grant(Action::kWrite, "/plain/k"), patch)
                .error()
                .tag(),
            "no_lock");
}

TEST_F(LocksTest, an_upload_keeps_the_lock_it_was_begun_with) {
  BeginUpload begin;
  begin.protocol = "s3";
  begin.attributes.lock = {Mode::kCompliance, in_days(7), true};
  const auto grant = [&] { return world_.grant(Action::kWrite, "/b/u"); };
  const auto upload = must(world_.names().begin_upload(world_.context, grant(), begin));
  io::StringSource body{"part"};
  PutPart part;
  part.upload_id = upload.id;
  part.body = &body;
  must(world_.names().put_part(world_.context, grant(), part));
  CompleteUpload complete;
  complete.upload_id = upload.id;
  const Entry entry = must(world_.names().complete_upload(world_.context, grant(), complete));
  EXPECT_EQ(entry.record.lock, begin.attributes.lock);
}

TEST(BucketLocks, come_back_as_they_were) {
  for (const BucketLock& lock : {BucketLock{}, BucketLock{Mode::kGovernance, 1, false},
                                 BucketLock{Mode::kCompliance, 36'500, true}}) {
    meta::DirectoryEntry bucket;
    bucket.attributes[std::string{kLockAttribute}] = encode(lock);
    EXPECT_EQ(core::lock_of(bucket), lock);
  }
  EXPECT_FALSE(core::lock_of(meta::DirectoryEntry{}));
}

}  // namespace
}  // namespace beringia::core

#include <gtest/gtest.h>

#include "base/checksum.h"
#include "base/encoding.h"
#include "base/kill_point.h"
#include "core/test_recovery.h"
#include "meta/journal.h"

namespace beringia::core {
namespace {

using test::Death;
using test::must;
using test::name_of;
using test::Recovery;
using test::World;
using test::WorldOptions;

class RecoveryOfWrites : public Recovery {};

TEST_P(RecoveryOfWrites, an_overwrite_is_old_or_new_and_an_acknowledged_one_is_new) {
  bool acknowledged = false;
  live_and_die(
      [&] {
        must(world_->make_directory("/b/"));
        must(world_->put("/b/k", "old"));
      },
      [&] { acknowledged = world_->put("/b/k", "new").has_value(); },
      [&] {
        auto bytes = world_->get("/b/k");
        ASSERT_TRUE(bytes) << bytes.error().to_string();
        EXPECT_TRUE(*bytes == "new" || (*bytes == "old" && !acknowledged)) << *bytes;
        EXPECT_EQ(world_->stat("/b/k")->record.size, bytes->size());
        EXPECT_EQ(world_->names_in("/b/"), (std::vector<std::string>{"k"}));
        ASSERT_TRUE(world_->put("/b/k", "newer"));
        EXPECT_EQ(world_->get("/b/k").value(), "newer");
      });
}

TEST_P(RecoveryOfWrites, encrypted_entries_stay_readable) {
  WriteRequest encrypted;
  encrypted.attributes.encryption.method = meta::Encryption::Method::kServer;
  const std::string before(70'000, 'o');
  const std::string after(90'000, 'n');
  bool acknowledged = false;
  live_and_die(
      [&] {
        must(world_->make_directory("/b/"));
        must(world_->put("/b/k", before, encrypted));
        must(world_->put("/b/plain", before));
      },
      [&] { acknowledged = world_->put("/b/k", after, encrypted).has_value(); },
      [&] {
        auto bytes = world_->get("/b/k");
        ASSERT_TRUE(bytes) << bytes.error().to_string();
        EXPECT_TRUE(*bytes == after || (*bytes == before && !acknowledged));
        const auto record = world_->stat("/b/k")->record;
        EXPECT_EQ(record.size, bytes->size());
        EXPECT_EQ(record.effective_etag(), to_hex(md5(*bytes)));
        EXPECT_EQ(record.encryption.method, meta::Encryption::Method::kServer);
        EXPECT_EQ(world_->get("/b/plain").value(), before);
      });
}

TEST_P(RecoveryOfWrites, a_new_entry_is_there_or_not) {
  bool acknowledged = false;
  live_and_die([&] { must(world_->make_directory("/b/")); },
               [&] { acknowledged = world_->put("/b/d/k", "new").has_value(); },
               [&] {
                 const auto listed = world_->names_in("/b/");
                 auto bytes = world_->get("/b/d/k");
                 EXPECT_EQ(listed.size(), bytes ? 1U : 0U);
                 if (bytes) {
                   EXPECT_EQ(*bytes, "new");
                 } else {
                   EXPECT_EQ(bytes.error().code(), Code::kNotFound);
                   EXPECT_FALSE(acknowledged);
                   EXPECT_FALSE(world_->has_native(std::get<1>(GetParam()), "b/d/k"));
                 }
                 ASSERT_TRUE(world_->put("/b/d/k", "newer"));
               });
}

TEST_P(RecoveryOfWrites, a_completed_upload_is_there_or_can_be_completed_again) {
  std::string id;
  bool acknowledged = false;
  const auto complete = [&] {
    CompleteUpload request;
    request.upload_id = id;
    return world_->names().complete_upload(world_->context, world_->grant(Action::kWrite, "/b/k"),
                                           request);
  };
  if (std::string{std::get<0>(GetParam()).point} == "write.sealed") {
    GTEST_SKIP() << "uploads have no body to seal";
  }
  live_and_die(
      [&] {
        must(world_->make_directory("/b/"));
        BeginUpload begin;
        begin.protocol = "s3";
        id = must(world_->names().begin_upload(world_->context,
                                               world_->grant(Action::kWrite, "/b/k"), begin))
                 .id;
        for (uint32_t number = 1; number <= 2; ++number) {
          io::StringSource body{number == 1 ? "one " : "two"};
          PutPart part;
          part.upload_id = id;
          part.number = number;
          part.body = &body;
          part.expected.size = body.remaining();
          must(world_->names().put_part(world_->context, world_->grant(Action::kWrite, "/b/k"),
                                        part));
        }
      },
      [&] { acknowledged = complete().has_value(); },
      [&] {
        auto bytes = world_->get("/b/k");
        if (!bytes) {
          EXPECT_FALSE(acknowledged);
          auto again = complete();
          ASSERT_TRUE(again) << again.error().to_string();
          bytes = world_->get("/b/k");
        }
        ASSERT_TRUE(bytes);
        EXPECT_EQ(*bytes, "one two");
      });
}

INSTANTIATE_TEST_SUITE_P(
    Points, RecoveryOfWrites,
    testing::Combine(testing::Values(Death{"write.sealed", false}, Death{"write.sealed", true},
                                     Death{"write.intent", false}, Death{"write.intent", true},
                                     Death{"write.published", false},
                                     Death{"write.published", true},
                                     Death{"write.committed", false},
                                     Death{"write.committed", true}),
                     testing::Values("disk", "cloud")),
    name_of);

class RecoveryOfRemovals : public Recovery {};

TEST_P(RecoveryOfRemovals, a_removed_entry_does_not_return) {
  if (std::string{std::get<0>(GetParam()).point} == "rename.committed") {
    GTEST_SKIP() << "not a point of removals";
  }
  live_and_die(
      [&] {
        must(world_->make_directory("/b/"));
        must(world_->put("/b/d/k", "old"));
      },
      [&] { (void)world_->remove("/b/d/k"); },
      [&] {
        EXPECT_EQ(world_->get("/b/d/k").error().code(), Code::kNotFound);
        EXPECT_TRUE(world_->names_in("/b/").empty());
        must(reap_doomed(world_->context, world_->parts(), 100));
        EXPECT_FALSE(world_->has_native(std::get<1>(GetParam()), "b/d/k"));
        EXPECT_TRUE(world_->names_in("/b/").empty());
      });
}

TEST_P(RecoveryOfRemovals, a_renamed_entry_has_one_name) {
  live_and_die(
      [&] {
        must(world_->make_directory("/b/"));
        must(world_->put("/b/d/k", "old"));
      },
      [&] { (void)world_->rename("/b/d/k", "/b/e"); },
      [&] {
        EXPECT_EQ(world_->get("/b/d/k").error().code(), Code::kNotFound);
        EXPECT_EQ(world_->get("/b/e").value(), "old");
        EXPECT_EQ(world_->names_in("/b/"), (std::vector<std::string>{"e"}));
      });
}

INSTANTIATE_TEST_SUITE_P(Points, RecoveryOfRemovals,
                         testing::Combine(testing::Values(Death{"rename.committed", false},
                                                          Death{"rename.committed", true},
                                                          Death{"doom.removed", false},
                                                          Death{"doom.removed", true}),
                                          testing::Values("disk", "cloud")),
                         name_of);

class RecoveryOfRenames : public Recovery {};

TEST_P(RecoveryOfRenames, an_interrupted_rename_leaves_one_of_both_names) {
  live_and_die(
      [&] {
        must(world_->make_directory("/b/"));
        must(world_->put("/b/d/k", "old"));
        must(world_->put("/b/e", "to be replaced"));
      },
      [&] { (void)world_->rename("/b/d/k", "/b/e"); },
      [&] {
        const auto names = world_->names_in("/b/");
        if (names.size() == 2) {
          EXPECT_EQ(world_->get("/b/d/k").value(), "old");
          EXPECT_EQ(world_->get("/b/e").value(), "to be replaced");
        } else {
          EXPECT_EQ(names, (std::vector<std::string>{"e"}));
          EXPECT_EQ(world_->get("/b/e").value(), "old");
        }
      });
}

INSTANTIATE_TEST_SUITE_P(Points, RecoveryOfRenames,
                         testing::Combine(testing::Values(Death{"write.intent", false},
                                                          Death{"write.intent", true},
                                                          Death{"write.published", false},
                                                          Death{"write.published", true},
                                                          Death{"write.committed", false},
                                                          Death{"write.committed", true}),
                                          testing::Values("disk", "cloud")),
                         name_of);

class RecoveryOfDirectories : public Recovery {};

TEST_P(RecoveryOfDirectories, a_renamed_directory_is_found_under_its_new_name) {
  live_and_die(
      [&] {
        must(world_->make_directory("/b/"));
        must(world_->put("/b/d/k", "old"));
        must(world_->put("/b/d/x/y", "deep"));
      },
      [&] { (void)world_->rename_directory("/b/d/", "/b/e/"); },
      [&] {
        EXPECT_EQ(world_->get("/b/e/k").value(), "old");
        EXPECT_EQ(world_->get("/b/e/x/y").value(), "deep");
        EXPECT_EQ(world_->names_in("/b/"), (std::vector<std::string>{"e/k", "e/x/y"}));
        EXPECT_TRUE(world_->has_native("disk", "b/e/k"));
      });
}

INSTANTIATE_TEST_SUITE_P(Points, RecoveryOfDirectories,
                         testing::Combine(testing::Values(Death{"rename.committed", false},
                                                          Death{"rename.committed", true}),
                                          testing::Values("disk")),
                         name_of);

TEST(RecoveryTwice, what_was_recovered_outlives_a_power_loss) {
  auto runtime = io::Runtime::make_simulated(3);
  WorldOptions options;
  options.catalog_on_disk = true;
  options.start = false;
  options.disk.seed = 3;
  World world{options, runtime.get()};
  struct Plan {
    io::Runtime& runtime;
    bool armed = false;
  } plan{*runtime};
  set_kill_hook(
      [](const char* name, void* argument) {
        auto& mine = *static_cast<Plan*>(argument);
        if (mine.armed && std::string{name} == "file.renamed") mine.runtime.crash();
      },
      &plan);
  runtime->run([&] {
    world.start();
    must(world.make_directory("/b/"));
    plan.armed = true;
    (void)world.put("/b/d/k", "visible, but its name was not synced");
  });
  plan.armed = false;
  runtime->run([&] {
    world.restart();
    EXPECT_TRUE(world.get("/b/d/k"));
    world.disk().crash();
  });
  world.disk().restart();
  runtime->run([&] {
    world.restart();
    EXPECT_TRUE(world.get("/b/d/k")) << "it was seen once";
    world.forget_process();
  });
  set_kill_hook(nullptr, nullptr);
}

}  // namespace
}  // namespace beringia::core

#include <gtest/gtest.h>

#include "core/soft_delete.h"
#include "core/test_recovery.h"

namespace beringia::core {
namespace {

using test::Death;
using test::must;
using test::name_of;

/// A bucket that deletes softly, /b/, and one key in it, k.
class RecoveryOfSoftDeletes : public test::Recovery {
 protected:
  void prepare() {
    must(world_->make_directory("/b/"));
    must(world_->names().set_directory_attributes(
        world_->context, world_->grant(Action::kAdminister, "/b/"),
        {{std::string{kSoftDeleteAttribute}, encode(SoftDelete{7 * 86'400, {1}})}}));
    must(world_->put("/b/k", "1"));
    must(world_->put("/b/k", "2"));
  }
  /// "3 | 2 1": what is there, and what was deleted softly, all of it readable and no more of it
  /// kept natively.
  std::string check() {
    for (int i = 0; i < 3; ++i) must(reap_doomed(world_->context, world_->parts(), 100));
    auto live = world_->get("/b/k");
    std::string text = (live ? *live : "-") + " |";
    ListVersionsRequest request;
    request.soft_deleted = true;
    const auto page = must(world_->list_versions("/b/", request));
    for (const auto& item : page.items) {
      ReadRequest read;
      read.generation = item.version.record.generation;
      read.soft_deleted = true;
      auto bytes = world_->get("/b/k", read);
      text += " " + (bytes ? *bytes : bytes.error().to_string());
      for (const auto& copy : item.version.record.copies) {
        EXPECT_TRUE(world_->has_native(std::get<1>(GetParam()), copy.native_name));
      }
    }
    EXPECT_EQ(kept_natively(), page.items.size()) << text;
    EXPECT_TRUE(must(world_->list_versions("/b/", {})).items.size() <= 1) << "no version is left";
    must(world_->put("/b/k", "last"));
    return text;
  }
  size_t kept_natively() {
    if (std::get<1>(GetParam()) == "cloud") {
      return world_->remote_names("cloud", ".beringia/versions/");
    }
    size_t found = 0;
    count_files(test::World::root_of("disk") + "/.beringia/versions", found);
    return found;
  }
  void count_files(const std::string& directory, size_t& found) {
    std::vector<std::string> below;
    (void)world_->disk().list(directory, [&](const io::DirectoryItem& item) {
      if (item.is_directory) below.push_back(directory + "/" + item.name);
      if (item.is_regular) ++found;
      return true;
    });
    for (const auto& next : below) count_files(next, found);
  }
};

class RecoveryOfSoftOverwrites : public RecoveryOfSoftDeletes {};

TEST_P(RecoveryOfSoftOverwrites, what_was_replaced_is_kept_with_its_successor_or_not_at_all) {
  bool acknowledged = false;
  live_and_die([&] { prepare(); }, [&] { acknowledged = world_->put("/b/k", "3").has_value(); },
               [&] {
                 const std::string found = check();
                 EXPECT_TRUE(found == "3 | 2 1" || (found == "2 | 1" && !acknowledged)) << found;
               });
}

INSTANTIATE_TEST_SUITE_P(
    Points, RecoveryOfSoftOverwrites,
    testing::Combine(testing::Values(Death{"write.intent", false}, Death{"write.intent", true},
                                     Death{"version.kept", false}, Death{"version.kept", true},
                                     Death{"write.published", false},
                                     Death{"write.published", true},
                                     Death{"write.committed", false},
                                     Death{"write.committed", true}),
                     testing::Values("disk", "cloud")),
    name_of);

class RecoveryOfSoftRemovals : public RecoveryOfSoftDeletes {};

TEST_P(RecoveryOfSoftRemovals, a_removal_happens_or_not_and_loses_nothing) {
  bool acknowledged = false;
  live_and_die([&] { prepare(); }, [&] { acknowledged = world_->remove("/b/k").has_value(); },
               [&] {
                 const std::string found = check();
                 EXPECT_TRUE(found == "- | 2 1" || (found == "2 | 1" && !acknowledged)) << found;
               });
}

INSTANTIATE_TEST_SUITE_P(
    Points, RecoveryOfSoftRemovals,
    testing::Combine(testing::Values(Death{"remove.intent", false}, Death{"remove.intent", true},
                                     Death{"version.kept", false}, Death{"version.kept", true},
                                     Death{"remove.committed", false},
                                     Death{"remove.committed", true}, Death{"doom.removed", false},
                                     Death{"doom.removed", true}),
                     testing::Values("disk", "cloud")),
    name_of);

/// The bucket keeps versions, too: the current one is removed, and the one before comes back.
class RecoveryOfSoftSwaps : public RecoveryOfSoftDeletes {
 protected:
  void prepare_versions() {
    prepare();
    world_->set_versioning("/b/", kVersioningOn);
    must(world_->put("/b/k", "3"));
    last_ = must(world_->put("/b/k", "4")).record.generation;
  }
  /// What is current, how many versions there are, and what was deleted softly since the start.
  std::string check_swap() {
    for (int i = 0; i < 3; ++i) must(reap_doomed(world_->context, world_->parts(), 100));
    std::string text = must(world_->get("/b/k"));
    const auto versions = must(world_->list_versions("/b/", {})).items.size();
    text += " of " + std::to_string(versions) + " |";
    ListVersionsRequest request;
    request.soft_deleted = true;
    const auto page = must(world_->list_versions("/b/", request));
    for (const auto& item : page.items) {
      ReadRequest read;
      read.generation = item.version.record.generation;
      read.soft_deleted = true;
      text += " " + must(world_->get("/b/k", read));
    }
    EXPECT_EQ(kept_natively(), versions - 1 + page.items.size()) << text;
    return text;
  }
  uint64_t last_ = 0;
};

TEST_P(RecoveryOfSoftSwaps, the_one_that_went_is_kept_with_the_return_of_the_one_before) {
  bool acknowledged = false;
  live_and_die([&] { prepare_versions(); },
               [&] { acknowledged = world_->remove_generation("/b/k", last_).has_value(); },
               [&] {
                 const std::string found = check_swap();
                 EXPECT_TRUE(found == "3 of 2 | 4 1" || (found == "4 of 3 | 1" && !acknowledged))
                     << found;
               });
}

INSTANTIATE_TEST_SUITE_P(
    Points, RecoveryOfSoftSwaps,
    testing::Combine(testing::Values(Death{"write.intent", false}, Death{"write.intent", true},
                                     Death{"version.kept", false}, Death{"version.kept", true},
                                     Death{"write.published", false},
                                     Death{"write.published", true},
                                     Death{"write.committed", false},
                                     Death{"write.committed", true}),
                     testing::Values("disk", "cloud")),
    name_of);

}  // namespace
}  // namespace beringia::core

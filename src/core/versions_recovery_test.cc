#include <gtest/gtest.h>

#include "core/test_recovery.h"
#include "core/versions.h"

namespace beringia::core {
namespace {

using test::Death;
using test::must;
using test::name_of;
using test::Recovery;

/// A bucket that keeps versions, /b/, and one key in it, d/k.
class RecoveryOfVersions : public Recovery {
 protected:
  void prepare(int writes) {
    must(world_->make_directory("/b/"));
    world_->set_versioning("/b/", kVersioningOn);
    for (int i = 1; i <= writes; ++i) written_.push_back(put(std::to_string(i)));
  }
  uint64_t put(const std::string& bytes, const std::string& key = "d/k") {
    return must(world_->put("/b/" + key, bytes), "put").record.generation;
  }
  std::string get(uint64_t generation, const std::string& key = "d/k") {
    ReadRequest request;
    request.generation = generation;
    auto bytes = world_->get("/b/" + key, request);
    return bytes ? *bytes : bytes.error().to_string();
  }
  std::vector<VersionPage::Item> versions() {
    return must(world_->list_versions("/b/"), "list versions").items;
  }
  /// "3* 2 1", x: a mark. What is listed can be read, and nothing else was kept natively.
  std::string check() {
    for (int i = 0; i < 3; ++i) must(reap_doomed(world_->context, world_->parts(), 100));
    std::string text;
    size_t noncurrent = 0;
    for (const auto& item : versions()) {
      const auto& record = item.version.record;
      text += text.empty() ? "" : " ";
      if (item.version.delete_marker) {
        text += "x";
      } else {
        text += get(record.generation, item.name);
        noncurrent += item.is_current ? 0 : 1;
      }
      text += item.is_current ? "*" : "";
      for (const auto& copy : record.copies) {
        if (item.is_current) continue;
        EXPECT_TRUE(world_->has_native(backend(), copy.native_name));
      }
    }
    EXPECT_EQ(kept_natively(), noncurrent) << text;
    const std::string last = put("last") != 0 ? "ok" : "";
    EXPECT_EQ(last, "ok");
    return text;
  }
  const std::string& backend() const { return std::get<1>(GetParam()); }

  size_t kept_natively() {
    if (backend() == "cloud") return world_->remote_names("cloud", ".beringia/versions/");
    size_t found = 0;
    count_files(World::root_of("disk") + "/.beringia/versions", found);
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

  using World = test::World;
  std::vector<uint64_t> written_;
};

class RecoveryOfKeptOverwrites : public RecoveryOfVersions {};

TEST_P(RecoveryOfKeptOverwrites, the_version_before_is_never_lost) {
  bool acknowledged = false;
  live_and_die([&] { prepare(2); }, [&] { acknowledged = world_->put("/b/d/k", "3").has_value(); },
               [&] {
                 const std::string found = check();
                 EXPECT_TRUE(found == "3* 2 1" || (found == "2* 1" && !acknowledged)) << found;
               });
}

TEST_P(RecoveryOfKeptOverwrites, bringing_a_version_back_happens_or_not) {
  bool acknowledged = false;
  live_and_die(
      [&] { prepare(3); },
      [&] { acknowledged = world_->remove_generation("/b/d/k", written_.back()).has_value(); },
      [&] {
        const std::string found = check();
        EXPECT_TRUE(found == "2* 1" || (found == "3* 2 1" && !acknowledged)) << found;
      });
}

TEST_P(RecoveryOfKeptOverwrites, a_mark_that_goes_leaves_what_was_or_stays) {
  uint64_t mark = 0;
  bool acknowledged = false;
  live_and_die(
      [&] {
        prepare(2);
        RemoveRequest request;
        mark = must(world_->names().remove(world_->context,
                                           world_->grant(Action::kDelete, "/b/d/k"), request))
                   .marker->record.generation;
      },
      [&] { acknowledged = world_->remove_generation("/b/d/k", mark).has_value(); },
      [&] {
        const std::string found = check();
        EXPECT_TRUE(found == "2* 1" || (found == "x* 2 1" && !acknowledged)) << found;
      });
}

TEST_P(RecoveryOfKeptOverwrites, a_rename_keeps_both_versions) {
  bool acknowledged = false;
  live_and_die(
      [&] {
        prepare(1);
        put("other", "e");
      },
      [&] { acknowledged = world_->rename("/b/d/k", "/b/e").has_value(); },
      [&] {
        const std::string found = check();
        EXPECT_TRUE(found == "x* 1 1* other" || (found == "1* other*" && !acknowledged)) << found;
      });
}

INSTANTIATE_TEST_SUITE_P(Points, RecoveryOfKeptOverwrites,
                         testing::Combine(testing::Values(Death{"write.intent", false},
                                                          Death{"write.intent", true},
                                                          Death{"write.published", false},
                                                          Death{"write.published", true},
                                                          Death{"write.committed", false},
                                                          Death{"write.committed", true}),
                                          testing::Values("disk", "cloud")),
                         name_of);

class RecoveryOfLinks : public RecoveryOfVersions {};

TEST_P(RecoveryOfLinks, the_version_before_is_never_lost) {
  bool acknowledged = false;
  live_and_die([&] { prepare(2); }, [&] { acknowledged = world_->put("/b/d/k", "3").has_value(); },
               [&] {
                 const std::string found = check();
                 EXPECT_TRUE(found == "3* 2 1" || (found == "2* 1" && !acknowledged)) << found;
               });
}

TEST_P(RecoveryOfLinks, bringing_a_version_back_happens_or_not) {
  if (std::string{std::get<0>(GetParam()).point} != "file.linked") {
    GTEST_SKIP() << "nothing is written, nothing kept";
  }
  bool acknowledged = false;
  live_and_die(
      [&] { prepare(3); },
      [&] { acknowledged = world_->remove_generation("/b/d/k", written_.back()).has_value(); },
      [&] {
        const std::string found = check();
        EXPECT_TRUE(found == "2* 1" || (found == "3* 2 1" && !acknowledged)) << found;
      });
}

INSTANTIATE_TEST_SUITE_P(
    Points, RecoveryOfLinks,
    testing::Combine(testing::Values(Death{"file.linked", false}, Death{"file.linked", true},
                                     Death{"version.kept", false}, Death{"version.kept", true},
                                     Death{"file.renamed", false}, Death{"file.renamed", true}),
                     testing::Values("disk")),
    name_of);

class RecoveryOfKeptRemovals : public RecoveryOfVersions {};

TEST_P(RecoveryOfKeptRemovals, a_removal_happens_or_not_and_loses_nothing) {
  bool acknowledged = false;
  live_and_die([&] { prepare(2); }, [&] { acknowledged = world_->remove("/b/d/k").has_value(); },
               [&] {
                 const std::string found = check();
                 EXPECT_TRUE(found == "x* 2 1" || (found == "2* 1" && !acknowledged)) << found;
               });
}

INSTANTIATE_TEST_SUITE_P(
    Points, RecoveryOfKeptRemovals,
    testing::Combine(testing::Values(Death{"remove.intent", false}, Death{"remove.intent", true},
                                     Death{"version.kept", false}, Death{"version.kept", true},
                                     Death{"remove.committed", false},
                                     Death{"remove.committed", true}, Death{"doom.removed", false},
                                     Death{"doom.removed", true}),
                     testing::Values("disk", "cloud")),
    name_of);

}  // namespace
}  // namespace beringia::core

// What others have changed is found, however fresh the view is said to be, and told.
#include "core/scan.h"

#include <gtest/gtest.h>

#include "core/test_world.h"

namespace beringia::core {
namespace {

using test::must;
using test::World;
using test::WorldOptions;

/// One mount over a remote store, whose looks are good for a day.
class ScanTest : public testing::Test {
 protected:
  ScanTest() : runtime_{io::Runtime::make_simulated(5)} {
    WorldOptions options;
    options.start = false;
    options.memory_backends = {"cloud"};
    options.mounts = {{"/", {"cloud:lake/"}, false, std::chrono::hours{24}}};
    world_ = std::make_unique<World>(options, runtime_.get());
  }
  ~ScanTest() override {
    runtime_->run([&] {
      world_->stop();
      world_->forget_process();
    });
  }
  void in(const std::function<void()>& body) {
    runtime_->run([&] {
      world_->start();
      must(world_->make_directory("/b/"));
      body();
    });
  }
  ScanReport scan(const std::string& root, size_t at_once = 256) {
    ScanReport sum;
    ScanRequest request;
    request.max_directories = at_once;
    do {
      auto part = must(scan_tree(context_, world_->parts(), Path::parse(root).value(), request));
      EXPECT_LE(part.directories, at_once);
      sum.directories += part.directories;
      for (auto& change : part.found.first) sum.found.note(std::move(change));
      request.after = part.next;
    } while (!request.after.empty());
    return sum;
  }
  std::string in_words(const ScanReport& report) {
    std::string text;
    for (const auto& change : report.found.first) {
      text += std::string{word_of(change.kind)} + " " + change.path + "; ";
    }
    return text;
  }
  std::string names(const std::string& directory) {
    std::string text;
    for (const auto& item : must(world_->list(directory)).items) text += item.name + " ";
    return text;
  }
  void foreign_write(const std::string& key, const std::string& bytes) {
    world_->foreign_write("cloud", "lake/b/" + key, bytes);
  }

  std::unique_ptr<io::Runtime> runtime_;
  std::unique_ptr<World> world_;
  io::Context context_;
};

TEST_F(ScanTest, tells_what_was_added_changed_and_removed) {
  in([&] {
    must(world_->put("/b/ours", "1"));
    must(world_->put("/b/replaced", "1"));
    must(world_->put("/b/removed", "1"));
    EXPECT_EQ(scan("/").found.total(), 0u) << "what we did ourselves is nothing new";
    foreign_write("added", "2");
    foreign_write("replaced", "2");
    foreign_write("d/e/f/deep", "2");
    world_->foreign_remove("cloud", "lake/b/removed");
    EXPECT_EQ(names("/b/"), "ours removed replaced ") << "looks are good for a day";
    const auto report = scan("/");
    EXPECT_EQ(in_words(report),
              "added /b/added; gone /b/removed; changed /b/replaced; added /b/d/e/f/deep; ");
    EXPECT_EQ(report.directories, 5u);  // "/", "/b/", and three below
    EXPECT_EQ(must(world_->get("/b/replaced")), "2");
    EXPECT_EQ(must(world_->get("/b/d/e/f/deep")), "2");
    EXPECT_EQ(world_->get("/b/removed").error().code(), Code::kNotFound);
    EXPECT_EQ(scan("/").found.total(), 0u) << "found once";
  });
}

TEST_F(ScanTest, tells_how_long_nobody_noticed) {
  in([&] {
    scan("/");
    foreign_write("old", "1");
    must(io::sleep_for(context_, std::chrono::hours{3}));
    const auto report = scan("/b/");
    ASSERT_EQ(report.found.added, 1u);
    EXPECT_GE(report.found.longest_unnoticed, std::chrono::hours{3});
    EXPECT_LT(report.found.longest_unnoticed, std::chrono::hours{4});
  });
}

TEST_F(ScanTest, goes_on_where_it_paused) {
  in([&] {
    scan("/");
    for (const char* key : {"a/1", "a/x/2", "b/3", "b/y/z/4", "c/5"}) foreign_write(key, "1");
    const auto report = scan("/b/", 1);
    EXPECT_EQ(report.found.added, 5u);
    EXPECT_EQ(report.directories, 7u);
  });
}

TEST_F(ScanTest, a_vanished_directory_is_told_entry_by_entry) {
  in([&] {
    for (const char* key : {"d/1", "d/2", "d/e/3"}) foreign_write(key, "1");
    EXPECT_EQ(scan("/").found.added, 3u);
    for (const char* key : {"d/1", "d/2", "d/e/3"}) {
      world_->foreign_remove("cloud", "lake/b/" + std::string{key});
    }
    EXPECT_EQ(scan("/").found.gone, 3u);
    EXPECT_EQ(names("/b/"), "");
  });
}

TEST_F(ScanTest, a_store_that_is_away_is_an_error_and_not_nothing) {
  in([&] {
    must(world_->put("/b/ours", "1"));
    scan("/");
    world_->faults("cloud").set_down(true);
    const auto failed = scan_tree(context_, world_->parts(), Path::parse("/").value(), {});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code(), Code::kUnavailable);
    world_->faults("cloud").set_down(false);
    world_->forgive_backends();
    EXPECT_EQ(names("/b/"), "ours ");
  });
}

TEST_F(ScanTest, is_refused_beside_its_root) {
  in([&] {
    ScanRequest request;
    request.after = "/other/";
    const auto failed = scan_tree(context_, world_->parts(), Path::parse("/b/").value(), request);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code(), Code::kInvalid);
  });
}

}  // namespace
}  // namespace beringia::core

#include "events/change_follower.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>

#include "core/test_world.h"
#include "events/native_changes.h"
#include "meta/keys.h"

namespace beringia::events {
namespace {

using backend::gcs::ChangeFeed;
using backend::gcs::ObjectChange;
using core::test::must;
using core::test::World;
using core::test::WorldOptions;

/// The subscription: what is not acknowledged is sent again.
struct Subscription {
  std::deque<ObjectChange> waiting;
  std::vector<ObjectChange> lent;
  std::set<std::string> acknowledged;
  int refused_acks = 0;
  int pulls_with_messages = 0;
  uint64_t next_ack = 1;

  void publish(const std::string& name, uint64_t generation, bool removed, int64_t micros = 1) {
    waiting.push_back(
        {name, generation, removed, Timestamp{micros}, "ack-" + std::to_string(next_ack++)});
  }
};

class FakeFeed final : public ChangeFeed {
 public:
  explicit FakeFeed(Subscription& subscription) : subscription_{subscription} {}
  Result<std::vector<ObjectChange>> pull(const io::Context& context) override {
    BR_TRY(io::sleep_for(context, std::chrono::milliseconds{1}));
    for (auto& change : subscription_.lent) {
      if (!subscription_.acknowledged.contains(change.ack)) subscription_.waiting.push_back(change);
    }
    subscription_.lent.assign(subscription_.waiting.begin(), subscription_.waiting.end());
    subscription_.waiting.clear();
    if (!subscription_.lent.empty()) ++subscription_.pulls_with_messages;
    return subscription_.lent;
  }
  Result<void> acknowledge(const io::Context&, const std::vector<ObjectChange>& changes) override {
    if (subscription_.refused_acks > 0) {
      --subscription_.refused_acks;
      return std::unexpected(unavailable("nobody takes acknowledgements"));
    }
    for (const auto& change : changes) subscription_.acknowledged.insert(change.ack);
    return {};
  }

 private:
  Subscription& subscription_;
};

/// One mount over a remote store, whose looks are good for an hour.
class ChangeFollowerTest : public testing::Test {
 protected:
  ChangeFollowerTest() : runtime_{io::Runtime::make_simulated(5)} {
    WorldOptions options;
    options.start = false;
    options.memory_backends = {"cloud"};
    options.mounts = {{"/", {"cloud:lake/"}, false, std::chrono::hours{1}}};
    world_ = std::make_unique<World>(options, runtime_.get());
  }
  ~ChangeFollowerTest() override {
    runtime_->run([&] {
      world_->stop();
      world_->forget_process();
    });
  }
  void in(const std::function<void()>& body) {
    runtime_->run([&] {
      world_->start();
      must(world_->make_directory("/b/"));
      begin();
      body();
      end();
    });
  }
  void begin() {
    meta::BackendDeclaration declaration;
    declaration.name = "cloud";
    declaration.id = world_->id_of("cloud");
    cancel_ = std::make_shared<io::CancelToken>();
    ended_ = std::make_shared<io::Event>();
    auto follower = std::make_shared<ChangeFollower>(world_->parts(), declaration,
                                                     std::make_unique<FakeFeed>(subscription_));
    runtime_->spawn([follower, ended = ended_, context = io::Context{}.with_cancel(cancel_)] {
      follower->run(context);
      ended->set();
    });
  }
  void end() {
    cancel_->cancel();
    must(ended_->wait(context_));
  }
  uint64_t generation(const std::string& name) {
    const auto info = must(world_->faults("cloud").inner().stat(context_, {name}));
    return std::stoull(info.version);
  }
  /// What somebody else writes, and the notification of it.
  void write_foreign(const std::string& key, const std::string& bytes) {
    world_->foreign_write("cloud", "lake/b/" + key, bytes);
    subscription_.publish("lake/b/" + key, generation("lake/b/" + key), false);
  }
  bool all_acknowledged() {
    return subscription_.acknowledged.size() + 1 == subscription_.next_ack;
  }
  void settle() {
    for (int i = 0; i < 600 && !all_acknowledged(); ++i) pass(std::chrono::milliseconds{100});
    EXPECT_TRUE(all_acknowledged());
  }
  void pass(Duration time) { must(io::sleep_for(context_, time)); }
  std::string get(const std::string& key) {
    const auto got = world_->get("/b/" + key);
    return got ? *got : std::string{"none"};
  }

  std::unique_ptr<io::Runtime> runtime_;
  std::unique_ptr<World> world_;
  io::Context context_;
  Subscription subscription_;
  std::shared_ptr<io::CancelToken> cancel_;
  std::shared_ptr<io::Event> ended_;
};

TEST_F(ChangeFollowerTest, foreign_writes_and_deletes_are_shown_though_looks_are_still_good) {
  in([&] {
    EXPECT_EQ(get("a"), "none");
    EXPECT_EQ(world_->names_in("/b/").size(), 0U);
    write_foreign("a", "one");
    settle();
    EXPECT_EQ(get("a"), "one");
    EXPECT_EQ(world_->names_in("/b/"), std::vector<std::string>{"a"});
    write_foreign("a", "two");
    settle();
    EXPECT_EQ(get("a"), "two");
    const uint64_t removed = generation("lake/b/a");
    world_->foreign_remove("cloud", "lake/b/a");
    subscription_.publish("lake/b/a", removed, true);
    settle();
    EXPECT_EQ(world_->names_in("/b/").size(), 0U);
  });
}

TEST_F(ChangeFollowerTest, messages_may_come_twice_and_in_any_order) {
  in([&] {
    world_->foreign_write("cloud", "lake/b/a", "one");
    const uint64_t first = generation("lake/b/a");
    world_->foreign_remove("cloud", "lake/b/a");
    world_->foreign_write("cloud", "lake/b/a", "two");
    const uint64_t second = generation("lake/b/a");
    for (int round = 0; round < 2; ++round) {
      subscription_.publish("lake/b/a", second, false);
      subscription_.publish("lake/b/a", first, true);
      subscription_.publish("lake/b/a", first, false);
    }
    settle();
    EXPECT_EQ(get("a"), "two");
    EXPECT_EQ(world_->names_in("/b/"), std::vector<std::string>{"a"});
  });
}

TEST_F(ChangeFollowerTest, what_we_wrote_ourselves_costs_no_look) {
  in([&] {
    must(world_->put("/b/own", "ours"));
    const uint64_t own = generation("lake/b/own");
    const uint64_t before = must(world_->stat("/b/own")).record.generation;
    world_->faults("cloud").set_down(true);
    subscription_.publish("lake/b/own", own, false);
    settle();
    world_->faults("cloud").set_down(false);
    EXPECT_EQ(must(world_->stat("/b/own")).record.generation, before);
  });
}

TEST_F(ChangeFollowerTest, nothing_is_acknowledged_before_it_is_followed_and_durable) {
  in([&] {
    subscription_.refused_acks = 3;
    write_foreign("a", "one");
    settle();
    EXPECT_GE(subscription_.pulls_with_messages, 4);
    EXPECT_EQ(get("a"), "one");
    const auto row = must(world_->store().get(context_, meta::change_cursor_key("cloud")));
    ASSERT_TRUE(row);
    EXPECT_EQ(*row, "1");
  });
}

TEST_F(ChangeFollowerTest, messages_of_other_parts_of_the_bucket_are_passed_over) {
  in([&] {
    world_->foreign_write("cloud", "elsewhere/x", "x");
    subscription_.publish("elsewhere/x", 1, false);
    subscription_.publish("", 0, false);
    subscription_.publish("lake/b/d/", 1, false);
    settle();
    EXPECT_EQ(world_->names_in("/b/").size(), 0U);
  });
}

TEST(PulledMessages, are_read_with_their_prefix_and_foreign_ones_have_no_name) {
  const auto changes = must(backend::gcs::parse_pulled(
      R"j({"receivedMessages":[
       {"ackId":"1","message":{"attributes":{"bucketId":"bkt","objectId":"lake/a b","eventType":
        "OBJECT_FINALIZE","objectGeneration":"1700000000000001",
        "eventTime":"2026-01-02T03:04:05.5Z"}}},
       {"ackId":"2","message":{"attributes":{"bucketId":"bkt","objectId":"lake/c","eventType":
        "OBJECT_DELETE","objectGeneration":"7"}}},
       {"ackId":"3","message":{"attributes":{"bucketId":"other","objectId":"lake/c"}}},
       {"ackId":"4","message":{"attributes":{"bucketId":"bkt","objectId":"sea/c"}}},
       {"ackId":"5","message":{"data":"aGk="}}]})j",
      "bkt", "lake/"));
  ASSERT_EQ(changes.size(), 5U);
  EXPECT_EQ(changes[0].name, "a b");
  EXPECT_EQ(changes[0].generation, 1700000000000001U);
  EXPECT_FALSE(changes[0].removed);
  EXPECT_GT(changes[0].time.micros, 0);
  EXPECT_TRUE(changes[1].removed);
  for (size_t i = 2; i < 5; ++i) EXPECT_EQ(changes[i].name, "") << i;
  EXPECT_TRUE(must(backend::gcs::parse_pulled("{}", "b", "")).empty());
  EXPECT_FALSE(backend::gcs::parse_pulled("[]", "b", ""));
  EXPECT_FALSE(backend::gcs::parse_pulled(R"j({"receivedMessages":[{}]})j", "b", ""));
}

}  // namespace
}  // namespace beringia::events

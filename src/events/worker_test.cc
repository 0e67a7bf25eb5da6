#include "events/worker.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/encoding.h"
#include "core/test_world.h"
#include "events/dispatcher.h"
#include "meta/keys.h"

namespace beringia::events {
namespace {

using core::test::must;
using core::test::World;
using core::test::WorldOptions;

/// What stands for the targets' end of the wire.
struct Wire {
  std::vector<std::string> taken;  // keys, in order
  std::deque<int> statuses;        // of the next messages; then 200
  bool is_down = false;
  int attempts = 0;
};

class FakeSender final : public Sender {
 public:
  explicit FakeSender(Wire& wire) : wire_{wire} {}
  Result<int> send(const io::Context& context, const std::string& body) override {
    BR_TRY(io::sleep_for(context, std::chrono::milliseconds{1}));
    ++wire_.attempts;
    if (wire_.is_down) return std::unexpected(unavailable("nobody is there"));
    int status = 200;
    if (!wire_.statuses.empty()) {
      status = wire_.statuses.front();
      wire_.statuses.pop_front();
    }
    const size_t at = body.find(R"("key":")");
    if (status == 200 && at != std::string::npos) {
      wire_.taken.push_back(body.substr(at + 7, body.find('"', at + 7) - at - 7));
    }
    return status;
  }

 private:
  Wire& wire_;
};

class WorkerTest : public testing::Test {
 protected:
  WorkerTest() : runtime_{io::Runtime::make_simulated(3)} {
    WorldOptions options;
    options.start = false;
    world_ = std::make_unique<World>(options, runtime_.get());
  }
  ~WorkerTest() override {
    runtime_->run([&] {
      world_->stop();
      world_->forget_process();
    });
  }
  void in(const std::function<void()>& body) {
    runtime_->run([&] {
      world_->start();
      must(world_->make_directory("/b/"));
      wire::NotificationRule rule;
      rule.id = "q";
      rule.target = "hook";
      rule.events = {"s3:ObjectCreated:*"};
      const std::string text = must(wire::encode(wire::Notifications{{rule}, 0}));
      must(world_->names().set_directory_attributes(
          context_, world_->grant(core::Action::kAdminister, "/b/"),
          {{std::string{core::kNotificationAttribute}, text}}));
      body();
      end();
    });
  }
  void begin() {
    cancel_ = std::make_shared<io::CancelToken>();
    ended_ = std::make_shared<io::Event>();
    auto worker = std::make_shared<Worker>(
        world_->parts(), meta::NotificationTargetDeclaration{"hook", "webhook", "http://h/", ""},
        std::make_unique<FakeSender>(wire_), message_, patience_);
    runtime_->spawn([worker, ended = ended_, context = io::Context{}.with_cancel(cancel_)] {
      worker->run(context);
      ended->set();
    });
  }
  void end() {
    if (!cancel_) return;
    cancel_->cancel();
    must(ended_->wait(context_));
    cancel_.reset();
  }
  void put(const std::string& key) { must(world_->put("/b/" + key, "x")); }
  void pass(Duration time) { must(io::sleep_for(context_, time)); }
  uint64_t cursor() {
    const auto row = must(world_->store().get(context_, meta::event_cursor_key("hook")));
    return row ? std::stoull(*row) : 0;
  }

  std::unique_ptr<io::Runtime> runtime_;
  std::unique_ptr<World> world_;
  io::Context context_;
  Wire wire_;
  MessageOptions message_;
  Patience patience_;
  std::shared_ptr<io::CancelToken> cancel_;
  std::shared_ptr<io::Event> ended_;
};

using Keys = std::vector<std::string>;

TEST_F(WorkerTest, delivers_in_order_and_goes_on_where_it_was) {
  in([&] {
    put("a");
    begin();
    put("b");
    pass(std::chrono::seconds{1});
    EXPECT_EQ(wire_.taken, (Keys{"a", "b"}));
    end();
    EXPECT_GT(cursor(), 0u);
    put("c");
    begin();
    pass(std::chrono::seconds{1});
    EXPECT_EQ(wire_.taken, (Keys{"a", "b", "c"})) << "nothing twice after a clean stop";
  });
}

TEST_F(WorkerTest, remembers_soon_how_far_it_is_though_nothing_else_happens) {
  in([&] {
    begin();
    put("a");
    pass(std::chrono::seconds{3});
    const uint64_t saved = cursor();
    EXPECT_GT(saved, 0u);
    pass(std::chrono::seconds{10});
    EXPECT_EQ(cursor(), saved);
  });
}

TEST_F(WorkerTest, repeats_with_longer_and_longer_pauses_until_the_target_is_back) {
  in([&] {
    wire_.is_down = true;
    begin();
    put("a");
    put("b");
    pass(std::chrono::minutes{10});
    EXPECT_TRUE(wire_.taken.empty());
    EXPECT_LT(wire_.attempts, 25);
    EXPECT_GT(wire_.attempts, 10);
    wire_.is_down = false;
    pass(std::chrono::minutes{2});
    EXPECT_EQ(wire_.taken, (Keys{"a", "b"}));
  });
}

TEST_F(WorkerTest, what_the_target_refuses_again_and_again_is_given_up) {
  in([&] {
    wire_.statuses = {400, 413, 400, 400, 400};
    begin();
    put("bad");
    put("good");
    pass(std::chrono::minutes{1});
    EXPECT_EQ(wire_.taken, Keys{"good"});
    EXPECT_EQ(wire_.attempts, 6);
  });
}

TEST_F(WorkerTest, trouble_that_can_be_put_right_is_waited_for) {
  in([&] {
    wire_.statuses = {401, 403, 404, 408, 429, 500, 503};
    begin();
    put("a");
    pass(std::chrono::minutes{2});
    EXPECT_EQ(wire_.taken, Keys{"a"});
  });
}

TEST_F(WorkerTest, what_is_older_than_a_day_is_given_up) {
  in([&] {
    wire_.is_down = true;
    begin();
    put("old");
    pass(std::chrono::hours{25});
    put("new");
    wire_.is_down = false;
    pass(std::chrono::minutes{2});
    EXPECT_EQ(wire_.taken, Keys{"new"});
  });
}

TEST_F(WorkerTest, notices_that_the_feed_went_on_without_it) {
  in([&] {
    begin();
    put("a");
    pass(std::chrono::seconds{2});
    end();
    put("lost");
    const auto rows = must(meta::feed_after(context_, world_->store(), cursor(), 10));
    kv::Batch trimmed;
    for (const auto& row : rows) {
      std::string key{meta::kFeedStream};
      append_be64(key, row.number);
      trimmed.remove(key);
    }
    must(world_->store().commit(context_, std::move(trimmed), kv::Durability::kBuffered));
    put("later");
    begin();
    pass(std::chrono::seconds{2});
    EXPECT_EQ(wire_.taken, (Keys{"a", "later"}));
  });
}

TEST_F(WorkerTest, the_dispatcher_follows_the_estate_and_ends_when_it_is_told_to) {
  in([&] {
    Dispatcher::Options options;
    options.make_sender = [&](const auto&) -> Result<std::unique_ptr<Sender>> {
      return std::make_unique<FakeSender>(wire_);
    };
    Dispatcher dispatcher{*runtime_, world_->parts(), options};
    put("a");
    pass(std::chrono::seconds{2});
    EXPECT_TRUE(wire_.taken.empty()) << "no target is declared";
    world_->set_targets({{"hook", "webhook", "http://h/", ""}});
    pass(std::chrono::seconds{2});
    EXPECT_EQ(wire_.taken, Keys{"a"});
    world_->set_targets({});
    pass(std::chrono::seconds{2});
    put("b");
    pass(std::chrono::seconds{2});
    EXPECT_EQ(wire_.taken, Keys{"a"});
    world_->set_targets({{"hook", "webhook", "http://h/", ""}});
    pass(std::chrono::seconds{2});
    EXPECT_EQ(wire_.taken, (Keys{"a", "b"})) << "it went on where it was";
    dispatcher.stop();
  });
}

}  // namespace
}  // namespace beringia::events

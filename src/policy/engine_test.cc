#include "policy/engine.h"

#include "policy/planner.h"
#include "policy/rate_limit.h"
#include "policy/test_lake.h"

namespace beringia::policy {
namespace {

using test::Lake;
using test::must;

class Planning : public Lake {
 protected:
  void put_three() {
    must(world_->put("/b/small", "12345"));
    must(world_->put("/b/d/large", std::string(5000, 'x')));
    must(world_->put("/c/other", "1"));
  }
};

TEST_F(Planning, counts_what_the_policies_would_move) {
  in([&] {
    put_three();
    const auto summary = plan();
    EXPECT_EQ(summary.totals.objects, 2U);
    EXPECT_EQ(summary.totals.bytes, 5005U);
    EXPECT_EQ(summary.totals.calls.class_a, 2U);
    EXPECT_EQ(summary.scanned, 2U);  // only below the prefix that the condition requires
    EXPECT_EQ(summary.by_policy.at(test::kCold).bytes, 5005U);
    EXPECT_EQ(summary.totals.egress_bytes, 0U);
    const auto rows = must(engine_->plan_rows(context_, world_->principal(), summary.id, 0, 10));
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].path, "/b/d/large");
    EXPECT_EQ(rows[0].from, "disk");
    EXPECT_EQ(rows[0].to, "cloud");
    EXPECT_EQ(rows[0].kind, PlanRow::Kind::kMove);
    EXPECT_EQ(rows[1].size, 5U);
    const auto second = must(engine_->plan_rows(context_, world_->principal(), summary.id, 1, 10));
    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(second[0].path, "/b/small");
  });
}

TEST_F(Planning, is_the_same_after_a_restart) {
  PlanSummary before;
  in([&] {
    put_three();
    before = plan();
    engine_.reset();
    world_->restart();
    make_engine();
    const auto after = must(engine_->plan(context_, world_->principal(), before.id));
    EXPECT_EQ(after.totals, before.totals);
    EXPECT_EQ(after.by_policy, before.by_policy);
    EXPECT_EQ(after.skipped, before.skipped);
    EXPECT_EQ(after.estate_fingerprint, before.estate_fingerprint);
    EXPECT_EQ(after.created, before.created);
    EXPECT_EQ(after.policies, before.policies);
    EXPECT_EQ(must(engine_->plans(context_, world_->principal())).size(), 1U);
  });
}

TEST_F(Planning, keeps_to_the_named_policies_and_the_prefix) {
  in([&] {
    put_three();
    world_->set_policies({test::to_cloud("size > 1000"), {"rest", "true", {{"cloud", ""}}, 0}});
    EXPECT_EQ(plan({{"rest"}, {}, 0, {}}).totals.objects, 3U);
    EXPECT_EQ(plan({{test::kCold}, {}, 0, {}}).totals.objects, 1U);
    EXPECT_EQ(plan({{}, must(Path::parse("/b/")), 0, {}}).totals.objects, 2U);
    EXPECT_EQ(plan({{}, must(Path::parse("/b/d/")), 0, {}}).totals.objects, 1U);
    EXPECT_EQ(plan({{}, must(Path::parse("/b/small")), 0, {}}).totals.objects, 1U);
    EXPECT_EQ(plan({{}, must(Path::parse("/nowhere/")), 0, {}}).totals.objects, 0U);
    // The first that matches decides.
    EXPECT_EQ(plan().by_policy.at(test::kCold).objects, 1U);
    EXPECT_EQ(plan().by_policy.at("rest").objects, 2U);
    EXPECT_EQ(
        engine_->make_plan(context_, world_->principal(), {{"nope"}, {}, 0, {}}).error().code(),
        Code::kNotFound);
  });
}

TEST_F(Planning, conditions_know_the_entry) {
  in([&] {
    core::WriteRequest request;
    request.attributes.tags = {{"hold", "yes"}};
    request.attributes.content_type = "text/csv";
    must(world_->put("/b/held", "x", request));
    must(world_->put("/b/free", "x"));
    must(io::sleep_for(context_, std::chrono::hours{2}));
    must(world_->put("/b/young", "x"));
    const auto planned = [&](const char* when) {
      world_->set_policies({test::to_cloud(when)});
      return plan().totals.objects;
    };
    EXPECT_EQ(planned("!('hold' in tags)"), 2U);
    EXPECT_EQ(planned("age > duration('1h')"), 2U);
    EXPECT_EQ(planned("age > duration('1h') && !('hold' in tags)"), 1U);
    EXPECT_EQ(planned("content_type == 'text/csv'"), 1U);
    EXPECT_EQ(planned("name == 'free' && bucket == 'b'"), 1U);
    EXPECT_EQ(planned("owner == 'root' && class == 'STANDARD'"), 3U);
    EXPECT_EQ(planned("'disk' in backends"), 3U);
    EXPECT_EQ(planned("'cloud' in backends"), 0U);
  });
}

TEST_F(Planning, says_why_entries_are_left_out) {
  in([&] {
    put_three();
    world_->set_policies({test::to_cloud("tags['team'] == 'sales'")});
    const auto summary = plan();
    EXPECT_EQ(summary.totals.objects, 0U);
    ASSERT_EQ(summary.skipped.size(), 1U);
    EXPECT_EQ(summary.skipped[0].objects, 3U);
    EXPECT_EQ(summary.skipped[0].examples.size(), 3U);
    EXPECT_NE(summary.skipped[0].reason.find("has no value"), std::string::npos);
  });
}

TEST_F(Planning, needs_the_right_to_list) {
  in([&] {
    put_three();
    world_->principal("eve");
    EXPECT_EQ(engine_->make_plan(context_, world_->principal("eve"), {}).error().code(),
              Code::kDenied);
    const auto id = plan().id;
    EXPECT_EQ(engine_->plan(context_, world_->principal("eve"), id).error().code(), Code::kDenied);
    EXPECT_TRUE(must(engine_->plans(context_, world_->principal("eve"))).empty());
  });
}

TEST_F(Planning, policies_that_cannot_work_are_refused_with_the_place) {
  in([&] {
    meta::Estate estate = world_->mounts()->estate();
    EXPECT_TRUE(validate(estate));
    estate.policies = {test::to_cloud("size >> 3")};
    auto refused = validate(estate);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kInvalid);
    EXPECT_NE(refused.error().what().find(test::kCold), std::string::npos);
    EXPECT_NE(refused.error().why().find('^'), std::string::npos) << refused.error().why();
    estate.policies = {{"p", "true", {{"nowhere", ""}}, 0}};
    EXPECT_EQ(validate(estate).error().code(), Code::kInvalid);
    estate.policies = {{"p", "true", {}, 0}};
    EXPECT_FALSE(validate(estate));
    estate.policies = {{"p", "true", {{"disk", "NEARLINE"}}, 0}};
    EXPECT_FALSE(validate(estate));
    estate.policies = {{"p", "true", {{"disk", ""}, {"disk", ""}}, 0}};
    EXPECT_FALSE(validate(estate));
    estate.policies = {test::to_cloud(), test::to_cloud()};
    EXPECT_FALSE(validate(estate));
  });
}

TEST(Prices, are_added_up_by_call_byte_and_month) {
  meta::BackendDeclaration disk, cloud;
  disk.url = "file:///srv";
  cloud.url = "gs://bucket";
  constexpr uint64_t kGigabyte = 1 << 30;
  Totals out;
  add_to(out, {PlanRow::Kind::kMove, 100 * kGigabyte, &disk, "", &cloud, "NEARLINE"});
  EXPECT_EQ(out.cost.value, 10'000);                   // one class A call at 0.01 USD per 1,000
  EXPECT_EQ(out.cost_per_month.value, 1'000'000'000);  // 100 GB at 0.01 USD
  EXPECT_EQ(out.egress_bytes, 0U);
  EXPECT_EQ(out.calls, (ApiCalls{1, 0, 0}));
  Totals back;
  add_to(back, {PlanRow::Kind::kMove, 100 * kGigabyte, &cloud, "NEARLINE", &disk, ""});
  EXPECT_EQ(back.egress_bytes, 100 * kGigabyte);
  EXPECT_EQ(back.cost.value, 13'000'001'000);  // 0.12 egress + 0.01 retrieval per GB, one read
  EXPECT_EQ(back.cost_per_month.value, -1'000'000'000);
  EXPECT_EQ(back.calls, (ApiCalls{0, 1, 1}));
  cloud.prices = {0.5, 0, 0, 0, 0};
  Totals declared;
  add_to(declared, {PlanRow::Kind::kReplicate, kGigabyte, &disk, "", &cloud, ""});
  EXPECT_EQ(declared.cost_per_month.value, 500'000'000);
}

class Running : public Lake {
 protected:
  void put_many(int count, size_t size) {
    for (int i = 0; i < count; ++i) {
      must(world_->put("/b/k" + std::to_string(i), std::string(size, 'x')));
    }
  }
};

TEST_F(Running, refuses_a_plan_of_another_estate) {
  in([&] {
    put_many(2, 10);
    const auto first = plan();
    world_->set_policies({test::to_cloud("size > 5")});
    auto refused = engine_->start_run(context_, world_->principal(), {first.id, 0, false});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kConflict);
    EXPECT_EQ(refused.error().tag(), "drifted");
    world_->set_policies({});
    EXPECT_EQ(engine_->start_run(context_, world_->principal(), {first.id, 0, false}).error().tag(),
              "drifted");
  });
}

TEST_F(Running, says_how_many_rows_have_drifted_or_skips_them) {
  in([&] {
    put_many(3, 10);
    const auto summary = plan();
    must(world_->put("/b/k1", "newer"));
    must(world_->remove("/b/k2"));
    auto refused = engine_->start_run(context_, world_->principal(), {summary.id, 0, true});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().tag(), "drifted");
    EXPECT_NE(refused.error().why().find("2 of its 3 rows"), std::string::npos);
    const auto status = wait(begin(summary.id).id);
    EXPECT_EQ(status.objects_done, 1U);
    EXPECT_EQ(status.objects_skipped, 2U);
    EXPECT_EQ(world_->get("/b/k1").value(), "newer");
    EXPECT_EQ(
        engine_->start_run(context_, world_->principal(), {summary.id, 0, false}).error().code(),
        Code::kAlreadyExists);
  });
}

TEST_F(Running, keeps_to_the_bandwidth_and_estimates_the_rest) {
  in([&] {
    put_many(20, 100'000);
    const auto summary = plan({{}, {}, 100'000, {}});
    EXPECT_EQ(summary.totals.duration, std::chrono::seconds{20});
    const auto started = io::now();
    const auto run = begin(summary.id, 100'000);
    must(io::sleep_for(context_, std::chrono::seconds{10}));
    const auto middle = must(engine_->run(context_, world_->principal(), run.id));
    EXPECT_EQ(middle.state, meta::RunRecord::State::kRunning);
    EXPECT_NEAR(middle.rate_bytes_per_s, 100'000, 30'000);
    EXPECT_NEAR(static_cast<double>(middle.objects_done), 10, 4);
    ASSERT_TRUE(middle.remaining);
    EXPECT_NEAR(static_cast<double>(middle.remaining->count()) / 1e9, 10, 6);
    const auto status = wait(run.id);
    EXPECT_EQ(status.objects_done, 20U);
    const double seconds = static_cast<double>((io::now() - started).count()) / 1e9;
    EXPECT_GE(seconds, 19.5);
    EXPECT_LE(seconds, 30);
  });
}

TEST_F(Running, a_policys_own_cap_holds_beside_that_of_the_run) {
  in([&] {
    auto policy = test::to_cloud();
    policy.bandwidth_bytes_per_s = 50'000;
    world_->set_policies({policy});
    put_many(4, 100'000);
    const auto summary = plan();
    EXPECT_EQ(summary.totals.duration, std::chrono::seconds{8});
    const auto started = io::now();
    wait(begin(summary.id).id);
    EXPECT_GE((io::now() - started), std::chrono::milliseconds{7800});
  });
}

TEST_F(Running, stops_when_it_is_cancelled_and_takes_back_what_is_under_way) {
  in([&] {
    put_many(10, 1'000'000);
    const auto run = begin(plan().id, 1'000'000);
    must(io::sleep_for(context_, std::chrono::milliseconds{2500}));
    must(engine_->cancel(context_, world_->principal(), run.id));
    const auto status = wait(run.id);
    EXPECT_EQ(status.state, meta::RunRecord::State::kCancelled);
    EXPECT_LT(status.objects_done, 6U);
    int moved = 0;
    for (int i = 0; i < 10; ++i) {
      const std::string name = "k" + std::to_string(i);
      EXPECT_EQ(must(world_->get("/b/" + name)).size(), 1'000'000U);
      const bool in_cloud = backends_of("/b/" + name) == std::vector<std::string>{"cloud"};
      moved += in_cloud ? 1 : 0;
      EXPECT_EQ(world_->has_native("cloud", "b/" + name), in_cloud);
      EXPECT_EQ(world_->has_native("disk", "b/" + name), !in_cloud);
    }
    EXPECT_EQ(static_cast<uint64_t>(moved), status.objects_done);
    expect_no_guards();
  });
}

TEST_F(Running, goes_on_after_a_clean_stop) {
  in([&] {
    put_many(10, 100'000);
    const auto run = begin(plan().id, 100'000);
    must(io::sleep_for(context_, std::chrono::seconds{4}));
    engine_->stop();
    EXPECT_EQ(must(meta::find_run(context_, world_->store(), run.id))->state,
              meta::RunRecord::State::kRunning);
    engine_.reset();
    world_->restart();
    make_engine();
    const auto status = wait(run.id);
    EXPECT_EQ(status.state, meta::RunRecord::State::kDone);
    EXPECT_EQ(status.objects_done, 10U);
    EXPECT_EQ(status.bytes_done, 1'000'000U);
    expect_no_guards();
  });
}

TEST_F(Running, shows_rows_and_problems) {
  in([&] {
    put_many(3, 10);
    world_->foreign_write("cloud", "b/k1", "foreign");
    const auto status = run_all();
    const auto all = rows(status.id);
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].state, meta::MoveRecord::State::kDone);
    EXPECT_EQ(all[1].state, meta::MoveRecord::State::kSkipped);
    const auto problems =
        must(engine_->run_rows(context_, world_->principal(), status.id, 0, 10, {true}));
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].planned.path, "/b/k1");
    EXPECT_EQ(only_run(), status.id);
  });
}

TEST_F(Running, explains_where_an_entry_is_and_why) {
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    must(world_->put("/c/k", "some bytes"));
    const auto ask = [&](const std::string& path) {
      return must(engine_->explain(context_, world_->grant(core::Action::kRead, path)));
    };
    auto before = ask("/b/k");
    EXPECT_EQ(before.rule, test::kCold);
    EXPECT_FALSE(before.satisfied);
    EXPECT_EQ(before.wants.at(0).backend, "cloud");
    EXPECT_TRUE(before.run.empty());
    EXPECT_NE(before.verdict.find("the next plan moves it"), std::string::npos);
    EXPECT_NE(ask("/c/k").verdict.find("no policy matches"), std::string::npos);
    const auto status = run_all();
    auto after = ask("/b/k");
    EXPECT_TRUE(after.satisfied);
    EXPECT_EQ(after.run, status.id);
    EXPECT_EQ(after.policy, test::kCold);
    EXPECT_EQ(after.where.copies.at(0).backend, "cloud");
    EXPECT_NE(after.where.why.find(status.id), std::string::npos);
  });
}

TEST_F(Running, forgets_the_oldest_plans) {
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    std::string first;
    for (size_t i = 0; i < kMaxPlans + 3; ++i) {
      const auto id = plan().id;
      if (first.empty()) first = id;
      must(io::sleep_for(context_, std::chrono::seconds{1}));
    }
    EXPECT_EQ(must(engine_->plans(context_, world_->principal())).size(), kMaxPlans);
    EXPECT_EQ(engine_->plan(context_, world_->principal(), first).error().code(), Code::kNotFound);
    EXPECT_TRUE(must(rows_of_plan(context_, world_->store(), first, 0, 10)).empty());
  });
}

}  // namespace
}  // namespace beringia::policy

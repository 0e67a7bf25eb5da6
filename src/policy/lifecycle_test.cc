#include "wire/lifecycle.h"

#include <algorithm>

#include "access/bucket_access.h"
#include "policy/policy.h"
#include "policy/test_lake.h"

namespace beringia::policy {
namespace {

using test::Lake;
using test::must;
using test::WorldOptions;

constexpr Duration kHour = std::chrono::hours{1};
constexpr Duration kDays = std::chrono::hours{24};

wire::LifecycleRule rule_for(std::string id, std::string prefix) {
  wire::LifecycleRule rule;
  rule.id = std::move(id);
  rule.filter.prefixes = {std::move(prefix)};
  return rule;
}

wire::LifecycleRule expire(std::string id, std::string prefix, uint32_t days) {
  wire::LifecycleRule rule = rule_for(std::move(id), std::move(prefix));
  rule.expiration.days = days;
  return rule;
}

class Lifecycles : public Lake {
 protected:
  explicit Lifecycles(WorldOptions options = test::hybrid()) : Lake(std::move(options)) {
    options_.lifecycle.interval = kHour;
  }
  void set_text(const std::string& bucket, std::string text) {
    const meta::StringMap changed{{std::string{access::kLifecycleAttribute}, std::move(text)}};
    must(world_->names().set_directory_attributes(
        context_, world_->grant(core::Action::kAdminister, "/" + bucket + "/"), changed));
  }
  void set(std::vector<wire::LifecycleRule> rules, const std::string& bucket = "b") {
    set_text(bucket, must(wire::encode({std::move(rules), false})));
  }
  void pass(Duration time) { must(io::sleep_for(context_, time)); }
  /// Long enough for a pass after anything that is due by then.
  void pass_days(int days) { pass(days * kDays + 2 * kHour); }
  bool is_there(const std::string& path) { return world_->stat(path).has_value(); }
  std::string class_of(const std::string& path) {
    return must(world_->stat(path)).record.storage_class;
  }
  std::string native_class_of(const std::string& path, const std::string& backend) {
    const auto entry = must(world_->stat(path));
    const auto copy =
        std::ranges::find(entry.record.copies, world_->id_of(backend), &meta::Copy::backend);
    return copy == entry.record.copies.end() ? "none" : copy->storage_class;
  }
  std::vector<std::string> audit_of(const std::string& operation) {
    std::vector<std::string> found;
    for (auto& row : must(world_->store().scan(context_, "a", "b", 10'000))) {
      if (row.value.find("\"" + operation + "\"") != std::string::npos) found.push_back(row.value);
    }
    return found;
  }
  LifecyclePlan plan_of(const std::string& bucket, Timestamp at = {}) {
    const auto path = must(Path::parse("/" + bucket + "/"));
    return must(engine_->plan_lifecycle(context_, world_->principal(), {path, at, 100}), "plan");
  }
  LifecycleStatus status_of(const std::string& bucket) {
    for (auto& one : must(engine_->lifecycles(context_, world_->principal()))) {
      if (one.bucket == bucket) return one;
    }
    ADD_FAILURE() << "no lifecycle of " << bucket;
    return {};
  }
};

TEST_F(Lifecycles, remove_what_has_lived_long_enough_and_nothing_else) {
  in([&] {
    set({expire("short", "logs/", 1), expire("long", "old/", 30)});
    for (const char* path : {"/b/logs/a", "/b/logs/d/b", "/b/old/c", "/b/other", "/c/logs/a"}) {
      must(world_->put(path, "12345"));
    }
    pass(2 * kHour);
    EXPECT_TRUE(is_there("/b/logs/a"));
    pass_days(2);
    EXPECT_FALSE(is_there("/b/logs/a"));
    EXPECT_FALSE(is_there("/b/logs/d/b"));
    EXPECT_FALSE(world_->has_native("disk", "b/logs/a"));
    EXPECT_TRUE(is_there("/b/old/c"));
    EXPECT_TRUE(is_there("/b/other"));
    EXPECT_TRUE(is_there("/c/logs/a"));
    const auto records = audit_of("lifecycle.expire");
    ASSERT_EQ(records.size(), 2U);
    EXPECT_NE(records[0].find("bucket b rule short"), std::string::npos) << records[0];
    EXPECT_NE(records[0].find("system:lifecycle"), std::string::npos);
    EXPECT_NE(records[0].find("/b/logs/a"), std::string::npos);
  });
}

TEST_F(Lifecycles, count_from_the_last_time_an_object_was_written) {
  in([&] {
    set({expire("short", "", 2)});
    must(world_->put("/b/kept", "1"));
    must(world_->put("/b/gone", "1"));
    pass(2 * kDays);
    must(world_->put("/b/kept", "22"));
    pass(kDays + 2 * kHour);
    EXPECT_FALSE(is_there("/b/gone"));
    EXPECT_EQ(must(world_->get("/b/kept")), "22");
  });
}

TEST_F(Lifecycles, look_at_tags_and_sizes_as_they_are_now) {
  in([&] {
    auto tagged = expire("tagged", "", 1);
    tagged.filter.tags = {{"keep", "no"}};
    auto large = expire("large", "", 1);
    large.filter.larger_than = 10;
    set({tagged, large});
    must(world_->put("/b/plain", "1"));
    must(world_->put("/b/large", std::string(11, 'x')));
    must(world_->put("/b/tagged", "1"));
    core::AttributePatch patch;
    patch.tags = meta::StringMap{{"keep", "no"}};
    must(world_->names().set_attributes(context_, world_->grant(core::Action::kWrite, "/b/tagged"),
                                        patch));
    pass_days(2);
    EXPECT_EQ(world_->names_in("/b/"), std::vector<std::string>{"plain"});
  });
}

TEST_F(Lifecycles, do_nothing_when_their_rules_are_disabled_or_taken_away) {
  in([&] {
    auto rule = expire("off", "", 1);
    rule.enabled = false;
    set({rule});
    set({expire("on", "", 1)}, "c");
    must(world_->put("/b/a", "1"));
    must(world_->put("/c/a", "1"));
    set_text("c", "");
    pass_days(3);
    EXPECT_TRUE(is_there("/b/a"));
    EXPECT_TRUE(is_there("/c/a"));
    EXPECT_TRUE(audit_of("lifecycle.expire").empty());
  });
}

TEST_F(Lifecycles, abort_uploads_that_were_left) {
  in([&] {
    auto rule = rule_for("uploads", "up/");
    rule.abort_uploads_days = 1;
    set({rule});
    const auto begin = [&](const std::string& path) {
      return must(world_->names().begin_upload(context_, world_->grant(core::Action::kWrite, path),
                                               {"s3", {}, {}}))
          .id;
    };
    const std::string gone = begin("/b/up/a");
    const std::string kept = begin("/b/down/a");
    pass_days(2);
    const auto left = must(
        world_->names().list_uploads(context_, world_->grant(core::Action::kList, "/b/"), "s3"));
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].id, kept);
    EXPECT_EQ(audit_of("lifecycle.abort-upload").size(), 1U);
    EXPECT_NE(gone, kept);
  });
}

TEST_F(Lifecycles, make_objects_colder_and_their_copies_where_a_backend_has_classes) {
  in([&] {
    world_->set_policies({test::to_cloud("path.startsWith('/b/cold/')")});
    must(world_->put("/b/cold/a", "12345"));
    must(world_->put("/b/warm/a", "12345"));
    EXPECT_EQ(run_all().objects_done, 1U);
    auto rule = rule_for("cool", "");
    rule.transitions = {{{1, {}}, "GLACIER_IR", 0}, {{10, {}}, "DEEP_ARCHIVE", 0}};
    set({rule});
    pass_days(2);
    EXPECT_EQ(class_of("/b/cold/a"), "GLACIER_IR");
    EXPECT_EQ(class_of("/b/warm/a"), "GLACIER_IR");
    EXPECT_EQ(native_class_of("/b/cold/a", "cloud"), "COLDLINE");
    EXPECT_EQ(native_class_of("/b/warm/a", "disk"), "");
    EXPECT_EQ(must(world_->get("/b/cold/a")), "12345");
    pass_days(10);
    EXPECT_EQ(class_of("/b/cold/a"), "DEEP_ARCHIVE");
    EXPECT_EQ(native_class_of("/b/cold/a", "cloud"), "ARCHIVE");
    // One each: what is done is not done again.
    EXPECT_EQ(audit_of("lifecycle.transition").size(), 4U);
    size_t rewrites = 0;
    for (const auto& run : must(engine_->runs(context_, world_->principal()))) {
      if (run.principal != kLifecyclePrincipal) continue;
      EXPECT_EQ(run.state, meta::RunRecord::State::kDone);
      EXPECT_EQ(run.policies, std::vector<std::string>{"lifecycle b/cool"});
      ++rewrites;
    }
    EXPECT_EQ(rewrites, 2U);
  });
}

TEST_F(Lifecycles, leave_classes_alone_that_a_policy_names) {
  in([&] {
    meta::PolicyDeclaration policy{"near", "path.startsWith('/b/')", {{"cloud", "NEARLINE"}}, 0};
    world_->set_policies({policy});
    must(world_->put("/b/a", "12345"));
    EXPECT_EQ(run_all().objects_done, 1U);
    auto rule = rule_for("cool", "");
    rule.transitions = {{{1, {}}, "DEEP_ARCHIVE", 0}};
    set({rule});
    pass_days(3);
    EXPECT_EQ(class_of("/b/a"), "DEEP_ARCHIVE");
    EXPECT_EQ(native_class_of("/b/a", "cloud"), "NEARLINE");
  });
}

TEST_F(Lifecycles, go_on_with_copies_after_a_restart_in_the_middle) {
  in([&] {
    world_->set_policies({test::to_cloud()});
    must(world_->put("/b/a", "12345"));
    EXPECT_EQ(run_all().objects_done, 1U);
    auto rule = rule_for("cool", "");
    rule.transitions = {{{1, {}}, "GLACIER", 0}};
    set({rule});
    world_->faults("cloud").set_down(true);
    pass_days(2);
    EXPECT_EQ(class_of("/b/a"), "GLACIER");
    EXPECT_NE(native_class_of("/b/a", "cloud"), "COLDLINE");
  });
  world_->faults("cloud").set_down(false);
  die_and_restart();
  in([&] {
    pass(2 * kHour);
    EXPECT_EQ(native_class_of("/b/a", "cloud"), "COLDLINE");
  });
}

class VersionedLifecycles : public Lifecycles {
 protected:
  void keep_versions() {
    const meta::StringMap changed{
        {std::string{core::kVersioningAttribute}, std::string{core::kVersioningOn}}};
    must(world_->names().set_directory_attributes(
        context_, world_->grant(core::Action::kAdminister, "/b/"), changed));
  }
  /// "k live", "k kept", "k marker" ... in the order of the list.
  std::vector<std::string> versions() {
    std::vector<std::string> found;
    const auto page = must(
        world_->names().list_versions(context_, world_->grant(core::Action::kList, "/b/"), {}));
    for (const auto& item : page.items) {
      const bool marker = item.version.delete_marker;
      found.push_back(item.name + (marker            ? item.is_current ? " marker" : " old marker"
                                   : item.is_current ? " live"
                                                     : " kept"));
    }
    return found;
  }
  void put_times(const std::string& name, int times) {
    for (int i = 0; i < times; ++i) {
      must(world_->put("/b/" + name, std::to_string(i)));
      pass(std::chrono::seconds{1});
    }
  }
  using Names = std::vector<std::string>;
};

TEST_F(VersionedLifecycles, keep_what_expires_behind_a_marker) {
  in([&] {
    keep_versions();
    put_times("a", 1);
    set({expire("short", "", 1)});
    pass_days(2);
    EXPECT_EQ(versions(), (Names{"a marker", "a kept"}));
    EXPECT_FALSE(is_there("/b/a"));
    pass_days(3);  // the marker is not lone: it stays
    EXPECT_EQ(versions(), (Names{"a marker", "a kept"}));
  });
}

TEST_F(VersionedLifecycles, remove_noncurrent_generations_but_so_many) {
  in([&] {
    keep_versions();
    put_times("a", 5);
    put_times("b", 2);
    auto rule = rule_for("old", "");
    rule.noncurrent_expiration = wire::NoncurrentExpiration{1, 2, {}};
    set({rule});
    pass(2 * kHour);
    EXPECT_EQ(versions().size(), 7U);
    pass_days(2);
    EXPECT_EQ(versions(), (Names{"a live", "a kept", "a kept", "b live", "b kept"}));
    EXPECT_EQ(must(world_->get("/b/a")), "4");
    EXPECT_EQ(audit_of("lifecycle.expire-version").size(), 2U);
  });
}

TEST_F(VersionedLifecycles, count_the_days_since_generations_are_noncurrent) {
  in([&] {
    keep_versions();
    must(world_->put("/b/a", "old"));
    pass(20 * kDays);
    auto rule = rule_for("old", "");
    rule.noncurrent_expiration = wire::NoncurrentExpiration{3, 0, {}};
    set({rule});
    must(world_->put("/b/a", "new"));
    pass_days(2);
    EXPECT_EQ(versions(), (Names{"a live", "a kept"}));
    pass_days(2);
    EXPECT_EQ(versions(), Names{"a live"});
  });
}

TEST_F(VersionedLifecycles, remove_markers_that_have_nothing_behind_them) {
  in([&] {
    keep_versions();
    put_times("a", 2);
    put_times("b", 1);
    must(world_->remove("/b/a"));
    must(world_->remove("/b/b"));
    auto rule = rule_for("a only", "a");
    rule.noncurrent_expiration = wire::NoncurrentExpiration{1, 0, {}};
    set({rule});
    pass_days(2);
    EXPECT_EQ(versions(), (Names{"a marker", "b marker", "b kept"}));
    rule.expire_markers = true;
    set({rule});
    pass(2 * kHour);
    EXPECT_EQ(versions(), (Names{"b marker", "b kept"}));
    EXPECT_EQ(audit_of("lifecycle.expire-marker").size(), 1U);
  });
}

TEST_F(VersionedLifecycles, remove_lone_markers_by_age_too) {
  in([&] {
    keep_versions();
    put_times("a", 1);
    must(world_->remove("/b/a"));
    auto rule = expire("both", "", 5);
    rule.noncurrent_expiration = wire::NoncurrentExpiration{1, 0, {}};
    set({rule});
    pass_days(2);
    EXPECT_EQ(versions(), Names{"a marker"});
    pass_days(5);
    EXPECT_TRUE(versions().empty());
  });
}

TEST_F(VersionedLifecycles, give_noncurrent_generations_another_class) {
  in([&] {
    keep_versions();
    put_times("a", 2);
    auto rule = rule_for("cool", "");
    rule.noncurrent_transitions = {{{1, {}}, "GLACIER", 0}};
    set({rule});
    pass_days(2);
    const auto page = must(
        world_->names().list_versions(context_, world_->grant(core::Action::kList, "/b/"), {}));
    ASSERT_EQ(page.items.size(), 2U);
    EXPECT_EQ(page.items[0].version.record.storage_class, "");
    EXPECT_EQ(page.items[1].version.record.storage_class, "GLACIER");
    EXPECT_EQ(audit_of("lifecycle.transition-version").size(), 1U);
  });
}

TEST_F(VersionedLifecycles, of_google_count_the_live_one_and_take_markers_along) {
  in([&] {
    keep_versions();
    put_times("a", 4);
    put_times("b", 1);
    must(world_->remove("/b/b"));
    auto rule = rule_for("google-1", "a");
    rule.as_google = true;
    rule.noncurrent_expiration = wire::NoncurrentExpiration{0, 2, {}};
    auto gone = rule_for("google-2", "b");
    gone.as_google = true;
    gone.noncurrent_expiration = wire::NoncurrentExpiration{1, 0, {}};
    set({rule, gone});
    pass_days(2);
    EXPECT_EQ(versions(), (Names{"a live", "a kept"}));
  });
}

TEST_F(VersionedLifecycles, are_planned_like_others) {
  in([&] {
    keep_versions();
    put_times("a", 3);
    auto rule = rule_for("old", "");
    rule.noncurrent_expiration = wire::NoncurrentExpiration{10, 0, {}};
    set({rule});
    EXPECT_TRUE(plan_of("b").rows.empty());
    const auto plan =
        plan_of("b", {world_->clock().wall().micros + int64_t{12} * 24 * 3600 * 1'000'000});
    ASSERT_EQ(plan.rows.size(), 2U);
    EXPECT_EQ(plan.rows[0].action, LifecycleAction::kExpireVersion);
    EXPECT_EQ(versions().size(), 3U);
  });
}

TEST_F(Lifecycles, show_first_what_they_would_do) {
  in([&] {
    set({expire("short", "logs/", 3)});
    must(world_->put("/b/logs/a", "12345"));
    must(world_->put("/b/logs/b", "1"));
    must(world_->put("/b/other", "1"));
    const auto now = plan_of("b");
    EXPECT_TRUE(now.rows.empty());
    EXPECT_EQ(now.outcome.scanned, 2U);
    EXPECT_EQ(now.next.micros % (int64_t{24} * 3600 * 1'000'000), 0);
    EXPECT_GT(now.next.micros, world_->clock().wall().micros);
    const auto then = plan_of("b", now.next);
    ASSERT_EQ(then.rows.size(), 2U);
    EXPECT_EQ(then.rows[0].path, "/b/logs/a");
    EXPECT_EQ(then.rows[0].rule, "short");
    EXPECT_EQ(then.rows[0].due, now.next);
    ASSERT_EQ(then.outcome.totals.size(), 1U);
    EXPECT_EQ(then.outcome.totals[0].objects, 2U);
    EXPECT_EQ(then.outcome.totals[0].bytes, 6U);
    EXPECT_TRUE(is_there("/b/logs/a"));
    ASSERT_EQ(then.rules.size(), 1U);
    EXPECT_EQ(then.rules[0].filter, "prefix logs/");
    EXPECT_EQ(then.rules[0].actions, "expire after 3 d");
  });
}

TEST_F(Lifecycles, are_shown_to_those_who_may_list_the_bucket) {
  in([&] {
    set({expire("short", "", 1)});
    const auto path = must(Path::parse("/b/"));
    const auto denied = engine_->plan_lifecycle(context_, world_->principal("eve"), {path, {}, 1});
    ASSERT_FALSE(denied);
    EXPECT_EQ(denied.error().code(), Code::kDenied);
    EXPECT_TRUE(must(engine_->lifecycles(context_, world_->principal("eve"))).empty());
    const auto none =
        engine_->plan_lifecycle(context_, world_->principal(), {must(Path::parse("/c/")), {}, 1});
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code(), Code::kNotFound);
  });
}

TEST_F(Lifecycles, tell_what_the_last_pass_has_done) {
  in([&] {
    set({expire("short", "", 1)});
    must(world_->put("/b/a", "12345"));
    EXPECT_FALSE(status_of("b").last);
    pass(kHour / 2);
    ASSERT_TRUE(status_of("b").last);
    EXPECT_TRUE(status_of("b").last->totals.empty());
    // Until the pass that removes it, and no later one.
    for (int i = 0; i < 96 && is_there("/b/a"); ++i) pass(kHour / 2);
    const auto last = status_of("b").last;
    ASSERT_TRUE(last);
    ASSERT_EQ(last->totals.size(), 1U);
    EXPECT_EQ(last->totals[0].objects, 1U);
    EXPECT_EQ(last->totals[0].bytes, 5U);
    EXPECT_EQ(last->error, "");
  });
}

TEST_F(Lifecycles, that_are_damaged_are_told_and_do_not_stop_the_others) {
  in([&] {
    set_text("b", "{broken");
    set({expire("short", "", 1)}, "c");
    must(world_->put("/b/a", "1"));
    must(world_->put("/c/a", "1"));
    pass_days(2);
    EXPECT_TRUE(is_there("/b/a"));
    EXPECT_FALSE(is_there("/c/a"));
    EXPECT_NE(status_of("b").damage, "");
    EXPECT_NE(status_of("b").last->error, "");
  });
}

TEST_F(Lifecycles, count_what_cannot_be_removed_with_its_reason) {
  in([&] {
    set({expire("short", "", 1)});
    must(world_->put("/b/a", "1"));
    world_->set_mounts({{"/", {"disk", "cloud"}}, {"/b/", {"disk:b/"}, true, Duration{0}, true}});
    pass_days(2);
    EXPECT_TRUE(is_there("/b/a"));
    const auto last = status_of("b").last;
    ASSERT_TRUE(last);
    ASSERT_EQ(last->skipped.size(), 1U);
    EXPECT_EQ(last->skipped[0].reason, "its mount is read-only");
    EXPECT_EQ(last->skipped[0].examples, std::vector<std::string>{"/b/a"});
  });
}

}  // namespace
}  // namespace beringia::policy

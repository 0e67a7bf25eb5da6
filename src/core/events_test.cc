#include "core/events.h"

#include <gtest/gtest.h>

#include "core/test_world.h"
#include "meta/journal.h"

namespace beringia::core {
namespace {

using test::must;
using test::World;
using wire::EventKind;
using Form = wire::NotificationRule::Form;

class Events : public testing::Test {
 protected:
  Events() { must(world.make_directory("/b/")); }

  void set_rules(uint32_t kinds, Form form = Form::kGoogle, const std::string& prefix = {}) {
    wire::NotificationRule rule;
    rule.id = "1";
    rule.form = form;
    rule.target = "hook";
    rule.prefix = prefix;
    if (form == Form::kGoogle) {
      for (const char* name :
           {"OBJECT_FINALIZE", "OBJECT_DELETE", "OBJECT_ARCHIVE", "OBJECT_METADATA_UPDATE"}) {
        if ((kinds & wire::kinds_of_google_event(name)) != 0) rule.events.emplace_back(name);
      }
    } else {
      rule.events = {"s3:ObjectCreated:*"};
    }
    const std::string text = must(wire::encode(wire::Notifications{{rule}, 1}));
    must(world.names().edit_directory_attribute(
        world.context, world.grant(Action::kAdminister, "/b/"), std::string{kNotificationAttribute},
        [&](const std::string&) -> Result<std::string> { return text; }, EventKind::kConfigured));
    (void)told();
  }

  /// Since the last call: kind, generation, other generation.
  std::vector<std::string> told() {
    std::vector<std::string> found;
    for (const auto& row : must(meta::feed_after(world.context, world.store(), seen_, 1000))) {
      seen_ = row.number;
      const auto& event = row.record.event;
      if (event.kind == EventKind::kNone) continue;
      found.push_back(std::string{wire::google_event_name(event.kind)} + " " +
                      std::to_string(row.record.generation) + " " +
                      std::to_string(event.other_generation));
      last_ = row.record;
    }
    return found;
  }
  static std::string line(const char* name, uint64_t generation, uint64_t other = 0) {
    return std::string{name} + " " + std::to_string(generation) + " " + std::to_string(other);
  }

  static constexpr uint32_t kAll = ~uint32_t{0};
  World world;
  meta::FeedRecord last_;

 private:
  uint64_t seen_ = 0;
};

TEST_F(Events, of_buckets_without_notifications_are_in_no_row) {
  must(world.put("/b/a", "x"));
  must(world.remove("/b/a"));
  EXPECT_TRUE(told().empty());
}

TEST_F(Events, are_committed_with_the_change_they_tell_of) {
  set_rules(kAll);
  const auto first = must(world.put("/b/a", "x"));
  EXPECT_EQ(told(), std::vector{line("OBJECT_FINALIZE", first.record.generation)});
  EXPECT_EQ(last_.event.principal, "root");
  EXPECT_EQ(last_.event.source_address, "127.0.0.1");
  ASSERT_EQ(last_.event.deliveries.size(), 1u);
  EXPECT_EQ(last_.event.deliveries[0].target, "hook");
  const auto entry = must(meta::decode_entry(last_.event.entry));
  EXPECT_EQ(entry.etag, first.record.effective_etag());
  EXPECT_EQ(entry.size, 1u);
  EXPECT_TRUE(entry.copies.empty()) << "where the bytes are is nobody's business";

  const auto second = must(world.put("/b/a", "yy"));
  EXPECT_EQ(
      told(),
      (std::vector{line("OBJECT_DELETE", first.record.generation, second.record.generation),
                   line("OBJECT_FINALIZE", second.record.generation, first.record.generation)}));
  AttributePatch patch;
  patch.tags = meta::StringMap{{"a", "b"}};
  must(world.names().set_attributes(world.context, world.grant(Action::kWrite, "/b/a"), patch));
  EXPECT_EQ(told(), std::vector{line("OBJECT_METADATA_UPDATE", second.record.generation)});
  must(world.remove("/b/a"));
  EXPECT_EQ(told(), std::vector{line("OBJECT_DELETE", second.record.generation)});
}

TEST_F(Events, of_versions_say_what_is_not_current_any_more) {
  world.set_versioning("/b/", kVersioningOn);
  set_rules(kAll);
  const uint64_t first = must(world.put("/b/a", "1")).record.generation;
  const uint64_t second = must(world.put("/b/a", "2")).record.generation;
  (void)told();
  const auto removed =
      must(world.names().remove(world.context, world.grant(Action::kDelete, "/b/a"), {}));
  const uint64_t mark = removed.marker->record.generation;
  EXPECT_EQ(told(), std::vector{line("OBJECT_ARCHIVE", mark, mark)});
  EXPECT_EQ(must(meta::decode_entry(last_.event.entry)).generation, second);
  must(world.remove_generation("/b/a", first));
  EXPECT_EQ(told(), std::vector{line("OBJECT_DELETE", first)});
  // The mark goes: what was before is current again, which is no new object.
  must(world.remove_generation("/b/a", mark));
  EXPECT_EQ(told(), std::vector{line("OBJECT_DELETE", mark)});
  EXPECT_TRUE(last_.event.entry.empty());
  EXPECT_EQ(must(world.get("/b/a")), "2");
}

TEST_F(Events, of_renames_tell_of_both_names) {
  must(world.put("/b/a", "x"));
  set_rules(kAll);
  must(world.rename("/b/a", "/b/c"));
  const auto lines = told();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[0].starts_with("OBJECT_FINALIZE") || lines[1].starts_with("OBJECT_FINALIZE"));
  EXPECT_TRUE(lines[0].starts_with("OBJECT_DELETE") || lines[1].starts_with("OBJECT_DELETE"));
}

TEST_F(Events, are_those_that_the_rules_want) {
  set_rules(wire::kinds_of_google_event("OBJECT_DELETE"), Form::kGoogle, "in/");
  must(world.put("/b/in/a", "x"));
  must(world.put("/b/out", "x"));
  must(world.remove("/b/out"));
  EXPECT_TRUE(told().empty());
  must(world.remove("/b/in/a"));
  EXPECT_EQ(told().size(), 1u);
}

TEST_F(Events, of_someone_elses_changes_are_told_when_they_are_found) {
  world.set_mounts({{"/", {"disk"}, false}});
  set_rules(kAll);
  world.foreign_write("disk", "b/native", "bytes");
  must(world.stat("/b/native"));
  EXPECT_EQ(told().size(), 1u);
  EXPECT_EQ(last_.event.principal, "system:sync");
}

TEST_F(Events, of_a_configuration_reach_every_target_once) {
  wire::NotificationRule rule;
  rule.target = "hook";
  rule.events = {"s3:ObjectCreated:*"};
  wire::NotificationRule other = rule;
  other.events = {"s3:ObjectRemoved:*"};
  const std::string text = must(wire::encode(wire::Notifications{{rule, other}, 0}));
  must(world.names().edit_directory_attribute(
      world.context, world.grant(Action::kAdminister, "/b/"), std::string{kNotificationAttribute},
      [&](const std::string& before) -> Result<std::string> { return before + text; },
      EventKind::kConfigured));
  (void)told();
  EXPECT_EQ(last_.event.kind, EventKind::kConfigured);
  EXPECT_EQ(last_.event.deliveries.size(), 1u);
}

}  // namespace
}  // namespace beringia::core

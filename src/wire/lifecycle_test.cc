#include "wire/lifecycle.h"

#include <gtest/gtest.h>

#include "wire/storage_class.h"

namespace beringia::wire {
namespace {

Timestamp at(const std::string& text) { return parse_rfc3339(text); }

LifecycleRule rule_of(std::string prefix) {
  LifecycleRule rule;
  rule.id = "rule of " + prefix;
  rule.filter.prefixes = {std::move(prefix)};
  return rule;
}

LifecycleRule expire(std::string prefix, uint32_t days) {
  LifecycleRule rule = rule_of(std::move(prefix));
  rule.expiration.days = days;
  return rule;
}

const Timestamp kWritten = at("2026-03-10T15:30:00Z");

TEST(Lifecycle, is_read_back_as_it_was_stored) {
  Lifecycle lifecycle;
  LifecycleRule rule = rule_of("logs/");
  rule.id = "a \"quoted\" id";
  rule.enabled = false;
  rule.as_google = true;
  rule.filter.form = LifecycleFilter::Form::kAnd;
  rule.filter.suffixes = {".tmp", ".bak"};
  rule.filter.tags = {{"team", "etl"}, {"empty", ""}};
  rule.filter.larger_than = 0;
  rule.filter.smaller_than = uint64_t{5} << 40;
  rule.filter.classes = {"NEARLINE"};
  rule.filter.created_before = at("2026-01-01T00:00:00Z");
  rule.expiration.date = at("2030-01-01T00:00:00Z");
  rule.expire_markers = true;
  rule.noncurrent_expiration = NoncurrentExpiration{3, 2, 100};
  rule.abort_uploads_days = 7;
  rule.transitions = {{{30, {}}, "STANDARD_IA", 0},
                      {{std::nullopt, at("2029-01-01T00:00:00Z")}, "GLACIER", 0}};
  rule.noncurrent_transitions = {{{1, {}}, "GLACIER_IR", 4}};
  lifecycle.rules = {rule, expire("", 1)};
  lifecycle.keeps_small_objects = true;
  const auto text = encode(lifecycle);
  ASSERT_TRUE(text);
  const auto again = decode_lifecycle(*text);
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(*again, lifecycle);
}

TEST(Lifecycle, refuses_a_damaged_or_unknown_form) {
  for (const char* text : {"", "{}", "[]", R"({"format":2,"rules":[]})",
                           R"({"format":1,"rules":[{"id":"a","surprise":1}]})",
                           R"({"format":1,"rules":[{"id":"a","expire":{"days":-1}}]})",
                           R"({"format":1,"rules":[{"id":"a","transitions":[{"class":"X"}]}]})"}) {
    const auto lifecycle = decode_lifecycle(text);
    ASSERT_FALSE(lifecycle) << text;
    EXPECT_EQ(lifecycle.error().code(), Code::kCorrupt);
  }
}

TEST(Lifecycle, that_is_too_large_for_a_bucket_is_refused) {
  Lifecycle lifecycle;
  for (int i = 0; i < 200; ++i) lifecycle.rules.push_back(expire(std::string(1000, 'x'), 1));
  const auto text = encode(lifecycle);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code(), Code::kInvalid);
}

TEST(Lifecycle, a_thousand_ordinary_rules_fit) {
  Lifecycle lifecycle;
  for (size_t i = 0; i < kMaxLifecycleRules; ++i) {
    LifecycleRule rule = expire("logs/" + std::to_string(i) + "/", 30);
    rule.id = "expire " + std::to_string(i);
    lifecycle.rules.push_back(rule);
  }
  EXPECT_TRUE(encode(lifecycle));
}

TEST(Lifecycle, days_of_amazon_end_at_the_next_midnight_and_those_of_google_do_not) {
  EXPECT_EQ(to_iso8601(days_after(kWritten, 1, false)), "2026-03-12T00:00:00.000Z");
  EXPECT_EQ(to_iso8601(days_after(at("2026-03-10T00:00:00Z"), 1, false)),
            "2026-03-11T00:00:00.000Z");
  EXPECT_EQ(to_iso8601(days_after(kWritten, 1, true)), "2026-03-11T15:30:00.000Z");
  EXPECT_EQ(days_after(kWritten, 3, false, std::chrono::seconds{10}).micros,
            kWritten.micros + 30'000'000);
  EXPECT_GT(days_after(kWritten, kMaxLifecycleDays, false), at("9000-01-01T00:00:00Z"));
}

TEST(Lifecycle, the_earliest_expiration_of_the_rules_that_match_counts) {
  Lifecycle lifecycle{{expire("logs/", 10), expire("logs/old/", 2), expire("other/", 1)}, false};
  auto due = expiration_of(lifecycle, {"logs/old/a", 1, nullptr, "", kWritten});
  ASSERT_TRUE(due);
  EXPECT_EQ(due->rule->id, "rule of logs/old/");
  EXPECT_EQ(to_iso8601(due->time), "2026-03-13T00:00:00.000Z");
  lifecycle.rules[1].enabled = false;
  due = expiration_of(lifecycle, {"logs/old/a", 1, nullptr, "", kWritten});
  ASSERT_TRUE(due);
  EXPECT_EQ(due->rule->id, "rule of logs/");
  EXPECT_FALSE(expiration_of(lifecycle, {"log", 1, nullptr, "", kWritten}));
}

TEST(Lifecycle, all_conditions_of_a_filter_must_hold) {
  const LifecycleTags tags = {{"team", "etl"}, {"stage", "raw"}};
  LifecycleFilter filter;
  filter.prefixes = {"a/", "b/"};
  filter.suffixes = {".tmp"};
  filter.tags = {{"team", "etl"}};
  filter.larger_than = 10;
  filter.smaller_than = 20;
  filter.classes = {"COLDLINE"};
  filter.created_before = at("2026-03-11T00:00:00Z");
  const LifecycleSubject right{"b/x.tmp", 11, &tags, "GLACIER_IR", kWritten};
  EXPECT_TRUE(matches(filter, right));
  const auto without = [&](auto change) {
    LifecycleSubject subject = right;
    change(subject);
    return matches(filter, subject);
  };
  const LifecycleTags others = {{"team", "web"}};
  EXPECT_FALSE(without([](auto& one) { one.key = "c/x.tmp"; }));
  EXPECT_FALSE(without([](auto& one) { one.key = "b/x.tmp2"; }));
  EXPECT_FALSE(without([&](auto& one) { one.tags = &others; }));
  EXPECT_FALSE(without([](auto& one) { one.tags = nullptr; }));
  EXPECT_FALSE(without([](auto& one) { one.size = 10; }));
  EXPECT_FALSE(without([](auto& one) { one.size = 20; }));
  EXPECT_FALSE(without([](auto& one) { one.storage_class = ""; }));
  EXPECT_FALSE(without([](auto& one) { one.created = at("2026-03-11T00:00:00Z"); }));
}

TEST(Lifecycle, objects_only_get_colder_and_as_cold_as_is_due) {
  LifecycleRule rule = rule_of("");
  rule.transitions = {{{1, {}}, "STANDARD_IA", 0}, {{7, {}}, "DEEP_ARCHIVE", 0}};
  Lifecycle lifecycle{{rule}, false};
  const auto class_at = [&](const std::string& stored, const std::string& now) {
    const auto due = transition_of(lifecycle, {"a", 1, nullptr, stored, kWritten}, at(now));
    const bool stays = !due || coldness(due->storage_class) == coldness(stored);
    return stays ? std::string{"stays"} : std::string{due->storage_class};
  };
  EXPECT_EQ(class_at("", "2026-03-11T23:59:59Z"), "stays");
  EXPECT_EQ(class_at("", "2026-03-12T00:00:00Z"), "STANDARD_IA");
  EXPECT_EQ(class_at("STANDARD_IA", "2026-03-12T00:00:00Z"), "stays");
  EXPECT_EQ(class_at("", "2026-03-18T00:00:00Z"), "DEEP_ARCHIVE");
  EXPECT_EQ(class_at("ARCHIVE", "2026-03-18T00:00:00Z"), "stays");
}

TEST(Lifecycle, the_class_that_an_object_has_already_is_named_again) {
  // Its copies may lie behind.
  LifecycleRule rule = rule_of("");
  rule.transitions = {{{1, {}}, "GLACIER_IR", 0}, {{1, {}}, "STANDARD", 0}};
  const Lifecycle lifecycle{{rule}, false};
  const auto due =
      transition_of(lifecycle, {"a", 1, nullptr, "COLDLINE", kWritten}, at("2026-03-12T00:00:00Z"));
  ASSERT_TRUE(due);
  EXPECT_EQ(due->storage_class, "GLACIER_IR");
}

TEST(Lifecycle, small_objects_stay_where_that_was_asked_for) {
  LifecycleRule rule = rule_of("");
  rule.transitions = {{{0, {}}, "GLACIER", 0}};
  Lifecycle lifecycle{{rule}, true};
  const Timestamp later = at("2027-01-01T00:00:00Z");
  EXPECT_FALSE(transition_of(lifecycle, {"a", kSmallObject - 1, nullptr, "", kWritten}, later));
  EXPECT_TRUE(transition_of(lifecycle, {"a", kSmallObject, nullptr, "", kWritten}, later));
  lifecycle.rules[0].filter.smaller_than = 100;
  EXPECT_TRUE(transition_of(lifecycle, {"a", 1, nullptr, "", kWritten}, later));
}

NoncurrentSubject noncurrent(uint32_t newer, bool live = true) {
  return {{"a", 1, nullptr, "", kWritten}, at("2026-04-01T10:00:00Z"), newer, live};
}

TEST(Lifecycle, noncurrent_generations_go_by_the_time_since_they_are_and_by_newer_ones) {
  LifecycleRule rule = rule_of("");
  rule.noncurrent_expiration = NoncurrentExpiration{2, 3, {}};
  Lifecycle lifecycle{{rule}, false};
  EXPECT_FALSE(noncurrent_expiration_of(lifecycle, noncurrent(2)));
  const auto due = noncurrent_expiration_of(lifecycle, noncurrent(3));
  ASSERT_TRUE(due);
  EXPECT_EQ(to_iso8601(due->time), "2026-04-04T00:00:00.000Z");
  // Google counts the live one, and days to the second.
  lifecycle.rules[0].as_google = true;
  EXPECT_EQ(to_iso8601(noncurrent_expiration_of(lifecycle, noncurrent(2))->time),
            "2026-04-03T10:00:00.000Z");
  EXPECT_FALSE(noncurrent_expiration_of(lifecycle, noncurrent(2, false)));
  lifecycle.rules[0].noncurrent_expiration = NoncurrentExpiration{0, 0, 60};
  EXPECT_EQ(to_iso8601(noncurrent_expiration_of(lifecycle, noncurrent(0))->time),
            "2026-05-09T15:30:00.000Z");
}

TEST(Lifecycle, noncurrent_generations_change_their_class) {
  LifecycleRule rule = rule_of("");
  rule.noncurrent_transitions = {{{1, {}}, "GLACIER", 0}, {{9, {}}, "DEEP_ARCHIVE", 0}};
  const Lifecycle lifecycle{{rule}, false};
  EXPECT_FALSE(noncurrent_transition_of(lifecycle, noncurrent(0), at("2026-04-02T00:00:00Z")));
  EXPECT_EQ(
      noncurrent_transition_of(lifecycle, noncurrent(0), at("2026-04-03T00:00:00Z"))->storage_class,
      "GLACIER");
  EXPECT_EQ(
      noncurrent_transition_of(lifecycle, noncurrent(0), at("2026-05-03T00:00:00Z"))->storage_class,
      "DEEP_ARCHIVE");
}

TEST(Lifecycle, lone_markers_go_at_once_or_with_their_age) {
  LifecycleRule rule = rule_of("a/");
  rule.expire_markers = true;
  Lifecycle lifecycle{{rule}, false};
  EXPECT_EQ(marker_expiration_of(lifecycle, "a/b", kWritten)->time, kWritten);
  EXPECT_FALSE(marker_expiration_of(lifecycle, "b", kWritten));
  lifecycle.rules = {expire("a/", 1)};
  EXPECT_EQ(to_iso8601(marker_expiration_of(lifecycle, "a/b", kWritten)->time),
            "2026-03-12T00:00:00.000Z");
  lifecycle.rules[0].filter.tags = {{"k", "v"}};
  EXPECT_FALSE(marker_expiration_of(lifecycle, "a/b", kWritten));
}

TEST(Lifecycle, aborts_uploads_by_name_and_age) {
  LifecycleRule rule = rule_of("up/");
  rule.abort_uploads_days = 2;
  Lifecycle lifecycle{{rule}, false};
  const auto due = abort_of(lifecycle, "up/a", kWritten);
  ASSERT_TRUE(due);
  EXPECT_EQ(to_iso8601(due->time), "2026-03-13T00:00:00.000Z");
  EXPECT_FALSE(abort_of(lifecycle, "down/a", kWritten));
}

TEST(Lifecycle, scans_no_more_than_the_rules_look_at) {
  Lifecycle lifecycle{{expire("b/", 1), expire("a/x", 1), expire("a/", 1), expire("b/", 2)}, false};
  EXPECT_EQ(prefixes_of(lifecycle), (std::vector<std::string>{"a/", "b/"}));
  lifecycle.rules.push_back(rule_of(""));  // has no action
  EXPECT_EQ(prefixes_of(lifecycle), (std::vector<std::string>{"a/", "b/"}));
  lifecycle.rules.push_back(expire("", 1));
  EXPECT_EQ(prefixes_of(lifecycle), std::vector<std::string>{""});
  for (auto& rule : lifecycle.rules) rule.enabled = false;
  EXPECT_TRUE(prefixes_of(lifecycle).empty());
}

TEST(StorageClass, words_of_each_side_are_known_to_the_other) {
  EXPECT_EQ(google_class("STANDARD_IA"), "NEARLINE");
  EXPECT_EQ(google_class("GLACIER"), "COLDLINE");
  EXPECT_EQ(google_class("DEEP_ARCHIVE"), "ARCHIVE");
  EXPECT_EQ(google_class(""), "");
  EXPECT_EQ(google_class("OF_A_VENDOR"), "OF_A_VENDOR");
  EXPECT_EQ(s3_class("NEARLINE"), "STANDARD_IA");
  EXPECT_EQ(s3_class("GLACIER"), "GLACIER");
  EXPECT_LT(coldness("NEARLINE"), coldness("COLDLINE"));
  EXPECT_TRUE(is_s3_transition_class("GLACIER_IR"));
  EXPECT_FALSE(is_s3_transition_class("STANDARD"));
  EXPECT_FALSE(is_s3_transition_class("NEARLINE"));
}

}  // namespace
}  // namespace beringia::wire

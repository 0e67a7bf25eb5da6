#include <gtest/gtest.h>

#include "wire/gcsjson.h"

namespace beringia::wire::gcs {
namespace {

std::string bucket(const std::string& rules) {
  return R"({"name":"b","lifecycle":{"rule":[)" + rules + "]}}";
}
std::string rule(const std::string& action, const std::string& condition) {
  return R"({"action":)" + action + R"(,"condition":)" + condition + "}";
}
const std::string kDelete = R"({"type":"Delete"})";

/// As it is shown again.
std::string echo(const std::string& rules) {
  const auto parsed = parse_lifecycle_of(bucket(rules));
  if (!parsed) return parsed.error().to_string();
  return render_lifecycle(**parsed);
}
std::string shown(const std::string& rules) { return R"({"rule":[)" + rules + "]}"; }

TEST(GcsLifecycle, rules_read_back_as_they_were_put) {
  const std::string set_class = R"({"type":"SetStorageClass","storageClass":"COLDLINE"})";
  for (const std::string& one :
       {rule(kDelete, R"({"age":30})"), rule(kDelete, R"({"age":30,"isLive":true})"),
        rule(kDelete, R"({"age":30,"isLive":false})"),
        rule(kDelete, R"({"createdBefore":"2026-01-01","matchesPrefix":["a/","b/"]})"),
        rule(kDelete, R"({"daysSinceNoncurrentTime":3,"numNewerVersions":2})"),
        rule(kDelete, R"({"matchesStorageClass":["NEARLINE"],"matchesSuffix":[".tmp"]})"),
        rule(set_class, R"({"age":7,"matchesStorageClass":["STANDARD"]})"),
        rule(set_class, R"({"numNewerVersions":1})"),
        rule(R"({"type":"AbortIncompleteMultipartUpload"})", R"({"age":1})")}) {
    EXPECT_EQ(echo(one), shown(one));
  }
}

TEST(GcsLifecycle, is_taken_away_by_null_and_by_no_rules) {
  for (const char* text :
       {R"({"lifecycle":null})", R"({"lifecycle":{}})", R"({"lifecycle":{"rule":[]}})"}) {
    const auto parsed = parse_lifecycle_of(text);
    ASSERT_TRUE(parsed && *parsed) << text;
    EXPECT_TRUE((*parsed)->rules.empty());
  }
  const auto none = parse_lifecycle_of(R"({"name":"b"})");
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

TEST(GcsLifecycle, custom_times_and_dates_of_noncurrent_ones_are_conditions) {
  const std::string text = rule(
      kDelete,
      R"({"customTimeBefore":"2020-01-02","daysSinceCustomTime":3,"daysSinceNoncurrentTime":1,)"
      R"("noncurrentTimeBefore":"2020-01-05"})");
  const auto lifecycle = parse_lifecycle_of(R"({"lifecycle":{"rule":[)" + text + "]}}");
  ASSERT_TRUE(lifecycle && *lifecycle) << lifecycle.error().to_string();
  const std::string shown = render_lifecycle(**lifecycle);
  for (const char* part : {R"("customTimeBefore":"2020-01-02")", R"("daysSinceCustomTime":3)",
                           R"("noncurrentTimeBefore":"2020-01-05")"}) {
    EXPECT_NE(shown.find(part), std::string::npos) << shown;
  }
  const auto stored = encode(**lifecycle);
  ASSERT_TRUE(stored);
  EXPECT_EQ(decode_lifecycle(*stored).value(), **lifecycle);
  const auto day = [](int number) {
    return parse_rfc3339("2020-01-0" + std::to_string(number) + "T00:00:00Z");
  };
  NoncurrentSubject subject{{"k", 1, nullptr, {}, day(1), day(1)}, day(4), 1, true};
  const auto due = noncurrent_expiration_of(**lifecycle, subject);
  ASSERT_TRUE(due);
  EXPECT_EQ(due->time, day(5)) << "a day after it became noncurrent, and three after its own time";
  subject.since = day(5);
  EXPECT_FALSE(noncurrent_expiration_of(**lifecycle, subject));
  subject.since = day(4);
  subject.object.custom = day(2);
  EXPECT_FALSE(noncurrent_expiration_of(**lifecycle, subject));
  subject.object.custom = {};
  EXPECT_FALSE(noncurrent_expiration_of(**lifecycle, subject));
}

TEST(GcsLifecycle, refuses_what_it_cannot_do_with_the_reason) {
  for (const auto& [one, reason] : std::vector<std::pair<std::string, std::string>>{
           {rule(kDelete, "{}"), "no condition"},
           {rule(kDelete, R"({"matchesPattern":"2026-01-01"})"), "matchesPattern"},
           {rule(kDelete, R"({"isLive":true,"numNewerVersions":1})"), "noncurrent"},
           {rule(kDelete, R"({"agee":1})"), "agee"},
           {rule(kDelete, R"({"age":-1})"), "age"},
           {rule(R"({"type":"Copy"})", R"({"age":1})"), "Copy"},
           {rule(R"({"type":"SetStorageClass","storageClass":"GLACIER"})", R"({"age":1})"),
            "GLACIER"},
           {rule(R"({"type":"AbortIncompleteMultipartUpload"})", R"({"isLive":true})"),
            "matchesPrefix"}}) {
    const auto parsed = parse_lifecycle_of(bucket(one));
    ASSERT_FALSE(parsed) << one;
    EXPECT_EQ(parsed.error().code(), Code::kInvalid);
    EXPECT_NE(parsed.error().to_string().find(reason), std::string::npos)
        << parsed.error().to_string();
  }
}

TEST(GcsLifecycle, keeps_an_age_of_zero_and_sizes_as_they_were_written) {
  const std::string json = shown(
      rule(kDelete,
           R"({"age":0,"matchesPrefix":["tmp/"],"sizeAboveBytes":"10","sizeBelowBytes":"99"})"));
  const auto parsed = parse_lifecycle_of(R"({"lifecycle":)" + json + "}");
  ASSERT_TRUE(parsed && *parsed);
  const auto encoded = encode(**parsed);
  ASSERT_TRUE(encoded);
  const auto decoded = decode_lifecycle(*encoded);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, **parsed);
  EXPECT_EQ(render_lifecycle(*decoded), json);
  const LifecycleSubject subject{"tmp/a", 50, nullptr, "", {1}};
  EXPECT_TRUE(expiration_of(*decoded, subject));
  EXPECT_FALSE(expiration_of(*decoded, {"tmp/a", 10, nullptr, "", {1}}));
  EXPECT_FALSE(expiration_of(*decoded, {"tmp/a", 99, nullptr, "", {1}}));
}

TEST(GcsLifecycle, refuses_sizes_that_are_no_numbers) {
  for (const char* size : {R"("-1")", R"("x")", "-1", "true", R"("9223372036854775808")"}) {
    const std::string json =
        R"({"lifecycle":)" +
        shown(rule(kDelete, R"({"sizeAboveBytes":)" + std::string{size} + "}")) + "}";
    EXPECT_FALSE(parse_lifecycle_of(json)) << size;
  }
}

TEST(GcsLifecycle, shows_rules_of_the_other_door_that_it_has_a_form_for) {
  LifecycleRule mine;
  mine.id = "s3";
  mine.filter.prefixes = {"logs/"};
  mine.expiration.days = 30;
  mine.noncurrent_expiration = NoncurrentExpiration{5, 2, {}};
  mine.transitions = {{{1, {}}, "GLACIER_IR", 0}};
  LifecycleRule tagged = mine;
  tagged.filter.tags = {{"k", "v"}};
  EXPECT_TRUE(is_told_by_google(mine));
  EXPECT_FALSE(is_told_by_google(tagged));
  EXPECT_EQ(render_lifecycle({{mine, tagged}, false}),
            shown(rule(kDelete, R"({"age":30,"isLive":true,"matchesPrefix":["logs/"]})") + "," +
                  rule(kDelete, R"({"daysSinceNoncurrentTime":5,"matchesPrefix":["logs/"],)"
                                R"("numNewerVersions":3})") +
                  "," +
                  rule(R"({"type":"SetStorageClass","storageClass":"COLDLINE"})",
                       R"({"age":1,"isLive":true,"matchesPrefix":["logs/"]})")));
}

}  // namespace
}  // namespace beringia::wire::gcs

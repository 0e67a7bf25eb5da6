#include <gtest/gtest.h>

#include "core/namespace.h"

namespace beringia::core {
namespace {

meta::EntryRecord entry() {
  meta::EntryRecord record;
  record.generation = 7;
  record.metageneration = 2;
  record.etag = "tag";
  record.created = {1'000'500'000};
  return record;
}

/// "" = holds; else the tag, or the code's word when there is none.
std::string verdict(const Conditions& conditions, const std::optional<meta::EntryRecord>& record,
                    bool is_read = false) {
  auto checked = check_conditions(conditions, record, is_read);
  if (checked) return "";
  if (!checked.error().tag().empty()) return checked.error().tag();
  return std::string{to_string(checked.error().code())};
}

TEST(Conditions, none_always_hold) {
  EXPECT_TRUE(Conditions{}.empty());
  EXPECT_EQ(verdict({}, entry()), "");
  EXPECT_EQ(verdict({}, std::nullopt), "");
}

TEST(Conditions, generations_match_or_not) {
  Conditions c;
  c.generation_match = 7;
  EXPECT_EQ(verdict(c, entry()), "");
  EXPECT_EQ(verdict(c, std::nullopt), "precondition");
  c.generation_match = 0;
  EXPECT_EQ(verdict(c, entry()), "precondition");
  EXPECT_EQ(verdict(c, std::nullopt), "");
  c = {};
  c.generation_not_match = 7;
  EXPECT_EQ(verdict(c, entry()), "precondition");
  EXPECT_EQ(verdict(c, entry(), true), "not_modified");
  c.generation_not_match = 0;
  EXPECT_EQ(verdict(c, std::nullopt), "precondition");
  EXPECT_EQ(verdict(c, entry()), "");
}

TEST(Conditions, metagenerations_match_or_not) {
  Conditions c;
  c.metageneration_match = 2;
  EXPECT_EQ(verdict(c, entry()), "");
  c.metageneration_match = 1;
  EXPECT_EQ(verdict(c, entry()), "precondition");
  c = {};
  c.metageneration_not_match = 2;
  EXPECT_EQ(verdict(c, entry(), true), "not_modified");
}

TEST(Conditions, etags_match_any_of_a_list) {
  Conditions c;
  c.etag_match = {"other", "tag"};
  EXPECT_EQ(verdict(c, entry()), "");
  c.etag_match = {"other"};
  EXPECT_EQ(verdict(c, entry()), "precondition");
  c.etag_match = {"*"};
  EXPECT_EQ(verdict(c, entry()), "");
  EXPECT_EQ(verdict(c, std::nullopt), std::string{to_string(Code::kNotFound)});
  c = {};
  c.etag_none_match = {"*"};
  EXPECT_EQ(verdict(c, entry()), "precondition");
  EXPECT_EQ(verdict(c, std::nullopt), "");
  c.etag_none_match = {"tag"};
  EXPECT_EQ(verdict(c, entry(), true), "not_modified");
  c.etag_none_match = {"other"};
  EXPECT_EQ(verdict(c, entry(), true), "");
}

TEST(Conditions, times_have_whole_seconds_and_yield_to_etags) {
  Conditions c;
  c.modified_since = Timestamp{1'000'000'000};
  EXPECT_EQ(verdict(c, entry(), true), "not_modified");  // the same second
  c.modified_since = Timestamp{999'999'999};
  EXPECT_EQ(verdict(c, entry(), true), "");
  c = {};
  c.unmodified_since = Timestamp{1'000'000'000};
  EXPECT_EQ(verdict(c, entry()), "");
  c.unmodified_since = Timestamp{999'000'000};
  EXPECT_EQ(verdict(c, entry()), "precondition");
  c.etag_match = {"tag"};  // RFC 9110 13.2.2: then the date is not looked at
  EXPECT_EQ(verdict(c, entry()), "");
  c = {};
  c.etag_none_match = {"other"};
  c.modified_since = Timestamp{2'000'000'000};
  EXPECT_EQ(verdict(c, entry(), true), "");
}

}  // namespace
}  // namespace beringia::core

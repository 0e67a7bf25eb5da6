#include "protocol/gcs/glob.h"

#include <gtest/gtest.h>

namespace beringia::protocol::gcs {
namespace {

TEST(Glob, matches_as_the_reference_of_list_objects_says) {
  struct Case {
    std::string_view pattern, name;
    bool expected;
  };
  const Case cases[] = {
      {"foo*bar", "foobar", true},
      {"foo*bar", "fooxxbar", true},
      {"foo*bar", "foo/bar", false},
      {"foo**bar", "foo/x/bar", true},
      {"**/foo", "a/b/foo", true},
      {"**/foo", "foo", true},
      {"**/foo", "xfoo", false},
      {"a/**/**/b", "a/b", true},
      {"a**/b", "ab", false},
      {"**.csv", "a/b.csv", true},
      {"*.csv", "a/b.csv", false},
      {"foo?bar", "fooxbar", true},
      {"foo?bar", "foo/bar", false},
      {"foo[ab]bar", "fooabar", true},
      {"foo[!ab]bar", "fooabar", false},
      {"foo[a-c]", "foob", true},
      {"{a,b{c,d}}x", "bdx", true},
      {"{a,b{c,d}}x", "bx", false},
      {"a\\*b", "a*b", true},
      {"a\\*b", "axb", false},
      {"", "", false},
      {"a", "a", true},
      {"a", "ab", false},
      {"a/*/", "a/b/", true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Glob::parse(c.pattern)->matches(c.name), c.expected) << c.pattern << " " << c.name;
  }
}

TEST(Glob, knows_what_every_match_begins_with) {
  EXPECT_EQ(Glob::parse("logs/2026-*/x")->literal_prefix(), "logs/2026-");
  EXPECT_EQ(Glob::parse("plain")->literal_prefix(), "plain");
  EXPECT_EQ(Glob::parse("{a,b}")->literal_prefix(), "");
}

TEST(Glob, refuses_what_is_unbalanced_or_explodes) {
  EXPECT_FALSE(Glob::parse("{a,b"));
  EXPECT_FALSE(Glob::parse("[ab"));
  EXPECT_FALSE(Glob::parse("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"));
  EXPECT_FALSE(Glob::parse(std::string(Glob::kMaxBytes + 1, 'a')));
}

TEST(Glob, no_pattern_makes_it_slow) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_FALSE(Glob::parse(pattern + "b")->matches(std::string(1000, 'a')));
}

}  // namespace
}  // namespace beringia::protocol::gcs

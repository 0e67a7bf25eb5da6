#include "app/command_line.h"

#include <gtest/gtest.h>

#include <set>

namespace beringia::app {
namespace {

CommandSpec example() {
  return {"keys create",
          "NAME [WHERE]",
          "Make one.",
          "",
          {{"--kind", "KIND", "which"}, {"--json", "", "as JSON"}}};
}

TEST(CommandLine, flags_and_arguments_are_told_apart) {
  const auto parsed = parse_invocation(example(), {"a", "--kind", "s3", "--json", "--", "-b"});
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_EQ(parsed->arguments, (std::vector<std::string>{"a", "-b"}));
  EXPECT_EQ(parsed->get("--kind"), "s3");
  EXPECT_TRUE(parsed->json());
  EXPECT_EQ(parse_invocation(example(), {"a", "--kind=x=y"})->get("--kind"), "x=y");
}

TEST(CommandLine, wrong_usage_is_refused_with_a_suggestion) {
  const auto unknown = parse_invocation(example(), {"a", "--knid", "s3"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().hint(), "did you mean --kind?");
  EXPECT_FALSE(parse_invocation(example(), {}));
  EXPECT_FALSE(parse_invocation(example(), {"a", "b", "c"}));
  EXPECT_FALSE(parse_invocation(example(), {"a", "--kind"}));
  EXPECT_FALSE(parse_invocation(example(), {"a", "--json=true"}));
}

TEST(CommandLine, every_verb_has_help_a_runner_and_json) {
  std::set<std::string> names;
  for (const auto& command : commands()) {
    EXPECT_TRUE(names.insert(command.name).second) << command.name;
    EXPECT_NE(command.run, nullptr) << command.name;
    EXPECT_FALSE(command.summary.empty()) << command.name;
    EXPECT_NE(help_of(command).find("usage: beringia " + command.name), std::string::npos);
    bool json = command.name == "serve";
    for (const auto& flag : command.flags) json = json || flag.name == "--json";
    EXPECT_TRUE(json) << command.name;
  }
}

}  // namespace
}  // namespace beringia::app

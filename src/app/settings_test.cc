#include "app/settings.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

namespace beringia::app {
namespace {

using namespace std::chrono_literals;

GivenSetting flag(const std::string& name, std::vector<std::string> values) {
  return {name, std::move(values), "--" + name};
}

TEST(Settings, defaults_need_no_source) {
  const auto settings = resolve_settings({});
  ASSERT_TRUE(settings) << settings.error().to_string();
  EXPECT_EQ(settings->s3, "127.0.0.1:9000");
  EXPECT_EQ(settings->gcs, "127.0.0.1:9010");
  EXPECT_EQ(settings->admin, "127.0.0.1:9020");
  EXPECT_EQ(settings->freshness, "shared");
  EXPECT_EQ(settings->block_cache, 32u << 20);
  EXPECT_EQ(settings->drain_timeout, Duration{10s});
  EXPECT_TRUE(settings->mount.empty());
}

TEST(Settings, later_sources_win) {
  const auto settings = resolve_settings({{flag("log_level", {"warn"}), flag("s3", {":1"})},
                                          {flag("log_level", {"error"})},
                                          {flag("mount", {"/=file:///a", "/=gs://b"})}});
  ASSERT_TRUE(settings) << settings.error().to_string();
  EXPECT_EQ(settings->log_level, "error");
  EXPECT_EQ(settings->s3, ":1");
  EXPECT_EQ(settings->mount, (std::vector<std::string>{"/=file:///a", "/=gs://b"}));
}

TEST(Settings, values_of_the_wrong_form_name_their_place) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"log_level", "loud"},     {"log_level", ""},        {"s3", "nowhere"},
      {"blocking_threads", "0"}, {"block_cache", "12"},    {"drain_timeout", "10"},
      {"min_body_rate", "1KiB"}, {"max_connections", "x"}, {"freshness", "exclusive|shared"}};
  for (const auto& [name, value] : wrong) {
    const auto settings = resolve_settings({{flag(name, {value})}});
    ASSERT_FALSE(settings) << name << " " << value;
    EXPECT_NE(settings.error().to_string().find("--" + name), std::string::npos)
        << settings.error().to_string();
  }
}

TEST(Settings, a_single_setting_given_twice_is_an_error) {
  EXPECT_FALSE(resolve_settings({{flag("s3", {":1", ":2"})}}));
}

TEST(SettingsFile, keys_and_types_are_read) {
  const auto given = parse_settings(
      "data = \"/d\"\nmount = [\"/=file:///a\"]\nloops = 2\nblock_cache = \"1GiB\"\n", "b.conf");
  ASSERT_TRUE(given) << given.error().to_string();
  const auto settings = resolve_settings({*given});
  ASSERT_TRUE(settings) << settings.error().to_string();
  EXPECT_EQ(settings->loops, 2u);
  EXPECT_EQ(settings->block_cache, 1ULL << 30);
  EXPECT_EQ(settings->mount.size(), 1u);
}

TEST(SettingsFile, unknown_keys_are_errors_with_a_suggestion_and_a_line) {
  const auto given = parse_settings("data = \"/d\"\nlog_levl = \"warn\"\n", "b.conf");
  ASSERT_FALSE(given);
  EXPECT_EQ(given.error().to_string(),
            "cannot use the setting log_levl (b.conf, line 2): there is no such setting "
            "(do: did you mean log_level?)");
}

TEST(SettingsFile, a_missing_file_is_an_error) {
  const auto given = read_settings_file("/nonexistent/beringia.conf");
  ASSERT_FALSE(given);
  EXPECT_EQ(given.error().code(), Code::kNotFound);
}

TEST(SettingsEnvironment, names_are_taken_and_misspelled_ones_refused) {
  const auto given = settings_of_environment(
      {"BERINGIA_LOG_LEVEL=debug", "BERINGIA_MOUNT=/=file:///a /=gs://b", "HOME=/",
       "BERINGIA_BINARY=x", "BERINGIA_CRASH_AT=put:1", "BERINGIA_ROOT_ACCESS_KEY=k",
       "BERINGIA_ADMIN=http://127.0.0.1:9020"});
  ASSERT_TRUE(given) << given.error().to_string();
  const auto settings = resolve_settings({*given});
  ASSERT_TRUE(settings) << settings.error().to_string();
  EXPECT_EQ(settings->log_level, "debug");
  EXPECT_EQ(settings->mount.size(), 2u);
  EXPECT_EQ(settings->admin, "127.0.0.1:9020");

  const auto wrong = settings_of_environment({"BERINGIA_LOG_LEVLE=debug"});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().hint(), "did you mean BERINGIA_LOG_LEVEL?");
  EXPECT_FALSE(settings_of_environment({"BERINGIA_ROOT_ACESS_KEY=k"}));
}

TEST(SettingsTable, names_are_unique_and_within_the_budget) {
  std::set<std::string> names;
  for (const auto& declaration : setting_declarations()) {
    EXPECT_TRUE(names.insert(declaration.name).second) << declaration.name;
    EXPECT_STRNE(declaration.help, "") << declaration.name;
    EXPECT_STRNE(declaration.who, "") << declaration.name;
  }
  EXPECT_LE(names.size(), kMaxSettings);
}

TEST(SettingsPage, the_committed_page_is_made_from_the_declaration) {
  std::ifstream file{std::string{BERINGIA_SOURCE_DIR} + "/docs/settings.md", std::ios::binary};
  std::string committed;
  committed.assign(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
  EXPECT_EQ(committed, settings_page());
}

}  // namespace
}  // namespace beringia::app

#include "protocol/admin/estate_file.h"

#include <gtest/gtest.h>

#include "protocol/admin/estate_sections.h"
#include "protocol/admin/example_estate.h"

namespace beringia::protocol::admin {
namespace {

DeclaredEstate applied(const std::string& text, const DeclaredEstate& now = {}) {
  auto file = read_estate_file(text, "lake.toml");
  EXPECT_TRUE(file) << file.error().to_string();
  auto next = with_file(now, std::move(*file));
  EXPECT_TRUE(next) << next.error().to_string();
  return next ? *next : DeclaredEstate{};
}

std::string refusal(const std::string& text) {
  auto file = read_estate_file(text, "lake.toml");
  if (!file) return file.error().to_string();
  auto next = with_file({}, std::move(*file));
  return next ? "accepted" : next.error().to_string();
}

TEST(EstateFile, everything_that_can_be_declared_is_read) {
  const auto declared = applied(kExampleEstate);
  ASSERT_EQ(declared.estate.backends.size(), 2u);
  EXPECT_EQ(declared.estate.backends[1].credentials_file, "none");
  EXPECT_DOUBLE_EQ(declared.estate.backends[1].prices.egress_gb, 0.12);
  ASSERT_EQ(declared.estate.mounts.size(), 2u);
  EXPECT_EQ(declared.estate.mounts[0].locations[1].prefix, "lake/");
  EXPECT_EQ(declared.estate.mounts[0].freshness.max_staleness, Duration{std::chrono::seconds{10}});
  EXPECT_TRUE(declared.estate.mounts[1].freshness.exclusive);
  EXPECT_TRUE(declared.estate.mounts[1].read_only);
  EXPECT_EQ(declared.estate.aliases.at(0).target.text(), "/sales/");
  EXPECT_EQ(declared.principals.at(0).groups.at(0), "pipelines");
  EXPECT_EQ(declared.grants.at(0).id, "etl-writer-/sales/");
  EXPECT_TRUE(declared.grants.at(1).deny);
  EXPECT_EQ(declared.estate.policies.at(0).place.at(0).storage_class, "NEARLINE");
  EXPECT_EQ(declared.estate.policies.at(0).bandwidth_bytes_per_s, 400u << 20);
}

TEST(EstateFile, what_is_read_back_is_the_same_estate) {
  const auto first = applied(kExampleEstate);
  const auto text = to_toml(sections_of(first));
  const auto second = applied(text, first);
  EXPECT_TRUE(changes_between(sections_of(first), sections_of(second)).empty());
  EXPECT_EQ(to_toml(sections_of(second)), text);
  EXPECT_EQ(first.estate.epoch, second.estate.epoch);
}

TEST(EstateFile, unknown_keys_name_the_line_and_the_nearest_key) {
  EXPECT_EQ(refusal("[[backend]]\nname = \"a\"\nurl = \"memory:\"\nendpont = \"x\"\n"),
            "cannot read a [[backend]]: unknown key \"endpont\", line 4 "
            "(do: did you mean \"endpoint\"?)");
  EXPECT_NE(refusal("[[mounts]]\npath = \"/\"\n").find("did you mean \"mount\"?"),
            std::string::npos);
}

TEST(EstateFile, wrong_values_name_the_line) {
  const std::string backend = "[[backend]]\nname = \"a\"\nurl = \"memory:\"\n";
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"[[mount]]\npath = \"x\"\nlocations = [\"a\"]\n", "line 5"},
      {"[[mount]]\npath = \"/\"\nlocations = [\"a\"]\nfreshness = \"fresh\"\n", "line 7"},
      {"[[mount]]\npath = \"/\"\nlocations = [\"a\"]\nmax_staleness = \"10\"\n", "line 7"},
      {"[[policy]]\nname = \"p\"\nwhen = \"true\"\nbandwidth = \"5\"\n", "line 7"},
      {"[[grant]]\nprincipals = [\"*\"]\nprefix = \"/\"\nrole = \"king\"\n", "line 7"}};
  for (const auto& [text, place] : wrong) {
    EXPECT_NE(refusal(backend + text).find(place), std::string::npos) << refusal(backend + text);
  }
}

TEST(EstateFile, references_must_exist_and_names_be_unique) {
  const std::string backend = "[[backend]]\nname = \"a\"\nurl = \"memory:\"\n";
  for (const auto& text :
       {backend + backend, backend + "[[mount]]\npath = \"/\"\nlocations = [\"b\"]\n",
        backend + "[[mount]]\npath = \"/\"\nlocations = []\n",
        backend + "[[mount]]\npath = \"/\"\nlocations = [\"a\", \"a\"]\n",
        backend + "[[policy]]\nname = \"p\"\nwhen = \"true\"\nplace = [{ backend = \"b\" }]\n",
        std::string{"[[grant]]\nprincipals = [\"nobody\"]\nprefix = \"/\"\n"},
        std::string{"[[backend]]\nname = \"Upper\"\nurl = \"memory:\"\n"}}) {
    EXPECT_NE(refusal(text), "accepted") << text;
  }
}

TEST(EstateFile, a_section_that_is_not_mentioned_stays) {
  const auto first = applied(kExampleEstate);
  const auto second = applied("alias = []\n", first);
  EXPECT_TRUE(second.estate.aliases.empty());
  EXPECT_EQ(second.estate.mounts, first.estate.mounts);
  EXPECT_EQ(second.grants, first.grants);
  EXPECT_EQ(second.estate.epoch, first.estate.epoch);
}

TEST(EstateFile, a_renamed_backend_keeps_its_id_and_a_new_one_gets_a_new_id) {
  const auto first = applied("[[backend]]\nname = \"a\"\nurl = \"file:///x\"\n");
  const auto renamed = applied("[[backend]]\nname = \"b\"\nurl = \"file:///x\"\n", first);
  EXPECT_EQ(renamed.estate.backends.at(0).id, first.estate.backends.at(0).id);
  const auto other = applied("[[backend]]\nname = \"c\"\nurl = \"file:///y\"\n", renamed);
  EXPECT_NE(other.estate.backends.at(0).id, first.estate.backends.at(0).id);
  const auto back = applied("[[backend]]\nname = \"d\"\nurl = \"file:///z\"\n", other);
  EXPECT_GT(back.estate.backends.at(0).id, other.estate.backends.at(0).id);
}

TEST(EstateChanges, removals_are_marked_as_destructive) {
  const auto first = applied(kExampleEstate);
  const auto second = applied("alias = []\ngrant = []\nprincipal = []\npolicy = []\n", first);
  size_t destructive = 0;
  for (const auto& change : changes_between(sections_of(first), sections_of(second))) {
    EXPECT_EQ(change.kind, SectionChange::Kind::kRemove);
    if (!change.warning.empty()) ++destructive;
  }
  EXPECT_EQ(destructive, 2u);  // the alias and the principal
}

TEST(EstateChanges, a_new_name_of_a_backend_is_one_change_and_harmless) {
  const auto first = applied(
      "[[backend]]\nname = \"a\"\nurl = \"file:///x\"\n"
      "[[mount]]\npath = \"/\"\nlocations = [\"a\"]\n");
  const auto second = applied(
      "[[backend]]\nname = \"b\"\nurl = \"file:///x\"\n"
      "[[backend]]\nname = \"c\"\nurl = \"file:///y\"\n"
      "[[mount]]\npath = \"/\"\nlocations = [\"b\", \"c\"]\n",
      first);
  const auto changes = changes_between(first, second);
  ASSERT_EQ(changes.size(), 3u);
  for (const auto& change : changes) EXPECT_EQ(change.warning, "") << change.name;
  const auto less = applied("[[mount]]\npath = \"/\"\nlocations = [\"c\"]\n", second);
  EXPECT_NE(changes_between(second, less).at(0).warning, "");
}

TEST(EstateChanges, a_changed_url_is_destructive_and_shows_both) {
  const auto first = applied("[[backend]]\nname = \"a\"\nurl = \"file:///x\"\n");
  const auto second = applied("[[backend]]\nname = \"a\"\nurl = \"file:///y\"\n", first);
  const auto changes = changes_between(sections_of(first), sections_of(second));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_FALSE(changes[0].warning.empty());
  ASSERT_EQ(changes[0].fields.size(), 1u);
  EXPECT_EQ(changes[0].fields[0].before, "\"file:///x\"");
  EXPECT_EQ(changes[0].fields[0].after, "\"file:///y\"");
}

}  // namespace
}  // namespace beringia::protocol::admin

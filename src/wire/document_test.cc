#include "wire/document.h"

#include <gtest/gtest.h>

namespace beringia::wire {
namespace {

constexpr size_t kMax = 1 << 16;

TEST(Document, toml_keeps_types_and_lines) {
  const auto root = parse_toml(
      "a = 'x'\n"
      "[[mount]]\n"
      "path = \"/\"\n"
      "read_only = true\n"
      "share = 0.5\n"
      "count = 3\n",
      kMax, "a file");
  ASSERT_TRUE(root) << root.error().to_string();
  EXPECT_EQ(root->find("a")->text, "x");
  const auto& mount = root->find("mount")->items.at(0);
  EXPECT_EQ(mount.find("path")->line, 3u);
  EXPECT_TRUE(mount.find("read_only")->boolean);
  EXPECT_DOUBLE_EQ(mount.find("share")->number, 0.5);
  EXPECT_EQ(mount.find("count")->integer, 3);
  EXPECT_EQ(root->find("b"), nullptr);
}

TEST(Document, broken_toml_names_the_line) {
  const auto root = parse_toml("a = 1\nb = \n", kMax, "lake.toml");
  ASSERT_FALSE(root);
  EXPECT_NE(root.error().to_string().find("line 2"), std::string::npos) << root.error().to_string();
}

TEST(Document, letters_that_no_table_of_the_parser_knows_are_refused) {
  for (const char* text :
       {"\xc7\xb5,", "\xc7\xb5 = 1", "a = \xc7\xb5", "[\xc7\xb5]", "[\n", "[[["}) {
    EXPECT_FALSE(parse_toml(text, kMax, "a file")) << text;
  }
  EXPECT_EQ(parse_toml("a = \"\xc7\xb5\"", kMax, "a file")->find("a")->text, "\xc7\xb5");
}

TEST(Document, bounds_hold_for_size_and_depth) {
  EXPECT_FALSE(parse_toml("a = 1", 3, "a file"));
  std::string deep = "a = ";
  for (int i = 0; i < 60; ++i) deep += '[';
  for (int i = 0; i < 60; ++i) deep += ']';
  EXPECT_FALSE(parse_toml(deep, kMax, "a file"));
}

TEST(Document, json_is_read_into_the_same_values) {
  const auto root =
      parse_json(R"({"a": [1, "x", null, true], "b": {"c": 2.5}})", kMax, "an answer");
  ASSERT_TRUE(root) << root.error().to_string();
  EXPECT_EQ(root->find("a")->items.at(0).integer, 1);
  EXPECT_TRUE(root->find("a")->items.at(2).is(Value::Kind::kNull));
  EXPECT_DOUBLE_EQ(root->find("b")->find("c")->number, 2.5);
  EXPECT_FALSE(parse_json("[1]", kMax, "an answer"));
}

TEST(TableReader, unknown_keys_are_errors_with_line_and_suggestion) {
  const auto root = parse_toml("name = 'x'\nendpont = 'y'\n", kMax, "a file").value();
  TableReader reader{root, "backend \"x\""};
  EXPECT_EQ(reader.text("name"), "x");
  EXPECT_EQ(reader.text("endpoint"), "");
  const auto done = reader.finish();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().to_string(),
            "cannot read backend \"x\": unknown key \"endpont\", line 2 "
            "(do: did you mean \"endpoint\"?)");
}

TEST(TableReader, wrong_types_and_ranges_are_errors) {
  const auto root = parse_toml("a = 1\nb = 'x'\nc = 7\nd = ['x', 1]\n", kMax, "a file").value();
  for (int which = 0; which < 4; ++which) {
    TableReader reader{root, "a table"};
    for (const char* key : {"a", "b", "c", "d"}) static_cast<void>(reader.value(key));
    if (which == 0) reader.text("a");
    if (which == 1) reader.boolean("b", false);
    if (which == 2) reader.integer("c", 0, 1, 5);
    if (which == 3) reader.texts("d");
    EXPECT_FALSE(reader.finish()) << which;
  }
}

TEST(TableReader, missing_required_texts_are_errors) {
  const auto root = parse_toml("a = ''\n", kMax, "a file").value();
  TableReader reader{root, "a table"};
  reader.required_text("a");
  EXPECT_FALSE(reader.finish());
}

}  // namespace
}  // namespace beringia::wire

#include "base/path.h"

#include <gtest/gtest.h>

namespace beringia {
namespace {

TEST(Path, keeps_components_as_plain_bytes) {
  const auto path = Path::from_bucket_key("sales", "a//../b");
  ASSERT_TRUE(path);
  EXPECT_EQ(path->text(), "/sales/a//../b");
  EXPECT_EQ(path->directories(), (std::vector<std::string_view>{"sales", "a", "", ".."}));
  EXPECT_EQ(path->name(), "b");
  EXPECT_EQ(path->bucket(), "sales");
  EXPECT_EQ(path->key(), "a//../b");
}

TEST(Path, compares_prefixes_by_component) {
  const auto sales = Path::parse("/sales/").value();
  EXPECT_TRUE(Path::parse("/sales/x")->is_under(sales));
  EXPECT_FALSE(Path::parse("/sales2/x")->is_under(sales));
}

TEST(Path, refuses_what_is_no_path) {
  for (const std::string& text : {std::string{}, std::string{"a"}, std::string{"/a\0b", 4},
                                  std::string{"/\xff"}, "/" + std::string(2000, 'x')}) {
    const auto path = Path::parse(text);
    ASSERT_FALSE(path);
    EXPECT_EQ(path.error().code(), Code::kInvalid);
  }
  EXPECT_FALSE(Path::from_bucket_key("b", std::string(1025, 'k')));
  EXPECT_TRUE(Path::from_bucket_key("b", std::string(1024, 'k')));
  EXPECT_FALSE(Path::from_bucket_key("a/b", "k"));
  EXPECT_FALSE(Path::from_bucket_key("", "k"));
}

}  // namespace
}  // namespace beringia

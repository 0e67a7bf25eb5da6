#include "backend/file/native_names.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace beringia::backend::file {
namespace {

TEST(NativeNames, ordinary_names_are_themselves) {
  for (const std::string name : {"a", "sales/2026/q1.parquet", "dt=2026-01-01/part-0", ".hidden/x",
                                 "100%", "a%br-", "...", "gr\xC3\xBC\xC3\x9F/\xE6\x97\xA5"}) {
    EXPECT_EQ(encode_object(name), name);
  }
}

TEST(NativeNames, follow_the_documented_rule) {
  EXPECT_EQ(encode_object("a/"), "a/%br-x");
  EXPECT_EQ(encode_object("a//b"), "a/%br-x/b");
  EXPECT_EQ(encode_object("../b"), "%br-x../b");
  EXPECT_EQ(encode_object("%br-xa"), "%br-x%br-xa");
  EXPECT_EQ(encode_object("d/a", Place::kAside), "d/%br-fa");
  EXPECT_EQ(encode_directory("a/b/"), "a/b");
  EXPECT_EQ(encode_directory(""), "");
  const std::string chunk(240, 'k');
  EXPECT_EQ(encode_object(std::string(300, 'k')), "%br-l" + chunk + "/" + std::string(60, 'k'));
  EXPECT_EQ(encode_object(std::string(255, 'k')), std::string(255, 'k'));
  EXPECT_EQ(encode_object(std::string(255, 'k'), Place::kAside),
            "%br-l" + chunk + "/%br-f" + std::string(15, 'k'));
  EXPECT_EQ(encode_object(".beringia/uploads/x"), ".beringia/uploads/x");
}

/// Undoes the rule, path by path, as a reader of a tree would.
std::string decode_path(const std::string& native, bool& aside) {
  std::string name;
  size_t start = 0;
  for (;;) {
    const size_t slash = native.find('/', start);
    const auto item = decode_item(std::string_view{native}.substr(
        start, slash == std::string::npos ? std::string::npos : slash - start));
    EXPECT_NE(item.kind, DecodedItem::Kind::kForeign) << native;
    name += item.text;
    aside = item.kind == DecodedItem::Kind::kAside;
    if (slash == std::string::npos) return name;
    if (item.kind != DecodedItem::Kind::kContinuation) name += '/';
    start = slash + 1;
  }
}

std::string random_name(SeededRng& rng) {
  static const std::string kPieces[] = {"/", "/", ".", "a",        "b",  "%br-", "x",
                                        "f", "l", "%", "\xC3\xA4", "..", "//"};
  std::string name;
  const size_t pieces = 1 + rng.below(9);
  for (size_t i = 0; i < pieces; ++i) {
    if (rng.below(12) == 0) {
      const std::string unit = rng.below(2) == 0 ? "n" : "\xE6\x97\xA5";
      for (size_t n = 230 / unit.size() + rng.below(60); n > 0; --n) name += unit;
    } else {
      name += kPieces[rng.below(std::size(kPieces))];
    }
  }
  return name;
}

TEST(NativeNames, random_names_come_back_and_never_collide) {
  SeededRng rng{17};
  std::map<std::string, std::pair<std::string, Place>> seen;
  for (int round = 0; round < 30'000; ++round) {
    const std::string name = random_name(rng);
    for (const Place place : {Place::kOwn, Place::kAside}) {
      const std::string native = encode_object(name, place);
      bool aside = false;
      ASSERT_EQ(decode_path(native, aside), name) << native;
      ASSERT_EQ(aside, place == Place::kAside) << native;
      const auto [it, fresh] = seen.emplace(native, std::pair{name, place});
      ASSERT_EQ(it->second, (std::pair{name, place})) << native;
      for (size_t start = 0; start <= native.size();) {
        const size_t slash = std::min(native.find('/', start), native.size());
        const std::string component = native.substr(start, slash - start);
        ASSERT_LE(component.size(), kMaxComponentBytes);
        ASSERT_FALSE(component.empty() || component == "." || component == "..") << native;
        start = slash + 1;
      }
    }
  }
}

TEST(NativeNames, reserved_names_are_paths_or_refused) {
  EXPECT_TRUE(check_reserved(".beringia/uploads/1"));
  for (const std::string name :
       {".beringia/../x", ".beringia//x", ".beringia/x/..", ".beringia/./x"}) {
    EXPECT_EQ(check_reserved(name).error().code(), Code::kInvalid) << name;
  }
}

}  // namespace
}  // namespace beringia::backend::file

#include "meta/versions.h"

#include <gtest/gtest.h>

#include "kv/store.h"

namespace beringia::meta {
namespace {

class VersionsTest : public testing::Test {
 protected:
  void put(const VersionedKey& key, uint64_t generation, bool versioned = true) {
    VersionRecord version;
    version.record.generation = generation;
    version.record.versioned = versioned;
    kv::Batch batch;
    put_version(batch, key, version);
    ASSERT_TRUE(store_->commit(context_, std::move(batch), kv::Durability::kSync));
  }
  std::vector<uint64_t> generations(const VersionedKey& key, uint64_t before, size_t limit) {
    std::vector<uint64_t> found;
    const auto rows = versions_of(context_, *store_, key, before, limit);
    for (const auto& row : rows.value()) {
      EXPECT_EQ(row.key, key.key);
      found.push_back(row.version.record.generation);
    }
    return found;
  }

  const io::Context context_;
  std::unique_ptr<kv::Store> store_ = kv::open_memory().value();
};

TEST_F(VersionsTest, come_newest_first_and_only_those_of_the_key) {
  const VersionedKey key{7, "a/b"};
  for (const uint64_t generation : {uint64_t{1}, uint64_t{300}, UINT64_MAX - 1}) {
    put(key, generation);
  }
  put({7, "a/b!"}, 5);
  put({7, "a"}, 6);
  put({7, "a/"}, 8);
  put({8, "a/b"}, 9);
  EXPECT_EQ(generations(key, 0, 10), (std::vector<uint64_t>{UINT64_MAX - 1, 300, 1}));
  EXPECT_EQ(generations(key, 0, 2), (std::vector<uint64_t>{UINT64_MAX - 1, 300}));
  EXPECT_EQ(generations(key, 300, 10), (std::vector<uint64_t>{1}));
  EXPECT_EQ(generations(key, 301, 10), (std::vector<uint64_t>{300, 1}));
  EXPECT_TRUE(generations(key, 1, 10).empty());
  EXPECT_EQ(generations({7, ""}, 0, 10).size(), 0u);
}

TEST_F(VersionsTest, of_a_bucket_come_in_the_order_of_keys) {
  put({7, "a/x"}, 1);
  put({7, "a-b"}, 2);
  put({7, "a"}, 3);
  put({7, "a"}, 4);
  put({7, "\xff"}, 5);
  const std::string prefix = versions_prefix(7);
  const auto rows = versions_between(context_, *store_, prefix, behind(prefix), 10);
  std::vector<std::string> keys;
  for (const auto& row : rows.value()) keys.push_back(row.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "a", "a-b", "a/x", "\xff"}));
}

TEST_F(VersionsTest, finds_the_one_without_a_version_among_many) {
  const VersionedKey key{7, "k"};
  EXPECT_FALSE(find_unversioned(context_, *store_, key).value());
  put(key, 3, false);
  for (uint64_t generation = 10; generation < 700; ++generation) put(key, generation);
  const auto found = find_unversioned(context_, *store_, key);
  ASSERT_TRUE(found.value());
  EXPECT_EQ((*found)->version.record.generation, 3u);
}

TEST_F(VersionsTest, are_removed_only_as_they_were_read) {
  const VersionedKey key{7, "k"};
  put(key, 3);
  const auto row = find_version(context_, *store_, key, 3).value();
  ASSERT_TRUE(row);
  kv::Batch change;
  VersionRecord other = row->version;
  other.record.metageneration = 2;
  change.put(row->row_key, encode(other));
  ASSERT_TRUE(store_->commit(context_, std::move(change), kv::Durability::kSync));
  kv::Batch batch;
  remove_version(batch, *row);
  EXPECT_EQ(store_->commit(context_, std::move(batch), kv::Durability::kSync).error().code(),
            Code::kConflict);
  kv::Batch twice;
  put_version(twice, key, other);
  EXPECT_EQ(store_->commit(context_, std::move(twice), kv::Durability::kSync).error().code(),
            Code::kConflict)
      << "a generation is never used again";
}

TEST_F(VersionsTest, malformed_keys_are_none) {
  EXPECT_FALSE(name_of_version_key(""));
  EXPECT_FALSE(name_of_version_key(version_key(1, "a", 2).substr(1)));
  EXPECT_FALSE(name_of_version_key("v" + std::string(17, 'x')));
  EXPECT_EQ(name_of_version_key(version_key(1, "a", 2))->generation, 2u);
  EXPECT_EQ(name_of_version_key(version_key(1, "", 2))->key, "");
}

}  // namespace
}  // namespace beringia::meta

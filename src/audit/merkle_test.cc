#include "audit/merkle.h"

#include <gtest/gtest.h>

#include <map>

#include "base/encoding.h"

namespace beringia::audit {
namespace {

std::string hex(const Hash& hash) { return to_hex(view(hash)); }

// The leaves and roots of the reference tests of RFC 6962 (certificate-transparency, merkletree).
TEST(Merkle, agrees_with_the_reference_trees) {
  const std::vector<std::string> leaves{"",
                                        "00",
                                        "10",
                                        "2021",
                                        "3031",
                                        "40414243",
                                        "5051525354555657",
                                        "606162636465666768696a6b6c6d6e6f"};
  const std::vector<std::string> roots{
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  TreeEdge edge;
  EXPECT_EQ(hex(edge.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  std::vector<LogFile> full;
  for (size_t i = 0; i < leaves.size(); ++i) {
    edge.append(*from_hex(leaves[i]), full);
    EXPECT_EQ(hex(edge.root()), roots[i]) << i + 1 << " leaves";
  }
  EXPECT_TRUE(full.empty());
}

TEST(Merkle, names_tiles_as_tlog_tiles_does) {
  EXPECT_EQ(tile_path(0, 0), "tile/0/000");
  EXPECT_EQ(tile_path(0, 1234067), "tile/0/x001/x234/067");
  EXPECT_EQ(tile_path(2, 1000, 8), "tile/2/x001/000.p/8");
  EXPECT_EQ(bundle_path(999, 255), "tile/entries/999.p/255");
}

/// The root of all leaves, by the definition of RFC 6962.
Hash plain_root(const std::vector<std::string>& entries) {
  std::vector<Hash> hashes;
  for (const auto& entry : entries) hashes.push_back(leaf_hash(entry));
  return tree_hash(hashes);
}

TEST(Merkle, roots_over_tiles_equal_roots_over_all_leaves) {
  TreeEdge edge;
  std::vector<std::string> entries;
  std::vector<LogFile> full;
  for (int i = 0; i < 256 * 256 + 700; ++i) {
    entries.push_back("entry " + std::to_string(i));
    edge.append(entries.back(), full);
    const size_t n = entries.size();
    if (n < 600 || n % 9973 == 0 || (n > 65530 && n < 65545)) {
      ASSERT_EQ(edge.root(), plain_root(entries)) << n;
    }
  }
  EXPECT_EQ(edge.root(), plain_root(entries));
}

TEST(Merkle, an_edge_is_restored_from_its_partial_files) {
  std::map<std::string, std::string> files;
  TreeEdge edge;
  for (int i = 0; i < 256 * 256 + 300; ++i) {
    std::vector<LogFile> full;
    edge.append("entry " + std::to_string(i), full);
    for (auto& file : full) EXPECT_TRUE(files.emplace(file.path, file.bytes).second) << file.path;
  }
  EXPECT_EQ(files.size(), 257u + 257u + 1u);
  for (auto& file : edge.partial_files(TreeEdge{})) files[file.path] = file.bytes;
  const std::vector<std::string> tiles{files.at("tile/0/257.p/44"), files.at("tile/1/001.p/1"),
                                       files.at("tile/2/000.p/1")};
  const std::string bundle = files.at("tile/entries/257.p/44");
  const auto restored = TreeEdge::restore(edge.size(), tiles, bundle);
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->root(), edge.root());
  EXPECT_EQ(restored->partial_paths(), edge.partial_paths());
  EXPECT_TRUE(edge.partial_files(*restored).empty());
  std::string damaged = bundle;
  damaged[5] ^= 1;
  EXPECT_FALSE(TreeEdge::restore(edge.size(), tiles, damaged));
  EXPECT_FALSE(TreeEdge::restore(edge.size() + 1, tiles, bundle));
  EXPECT_FALSE(TreeEdge::restore(edge.size(), tiles, bundle + "x"));
}

TEST(Merkle, entries_are_read_back_and_cut_ones_are_not) {
  TreeEdge edge;
  std::vector<LogFile> full;
  edge.append("", full);
  edge.append(std::string(65535, 'x'), full);
  const auto files = edge.partial_files(TreeEdge{});
  std::string_view bundle = files.at(0).bytes;
  EXPECT_EQ(take_entry(bundle)->size(), 0u);
  EXPECT_FALSE([&] {
    std::string_view cut = bundle.substr(0, bundle.size() - 1);
    return take_entry(cut).has_value();
  }());
  EXPECT_EQ(take_entry(bundle)->size(), 65535u);
  EXPECT_FALSE(take_entry(bundle));
}

}  // namespace
}  // namespace beringia::audit

#include "forgetful_tree.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace beringia::forgetful {
namespace {

NodeRef make_file(ForgetfulTree& tree, const NodeRef& directory, const std::string& name,
                  const std::string& bytes) {
  NodeRef file;
  EXPECT_EQ(tree.make(directory, name, S_IFREG | 0644, file), 0);
  EXPECT_EQ(tree.write(*file, 0, bytes), 0);
  return file;
}

NodeRef make_directory(ForgetfulTree& tree, const std::string& name) {
  NodeRef made;
  EXPECT_EQ(tree.make(tree.root(), name, S_IFDIR | 0755, made), 0);
  EXPECT_EQ(tree.sync_directory(tree.root()), 0);
  return made;
}

std::string bytes_of(const ForgetfulTree& tree, const NodeRef& node) {
  return node ? tree.read(*node, 0, 1 << 20) : "nothing there";
}

TEST(ForgetfulTree, forgets_what_was_not_synced) {
  ForgetfulTree tree;
  make_file(tree, tree.root(), "a", "bytes");
  tree.power_off(0);
  EXPECT_EQ(tree.find(*tree.root(), "a"), nullptr);
}

TEST(ForgetfulTree, keeps_a_name_without_its_bytes_and_bytes_with_both_syncs) {
  ForgetfulTree tree;
  make_file(tree, tree.root(), "name", "bytes");
  const NodeRef both = make_file(tree, tree.root(), "both", "bytes");
  EXPECT_EQ(tree.sync_file(*both, false), 0);
  EXPECT_EQ(tree.sync_directory(tree.root()), 0);
  EXPECT_EQ(tree.write(*both, 5, " and later ones"), 0);
  tree.power_off(0);
  EXPECT_EQ(bytes_of(tree, tree.find(*tree.root(), "name")), "");
  EXPECT_EQ(bytes_of(tree, tree.find(*tree.root(), "both")), "bytes");
}

TEST(ForgetfulTree, keeps_a_rename_between_directories_as_a_whole) {
  ForgetfulTree tree;
  const NodeRef from = make_directory(tree, "from");
  const NodeRef to = make_directory(tree, "to");
  const NodeRef file = make_file(tree, from, "a", "bytes");
  EXPECT_EQ(tree.sync_file(*file, false), 0);
  EXPECT_EQ(tree.rename(from, "a", to, "b", true), 0);
  EXPECT_EQ(tree.sync_directory(to), 0);
  tree.power_off(0);
  EXPECT_EQ(bytes_of(tree, tree.find(*to, "b")), "bytes");
  EXPECT_EQ(tree.find(*from, "a"), nullptr);
}

TEST(ForgetfulTree, brings_back_what_was_unlinked_without_a_sync) {
  ForgetfulTree tree;
  const NodeRef file = make_file(tree, tree.root(), "a", "bytes");
  EXPECT_EQ(tree.sync_file(*file, false), 0);
  EXPECT_EQ(tree.sync_directory(tree.root()), 0);
  EXPECT_EQ(tree.remove(tree.root(), "a", false), 0);
  tree.power_off(0);
  EXPECT_EQ(bytes_of(tree, tree.find(*tree.root(), "a")), "bytes");
}

TEST(ForgetfulTree, keeps_a_link_apart_from_the_name_it_was_made_of) {
  ForgetfulTree tree;
  const NodeRef file = make_file(tree, tree.root(), "a", "bytes");
  EXPECT_EQ(tree.sync_file(*file, false), 0);
  EXPECT_EQ(tree.link(file, tree.root(), "b"), 0);
  EXPECT_EQ(tree.link(file, tree.root(), "b"), EEXIST);
  EXPECT_EQ(file->links, 2U);
  EXPECT_EQ(tree.sync_directory(tree.root()), 0);
  EXPECT_EQ(tree.remove(tree.root(), "a", false), 0);
  EXPECT_EQ(file->links, 1U);
  tree.power_off(0);
  EXPECT_EQ(file->links, 2U);
  EXPECT_EQ(bytes_of(tree, tree.find(*tree.root(), "b")), "bytes");
}

TEST(ForgetfulTree, never_keeps_bytes_whose_sync_failed) {
  ForgetfulTree tree;
  const NodeRef file = make_file(tree, tree.root(), "a", "old");
  EXPECT_EQ(tree.sync_file(*file, false), 0);
  EXPECT_EQ(tree.sync_directory(tree.root()), 0);
  EXPECT_EQ(tree.write(*file, 0, "new"), 0);
  tree.faults.sync_error = EIO;
  EXPECT_EQ(tree.sync_file(*file, false), EIO);
  tree.faults.sync_error = 0;
  EXPECT_EQ(tree.sync_file(*file, false), 0);
  EXPECT_EQ(bytes_of(tree, file), "new");
  tree.power_off(0);
  EXPECT_EQ(bytes_of(tree, tree.find(*tree.root(), "a")), "old");
}

TEST(ForgetfulTree, keeps_extended_attributes_with_the_inode_only) {
  ForgetfulTree tree;
  const NodeRef file = make_file(tree, tree.root(), "a", "x");
  EXPECT_EQ(tree.set_extended(*file, "user.kept", "1", 0), 0);
  EXPECT_EQ(tree.sync_file(*file, false), 0);
  EXPECT_EQ(tree.set_extended(*file, "user.data_only", "1", 0), 0);
  EXPECT_EQ(tree.sync_file(*file, true), 0);
  EXPECT_EQ(tree.sync_directory(tree.root()), 0);
  tree.power_off(0);
  const NodeRef found = tree.find(*tree.root(), "a");
  ASSERT_NE(found, nullptr);
  EXPECT_TRUE(found->attributes.extended.contains("user.kept"));
  EXPECT_FALSE(found->attributes.extended.contains("user.data_only"));
}

TEST(ForgetfulTree, keeps_a_part_of_what_was_not_synced_as_the_seed_says) {
  size_t names_kept = 0;
  size_t torn = 0;
  for (uint64_t seed = 1; seed <= 64; ++seed) {
    ForgetfulTree tree;
    make_file(tree, tree.root(), "a", std::string(3 * kPageBytes, 'x'));
    make_file(tree, tree.root(), "b", "y");
    tree.power_off(seed);
    names_kept += tree.root()->names.size();
    const std::string bytes = bytes_of(tree, tree.find(*tree.root(), "a"));
    torn += bytes.size() == 3 * kPageBytes && bytes.find('\0') != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(names_kept, 20U);
  EXPECT_LT(names_kept, 108U);
  EXPECT_GT(torn, 2U);
}

TEST(ForgetfulTree, gives_zeros_behind_a_truncation) {
  ForgetfulTree tree;
  const NodeRef file = make_file(tree, tree.root(), "a", std::string(kPageBytes + 10, 'x'));
  EXPECT_EQ(tree.truncate(*file, 3), 0);
  EXPECT_EQ(tree.truncate(*file, 6), 0);
  EXPECT_EQ(bytes_of(tree, file), std::string("xxx\0\0\0", 6));
}

}  // namespace
}  // namespace beringia::forgetful

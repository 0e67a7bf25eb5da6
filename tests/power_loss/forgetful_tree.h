#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace beringia::forgetful {

constexpr size_t kPageBytes = 4096;
using Page = std::array<char, kPageBytes>;

/// Bytes of a file by pages. A null page is zeros. Pages are shared by what is seen and what is
/// kept, and copied before a change.
struct Content {
  std::vector<std::shared_ptr<const Page>> pages;
  uint64_t size = 0;
};

struct Attributes {
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  timespec accessed{};
  timespec modified{};
  timespec changed{};
  std::map<std::string, std::string> extended;
};

struct Node;
using NodeRef = std::shared_ptr<Node>;  // owners: directories, pending changes, the kernel

/// A file or directory twice: as programs see it, and as it would be found after a power loss.
struct Node {
  ino_t number = 0;
  nlink_t links = 1;
  Attributes attributes;
  Content content;
  std::map<std::string, NodeRef> names;  // of a directory

  Attributes kept_attributes;
  Content kept;
  std::map<std::string, NodeRef> kept_names;
  std::set<uint64_t> dirty;  // pages that differ between content and kept
  bool is_directory() const { return S_ISDIR(attributes.mode); }
};

/// A tree of files in memory that keeps over a power loss only what was made durable: bytes and
/// attributes by fsync of the file, names by fsync of their directory. Changes of names are a log,
/// as in a journaling file system: syncing a directory keeps the changes of it and what they rest
/// on; a rename is kept as a whole or not at all. Bytes whose fsync failed are never kept, though
/// later ones succeed (Linux marks such pages clean).
///
/// Calls return 0 or an errno. Not thread-safe: the owner locks.
class ForgetfulTree {
 public:
  ForgetfulTree();

  struct Faults {
    int sync_error = 0;   // of every fsync and fdatasync, of files and directories
    int write_error = 0;  // of everything that changes something
  };
  Faults faults;

  const NodeRef& root() const { return root_; }
  NodeRef find(const Node& directory, const std::string& name) const;
  int make(const NodeRef& directory, const std::string& name, mode_t mode, NodeRef& made);
  int link(const NodeRef& node, const NodeRef& directory, const std::string& name);
  int remove(const NodeRef& directory, const std::string& name, bool is_directory);
  /// @param exclusive  RENAME_NOREPLACE
  int rename(const NodeRef& from, const std::string& from_name, const NodeRef& to,
             const std::string& to_name, bool exclusive);

  int write(Node& node, uint64_t offset, std::string_view bytes);
  std::string read(const Node& node, uint64_t offset, size_t length) const;
  int truncate(Node& node, uint64_t size);
  int set_extended(Node& node, const std::string& name, std::string value, int flags);
  int remove_extended(Node& node, const std::string& name);

  int sync_file(Node& node, bool data_only);
  int sync_directory(const NodeRef& node);

  /// Forgets what was not synced. With seed 0 all of it; else a part, as disks do: a prefix of the
  /// changes of names, and of each file single pages, its size or its attributes.
  void power_off(uint64_t seed);

  struct Counts {
    uint64_t syncs = 0;
    uint64_t failed_syncs = 0;
    uint64_t forgotten_names = 0;
    uint64_t forgotten_pages = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  struct Change {
    std::vector<NodeRef> directories;
    std::function<void()> keep;
  };
  void forget_node(const NodeRef& node, std::mt19937_64* random);
  static void keep_pages(Node& node);
  static Page& writable_page(Node& node, uint64_t index);

  NodeRef root_;
  ino_t next_number_ = 2;
  std::vector<Change> pending_;  // in order
  Counts counts_;
};

timespec wall_clock();

}  // namespace beringia::forgetful

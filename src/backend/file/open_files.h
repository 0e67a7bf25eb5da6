#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "backend/backend.h"
#include "io/disk.h"

namespace beringia::backend::file {

/// What was learnt of recently used objects: their attributes and an open descriptor. An item is
/// valid only while the file's stat is the one it was learnt from, so it needs no invalidation by
/// foreign changes. Least recently used items go first. Thread-safe.
class OpenFiles {
 public:
  explicit OpenFiles(size_t max_items) : max_items_{max_items} {}

  struct Item {
    std::shared_ptr<io::File> file;  // owners: this table and responses being sent; may be null
    std::optional<CopyInfo> info;
  };
  /// What is known of `name` if its file still is `stat`.
  std::optional<Item> find(const std::string& name, const io::FileStat& stat);
  void put_file(const std::string& name, const io::FileStat& stat, std::shared_ptr<io::File> file);
  void put_info(const std::string& name, const io::FileStat& stat, CopyInfo info);
  void forget(const std::string& name);
  void forget_all();

 private:
  struct Node {
    std::string name;
    io::FileStat stat;
    Item item;
  };
  Node& renew(const std::string& name, const io::FileStat& stat);
  static bool same(const io::FileStat& a, const io::FileStat& b);

  const size_t max_items_;
  std::mutex mutex_;
  std::list<Node> nodes_;  // most recently used first
  std::unordered_map<std::string, std::list<Node>::iterator> by_name_;
};

}  // namespace beringia::backend::file

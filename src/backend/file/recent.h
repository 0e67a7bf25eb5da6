#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/time.h"
#include "io/disk.h"
#include "io/runtime.h"

namespace beringia::backend::file {

/// What was learnt of recently used objects, by name. An item is valid only while the file's stat
/// is the one it was learnt from, so it needs no invalidation by foreign changes. Least recently
/// used items go first. Thread-safe.
template <class Value>
class Recent {
 public:
  explicit Recent(size_t max_items) : max_items_{max_items} {}

  /// What is known of `name` if its file still is `stat`.
  std::optional<Value> find(const std::string& name, const io::FileStat& stat) {
    std::lock_guard lock{mutex_};
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return std::nullopt;
    nodes_.splice(nodes_.begin(), nodes_, found->second);
    Node& node = *found->second;
    if (!same(node.stat, stat)) return std::nullopt;
    node.stat.is_local = stat.is_local;
    node.looked = io::now();
    return node.value;
  }

  /// The file was looked at so lately that the system has its inode in memory, on a local disk.
  bool is_warm(const std::string& name) {
    std::lock_guard lock{mutex_};
    const auto found = by_name_.find(name);
    if (found == by_name_.end() || !found->second->stat.is_local) return false;
    return io::now() - found->second->looked < kWarm;
  }

  void put(const std::string& name, const io::FileStat& stat, Value value) {
    Nodes gone;  // ends after the lock: closing a file can take a while
    std::lock_guard lock{mutex_};
    if (const auto found = by_name_.find(name); found != by_name_.end()) take(found->second, gone);
    if (nodes_.size() >= max_items_) take(std::prev(nodes_.end()), gone);
    nodes_.push_front({name, stat, std::move(value), io::now()});
    by_name_[nodes_.front().name] = nodes_.begin();
  }

  void forget(const std::string& name) {
    Nodes gone;
    std::lock_guard lock{mutex_};
    if (const auto found = by_name_.find(name); found != by_name_.end()) take(found->second, gone);
  }

  void forget_all() {
    Nodes gone;
    std::lock_guard lock{mutex_};
    by_name_.clear();
    nodes_.swap(gone);
  }

 private:
  struct Node {
    std::string name;
    io::FileStat stat;
    Value value;
    MonotonicTime looked;
  };
  static constexpr Duration kWarm = std::chrono::seconds{10};
  using Nodes = std::list<Node>;  // most recently used first

  static bool same(const io::FileStat& a, const io::FileStat& b) {
    // ctime moves with every change of attributes, so remembered attributes are exact.
    return a.inode == b.inode && a.mtime_nanos == b.mtime_nanos && a.size == b.size &&
           a.ctime_nanos == b.ctime_nanos;
  }
  void take(typename Nodes::iterator node, Nodes& gone) {
    by_name_.erase(node->name);
    gone.splice(gone.begin(), nodes_, node);
  }

  const size_t max_items_;
  std::mutex mutex_;
  Nodes nodes_;
  std::unordered_map<std::string_view, typename Nodes::iterator> by_name_;  // keys lie in nodes_
};

}  // namespace beringia::backend::file

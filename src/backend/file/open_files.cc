#include "backend/file/open_files.h"

#include <utility>

namespace beringia::backend::file {

bool OpenFiles::same(const io::FileStat& a, const io::FileStat& b) {
  // ctime moves with every change of attributes, so remembered attributes are exact.
  return a.inode == b.inode && a.mtime_nanos == b.mtime_nanos && a.size == b.size &&
         a.ctime_nanos == b.ctime_nanos;
}

std::optional<OpenFiles::Item> OpenFiles::find(const std::string& name, const io::FileStat& stat) {
  std::lock_guard lock{mutex_};
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return std::nullopt;
  nodes_.splice(nodes_.begin(), nodes_, found->second);
  if (!same(found->second->stat, stat)) return std::nullopt;
  return found->second->item;
}

OpenFiles::Node& OpenFiles::renew(const std::string& name, const io::FileStat& stat) {
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    nodes_.splice(nodes_.begin(), nodes_, found->second);
    Node& node = *found->second;
    if (!same(node.stat, stat)) {
      node.stat = stat;
      node.item = {};
    }
    return node;
  }
  if (nodes_.size() >= max_items_) {
    by_name_.erase(nodes_.back().name);
    nodes_.pop_back();
  }
  nodes_.push_front({name, stat, {}});
  by_name_[name] = nodes_.begin();
  return nodes_.front();
}

void OpenFiles::put_file(const std::string& name, const io::FileStat& stat,
                         std::shared_ptr<io::File> file) {
  std::lock_guard lock{mutex_};
  renew(name, stat).item.file = std::move(file);
}

void OpenFiles::put_info(const std::string& name, const io::FileStat& stat, CopyInfo info) {
  std::lock_guard lock{mutex_};
  renew(name, stat).item.info = std::move(info);
}

void OpenFiles::forget(const std::string& name) {
  std::lock_guard lock{mutex_};
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return;
  nodes_.erase(found->second);
  by_name_.erase(found);
}

void OpenFiles::forget_all() {
  std::lock_guard lock{mutex_};
  nodes_.clear();
  by_name_.clear();
}

}  // namespace beringia::backend::file

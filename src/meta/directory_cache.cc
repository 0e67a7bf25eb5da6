#include "meta/directory_cache.h"

#include <functional>
#include <utility>

#include "meta/keys.h"

namespace beringia::meta {
namespace {

bool is_directory_row(const std::string& key) {
  return !key.empty() && (key.front() == 'd' || (key.front() == 'e' && key.back() == '/'));
}

}  // namespace

uint64_t& Tree::Cache::epoch(const std::string& row) {
  return epochs_[std::hash<std::string>{}(row) % epochs_.size()];
}

uint64_t Tree::Cache::ticket(const std::string& row) {
  std::lock_guard lock{mutex_};
  return epoch(row);
}

Tree::Cache::Directory Tree::Cache::find(const std::string& entry_row) {
  std::lock_guard lock{mutex_};
  const auto found = by_entry_row_.find(entry_row);
  if (found == by_entry_row_.end()) return nullptr;
  recency_.splice(recency_.begin(), recency_, found->second);
  return found->second->second;
}

void Tree::Cache::insert(const std::string& entry_row, Directory directory, uint64_t entry_ticket,
                         uint64_t record_ticket) {
  const std::string record_row = directory_key(directory->id);
  std::lock_guard lock{mutex_};
  if (epoch(entry_row) != entry_ticket || epoch(record_row) != record_ticket) return;
  if (doubts_.contains(entry_row) || doubts_.contains(record_row)) return;
  erase(entry_row);
  if (recency_.size() >= kMaxDirectories) erase(std::string{recency_.back().first});
  recency_.emplace_front(entry_row, std::move(directory));
  by_entry_row_[entry_row] = recency_.begin();
  entry_row_of_[record_row] = entry_row;
}

void Tree::Cache::doubt(const std::string& entry_row, DirectoryId id) {
  const std::string record_row = directory_key(id);
  std::lock_guard lock{mutex_};
  // Batches that are made and never committed leave doubts behind: start over when they pile up.
  if (doubts_.size() >= kMaxDoubts) {
    doubts_.clear();
    recency_.clear();
    by_entry_row_.clear();
    entry_row_of_.clear();
    for (auto& value : epochs_) ++value;
  }
  doubts_.insert(entry_row);
  doubts_.insert(record_row);
  forget(entry_row);
  forget(record_row);
}

void Tree::Cache::settle(const kv::Batch& batch) {
  std::lock_guard lock{mutex_};
  for (const auto& operation : batch.operations()) {
    const std::string* key = nullptr;
    if (const auto* put = std::get_if<kv::Batch::Put>(&operation)) key = &put->key;
    if (const auto* remove = std::get_if<kv::Batch::Remove>(&operation)) key = &remove->key;
    if (const auto* maybe = std::get_if<kv::Batch::RemoveIfEmpty>(&operation)) key = &maybe->key;
    if (key == nullptr || !is_directory_row(*key)) continue;
    doubts_.erase(*key);
    forget(*key);
  }
}

void Tree::Cache::forget(const std::string& row) {
  ++epoch(row);
  if (row.front() == 'e') {
    erase(row);
  } else if (const auto found = entry_row_of_.find(row); found != entry_row_of_.end()) {
    erase(std::string{found->second});
  }
}

void Tree::Cache::erase(const std::string& entry_row) {
  const auto found = by_entry_row_.find(entry_row);
  if (found == by_entry_row_.end()) return;
  entry_row_of_.erase(directory_key(found->second->second->id));
  recency_.erase(found->second);
  by_entry_row_.erase(found);
}

}  // namespace beringia::meta

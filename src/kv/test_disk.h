#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "io/disk.h"

namespace beringia::kv {

/// Files in memory, for tests of this room: what was not synced is lost by lose_unsynced(), and
/// syncs or writes fail on demand. Only what a log needs; the rest is kUnsupported.
class TestDisk final : public io::Disk {
 public:
  struct Contents {
    std::string now;
    std::string synced;
  };
  struct Faults {
    bool syncs_fail = false;
    bool writes_fail = false;
    int syncs = 0;
  };

  Faults faults;

  /// As after a power loss: of each file `keep` bytes of what was not synced stay.
  void lose_unsynced(size_t keep = 0) {
    std::lock_guard lock{mutex_};
    files_ = durable_names_;
    for (auto& [name, file] : files_) {
      if (file->now.size() > file->synced.size() + keep) {
        file->now.resize(file->synced.size() + keep);
      }
    }
  }
  std::shared_ptr<Contents> file(const std::string& path) { return files_[path]; }

  Result<std::unique_ptr<io::File>> open(const std::string& path, io::OpenMode mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override {
    std::lock_guard lock{mutex_};
    files_[to] = files_.at(from);
    files_.erase(from);
    return {};
  }
  Result<void> sync_directory(const std::string&) override {
    std::lock_guard lock{mutex_};
    durable_names_ = files_;
    return {};
  }
  Result<io::FileStat> stat(const std::string&) override { return none<io::FileStat>(); }
  Result<std::string> get_xattr(const std::string&, const std::string&) override {
    return none<std::string>();
  }
  Result<void> set_xattr(const std::string&, const std::string&, std::string_view) override {
    return none<void>();
  }
  Result<void> rename_exclusive(const std::string&, const std::string&) override {
    return none<void>();
  }
  Result<void> unlink(const std::string&) override { return none<void>(); }
  Result<void> make_directory(const std::string&) override { return none<void>(); }
  Result<void> remove_directory(const std::string&) override { return none<void>(); }
  Result<void> list(const std::string&, const std::function<bool(io::DirectoryItem)>&) override {
    return none<void>();
  }
  Result<uint64_t> free_bytes(const std::string&) override { return none<uint64_t>(); }

 private:
  class TestFile;
  template <class T>
  static Result<T> none() {
    return std::unexpected(unsupported("not offered by the test disk"));
  }

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Contents>> files_;  // owners: names and open files
  std::map<std::string, std::shared_ptr<Contents>> durable_names_;
};

class TestDisk::TestFile final : public io::File {
 public:
  TestFile(TestDisk& disk, std::shared_ptr<Contents> contents)
      : disk_{disk}, contents_{std::move(contents)} {}
  Result<size_t> read_at(uint64_t offset, std::span<char> buffer) override {
    std::lock_guard lock{disk_.mutex_};
    if (offset >= contents_->now.size()) return size_t{0};
    const size_t n = std::min(buffer.size(), contents_->now.size() - offset);
    std::memcpy(buffer.data(), contents_->now.data() + offset, n);
    return n;
  }
  std::optional<size_t> try_read_cached(uint64_t, std::span<char>) override { return {}; }
  Result<void> write_at(uint64_t offset, std::string_view bytes) override {
    std::lock_guard lock{disk_.mutex_};
    if (disk_.faults.writes_fail) return std::unexpected(unavailable("no space left"));
    auto& now = contents_->now;
    if (now.size() < offset + bytes.size()) now.resize(offset + bytes.size());
    now.replace(offset, bytes.size(), bytes);
    return {};
  }
  Result<void> sync() override {
    std::lock_guard lock{disk_.mutex_};
    if (disk_.faults.syncs_fail) return std::unexpected(unavailable("fsync failed"));
    ++disk_.faults.syncs;
    contents_->synced = contents_->now;
    return {};
  }
  Result<void> truncate(uint64_t) override { return none<void>(); }
  Result<io::FileStat> stat() override { return none<io::FileStat>(); }
  Result<void> set_xattr(const std::string&, std::string_view) override { return none<void>(); }
  Result<std::string> get_xattr(const std::string&) override { return none<std::string>(); }
  Result<void> copy_from(io::File&, uint64_t, uint64_t, uint64_t) override { return none<void>(); }
  int descriptor() const override { return -1; }

 private:
  TestDisk& disk_;
  std::shared_ptr<Contents> contents_;
};

inline Result<std::unique_ptr<io::File>> TestDisk::open(const std::string& path,
                                                        io::OpenMode mode) {
  std::lock_guard lock{mutex_};
  auto found = files_.find(path);
  if (mode == io::OpenMode::kRead) {
    if (found == files_.end()) return std::unexpected(not_found("no file " + path));
    return std::make_unique<TestFile>(*this, found->second);
  }
  auto contents = std::make_shared<Contents>();
  files_[path] = contents;
  return std::make_unique<TestFile>(*this, contents);
}

}  // namespace beringia::kv

#include "io/faulty_disk.h"

#include <utility>

namespace beringia::io {
namespace {

class FaultyFile final : public File {
 public:
  FaultyFile(std::unique_ptr<File> inner, DiskFaults& faults, Rng& rng)
      : inner_{std::move(inner)}, faults_{faults}, rng_{rng} {}

  Result<size_t> read_at(uint64_t offset, std::span<char> buffer) override {
    BR_TRY(pass(DiskCall::kRead));
    return inner_->read_at(offset, buffer);
  }
  std::optional<size_t> try_read_cached(uint64_t offset, std::span<char> buffer) override {
    // What is cached needs no disk: a failing read is met by read_at() only.
    return inner_->try_read_cached(offset, buffer);
  }
  Result<void> write_at(uint64_t offset, std::string_view bytes) override {
    BR_TRY(pass(DiskCall::kWrite));
    return inner_->write_at(offset, bytes);
  }
  Result<void> truncate(uint64_t size) override {
    BR_TRY(pass(DiskCall::kTruncate));
    return inner_->truncate(size);
  }
  Result<void> set_modified(int64_t mtime_nanos) override {
    BR_TRY(pass(DiskCall::kSetModified));
    return inner_->set_modified(mtime_nanos);
  }
  Result<void> sync() override {
    BR_TRY(pass(DiskCall::kSync));
    return inner_->sync();
  }
  Result<FileStat> stat() override {
    BR_TRY(pass(DiskCall::kStat));
    return inner_->stat();
  }
  Result<void> set_xattr(const std::string& name, std::string_view value) override {
    BR_TRY(pass(DiskCall::kSetXattr));
    return inner_->set_xattr(name, value);
  }
  Result<std::string> get_xattr(const std::string& name) override {
    BR_TRY(pass(DiskCall::kGetXattr));
    return inner_->get_xattr(name);
  }
  Result<void> copy_from(File& source, uint64_t source_offset, uint64_t offset,
                         uint64_t length) override {
    BR_TRY(pass(DiskCall::kCopy));
    auto* wrapped = dynamic_cast<FaultyFile*>(&source);
    File& from = wrapped != nullptr ? *wrapped->inner_ : source;
    return inner_->copy_from(from, source_offset, offset, length);
  }
  int descriptor() const override { return inner_->descriptor(); }

 private:
  Result<void> pass(DiskCall call) {
    if (const auto failed = faults_.next(call, rng_)) {
      return std::unexpected(from_errno(*failed, "cannot " + std::string{to_string(call)}));
    }
    return {};
  }

  std::unique_ptr<File> inner_;
  DiskFaults& faults_;
  Rng& rng_;
};

class FaultyDisk final : public Disk {
 public:
  FaultyDisk(Disk& inner, DiskFaults& faults) : inner_{inner}, faults_{faults} {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    BR_TRY(pass(DiskCall::kOpen, path));
    BR_TRY(file, inner_.open(path, mode));
    return std::make_unique<FaultyFile>(std::move(file), faults_, rng_);
  }
  Result<FileStat> stat(const std::string& path) override {
    BR_TRY(pass(DiskCall::kStat, path));
    return inner_.stat(path);
  }
  Result<FileStat> stat_directory(const std::string& path) override {
    BR_TRY(pass(DiskCall::kStat, path));
    return inner_.stat_directory(path);
  }
  Result<std::string> get_xattr(const std::string& path, const std::string& name) override {
    BR_TRY(pass(DiskCall::kGetXattr, path));
    return inner_.get_xattr(path, name);
  }
  Result<void> set_xattr(const std::string& path, const std::string& name,
                         std::string_view value) override {
    BR_TRY(pass(DiskCall::kSetXattr, path));
    return inner_.set_xattr(path, name, value);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    BR_TRY(pass(DiskCall::kRename, from));
    return inner_.rename(from, to);
  }
  Result<void> rename_exclusive(const std::string& from, const std::string& to) override {
    BR_TRY(pass(DiskCall::kRenameExclusive, from));
    return inner_.rename_exclusive(from, to);
  }
  Result<void> link(const std::string& from, const std::string& to) override {
    BR_TRY(pass(DiskCall::kLink, from));
    return inner_.link(from, to);
  }
  Result<void> unlink(const std::string& path) override {
    BR_TRY(pass(DiskCall::kUnlink, path));
    return inner_.unlink(path);
  }
  Result<void> make_directory(const std::string& path) override {
    BR_TRY(pass(DiskCall::kMakeDirectory, path));
    return inner_.make_directory(path);
  }
  Result<void> remove_directory(const std::string& path) override {
    BR_TRY(pass(DiskCall::kRemoveDirectory, path));
    return inner_.remove_directory(path);
  }
  Result<void> list(const std::string& path,
                    const std::function<bool(DirectoryItem)>& visit) override {
    BR_TRY(pass(DiskCall::kList, path));
    return inner_.list(path, visit);
  }
  Result<void> sync_directory(const std::string& path) override {
    BR_TRY(pass(DiskCall::kSyncDirectory, path));
    return inner_.sync_directory(path);
  }
  Result<uint64_t> free_bytes(const std::string& path) override {
    BR_TRY(pass(DiskCall::kFreeBytes, path));
    return inner_.free_bytes(path);
  }

 private:
  Result<void> pass(DiskCall call, const std::string& path) {
    if (const auto failed = faults_.next(call, rng_)) {
      return std::unexpected(
          from_errno(*failed, "cannot " + std::string{to_string(call)} + " " + path));
    }
    return {};
  }

  Disk& inner_;
  DiskFaults& faults_;
  SeededRng rng_{1};
};

}  // namespace

std::unique_ptr<Disk> make_faulty_disk(Disk& inner, DiskFaults& faults) {
  return std::make_unique<FaultyDisk>(inner, faults);
}

}  // namespace beringia::io

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace beringia::io {

struct FileStat {
  uint64_t size = 0;
  uint64_t inode = 0;
  int64_t mtime_nanos = 0;
  int64_t ctime_nanos = 0;
  uint32_t mode = 0;  // permission bits only
  uint32_t uid = 0;
  uint32_t gid = 0;
  bool is_directory = false;
  bool is_regular = false;
  bool is_local = false;  // on a disk of this machine; false: not, or not looked for
};

/// An open file. Thread-safe for positional calls. Closed by its destructor.
/// Calls run on the blocking pool (real disk), except try_read_cached() and, on local file systems,
/// stat(). They cannot be cancelled: keep them small.
class File {
 public:
  virtual ~File() = default;
  [[nodiscard]] virtual Result<size_t> read_at(uint64_t offset, std::span<char> buffer) = 0;
  /// Never blocks: reads what the page cache holds (preadv2 RWF_NOWAIT); 0..n bytes; nullopt when
  /// the bytes would have to be fetched (or this cannot be told).
  virtual std::optional<size_t> try_read_cached(uint64_t offset, std::span<char> buffer) = 0;
  [[nodiscard]] virtual Result<void> write_at(uint64_t offset, std::string_view bytes) = 0;
  [[nodiscard]] virtual Result<void> truncate(uint64_t size) = 0;
  /// Sets the modification time. @error kUnsupported: cannot be set here
  [[nodiscard]] virtual Result<void> set_modified(int64_t mtime_nanos) {
    return std::unexpected(
        unsupported("cannot set a modification time to " + std::to_string(mtime_nanos)));
  }
  /// Data and inode durable (fsync). Once this has failed it fails for ever: the kernel forgets
  /// pages it could not write.
  [[nodiscard]] virtual Result<void> sync() = 0;
  [[nodiscard]] virtual Result<FileStat> stat() = 0;
  [[nodiscard]] virtual Result<void> set_xattr(const std::string& name, std::string_view value) = 0;
  /// @error kNotFound: no such attribute; kUnsupported: file system without xattrs
  [[nodiscard]] virtual Result<std::string> get_xattr(const std::string& name) = 0;
  /// Copies [from.offset, +length) of `source` to `offset` here, in the kernel where it can
  /// (copy_file_range, reflinks).
  [[nodiscard]] virtual Result<void> copy_from(File& source, uint64_t source_offset,
                                               uint64_t offset, uint64_t length) = 0;
  /// Descriptor for sendfile(2); -1 where there is none (simulation).
  virtual int descriptor() const = 0;
};

struct DirectoryItem {
  std::string name;
  bool is_directory = false;
  bool is_regular = false;
};

/// kCreatePrivate: as kCreateExclusive, and only the owner may read the file (mode 0600): for keys.
enum class OpenMode { kRead, kCreateExclusive, kReadWrite, kCreateOrTruncate, kCreatePrivate };

/// A file system. Names are absolute native paths. Thread-safe. Real calls run on the blocking
/// pool while the fiber parks. Simulation replaces it (SimDisk: what is not synced may be lost).
class Disk {
 public:
  virtual ~Disk() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path,
                                                           OpenMode mode) = 0;
  /// Does not follow a final symlink: a symlink is neither directory nor regular.
  [[nodiscard]] virtual Result<FileStat> stat(const std::string& path) = 0;
  /// stat() of a path that was found to be local a moment ago, so that the system has it in memory:
  /// a real disk answers on this thread, with one system call instead of four.
  [[nodiscard]] virtual Result<FileStat> stat_again(const std::string& path) { return stat(path); }
  /// stat() of a directory that looks for `is_local`, too, on whatever thread. @error also
  /// kInvalid: it is none
  [[nodiscard]] virtual Result<FileStat> stat_directory(const std::string& path) {
    return stat(path);
  }
  /// stat() of many names below one directory: paths relative to it. One result per name, in order.
  [[nodiscard]] virtual std::vector<Result<FileStat>> stat_below(
      const std::string& directory, std::span<const std::string> names) {
    std::vector<Result<FileStat>> found;
    found.reserve(names.size());
    for (const auto& name : names) found.push_back(stat(directory + "/" + name));
    return found;
  }
  [[nodiscard]] virtual Result<std::string> get_xattr(const std::string& path,
                                                      const std::string& name) = 0;
  [[nodiscard]] virtual Result<void> set_xattr(const std::string& path, const std::string& name,
                                               std::string_view value) = 0;
  /// Atomically replaces `to`. @error kNotFound, kAlreadyExists (to is a directory)
  [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// True: all names between `root` and the last one of `path`, which lies below it, are
  /// directories, not links; told by one look. False: not so, or it cannot be told so cheaply.
  virtual bool leads_through_directories(const std::string& root, const std::string& path) {
    (void)root;
    (void)path;
    return false;
  }
  /// Atomic; fails when `to` exists (renameat2 RENAME_NOREPLACE, else link + unlink).
  [[nodiscard]] virtual Result<void> rename_exclusive(const std::string& from,
                                                      const std::string& to) = 0;
  /// A second name for the file `from` (a hard link); fails when `to` exists. Durable as a name is.
  /// @error kUnsupported: this file system has no such thing, or no more of them for this file
  [[nodiscard]] virtual Result<void> link(const std::string& from, const std::string& to) {
    return std::unexpected(unsupported("cannot link " + from + " to " + to));
  }
  [[nodiscard]] virtual Result<void> unlink(const std::string& path) = 0;
  [[nodiscard]] virtual Result<void> make_directory(const std::string& path) = 0;
  [[nodiscard]] virtual Result<void> remove_directory(
      const std::string& path) = 0;  // must be empty
  /// Unordered; without "." and "..". Bounded: `visit` returns false to stop.
  [[nodiscard]] virtual Result<void> list(const std::string& path,
                                          const std::function<bool(DirectoryItem)>& visit) = 0;
  /// Directory entries durable (fsync of the directory). Concurrent calls for one directory share
  /// one fsync that began after each of them.
  [[nodiscard]] virtual Result<void> sync_directory(const std::string& path) = 0;
  /// Bytes free for us, of the file system that holds `path`.
  [[nodiscard]] virtual Result<uint64_t> free_bytes(const std::string& path) = 0;
};

/// The kernel's file systems.
std::unique_ptr<Disk> make_posix_disk();

}  // namespace beringia::io

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>

#include "io/disk.h"
#include "io/runtime.h"
#include "io/sync.h"

namespace beringia::io {
namespace {

constexpr size_t kCopyStep = 1 << 20;
constexpr size_t kMaxXattrBytes = 64 << 10;  // Linux limit (xattr(7))

template <class F>
auto retry_eintr(F&& call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

FileStat to_stat(const struct stat& s) {
  FileStat out;
  out.size = static_cast<uint64_t>(s.st_size);
  out.inode = s.st_ino;
  out.mtime_nanos = s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec;
  out.ctime_nanos = s.st_ctim.tv_sec * 1'000'000'000LL + s.st_ctim.tv_nsec;
  out.mode = s.st_mode & 07777;
  out.uid = s.st_uid;
  out.gid = s.st_gid;
  out.is_directory = S_ISDIR(s.st_mode);
  out.is_regular = S_ISREG(s.st_mode);
  return out;
}

Error xattr_error(int error_number, const std::string& what) {
  if (error_number == ENODATA) return not_found(what, "no such attribute");
  if (error_number == ENOTSUP) return unsupported(what, "the file system has no attributes");
  return from_errno(error_number, what);
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_{fd}, path_{std::move(path)} {}
  ~PosixFile() override { ::close(fd_); }

  Result<size_t> read_at(uint64_t offset, std::span<char> buffer) override {
    return blocking([&]() -> Result<size_t> {
      const ssize_t n = retry_eintr(
          [&] { return ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(offset)); });
      if (n < 0) return std::unexpected(from_errno(errno, "cannot read " + path_));
      return static_cast<size_t>(n);
    });
  }

  std::optional<size_t> try_read_cached(uint64_t offset, std::span<char> buffer) override {
    iovec part{buffer.data(), buffer.size()};
    const ssize_t n = ::preadv2(fd_, &part, 1, static_cast<off_t>(offset), RWF_NOWAIT);
    if (n < 0) return std::nullopt;
    return static_cast<size_t>(n);
  }

  Result<void> write_at(uint64_t offset, std::string_view bytes) override {
    return blocking([&]() -> Result<void> {
      while (!bytes.empty()) {
        const ssize_t n = retry_eintr(
            [&] { return ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
        if (n < 0) return std::unexpected(from_errno(errno, "cannot write " + path_));
        offset += static_cast<uint64_t>(n);
        bytes.remove_prefix(static_cast<size_t>(n));
      }
      return {};
    });
  }

  Result<void> truncate(uint64_t size) override {
    return blocking([&]() -> Result<void> {
      if (::ftruncate(fd_, static_cast<off_t>(size)) == 0) return {};
      return std::unexpected(from_errno(errno, "cannot truncate " + path_));
    });
  }

  Result<void> set_modified(int64_t mtime_nanos) override {
    return blocking([&]() -> Result<void> {
      const timespec times[2] = {{0, UTIME_OMIT},
                                 {mtime_nanos / 1'000'000'000, mtime_nanos % 1'000'000'000}};
      if (::futimens(fd_, times) == 0) return {};
      return std::unexpected(from_errno(errno, "cannot set the time of " + path_));
    });
  }

  Result<void> sync() override {
    return blocking([&]() -> Result<void> {
      if (::fsync(fd_) == 0) return {};
      return std::unexpected(from_errno(errno, "cannot make " + path_ + " durable"));
    });
  }

  Result<FileStat> stat() override {
    struct stat s{};
    // An open file's inode is in memory: this does not block on local file systems.
    if (::fstat(fd_, &s) != 0) return std::unexpected(from_errno(errno, "cannot stat " + path_));
    return to_stat(s);
  }

  Result<void> set_xattr(const std::string& name, std::string_view value) override {
    return blocking([&]() -> Result<void> {
      if (::fsetxattr(fd_, name.c_str(), value.data(), value.size(), 0) == 0) return {};
      return std::unexpected(xattr_error(errno, "cannot set " + name + " of " + path_));
    });
  }

  Result<std::string> get_xattr(const std::string& name) override {
    return blocking([&]() -> Result<std::string> {
      std::string value(kMaxXattrBytes, '\0');
      const ssize_t n = ::fgetxattr(fd_, name.c_str(), value.data(), value.size());
      if (n < 0) return std::unexpected(xattr_error(errno, "cannot get " + name + " of " + path_));
      value.resize(static_cast<size_t>(n));
      return value;
    });
  }

  Result<void> copy_from(File& source, uint64_t source_offset, uint64_t offset,
                         uint64_t length) override {
    return blocking([&]() -> Result<void> {
      auto from = static_cast<off_t>(source_offset);
      auto to = static_cast<off_t>(offset);
      std::string buffer;
      while (length > 0) {
        ssize_t n = ::copy_file_range(source.descriptor(), &from, fd_, &to, length, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 &&
            (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) {
          n = copy_step(source.descriptor(), from, to, length, buffer);
          from += std::max<ssize_t>(n, 0);
          to += std::max<ssize_t>(n, 0);
        }
        if (n < 0) return std::unexpected(from_errno(errno, "cannot copy into " + path_));
        if (n == 0)
          return std::unexpected(corrupt("cannot copy into " + path_, "the source ended"));
        length -= static_cast<uint64_t>(n);
      }
      return {};
    });
  }

  int descriptor() const override { return fd_; }

 private:
  ssize_t copy_step(int source, off_t from, off_t to, uint64_t length, std::string& buffer) const {
    buffer.resize(std::min<uint64_t>(kCopyStep, length));
    const ssize_t got =
        retry_eintr([&] { return ::pread(source, buffer.data(), buffer.size(), from); });
    if (got <= 0) return got;
    return retry_eintr([&] { return ::pwrite(fd_, buffer.data(), static_cast<size_t>(got), to); });
  }

  int fd_;
  std::string path_;
};

/// fsyncs of one directory: who comes while one runs shares the next one.
class DirectorySyncs {
 public:
  Result<void> sync(const std::string& path) {
    std::shared_ptr<Flight> flight;
    bool leader = false;
    std::shared_ptr<Flight> running;
    {
      std::lock_guard lock{mutex_};
      auto& entry = directories_[path];
      running = entry.running;
      if (!entry.next) {
        entry.next = std::make_shared<Flight>();
        leader = true;
      }
      flight = entry.next;
    }
    if (!leader) {
      BR_TRY(flight->done.wait(Context{}));
      return flight->result;
    }
    if (running) BR_TRY(running->done.wait(Context{}));
    {
      // From here on newcomers need a later fsync: this one is about to start.
      std::lock_guard lock{mutex_};
      auto& entry = directories_[path];
      entry.running = std::move(entry.next);
      entry.next = nullptr;
    }
    flight->result = fsync_directory(path);
    {
      std::lock_guard lock{mutex_};
      auto found = directories_.find(path);
      found->second.running = nullptr;
      if (!found->second.next) directories_.erase(found);
    }
    flight->done.set();
    return flight->result;
  }

 private:
  struct Flight {
    Event done;
    Result<void> result;
  };
  struct Directory {
    std::shared_ptr<Flight> running;  // owners: the table and who waits for it
    std::shared_ptr<Flight> next;
  };

  static Result<void> fsync_directory(const std::string& path) {
    return blocking([&]() -> Result<void> {
      const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (fd < 0) return std::unexpected(from_errno(errno, "cannot open " + path));
      const int failed = ::fsync(fd) == 0 ? 0 : errno;
      ::close(fd);
      if (failed == 0) return {};
      return std::unexpected(from_errno(failed, "cannot make directory " + path + " durable"));
    });
  }

  std::mutex mutex_;
  std::map<std::string, Directory> directories_;
};

class PosixDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    return blocking([&]() -> Result<std::unique_ptr<File>> {
      int flags = O_CLOEXEC | O_NOFOLLOW;
      switch (mode) {
        case OpenMode::kRead: flags |= O_RDONLY; break;
        case OpenMode::kCreateExclusive: flags |= O_RDWR | O_CREAT | O_EXCL; break;
        case OpenMode::kReadWrite: flags |= O_RDWR; break;
        case OpenMode::kCreateOrTruncate: flags |= O_RDWR | O_CREAT | O_TRUNC; break;
      }
      const int fd = retry_eintr([&] { return ::open(path.c_str(), flags, 0644); });
      if (fd < 0) return std::unexpected(from_errno(errno, "cannot open " + path));
      return std::make_unique<PosixFile>(fd, path);
    });
  }

  Result<FileStat> stat(const std::string& path) override {
    return blocking([&]() -> Result<FileStat> {
      struct stat s{};
      if (::lstat(path.c_str(), &s) != 0) {
        return std::unexpected(from_errno(errno, "cannot stat " + path));
      }
      return to_stat(s);
    });
  }

  Result<std::string> get_xattr(const std::string& path, const std::string& name) override {
    return blocking([&]() -> Result<std::string> {
      std::string value(kMaxXattrBytes, '\0');
      const ssize_t n = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
      if (n < 0) return std::unexpected(xattr_error(errno, "cannot get " + name + " of " + path));
      value.resize(static_cast<size_t>(n));
      return value;
    });
  }

  Result<void> set_xattr(const std::string& path, const std::string& name,
                         std::string_view value) override {
    return blocking([&]() -> Result<void> {
      if (::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0) == 0) return {};
      return std::unexpected(xattr_error(errno, "cannot set " + name + " of " + path));
    });
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    return call("cannot rename " + from, [&] { return ::rename(from.c_str(), to.c_str()); });
  }

  Result<void> rename_exclusive(const std::string& from, const std::string& to) override {
    return blocking([&]() -> Result<void> {
      if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0)
        return {};
      if (errno == EINVAL || errno == ENOSYS) {
        // No such flag on this file system: a hard link is exclusive everywhere.
        if (::link(from.c_str(), to.c_str()) == 0 && ::unlink(from.c_str()) == 0) return {};
      }
      return std::unexpected(from_errno(errno, "cannot rename " + from + " to " + to));
    });
  }

  Result<void> unlink(const std::string& path) override {
    return call("cannot remove " + path, [&] { return ::unlink(path.c_str()); });
  }

  Result<void> make_directory(const std::string& path) override {
    return call("cannot make directory " + path, [&] { return ::mkdir(path.c_str(), 0755); });
  }

  Result<void> remove_directory(const std::string& path) override {
    return call("cannot remove directory " + path, [&] { return ::rmdir(path.c_str()); });
  }

  Result<void> list(const std::string& path,
                    const std::function<bool(DirectoryItem)>& visit) override {
    return blocking([&]() -> Result<void> {
      DIR* directory = ::opendir(path.c_str());
      if (directory == nullptr) return std::unexpected(from_errno(errno, "cannot list " + path));
      errno = 0;
      while (const dirent* item = ::readdir(directory)) {
        const std::string name = item->d_name;
        if (name == "." || name == "..") continue;
        const bool more = visit(to_item(path, name, item->d_type));
        errno = 0;
        if (!more) break;
      }
      const int failed = errno;
      ::closedir(directory);
      if (failed != 0) return std::unexpected(from_errno(failed, "cannot list " + path));
      return {};
    });
  }

  Result<void> sync_directory(const std::string& path) override { return syncs_.sync(path); }

  Result<uint64_t> free_bytes(const std::string& path) override {
    return blocking([&]() -> Result<uint64_t> {
      struct statvfs s{};
      if (::statvfs(path.c_str(), &s) != 0) {
        return std::unexpected(from_errno(errno, "cannot look at the space of " + path));
      }
      return static_cast<uint64_t>(s.f_bavail) * s.f_frsize;
    });
  }

 private:
  template <class F>
  static Result<void> call(const std::string& what, F&& f) {
    return blocking([&]() -> Result<void> {
      if (retry_eintr(f) == 0) return {};
      return std::unexpected(from_errno(errno, what));
    });
  }

  static DirectoryItem to_item(const std::string& path, const std::string& name,
                               unsigned char type) {
    if (type != DT_UNKNOWN) return {name, type == DT_DIR, type == DT_REG};
    struct stat s{};
    if (::lstat((path + "/" + name).c_str(), &s) != 0) return {name, false, false};
    return {name, S_ISDIR(s.st_mode), S_ISREG(s.st_mode)};
  }

  DirectorySyncs syncs_;
};

}  // namespace

std::unique_ptr<Disk> make_posix_disk() { return std::make_unique<PosixDisk>(); }

}  // namespace beringia::io

#include "io/posix_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "io/runtime.h"

namespace beringia::io {
namespace {

constexpr size_t kCopyStep = 1 << 20;
constexpr uint64_t kCopySlice = 64 << 20;  // per stay on the pool, so that others get their turn
constexpr size_t kSmallXattrBytes = 1 << 10;
constexpr size_t kMaxXattrBytes = 64 << 10;  // Linux limit (xattr(7))

/// File systems on which even fstat and close may wait for a network or a daemon.
bool is_remote(int fd) {
  constexpr long kFuse = 0x65735546;
  constexpr long kCifs = 0xFF534D42;
  constexpr long kSmb2 = 0xFE534D42;
  constexpr long kCeph = 0x00C36400;
  struct statfs found{};
  if (::fstatfs(fd, &found) != 0) return true;
  const long type = found.f_type & 0xFFFFFFFFL;
  return type == NFS_SUPER_MAGIC || type == kFuse || type == kCifs || type == kSmb2 ||
         type == kCeph || type == SMB_SUPER_MAGIC || type == V9FS_MAGIC || type == AFS_SUPER_MAGIC;
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path, bool remote)
      : fd_{fd}, path_{std::move(path)}, remote_{remote} {}
  ~PosixFile() override {
    if (remote_) {
      run_blocking([fd = fd_] { ::close(fd); });  // NFS writes back on close
    } else {
      ::close(fd_);
    }
  }

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
        // A write of nothing without an error: as a full disk (POSIX, write).
        if (n <= 0) return failed(n < 0 ? errno : ENOSPC, "cannot write ");
        offset += static_cast<uint64_t>(n);
        bytes.remove_prefix(static_cast<size_t>(n));
      }
      return {};
    });
  }

  Result<void> truncate(uint64_t size) override {
    return blocking([&]() -> Result<void> {
      if (retry_eintr([&] { return ::ftruncate(fd_, static_cast<off_t>(size)); }) == 0) return {};
      return failed(errno, "cannot truncate ");
    });
  }

  Result<void> set_modified(int64_t mtime_nanos) override {
    return blocking([&]() -> Result<void> {
      const timespec times[2] = {{0, UTIME_OMIT},
                                 {mtime_nanos / 1'000'000'000, mtime_nanos % 1'000'000'000}};
      if (::futimens(fd_, times) == 0) return {};
      return failed(errno, "cannot set the time of ");
    });
  }

  Result<void> sync() override {
    return blocking([&]() -> Result<void> {
      // Linux reports a lost page once and then calls the file clean: a later success is a lie
      // (fsync(2); "fsyncgate"). So one failure is for good.
      if (const int before = sync_error_.load()) return failed(before, kNotDurable);
      if (::fsync(fd_) == 0) return {};
      const int error_number = errno;
      sync_error_.store(error_number);
      return failed(error_number, kNotDurable);
    });
  }

  Result<FileStat> stat() override {
    const auto look = [&]() -> Result<FileStat> {
      struct ::stat found{};
      if (::fstat(fd_, &found) == 0) return to_file_stat(found);
      return std::unexpected(from_errno(errno, "cannot stat " + path_));
    };
    // The inode of an open local file is in memory: a visit to the pool would cost more.
    return remote_ ? blocking(look) : look();
  }

  Result<void> set_xattr(const std::string& name, std::string_view value) override {
    return blocking([&]() -> Result<void> {
      if (::fsetxattr(fd_, name.c_str(), value.data(), value.size(), 0) == 0) return {};
      return std::unexpected(xattr_error(errno, "cannot set " + name + " of " + path_));
    });
  }

  Result<std::string> get_xattr(const std::string& name) override {
    return blocking([&] {
      return read_xattr(
          [&](char* buffer, size_t size) { return ::fgetxattr(fd_, name.c_str(), buffer, size); },
          "cannot get " + name + " of " + path_);
    });
  }

  Result<void> copy_from(File& source, uint64_t source_offset, uint64_t offset,
                         uint64_t length) override {
    while (length > 0) {
      const uint64_t slice = std::min(length, kCopySlice);
      BR_TRY(blocking([&] { return copy_slice(source, source_offset, offset, slice); }));
      source_offset += slice;
      offset += slice;
      length -= slice;
    }
    return {};
  }

  int descriptor() const override { return fd_; }

 private:
  static constexpr const char* kNotDurable = "cannot make durable ";

  std::unexpected<Error> failed(int error_number, const char* what) const {
    return std::unexpected(from_errno(error_number, what + path_));
  }

  Result<void> copy_slice(File& source, uint64_t source_offset, uint64_t offset, uint64_t length) {
    auto from = static_cast<off_t>(source_offset);
    auto to = static_cast<off_t>(offset);
    std::string buffer;
    bool in_kernel = true;
    while (length > 0) {
      ssize_t n = 0;
      if (in_kernel) {
        n = retry_eintr(
            [&] { return ::copy_file_range(source.descriptor(), &from, fd_, &to, length, 0); });
        // 0 also comes from sources whose size the kernel does not know.
        if (n == 0 || (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP ||
                                 errno == ENOSYS || errno == EBADF || errno == EIO))) {
          in_kernel = false;
          continue;
        }
      } else {
        n = copy_step(source.descriptor(), from, to, length, buffer);
        if (n == 0) {
          return std::unexpected(corrupt("cannot copy into " + path_, "the source ended"));
        }
        from += std::max<ssize_t>(n, 0);
        to += std::max<ssize_t>(n, 0);
      }
      if (n < 0) return failed(errno, "cannot copy into ");
      length -= static_cast<uint64_t>(n);
    }
    return {};
  }

  ssize_t copy_step(int source, off_t from, off_t to, uint64_t length, std::string& buffer) const {
    buffer.resize(std::min<uint64_t>(kCopyStep, length));
    const ssize_t got =
        retry_eintr([&] { return ::pread(source, buffer.data(), buffer.size(), from); });
    if (got <= 0) return got;
    return retry_eintr([&] { return ::pwrite(fd_, buffer.data(), static_cast<size_t>(got), to); });
  }

  const int fd_;
  const std::string path_;
  const bool remote_;
  std::atomic<int> sync_error_{0};
};

}  // namespace

FileStat to_file_stat(const struct ::stat& found) {
  FileStat out;
  out.size = static_cast<uint64_t>(found.st_size);
  out.inode = found.st_ino;
  out.mtime_nanos = found.st_mtim.tv_sec * 1'000'000'000LL + found.st_mtim.tv_nsec;
  out.ctime_nanos = found.st_ctim.tv_sec * 1'000'000'000LL + found.st_ctim.tv_nsec;
  out.mode = found.st_mode & 07777;
  out.uid = found.st_uid;
  out.gid = found.st_gid;
  out.is_directory = S_ISDIR(found.st_mode);
  out.is_regular = S_ISREG(found.st_mode);
  return out;
}

Error xattr_error(int error_number, const std::string& what) {
  if (error_number == ENODATA) return not_found(what, "no such attribute");
  if (error_number == ENOTSUP) return unsupported(what, "the file system has no attributes");
  return from_errno(error_number, what);
}

Result<std::string> read_xattr(const std::function<ssize_t(char* buffer, size_t size)>& get,
                               const std::string& what) {
  std::array<char, kSmallXattrBytes> small;
  ssize_t n = get(small.data(), small.size());
  if (n >= 0) return std::string{small.data(), static_cast<size_t>(n)};
  if (errno != ERANGE) return std::unexpected(xattr_error(errno, what));
  std::string value(kMaxXattrBytes, '\0');
  n = get(value.data(), value.size());
  if (n < 0) return std::unexpected(xattr_error(errno, what));
  value.resize(static_cast<size_t>(n));
  return value;
}

std::unique_ptr<File> make_posix_file(int fd, std::string path) {
  return std::make_unique<PosixFile>(fd, std::move(path), is_remote(fd));
}

}  // namespace beringia::io

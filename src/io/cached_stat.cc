#include "io/cached_stat.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "io/posix_file.h"

namespace beringia::io {
namespace {

/// File systems whose inodes, once in memory, are the truth.
bool is_local(const struct ::statfs& found) {
  switch (static_cast<unsigned long>(found.f_type)) {
    case EXT4_SUPER_MAGIC:
    case XFS_SUPER_MAGIC:
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case TMPFS_MAGIC: return true;
    default: return false;
  }
}

/// Linux 5.12: the path is walked in the dentry cache, or EAGAIN.
int open_cached(const std::string& path) {
  ::open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_CACHED;
  return static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how));
}

}  // namespace

bool is_plain_way(const std::string& root, const std::string& path) {
  const size_t last = path.rfind('/');
  if (!path.starts_with(root) || last == std::string::npos || last < root.size()) return false;
  if (last == root.size()) return true;  // directly below
  const int base = ::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (base < 0) return false;
  ::open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
  const std::string below = path.substr(root.size() + 1, last - root.size() - 1);
  const int end = static_cast<int>(::syscall(SYS_openat2, base, below.c_str(), &how, sizeof how));
  ::close(base);
  if (end < 0) return false;
  ::close(end);
  return true;
}

Result<FileStat> stat_local_directory(const std::string& path) {
  const int fd = retry_eintr(
      [&] { return ::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); });
  struct ::statfs system{};
  struct ::stat found{};
  const bool known = fd >= 0 && ::fstatfs(fd, &system) == 0 && ::fstat(fd, &found) == 0;
  const int failed = errno;
  if (fd >= 0) ::close(fd);
  if (!known) return std::unexpected(from_errno(failed, "cannot stat " + path));
  FileStat stat = to_file_stat(found);
  stat.is_local = is_local(system);
  return stat;
}

std::optional<Result<FileStat>> try_stat_cached(const std::string& path) {
  const int fd = open_cached(path);
  if (fd < 0) {
    if (errno != ENOENT) return std::nullopt;
    return std::unexpected(from_errno(ENOENT, "cannot stat " + path));
  }
  struct ::statfs system{};
  struct ::stat found{};
  const bool known = ::fstatfs(fd, &system) == 0 && is_local(system) && ::fstat(fd, &found) == 0;
  ::close(fd);
  if (!known) return std::nullopt;
  FileStat stat = to_file_stat(found);
  stat.is_local = true;
  return stat;
}

}  // namespace beringia::io

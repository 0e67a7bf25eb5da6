#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "io/cached_stat.h"
#include "io/disk.h"
#include "io/group_sync.h"
#include "io/posix_file.h"
#include "io/runtime.h"

namespace beringia::io {
namespace {

Result<void> fsync_directory(const std::string& path) {
  return blocking([&]() -> Result<void> {
    const int fd =
        retry_eintr([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (fd < 0) return std::unexpected(from_errno(errno, "cannot open " + path));
    const int failed = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    if (failed == 0) return {};
    return std::unexpected(from_errno(failed, "cannot make directory " + path + " durable"));
  });
}

Result<FileStat> look_at(const std::string& path) {
  struct ::stat found{};
  if (::lstat(path.c_str(), &found) == 0) return to_file_stat(found);
  return std::unexpected(from_errno(errno, "cannot stat " + path));
}

class PosixDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    return blocking([&]() -> Result<std::unique_ptr<File>> {
      int flags = O_CLOEXEC | O_NOFOLLOW;
      switch (mode) {
        case OpenMode::kRead: flags |= O_RDONLY; break;
        case OpenMode::kCreateExclusive:
        case OpenMode::kCreatePrivate: flags |= O_RDWR | O_CREAT | O_EXCL; break;
        case OpenMode::kReadWrite: flags |= O_RDWR; break;
        case OpenMode::kCreateOrTruncate: flags |= O_RDWR | O_CREAT | O_TRUNC; break;
      }
      const mode_t permissions = mode == OpenMode::kCreatePrivate ? 0600 : 0644;
      const int fd = retry_eintr([&] { return ::open(path.c_str(), flags, permissions); });
      if (fd < 0) return std::unexpected(from_errno(errno, "cannot open " + path));
      return make_posix_file(fd, path);
    });
  }

  Result<FileStat> stat(const std::string& path) override {
    if (on_fiber()) {
      if (auto known = try_stat_cached(path)) return std::move(*known);
    }
    return blocking([&] { return look_at(path); });
  }

  Result<FileStat> stat_again(const std::string& path) override {
    BR_TRY(stat, look_at(path));
    stat.is_local = true;
    return std::move(stat);
  }

  Result<FileStat> stat_directory(const std::string& path) override {
    return blocking([&] { return stat_local_directory(path); });
  }

  std::vector<Result<FileStat>> stat_below(const std::string& directory,
                                           std::span<const std::string> names) override {
    return blocking([&] {
      std::vector<Result<FileStat>> found;
      found.reserve(names.size());
      const int fd =
          retry_eintr([&] { return ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); });
      const int failed = fd < 0 ? errno : 0;
      for (const auto& name : names) {
        struct ::stat s{};
        if (fd >= 0 && ::fstatat(fd, name.c_str(), &s, AT_SYMLINK_NOFOLLOW) == 0) {
          found.emplace_back(to_file_stat(s));
        } else {
          found.emplace_back(std::unexpected(
              from_errno(fd < 0 ? failed : errno, "cannot stat " + directory + "/" + name)));
        }
      }
      if (fd >= 0) ::close(fd);
      return found;
    });
  }

  bool leads_through_directories(const std::string& root, const std::string& path) override {
    return blocking([&] { return is_plain_way(root, path); });
  }

  Result<std::string> get_xattr(const std::string& path, const std::string& name) override {
    return blocking([&]() -> Result<std::string> {
      return read_xattr(
          [&](char* buffer, size_t size) {
            return ::lgetxattr(path.c_str(), name.c_str(), buffer, size);
          },
          "cannot get " + name + " of " + path);
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
        // Should unlink fail, both names lead to the file; the caller learns that it is not done.
      }
      return std::unexpected(from_errno(errno, "cannot rename " + from + " to " + to));
    });
  }

  Result<void> link(const std::string& from, const std::string& to) override {
    return blocking([&]() -> Result<void> {
      if (::link(from.c_str(), to.c_str()) == 0) return {};
      const std::string what = "cannot link " + from + " to " + to;
      // link(2): EPERM where the file system has no hard links, EMLINK where it has no more.
      const bool none = errno == EPERM || errno == EMLINK || errno == EXDEV ||
                        errno == EOPNOTSUPP || errno == ENOSYS;
      if (none) return std::unexpected(unsupported(what, std::strerror(errno)));
      return std::unexpected(from_errno(errno, what));
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

  Result<void> sync_directory(const std::string& path) override {
    return directory_syncs_.sync(path);
  }

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
    struct ::stat s{};
    if (::lstat((path + "/" + name).c_str(), &s) != 0) return {name, false, false};
    return {name, S_ISDIR(s.st_mode), S_ISREG(s.st_mode)};
  }

  GroupSync directory_syncs_{fsync_directory};
};

}  // namespace

std::unique_ptr<Disk> make_posix_disk() { return std::make_unique<PosixDisk>(); }

}  // namespace beringia::io

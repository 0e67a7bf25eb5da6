#include "app/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "observe/log.h"

namespace beringia::app {
namespace {

constexpr mode_t kPrivate = 0700;

Error cannot_use(const std::string& path, std::string why, std::string hint) {
  return unavailable("cannot use the data directory " + path, std::move(why), std::move(hint));
}

Result<void> close_to_others(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return std::unexpected(from_errno(errno, "stat " + path));
  if ((status.st_mode & 0077) == 0) return {};
  if (::chmod(path.c_str(), kPrivate) != 0) {
    return std::unexpected(cannot_use(path, "others may read it and its mode cannot be changed",
                                      "chmod 0700 " + path));
  }
  observe::log_warn("data_directory_closed",
                    "The data directory was open to others; it is not now.",
                    {observe::field("path", path)});
  return {};
}

std::string holder_of(int lock) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(lock, text.data(), text.size() - 1, 0);
  std::string pid{text.data(), size > 0 ? static_cast<size_t>(size) : 0};
  while (!pid.empty() && (pid.back() < '0' || pid.back() > '9')) pid.pop_back();
  return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

Result<void> make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && std::filesystem::is_directory(path, error)) return {};
  return std::unexpected(unavailable("cannot make the directory " + path,
                                     error ? error.message() : "something else has this name",
                                     "check the path and its permissions"));
}

Result<DataDirectory> DataDirectory::take(const std::string& given) {
  if (given.empty()) {
    return std::unexpected(invalid("no data directory is given",
                                   "the catalog and the audit log need a place",
                                   "beringia serve --data /var/lib/beringia"));
  }
  std::error_code error;
  const std::string path = std::filesystem::absolute(given, error).lexically_normal().string();
  if (::mkdir(path.c_str(), kPrivate) != 0 && errno != EEXIST) {
    BR_TRY(make_directories(path));
  }
  BR_TRY(close_to_others(path));
  for (const char* part : {"/catalog", "/audit"}) {
    BR_TRY(make_directories(path + part));
  }
  const std::string lock_path = path + "/lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) {
    return std::unexpected(from_errno(errno, "cannot open " + lock_path));
  }
  DataDirectory directory{path, lock};
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return std::unexpected(busy("cannot use the data directory " + path,
                                "a beringia (" + holder_of(lock) + ") is running on it",
                                "stop that one, or give this one another --data"));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, pid.data(), pid.size(), 0) < 0) {
    return std::unexpected(from_errno(errno, "cannot write " + lock_path));
  }
  return directory;
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_{std::move(other.path_)}, lock_{std::exchange(other.lock_, -1)} {}
DataDirectory& DataDirectory::operator=(DataDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}
DataDirectory::~DataDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace beringia::app

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <span>

#include "identity/identity.h"
#include "identity/sealer.h"

namespace beringia::identity {
namespace {

/// Closes its descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_{fd} {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<Secret> load(const std::string& path) {
  const std::string what = "reading the sealing key " + path;
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (file.get() < 0) return std::unexpected(from_errno(errno, what));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return std::unexpected(from_errno(errno, what));
  if ((status.st_mode & 077) != 0) {
    return std::unexpected(denied(what, "others than its owner may read the file",
                                  "chmod 600 " + path + ", and replace all keys if it leaked"));
  }
  std::string bytes(Sealer::kKeyBytes + 1, '\0');
  const ssize_t got = ::read(file.get(), bytes.data(), bytes.size());
  if (got < 0) return std::unexpected(from_errno(errno, what));
  if (got != static_cast<ssize_t>(Sealer::kKeyBytes)) {
    return std::unexpected(
        corrupt(what, "the file does not hold 32 bytes", "restore it from its backup"));
  }
  bytes.resize(Sealer::kKeyBytes);
  return Secret{std::move(bytes)};
}

Result<void> sync_directory_of(const std::string& path) {
  std::string parent = std::filesystem::path{path}.parent_path().string();
  if (parent.empty()) parent = ".";
  Descriptor directory{::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) {
    return std::unexpected(from_errno(errno, "syncing the directory of " + path));
  }
  return {};
}

/// Writes beside and links into place, so that a crash never leaves half a key under the name and
/// a key that another process made first is kept.
Result<void> create(const std::string& path, Rng& rng) {
  const std::string what = "creating the sealing key " + path;
  const std::string temporary = path + "." + random_hex(rng, 8) + ".new";
  {
    Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (file.get() < 0) return std::unexpected(from_errno(errno, what));
    std::string bytes(Sealer::kKeyBytes, '\0');
    rng.fill(std::span{bytes});
    const Secret key{std::move(bytes)};
    const ssize_t wrote = ::write(file.get(), key.reveal().data(), key.reveal().size());
    if (wrote != static_cast<ssize_t>(Sealer::kKeyBytes) || ::fsync(file.get()) != 0) {
      Error error = from_errno(wrote < 0 ? errno : EIO, what);
      ::unlink(temporary.c_str());
      return std::unexpected(std::move(error));
    }
  }
  const int linked = ::link(temporary.c_str(), path.c_str());
  const int link_errno = errno;
  ::unlink(temporary.c_str());
  if (linked != 0 && link_errno != EEXIST) return std::unexpected(from_errno(link_errno, what));
  return sync_directory_of(path);
}

}  // namespace

Result<Secret> load_or_create_sealing_key(const std::string& path, Rng& rng) {
  Result<Secret> key = load(path);
  if (key || key.error().code() != Code::kNotFound) return key;
  BR_TRY(create(path, rng));
  return load(path);
}

}  // namespace beringia::identity

#pragma once

#include <cerrno>
#include <memory>
#include <string>

#include "io/disk.h"

struct stat;

namespace beringia::io {

/// Repeats a system call that a signal interrupted.
template <class F>
auto retry_eintr(F&& call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

FileStat to_file_stat(const struct ::stat& found);
/// kNotFound: no such attribute; kUnsupported: a file system without attributes.
Error xattr_error(int error_number, const std::string& what);
/// Reads an attribute by `get(buffer, size)`, which is [fl]getxattr.
[[nodiscard]] Result<std::string> read_xattr(
    const std::function<ssize_t(char* buffer, size_t size)>& get, const std::string& what);

/// Takes the descriptor over.
std::unique_ptr<File> make_posix_file(int fd, std::string path);

}  // namespace beringia::io

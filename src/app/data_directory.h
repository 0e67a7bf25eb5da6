#pragma once

#include <string>

#include "base/error.h"

namespace beringia::app {

/// The data directory, held by one process at a time (flock on DIR/lock; goes with the process).
class DataDirectory {
 public:
  /// Makes what is missing (mode 0700), closes it to others, takes the lock.
  /// @error kInvalid: empty or not a directory; kBusy: another process has it; kUnavailable
  static Result<DataDirectory> take(const std::string& path);
  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&& other) noexcept;
  ~DataDirectory();

  const std::string& path() const { return path_; }  // absolute
  std::string catalog() const { return path_ + "/catalog"; }
  std::string audit() const { return path_ + "/audit"; }
  std::string objects() const { return path_ + "/objects"; }
  std::string sealing_key() const { return path_ + "/sealing-key"; }

 private:
  DataDirectory(std::string path, int lock) : path_{std::move(path)}, lock_{lock} {}
  std::string path_;
  int lock_ = -1;
};

/// Makes `path` and its parents, if missing. @error kUnavailable, kInvalid
[[nodiscard]] Result<void> make_directories(const std::string& path);

}  // namespace beringia::app

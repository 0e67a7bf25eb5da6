#pragma once

#include <memory>
#include <string>
#include <utility>

#include "backend/file/file_backend.h"
#include "io/runtime.h"

namespace beringia::backend::file {

/// A file that is not an object yet. Removed by its destructor unless it was put in place.
class FileBackend::Temporary {
 public:
  Temporary(io::Disk& disk, std::string path, std::unique_ptr<io::File> file)
      : disk_{&disk}, path_{std::move(path)}, file_{std::move(file)} {}
  Temporary(Temporary&& other) noexcept
      : disk_{std::exchange(other.disk_, nullptr)},
        path_{std::move(other.path_)},
        file_{std::move(other.file_)} {}
  Temporary& operator=(Temporary&&) = delete;
  ~Temporary() {
    if (disk_ == nullptr) return;
    io::blocking([&] {
      file_.reset();
      (void)disk_->unlink(path_);  // else sweep() finds it
    });
  }

  const std::string& path() const { return path_; }
  io::File& file() { return *file_; }
  /// It is an object now.
  void release() { disk_ = nullptr; }

 private:
  io::Disk* disk_;
  std::string path_;
  std::unique_ptr<io::File> file_;
};

}  // namespace beringia::backend::file

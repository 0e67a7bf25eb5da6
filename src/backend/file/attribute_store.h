#pragma once

#include <optional>
#include <string>

#include "backend/file/object_seal.h"
#include "base/random.h"
#include "io/disk.h"

namespace beringia::backend::file {

/// Where seals and marks live: in extended attributes, or, where the file system has none or too
/// little room for them (ext4: 4 KiB in all), in files below .beringia/attributes/ that are named
/// after the version of the bytes, so that renames do not part them. Thread-safe; calls block:
/// make them from the blocking pool.
class AttributeStore {
 public:
  AttributeStore(io::Disk& disk, std::string root, Rng& rng)
      : disk_{disk}, root_{std::move(root)}, rng_{rng} {}

  /// Stores `seal` with the open file; durable with its next sync(). `stat` is the file's own.
  [[nodiscard]] Result<void> store(io::File& file, const io::FileStat& stat,
                                   const ObjectSeal& seal);
  /// nullopt: the file is not ours, or was replaced by one that is not.
  [[nodiscard]] Result<std::optional<ObjectSeal>> load(const std::string& path,
                                                       const io::FileStat& stat);
  /// They are stored with the file (or there are none), so that a second name for it has them, too,
  /// whichever of the names goes first.
  bool travel_with(const std::string& path);
  /// The bytes are gone: drops what is not stored with them.
  void forget(const io::FileStat& stat);

  /// Explicitly made directories stay when they become empty.
  [[nodiscard]] Result<void> mark_directory(const std::string& path);
  bool is_marked(const std::string& path);

 private:
  std::string sidecar(const std::string& id) const;
  Result<void> write_sidecar(const std::string& id, const std::string& bytes);
  Result<std::optional<std::string>> read_sidecar(const std::string& id);

  io::Disk& disk_;
  const std::string root_;
  Rng& rng_;
};

}  // namespace beringia::backend::file

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace beringia::io {

// The inodes of SimDisk: what programs see, what is durable, and the changes between the two.

struct SimNode;
using SimNodeRef = std::shared_ptr<SimNode>;  // owners: directory entries and open files
using SimNames = std::map<std::string, SimNodeRef, std::less<>>;

/// One state of a file.
struct SimContent {
  std::string bytes;
  std::map<std::string, std::string> xattrs;
  int64_t mtime_nanos = 0;
  int64_t ctime_nanos = 0;
};

/// A change of a file that is not durable yet.
struct SimFileChange {
  enum class Kind { kWrite, kTruncate, kXattr, kModified };
  Kind kind = Kind::kWrite;
  uint64_t sequence = 0;
  uint64_t offset = 0;  // of a write; the new size of a truncation; the time set
  std::string name;     // of an attribute
  std::string bytes;
  int64_t time_nanos = 0;
  /// A failed fsync dropped it: later ones do not save it (as Linux does with dirty pages).
  bool lost = false;
};

/// The two halves of a rename between directories: the new name is durable first, so that a file
/// is never under neither name; a directory is always under exactly one.
struct SimRename {
  bool link_durable = false;
  bool link_survives = false;  // decided at a crash
  std::weak_ptr<SimNode> link_directory;
};

/// A change of a directory that is not durable yet: sets one name, erases one, or both at once.
struct SimNameChange {
  uint64_t sequence = 0;
  std::string set_name;
  SimNodeRef set_node;  // null: sets nothing
  std::string erase_name;
  SimNodeRef erase_node;
  std::shared_ptr<SimRename> rename;  // owners: both halves
};

/// How much of what was pending a crash keeps.
class SimSurvival {
 public:
  SimSurvival(Rng& rng, size_t changes);
  /// Is the change number `index` (0-based, in order) kept?
  bool keeps(size_t index);

 private:
  enum class Mode { kNone, kAll, kPrefix, kMixed };
  Rng& rng_;
  Mode mode_;
  size_t prefix_;
};

struct SimNode {
  uint64_t inode = 0;
  bool is_directory = false;
  // Files.
  SimContent content;
  SimContent durable_content;
  std::vector<SimFileChange> file_changes;
  // Directories.
  SimNames names;
  SimNames durable_names;
  std::vector<SimNameChange> name_changes;

  /// Applies `change` to what programs see and remembers it as pending.
  void change_file(SimFileChange change);
  void change_names(SimNameChange change);
  /// Makes durable what was changed up to `sequence`.
  void sync_file(uint64_t sequence);
  void sync_names(uint64_t sequence);
  /// A failed fsync: each pending change may be lost for good.
  void lose_file_changes(Rng& rng);
  /// What is found after a power cut: the durable state and any part of the pending changes.
  void crash_file(Rng& rng, size_t sector_bytes);
  /// First for all directories, then crash_names(): decides which renames reached the disk.
  void decide_renames(Rng& rng);
  void crash_names(Rng& rng);
};

}  // namespace beringia::io

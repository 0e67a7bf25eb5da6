#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/file/native_tree.h"
#include "backend/file/recent.h"
#include "io/disk.h"

namespace beringia::backend::file {

/// Lists a tree in byte order of the object names, which is not the order of a directory: each
/// directory is read and sorted. Memory per directory on the way is bounded by kMaxGathered names;
/// a longer directory is read again for each further kMaxGathered. Where a page ended is remembered
/// for a while, so that the next page goes on from there; such a walk shows the names as they were
/// when their directory was read. The names of lately read directories of a local file system are
/// kept: they hold while the directory's times stand still, and were read when these lay well in
/// the past, so that no later change can bear the same times. Symbolic links and special files are
/// not shown. Thread-safe; blocks.
class Lister {
 public:
  Lister(io::Disk& disk, NativeTree& tree) : disk_{disk}, tree_{tree} {}
  [[nodiscard]] Result<CopyPage> list(const io::Context& context, const ListRequest& request);

 private:
  static constexpr size_t kMaxGathered = 32768;
  static constexpr size_t kLookAhead = 128;  // files of one directory that are looked at at once
  static constexpr size_t kMaxCursors = 16;
  static constexpr Duration kCursorLife = std::chrono::seconds{60};

  // Directories whose names are kept, and how many each may have: 8 MiB at 64 bytes a name.
  static constexpr size_t kMaxKnown = 8;
  static constexpr size_t kMinKnownNames = 256;  // fewer are read as fast
  static constexpr size_t kMaxKnownNames = 16384;
  static constexpr size_t kTaken = 1024;  // of kept names at once
  /// Coarsest times of a directory on a local file system (ext3: a second), doubled.
  static constexpr Duration kSettled = std::chrono::seconds{2};

  /// One name in a directory.
  struct Name {
    std::string leaf;    // a directory's ends in '/'
    std::string native;  // path below the directory; empty: the leaf without '/'
    bool directory = false;
    bool aside = false;
  };
  using Names = std::vector<Name>;  // in byte order, each once
  struct Item : Name {
    std::optional<Result<io::FileStat>> stat;  // files: looked at, for the page being made
  };
  struct Frame {
    std::string name;  // of the directory: "" or ending in '/'
    std::string path;
    std::vector<Item> items;
    size_t next = 0;
    bool complete = false;
    std::optional<std::string> last;  // of the items gathered before
  };
  /// A walk that can be continued.
  struct Walk {
    std::string prefix;
    bool by_directory = false;
    std::string after;
    bool skip_directory = false;  // `after` is a directory that was shown as a whole
    std::vector<Frame> frames;
    std::optional<CopyInfo> ready_file;  // looked at, not shown yet; empty while the walk waits
    std::optional<std::string> ready_directory;
    // of a walk that waits
    uint64_t id = 0;
    std::string shown;
    MonotonicTime since;
  };
  struct Gathering;

  Result<Walk> begin(const io::Context& context, const ListRequest& request);
  Result<void> enter(const io::Context& context, Walk& walk, std::string name, std::string path);
  Result<void> gather(const io::Context& context, const Walk& walk, Frame& frame);
  Result<void> scan(Gathering& gathering, const std::string& below, const std::string& chunk);
  Result<void> take(const io::Context& context, const Walk& walk, Frame& frame, const Names& names);
  std::optional<io::FileStat> settled(const std::string& path);
  void learn(const std::string& path, const io::FileStat& before, Names names);
  Result<bool> wanted(const io::Context& context, const Walk& walk, const Frame& frame,
                      const Name& item);
  void look_ahead(Frame& frame) const;
  static void step_back(Walk& walk);
  Result<bool> advance(const io::Context& context, Walk& walk);
  std::string keep(Walk walk, std::string shown);
  std::optional<Walk> resume(uint64_t id, const std::string& shown, const ListRequest& request);

  io::Disk& disk_;
  NativeTree& tree_;
  std::mutex mutex_;
  Recent<std::shared_ptr<const Names>> known_{kMaxKnown};  // owners: this and walks that take of it
  std::list<Walk> waiting_;                                // newest first
  uint64_t next_id_ = 1;
};

}  // namespace beringia::backend::file

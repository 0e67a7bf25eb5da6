#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/file/native_tree.h"
#include "io/disk.h"

namespace beringia::backend::file {

/// Lists a tree in byte order of the object names, which is not the order of a directory: each
/// directory is read and sorted. Memory per directory on the way is bounded by kMaxGathered names;
/// a longer directory is read again for each further kMaxGathered. Where a page ended is remembered
/// for a while, so that the next page goes on from there; such a walk shows the names as they were
/// when their directory was read. Symbolic links and special files are not shown. Thread-safe;
/// blocks.
class Lister {
 public:
  Lister(io::Disk& disk, NativeTree& tree) : disk_{disk}, tree_{tree} {}
  [[nodiscard]] Result<CopyPage> list(const io::Context& context, const ListRequest& request);

 private:
  static constexpr size_t kMaxGathered = 32768;
  static constexpr size_t kLookAhead = 128;  // files of one directory that are looked at at once
  static constexpr size_t kMaxCursors = 16;
  static constexpr Duration kCursorLife = std::chrono::seconds{60};

  /// One name in a directory.
  struct Item {
    std::string leaf;    // a directory's ends in '/'
    std::string native;  // path below the directory; empty: the leaf without '/'
    bool directory = false;
    bool aside = false;
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
  Result<bool> wanted(const io::Context& context, const Walk& walk, const Frame& frame,
                      const Item& item);
  void look_ahead(Frame& frame) const;
  static void step_back(Walk& walk);
  Result<bool> advance(const io::Context& context, Walk& walk);
  std::string keep(Walk walk, std::string shown);
  std::optional<Walk> resume(uint64_t id, const std::string& shown, const ListRequest& request);

  io::Disk& disk_;
  NativeTree& tree_;
  std::mutex mutex_;
  std::list<Walk> waiting_;  // newest first
  uint64_t next_id_ = 1;
};

}  // namespace beringia::backend::file

#include <algorithm>

#include "backend/file/file_backend.h"
#include "backend/file/temporary.h"
#include "base/kill_point.h"

namespace beringia::backend::file {

Result<FileBackend::Temporary> FileBackend::make_temporary() {
  const std::string folder = tree_.root() + "/.beringia/tmp";
  std::string path = folder + "/" + random_hex(rng_, 12);
  auto file = disk_.open(path, io::OpenMode::kCreateExclusive);
  if (!file && file.error().code() == Code::kNotFound) {
    BR_TRY(tree_.check_root());
    BR_TRY(tree_.make_parents(path));
    file = disk_.open(path, io::OpenMode::kCreateExclusive);
  }
  if (!file) return std::unexpected(std::move(file).error());
  return Temporary{disk_, std::move(path), std::move(*file)};
}

/// Unique in this process: a version (inode, mtime, size) never comes back, though inodes do.
int64_t FileBackend::next_mtime() {
  const int64_t now = io::current_clock().wall().micros * 1000;
  int64_t last = last_mtime_.load();
  int64_t next = 0;
  do {
    next = std::max(now, last + 1);
  } while (!last_mtime_.compare_exchange_weak(last, next));
  return next;
}

/// Time, attributes and fsync: from here on only the name is missing. Blocks.
Result<io::FileStat> FileBackend::finish(Temporary& temporary, const Seal& seal) {
  io::File& file = temporary.file();
  auto timed = file.set_modified(next_mtime());
  if (!timed && timed.error().code() != Code::kUnsupported) {
    return std::unexpected(std::move(timed).error());
  }
  BR_TRY(stat, file.stat());
  if (stat.size != seal.size) {
    return std::unexpected(
        corrupt("cannot write a file", std::to_string(stat.size) + " bytes are there, " +
                                           std::to_string(seal.size) + " were sealed"));
  }
  BR_TRY(attributes_.store(
      file, stat,
      {stat.size, stat.mtime_nanos, seal.crc32c, seal.md5, seal.content_type, seal.attributes}));
  BR_TRY(file.sync());
  return std::move(stat);
}

Result<void> check_version(const std::string& name, const Located& there,
                           const std::optional<Version>& version) {
  if (!there.exists()) return std::unexpected(not_found("there is no file " + name));
  if (!version || *version == version_of(*there.stat)) return {};
  return std::unexpected(
      conflict("the file " + name + " is another version", version_of(*there.stat)));
}

Result<void> check_expectation(const std::string& name, const Located& there,
                               const Expectation& expectation) {
  switch (expectation.kind) {
    case Expectation::Kind::kAny: return {};
    case Expectation::Kind::kAbsent:
      if (!there.exists()) return {};
      return std::unexpected(conflict("cannot write the file " + name, "it exists"));
    case Expectation::Kind::kVersion:
      if (there.exists() && version_of(*there.stat) == expectation.version) return {};
      return std::unexpected(conflict("cannot write the file " + name,
                                      there.exists() ? "it is another version" : "it is gone"));
  }
  return {};
}

Result<void> FileBackend::put_in_place(const std::string& name, Temporary& temporary,
                                       const Expectation& expectation, Placed& placed) {
  BR_TRY(path, rename_into_place(name, temporary.path(), expectation, placed.replaced));
  temporary.release();
  placed.path = std::move(path);
  return {};
}

/// The last look and the rename. Blocks; the name's lock is held. @return the object's path
Result<std::string> FileBackend::rename_into_place(const std::string& name, const std::string& from,
                                                   const Expectation& expectation, bool& replaced,
                                                   Parents parents) {
  for (int race = 1;; ++race) {
    BR_TRY(there, tree_.locate(name));
    BR_TRY(check_expectation(name, there, expectation));
    BR_TRY(tree_.make_parents(there.path));
    replaced = there.exists();
    Result<void> moved;
    if (parents == Parents::kDurable) moved = tree_.make_parents_durable(there.path);
    if (moved) {
      moved = replaced ? disk_.rename(from, there.path) : disk_.rename_exclusive(from, there.path);
    }
    if (moved) {
      if (replaced) attributes_.forget(*there.stat);
      forget(name);
      return std::move(there.path);
    }
    // Its directory was pruned, or something appeared under the name: look again.
    const Code code = moved.error().code();
    const bool again = code == Code::kNotFound || code == Code::kAlreadyExists;
    const bool lost = code == Code::kNotFound && !disk_.stat(from);
    if (!again || lost) return std::unexpected(std::move(moved).error());
    if (race == kMaxRaces) {
      return std::unexpected(busy("cannot write the file " + name, moved.error().to_string()));
    }
  }
}

Result<CopyInfo> FileBackend::publish(const io::Context& context, const std::string& name,
                                      Temporary temporary, const Seal& seal,
                                      const Expectation& expectation) {
  Placed placed;
  BR_TRY(stat, io::blocking([&] { return finish(temporary, seal); }));
  placed.stat = stat;
  BR_KILL_POINT("file.synced");
  {
    BR_TRY(guard, locks_.lock(context, name));
    BR_TRY(io::blocking([&] { return put_in_place(name, temporary, expectation, placed); }));
  }
  return make_placed_durable(name, placed, seal);
}

/// As publish(), but all of it is one stay on the blocking pool (measured: each costs as much CPU
/// time as writing 4 KiB). The name is locked while its small file is synced.
Result<CopyInfo> FileBackend::publish_small(const io::Context& context, const std::string& name,
                                            std::string_view bytes, const Seal& seal,
                                            const Expectation& expectation) {
  Placed placed;
  {
    BR_TRY(guard, locks_.lock(context, name));
    BR_TRY(io::blocking([&]() -> Result<void> {
      BR_TRY(temporary, make_temporary());
      if (!bytes.empty()) BR_TRY(temporary.file().write_at(0, bytes));
      BR_TRY(stat, finish(temporary, seal));
      placed.stat = stat;
      BR_KILL_POINT("file.synced");
      return put_in_place(name, temporary, expectation, placed);
    }));
  }
  return make_placed_durable(name, placed, seal);
}

Result<CopyInfo> FileBackend::make_placed_durable(const std::string& name, const Placed& placed,
                                                  const Seal& seal) {
  BR_KILL_POINT("file.renamed");
  const io::FileStat& stat = placed.stat;
  if (auto durable = tree_.make_durable(placed.path); !durable) {
    // Visible, but it might not survive: not a success. What was not there before goes again; an
    // overwritten file cannot come back, and the caller must not take this for applied.
    if (!placed.replaced) (void)remove_now(name, version_of(stat));
    return std::unexpected(Error{durable.error().code(), Retry::kNever,
                                 "cannot make the file " + name + " durable",
                                 durable.error().to_string()});
  }
  return make_info(name, stat,
                   ObjectSeal{stat.size, stat.mtime_nanos, seal.crc32c, seal.md5, seal.content_type,
                              seal.attributes});
}

}  // namespace beringia::backend::file

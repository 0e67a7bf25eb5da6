#pragma once

#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "audit/merkle.h"
#include "audit/note.h"
#include "base/error.h"
#include "io/context.h"
#include "io/disk.h"

namespace beringia::audit {

/// The files of a log: written whole or not at all, durable when the call returns. One user.
class LogDirectory {
 public:
  static constexpr size_t kMaxFileBytes = kTileWidth * (2 + kMaxEntryBytes);  // of a full bundle

  LogDirectory(io::Disk& disk, std::string root) : disk_{disk}, root_{std::move(root)} {}

  /// Makes the directory and removes what an interrupted write left.
  [[nodiscard]] Result<void> prepare();
  /// There is neither a signing key nor a public one: a log is to begin.
  [[nodiscard]] Result<bool> is_new() const;
  /// Writes each file beside its place, syncs it, renames it and syncs the directories. Several
  /// files are synced at once: the file system then commits them together.
  [[nodiscard]] Result<void> write(const io::Context& context, const std::vector<LogFile>& files);
  /// @error kNotFound
  [[nodiscard]] Result<std::string> read(const std::string& path) const;
  /// Removes partial files that are out of date, with their directory when it is empty. Best
  /// effort: they do no harm but for their space.
  void remove_partial(const std::string& path);
  /// Removes partial files of a tree of `size` leaves that are full in one of `now` leaves.
  void remove_outdated(uint64_t size, uint64_t now);
  /// Removes what lies beside and beyond the edge of a tree: partial files of other sizes, and
  /// what a cycle wrote that did not come to its commit.
  void remove_strays(uint64_t size);

  /// The signing key beside the directory ("<directory>.key", mode 0600), and "public-key" in it.
  /// Both are made at the first start.
  /// @error kNotFound: the signing key of an existing log is gone; kDenied: others may read it
  [[nodiscard]] Result<Signer> load_or_create_key(const std::string& origin, Rng& rng,
                                                  bool check_permissions);

 private:
  Result<void> write_one(const LogFile& file);
  Result<void> ensure_directory(const std::string& path);
  Result<Signer> load_key(const std::string& path, bool check_permissions) const;
  Result<void> create_key(const std::string& path, const Signer& signer);
  void remove_strays_of(const std::string& edge);
  void remove_all_partial(const std::string& directory, const std::string& but);
  std::string at(const std::string& path) const { return root_ + "/" + path; }

  io::Disk& disk_;
  const std::string root_;
  std::set<std::string> known_;  // directories whose names are durable
  std::atomic<uint64_t> temporary_{0};
};

}  // namespace beringia::audit

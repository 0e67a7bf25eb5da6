#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "audit/audit.h"
#include "audit/leaf.h"
#include "audit/log_directory.h"
#include "audit/merkle.h"
#include "audit/note.h"
#include "base/encoding.h"
#include "io/disk.h"

namespace beringia::audit {
namespace {

constexpr int kMaxAttempts = 20;  // to read checkpoint and partial files of one moment

using Files = std::map<std::string, std::string>;

/// Builds the tree again from the records and compares every file with what it must hold.
class Verification {
 public:
  Verification(const LogDirectory& directory, const Checkpoint& checkpoint, const Files& partial)
      : directory_{directory}, checkpoint_{checkpoint}, partial_{partial} {}

  VerifyReport run(const std::function<void(uint64_t, uint64_t)>& progress) {
    for (uint64_t first = 0; first < checkpoint_.size && whole_; first += kTileWidth) {
      check_bundle(first);
      if (progress) progress(std::min(first + kTileWidth, checkpoint_.size), checkpoint_.size);
    }
    if (whole_) check_files(edge_.partial_files(TreeEdge{}));
    return conclude();
  }

 private:
  uint64_t width_from(uint64_t first) const {
    return std::min(kTileWidth, checkpoint_.size - first);
  }

  /// Full tiles never change; partial ones were read together with the checkpoint.
  Result<std::string> read(const std::string& path) const {
    const auto found = partial_.find(path);
    return found != partial_.end() ? Result<std::string>{found->second} : directory_.read(path);
  }

  /// Checks the records of one bundle against the tile above them, in order.
  void check_bundle(uint64_t first) {
    const uint64_t index = first / kTileWidth;
    const uint64_t width = width_from(first);
    const auto bundle = read(bundle_path(index, width));
    const auto tile = read(tile_path(0, index, width));
    if (!bundle) return lose(first, "cannot read the records: " + bundle.error().to_string());
    if (!tile) note(first, "cannot read their hashes: " + tile.error().to_string());
    std::string_view rest = *bundle;
    std::vector<LogFile> full;
    for (uint64_t i = 0; i < width; ++i) {
      const uint64_t number = first + i;
      const auto entry = take_entry(rest);
      if (!entry) return lose(number, "the record is cut off in " + bundle_path(index, width));
      if (tile &&
          std::string_view{*tile}.substr(i * kHashBytes, kHashBytes) != view(leaf_hash(*entry))) {
        note(number, "the record and its hash in " + tile_path(0, index, width) + " differ");
      }
      check_leaf(number, *entry);
      edge_.append(*entry, full);
    }
    if (!rest.empty()) {
      note(first + width, "bytes follow the last record of " + bundle_path(index, width));
    }
    check_files(full);
  }

  void check_leaf(uint64_t number, std::string_view entry) {
    const auto sequence = read_leaf(entry);
    if (!sequence) return note(number, sequence.error().why());
    if (*sequence != number) note(number, "it says seq " + std::to_string(*sequence));
  }

  /// Compares tiles that were built from the records with those on disk.
  void check_files(const std::vector<LogFile>& files) {
    for (const auto& file : files) {
      if (file.path.starts_with("tile/entries/")) continue;  // compared record by record
      auto bytes = read(file.path);
      const auto level = static_cast<unsigned>(file.path[5] - '0');  // "tile/0/..."
      const uint64_t below = uint64_t{1} << (8 * level);             // records under one hash
      if (!bytes) {
        note(first_under(file.path, 0), "cannot read " + file.path + ": " + bytes.error().why(),
             below * kTileWidth);
        continue;
      }
      if (*bytes == file.bytes) continue;
      const auto differ = std::ranges::mismatch(*bytes, file.bytes);
      const auto at = static_cast<uint64_t>(differ.in1 - bytes->begin()) / kHashBytes;
      note(first_under(file.path, at),
           "hash " + std::to_string(at) + " of " + file.path +
               " is not that of the records below it",
           below);
    }
  }

  /// The first leaf below hash `at` of the tile at `path`.
  static uint64_t first_under(const std::string& path, uint64_t at) {
    const auto level = static_cast<unsigned>(path[5] - '0');  // "tile/0/..."
    uint64_t index = 0;
    for (size_t i = 7; i < path.size() && path[i] != '.'; ++i) {
      if (path[i] >= '0' && path[i] <= '9')
        index = index * 10 + static_cast<uint64_t>(path[i] - '0');
    }
    return (index * kTileWidth + at) << (8 * level);
  }

  /// Something is wrong with one of the `count` records from `number`, or with what vouches for
  /// them. Kept: the first, and of two that overlap the one that says more exactly where.
  void note(uint64_t number, std::string problem, uint64_t count = 1) {
    if (damaged_) {
      const bool before = number + count <= *damaged_;
      const bool inside = number >= *damaged_ && number + count <= *damaged_ + damaged_count_ &&
                          count < damaged_count_;
      if (!before && !inside) return;
    }
    damaged_ = number;
    damaged_count_ = count;
    problem_ = std::move(problem);
  }

  /// The records cannot be read from here on.
  void lose(uint64_t number, std::string problem) {
    whole_ = false;
    note(number, std::move(problem));
  }

  VerifyReport conclude() {
    VerifyReport report;
    report.records = checkpoint_.size;
    report.root_hash_hex = to_hex(view(checkpoint_.root));
    const bool rooted = whole_ && edge_.root() == checkpoint_.root;
    if (damaged_) {
      // Beyond the last record there is none to name.
      report.first_damaged = std::min(*damaged_, std::max<uint64_t>(checkpoint_.size, 1) - 1);
      report.problem = problem_;
      if (rooted) report.problem += "; the records themselves are those that were signed";
    } else if (!rooted) {
      report.problem =
          "records and tiles fit each other but not the signed checkpoint: all of "
          "them were written anew";
    }
    return report;
  }

  const LogDirectory& directory_;
  const Checkpoint& checkpoint_;
  const Files& partial_;
  TreeEdge edge_;
  bool whole_ = true;
  std::optional<uint64_t> damaged_;
  uint64_t damaged_count_ = 0;
  std::string problem_;
};

/// The partial files of a tree. A log in use removes them once a later checkpoint is there.
Files read_partial_files(const LogDirectory& directory, uint64_t size) {
  std::vector<std::string> paths{bundle_path(size / kTileWidth, size % kTileWidth)};
  for (unsigned level = 0; level < kLevels; ++level) {
    const uint64_t width = (size >> (8 * level)) % kTileWidth;
    if (width > 0) paths.push_back(tile_path(level, size >> (8 * (level + 1)), width));
  }
  Files files;
  for (const auto& path : paths) {
    if (auto bytes = directory.read(path)) files.emplace(path, std::move(*bytes));
  }
  return files;
}

}  // namespace

Result<VerifyReport> verify(const std::string& directory, const std::string& verifier_key,
                            const std::function<void(uint64_t, uint64_t)>& progress) {
  const auto disk = io::make_posix_disk();
  return verify(*disk, directory, verifier_key, progress);
}

Result<VerifyReport> verify(io::Disk& disk, const std::string& directory,
                            const std::string& verifier_key,
                            const std::function<void(uint64_t, uint64_t)>& progress) {
  LogDirectory log{disk, directory};
  std::string key = verifier_key;
  if (key.empty()) {
    BR_TRY(bytes, log.read("public-key"));
    key = std::move(bytes);
  }
  BR_TRY(verifier, Verifier::parse(key));
  for (int attempt = 1;; ++attempt) {
    BR_TRY(note, log.read("checkpoint"));
    auto checkpoint = open_checkpoint(note, verifier);
    if (!checkpoint) {
      VerifyReport report;
      report.problem = checkpoint.error().to_string();
      return report;
    }
    const Files partial = read_partial_files(log, checkpoint->size);
    BR_TRY(again, log.read("checkpoint"));
    if (again != note && attempt < kMaxAttempts) continue;
    return Verification{log, *checkpoint, partial}.run(progress);
  }
}

}  // namespace beringia::audit

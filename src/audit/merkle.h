#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beringia::audit {

// The Merkle tree of RFC 6962 in tiles of C2SP tlog-tiles. Pure: no I/O.

inline constexpr size_t kHashBytes = 32;
inline constexpr uint64_t kTileWidth = 256;       // hashes of a full tile, entries of a full bundle
inline constexpr unsigned kLevels = 7;            // of tiles; 256^7 leaves
inline constexpr size_t kMaxEntryBytes = 0xffff;  // bundle: each entry after its length, 2 B BE

using Hash = std::array<char, kHashBytes>;

std::string_view view(const Hash& hash);
Hash leaf_hash(std::string_view entry);                    // SHA-256 of 0x00 | entry
Hash node_hash(const Hash& left, const Hash& right);       // SHA-256 of 0x01 | left | right
Hash tree_hash(const std::vector<Hash>& leaves_or_nodes);  // of the empty list: SHA-256 of ""

/// A file of the log, by its path below the log's directory.
struct LogFile {
  std::string path;
  std::string bytes;
};

/// "tile/0/x001/067", partial "tile/0/x001/067.p/8"; width kTileWidth: full.
std::string tile_path(unsigned level, uint64_t index, uint64_t width = kTileWidth);
/// "tile/entries/x001/067", partial likewise.
std::string bundle_path(uint64_t index, uint64_t width = kTileWidth);

/// Reads one entry off the front of a bundle; nullopt: nothing whole is left.
std::optional<std::string_view> take_entry(std::string_view& bundle);

/// The right edge of a growing tree: for each level the hashes of the tile that is not full yet,
/// and the entries of the bundle that is not. Copies are small (8 KiB a level and one bundle).
class TreeEdge {
 public:
  TreeEdge() = default;
  /// From what the partial tiles and the partial bundle of a tree of `size` leaves hold, lowest
  /// level first. nullopt: the lengths do not fit `size`.
  static std::optional<TreeEdge> restore(uint64_t size, const std::vector<std::string>& tiles,
                                         std::string bundle);

  /// Adds a leaf (at most kMaxEntryBytes); tiles and bundles that are full now go to `full`.
  void append(std::string_view entry, std::vector<LogFile>& full);
  /// Tiles and bundle that are not full; what `known` (an earlier edge) had just so is left out.
  std::vector<LogFile> partial_files(const TreeEdge& known) const;
  /// Paths of the partial files of this edge.
  std::vector<std::string> partial_paths() const;
  uint64_t size() const { return size_; }
  Hash root() const;

 private:
  void add_hash(unsigned level, const Hash& hash, std::vector<LogFile>& full);
  uint64_t index_at(unsigned level) const;  // of the partial tile

  uint64_t size_ = 0;
  std::vector<std::vector<Hash>> levels_;
  std::string bundle_;
};

}  // namespace beringia::audit

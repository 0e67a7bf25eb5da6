// The low-level SHA-256 calls are deprecated in OpenSSL 3, but they allocate and fetch nothing; a
// leaf is hashed for every request.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "audit/merkle.h"

#include <openssl/sha.h>

#include <cstring>

namespace beringia::audit {
namespace {

class Sha256 {
 public:
  Sha256() { SHA256_Init(&context_); }
  Sha256& add(std::string_view bytes) {
    SHA256_Update(&context_, bytes.data(), bytes.size());
    return *this;
  }
  Hash finish() {
    Hash hash;
    SHA256_Final(reinterpret_cast<unsigned char*>(hash.data()), &context_);
    return hash;
  }

 private:
  SHA256_CTX context_;
};

/// RFC 6962 2.1: splits at the largest power of two below the number of nodes. Depth <= 8.
Hash hash_range(const Hash* first, size_t count) {
  if (count == 1) return *first;
  size_t split = 1;
  while (split * 2 < count) split *= 2;
  return node_hash(hash_range(first, split), hash_range(first + split, count - split));
}

/// tlog-tiles: 1234067 -> "x001/x234/067".
std::string numbered(uint64_t index, uint64_t width) {
  const auto three = [](uint64_t n) {
    std::string digits = std::to_string(n);
    return std::string(3 - digits.size(), '0') + digits;
  };
  std::string path = three(index % 1000);
  for (index /= 1000; index > 0; index /= 1000) path = "x" + three(index % 1000) + "/" + path;
  if (width < kTileWidth) path += ".p/" + std::to_string(width);
  return path;
}

std::string concatenated(const std::vector<Hash>& hashes) {
  std::string bytes;
  bytes.reserve(hashes.size() * kHashBytes);
  for (const Hash& hash : hashes) bytes += view(hash);
  return bytes;
}

}  // namespace

std::string_view view(const Hash& hash) { return {hash.data(), hash.size()}; }

Hash leaf_hash(std::string_view entry) {
  return Sha256{}.add(std::string_view{"\0", 1}).add(entry).finish();
}

Hash node_hash(const Hash& left, const Hash& right) {
  return Sha256{}.add("\1").add(view(left)).add(view(right)).finish();
}

Hash tree_hash(const std::vector<Hash>& leaves_or_nodes) {
  if (leaves_or_nodes.empty()) return Sha256{}.finish();
  return hash_range(leaves_or_nodes.data(), leaves_or_nodes.size());
}

std::string tile_path(unsigned level, uint64_t index, uint64_t width) {
  return "tile/" + std::to_string(level) + "/" + numbered(index, width);
}

std::string bundle_path(uint64_t index, uint64_t width) {
  return "tile/entries/" + numbered(index, width);
}

std::optional<std::string_view> take_entry(std::string_view& bundle) {
  if (bundle.size() < 2) return std::nullopt;
  const size_t length =
      static_cast<unsigned char>(bundle[0]) * size_t{256} + static_cast<unsigned char>(bundle[1]);
  if (bundle.size() < 2 + length) return std::nullopt;
  const std::string_view entry = bundle.substr(2, length);
  bundle.remove_prefix(2 + length);
  return entry;
}

std::optional<TreeEdge> TreeEdge::restore(uint64_t size, const std::vector<std::string>& tiles,
                                          std::string bundle) {
  TreeEdge edge;
  edge.size_ = size;
  for (size_t level = 0; level < kLevels && (size >> (8 * level)) > 0; ++level) {
    const uint64_t width = (size >> (8 * level)) % kTileWidth;
    if (level >= tiles.size() || tiles[level].size() != width * kHashBytes) return std::nullopt;
    auto& hashes = edge.levels_.emplace_back(width);
    for (size_t i = 0; i < width; ++i) {
      std::memcpy(hashes[i].data(), tiles[level].data() + i * kHashBytes, kHashBytes);
    }
  }
  std::string_view rest = bundle;
  for (uint64_t i = 0; i < size % kTileWidth; ++i) {
    const auto entry = take_entry(rest);
    if (!entry || leaf_hash(*entry) != edge.levels_[0][i]) return std::nullopt;
  }
  if (!rest.empty()) return std::nullopt;
  edge.bundle_ = std::move(bundle);
  return edge;
}

uint64_t TreeEdge::index_at(unsigned level) const { return size_ >> (8 * (level + 1)); }

void TreeEdge::append(std::string_view entry, std::vector<LogFile>& full) {
  bundle_ += static_cast<char>(entry.size() >> 8);
  bundle_ += static_cast<char>(entry.size() & 0xff);
  bundle_ += entry;
  ++size_;
  if (size_ % kTileWidth == 0) {
    full.push_back({bundle_path(size_ / kTileWidth - 1), std::move(bundle_)});
    bundle_.clear();
  }
  add_hash(0, leaf_hash(entry), full);
}

void TreeEdge::add_hash(unsigned level, const Hash& hash, std::vector<LogFile>& full) {
  if (level >= levels_.size()) levels_.emplace_back();
  levels_[level].push_back(hash);
  if (levels_[level].size() < kTileWidth) return;
  full.push_back({tile_path(level, index_at(level) - 1), concatenated(levels_[level])});
  const Hash subtree = tree_hash(levels_[level]);
  levels_[level].clear();
  add_hash(level + 1, subtree, full);
}

std::vector<LogFile> TreeEdge::partial_files(const TreeEdge& known) const {
  std::vector<LogFile> files;
  if (!bundle_.empty() && size_ != known.size_) {
    files.push_back({bundle_path(size_ / kTileWidth, size_ % kTileWidth), bundle_});
  }
  for (unsigned level = 0; level < levels_.size(); ++level) {
    const bool same = (size_ >> (8 * level)) == (known.size_ >> (8 * level));
    if (levels_[level].empty() || same) continue;
    files.push_back(
        {tile_path(level, index_at(level), levels_[level].size()), concatenated(levels_[level])});
  }
  return files;
}

std::vector<std::string> TreeEdge::partial_paths() const {
  std::vector<std::string> paths;
  if (!bundle_.empty()) paths.push_back(bundle_path(size_ / kTileWidth, size_ % kTileWidth));
  for (unsigned level = 0; level < levels_.size(); ++level) {
    if (levels_[level].empty()) continue;
    paths.push_back(tile_path(level, index_at(level), levels_[level].size()));
  }
  return paths;
}

/// Full subtrees of a level, and to their right the one that is not full: together the nodes of a
/// tree of their own, as 256 is a power of two.
Hash TreeEdge::root() const {
  std::optional<Hash> right;
  for (const auto& level : levels_) {
    std::vector<Hash> nodes = level;
    if (right) nodes.push_back(*right);
    if (!nodes.empty()) right = tree_hash(nodes);
  }
  return right ? *right : tree_hash({});
}

}  // namespace beringia::audit

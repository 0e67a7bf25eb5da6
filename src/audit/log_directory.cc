#include "audit/log_directory.h"

#include <algorithm>
#include <atomic>
#include <span>
#include <utility>

#include "base/encoding.h"
#include "io/runtime.h"
#include "io/sync.h"

namespace beringia::audit {
namespace {

constexpr size_t kWriters = 8;        // files written at once
constexpr size_t kMaxKnown = 4096;    // directories remembered
constexpr size_t kMaxStrays = 65536;  // names looked at when tidying up
constexpr std::string_view kIncoming = "incoming";
constexpr std::string_view kPublicKey = "public-key";

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string{} : path.substr(0, slash);
}

std::vector<io::DirectoryItem> items_of(io::Disk& disk, const std::string& path) {
  std::vector<io::DirectoryItem> items;
  const auto listed = disk.list(path, [&](io::DirectoryItem item) {
    items.push_back(std::move(item));
    return items.size() < kMaxStrays;
  });
  if (!listed) items.clear();
  std::ranges::sort(items, {}, &io::DirectoryItem::name);  // the same order in every simulation
  return items;
}

/// "067" and "067.p" -> 67.
std::optional<uint64_t> number_of(std::string_view name) {
  if (name.ends_with(".p")) name.remove_suffix(2);
  return name.size() == 3 ? parse_u64(name) : std::nullopt;
}

Result<void> write_synced(io::Disk& disk, const std::string& path, std::string_view bytes) {
  BR_TRY(file, disk.open(path, io::OpenMode::kCreateExclusive));
  BR_TRY(file->write_at(0, bytes));
  return file->sync();
}

}  // namespace

Result<void> LogDirectory::prepare() {
  BR_TRY(ensure_directory(parent_of(root_)));
  BR_TRY(ensure_directory(root_));
  BR_TRY(ensure_directory(at(std::string{kIncoming})));
  for (const auto& item : items_of(disk_, at(std::string{kIncoming}))) {
    BR_TRY(disk_.unlink(at(std::string{kIncoming}) + "/" + item.name));
  }
  return {};
}

Result<bool> LogDirectory::is_new() const {
  for (const auto& path : {root_ + ".key", at(std::string{kPublicKey})}) {
    const auto found = disk_.stat(path);
    if (found) return false;
    if (found.error().code() != Code::kNotFound) return std::unexpected(found.error());
  }
  return true;
}

/// The name is durable, too, when this returns: that the directory is there does not say so.
Result<void> LogDirectory::ensure_directory(const std::string& path) {
  if (path.empty() || known_.contains(path)) return {};
  const auto made = disk_.make_directory(path);
  if (!made && made.error().code() != Code::kAlreadyExists) return made;
  const std::string parent = parent_of(path);
  BR_TRY(disk_.sync_directory(parent.empty() ? "/" : parent));
  if (known_.size() >= kMaxKnown) known_.clear();
  known_.insert(path);
  return {};
}

Result<void> LogDirectory::write(const io::Context& context, const std::vector<LogFile>& files) {
  std::set<std::string> directories;
  for (const auto& file : files) {
    const std::string full = parent_of(at(file.path));
    // Each level below the root, from the top.
    for (size_t slash = root_.size(); slash < full.size();) {
      slash = std::min(full.find('/', slash + 1), full.size());
      BR_TRY(ensure_directory(full.substr(0, slash)));
    }
    directories.insert(full);
  }
  if (files.size() == 1) {
    BR_TRY(write_one(files.front()));
  } else {
    io::Scope scope{context};
    std::atomic<size_t> next{0};
    for (size_t writer = 0; writer < std::min(kWriters, files.size()); ++writer) {
      scope.spawn([&]() -> Result<void> {
        for (size_t i = next++; i < files.size(); i = next++) BR_TRY(write_one(files[i]));
        return {};
      });
    }
    BR_TRY(scope.join());
  }
  for (const auto& directory : directories) BR_TRY(disk_.sync_directory(directory));
  return {};
}

Result<void> LogDirectory::write_one(const LogFile& file) {
  const std::string temporary = at(std::string{kIncoming} + "/" + std::to_string(++temporary_));
  auto written = write_synced(disk_, temporary, file.bytes);
  if (written) written = disk_.rename(temporary, at(file.path));
  // A file whose sync failed is not to be written again.
  if (!written) (void)disk_.unlink(temporary);
  return written;
}

Result<std::string> LogDirectory::read(const std::string& path) const {
  BR_TRY(file, disk_.open(at(path), io::OpenMode::kRead));
  BR_TRY(status, file->stat());
  if (status.size > kMaxFileBytes) {
    return std::unexpected(corrupt("cannot read " + at(path), "it is larger than it can be"));
  }
  std::string bytes(status.size, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    BR_TRY(n, file->read_at(done, std::span{bytes}.subspan(done)));
    if (n == 0) break;
    done += n;
  }
  bytes.resize(done);
  return bytes;
}

void LogDirectory::remove_partial(const std::string& path) {
  if (!disk_.unlink(at(path))) return;
  const std::string parent = parent_of(at(path));
  // Fails while other files are in it.
  if (disk_.remove_directory(parent)) known_.erase(parent);
}

/// Partial files in `directory` ("tile/0/000.p"), `but` one of that name.
void LogDirectory::remove_all_partial(const std::string& directory, const std::string& but) {
  for (const auto& file : items_of(disk_, at(directory))) {
    if (file.name != but) (void)disk_.unlink(at(directory + "/" + file.name));
  }
  if (disk_.remove_directory(at(directory))) known_.erase(at(directory));
}

void LogDirectory::remove_outdated(uint64_t size, uint64_t now) {
  for (unsigned level = 0; level < kLevels; ++level) {
    const unsigned shift = 8 * (level + 1);
    if (size >> shift == now >> shift) break;  // and so on all levels above
    remove_all_partial(parent_of(tile_path(level, size >> shift, 0)), {});
    if (level == 0) remove_all_partial(parent_of(bundle_path(size >> shift, 0)), {});
  }
}

void LogDirectory::remove_strays(uint64_t size) {
  remove_strays_of(bundle_path(size / kTileWidth, size % kTileWidth));
  for (unsigned level = 0; level < kLevels; ++level) {
    const uint64_t width = (size >> (8 * level)) % kTileWidth;
    remove_strays_of(tile_path(level, size >> (8 * (level + 1)), width));
  }
}

/// @param edge "tile/0/x001/067.p/8"; ".p/0" when nothing of that tile belongs to the tree
void LogDirectory::remove_strays_of(const std::string& edge) {
  const std::string partial = parent_of(edge);
  const std::string group = parent_of(partial);
  const std::string width = edge.substr(partial.size() + 1);
  const auto number = number_of(partial.substr(group.size() + 1));
  for (const auto& item : items_of(disk_, at(group))) {
    const auto found = number_of(item.name);
    if (!found || *found < *number) continue;
    const std::string path = group + "/" + item.name;
    if (item.is_directory) {
      remove_all_partial(path, *found == *number ? width : std::string{});
    } else {
      (void)disk_.unlink(at(path));
    }
  }
}

Result<Signer> LogDirectory::load_or_create_key(const std::string& origin, Rng& rng,
                                                bool check_permissions) {
  const std::string path = root_ + ".key";
  auto loaded = load_key(path, check_permissions);
  if (loaded && loaded->verifier().name() != origin) {
    return std::unexpected(
        invalid("cannot sign the audit log " + root_,
                "its key is of the log " + loaded->verifier().name() + ", not of " + origin,
                "name the log as before, or begin another directory"));
  }
  const auto published = read(std::string{kPublicKey});
  if (!loaded) {
    if (loaded.error().code() != Code::kNotFound) return loaded;
    if (published) {
      return std::unexpected(not_found("cannot sign the audit log " + root_,
                                       "its key " + path + " is gone",
                                       "restore the file from its backup"));
    }
    BR_TRY(made, Signer::generate(origin, rng));
    BR_TRY(create_key(path, made));
    loaded = std::move(made);
  }
  const std::string public_key = loaded->verifier().to_string() + "\n";
  if (published && *published != public_key) {
    return std::unexpected(corrupt("cannot sign the audit log " + root_,
                                   at(std::string{kPublicKey}) + " does not fit " + path,
                                   "restore both from their backup"));
  }
  if (!published) BR_TRY(write(io::Context{}, {{std::string{kPublicKey}, public_key}}));
  return loaded;
}

Result<Signer> LogDirectory::load_key(const std::string& path, bool check_permissions) const {
  BR_TRY(file, disk_.open(path, io::OpenMode::kRead));
  BR_TRY(status, file->stat());
  if (check_permissions && (status.mode & 077) != 0) {
    return std::unexpected(denied("cannot use the signing key " + path,
                                  "others than its owner may read it", "chmod 600 " + path));
  }
  std::string text(1024, '\0');
  BR_TRY(n, file->read_at(0, std::span{text}));
  text.resize(n);
  return Signer::parse(Secret{std::move(text)});
}

Result<void> LogDirectory::create_key(const std::string& path, const Signer& signer) {
  const std::string temporary = path + ".new";
  const auto gone = disk_.unlink(temporary);
  if (!gone && gone.error().code() != Code::kNotFound) return gone;
  {
    BR_TRY(file, disk_.open(temporary, io::OpenMode::kCreatePrivate));
    BR_TRY(file->write_at(0, signer.to_secret().reveal()));
    BR_TRY(file->sync());
  }
  BR_TRY(disk_.rename(temporary, path));
  return disk_.sync_directory(parent_of(path));
}

}  // namespace beringia::audit

#include "backend/file/attribute_store.h"

#include "base/encoding.h"

namespace beringia::backend::file {
namespace {

const std::string kObjectAttribute = "user.beringia.object";
const std::string kDirectoryAttribute = "user.beringia.directory";
constexpr std::string_view kElsewhere = "beringia 1 elsewhere\n";
constexpr size_t kMaxXattrBytes = 64 << 10;  // Linux, xattr(7)
constexpr size_t kMaxSidecarBytes = 1 << 20;

bool no_room(const Error& error) {
  return error.code() == Code::kUnsupported || error.tag() == "no_space";
}

Result<void> existing_is_fine(Result<void> made) {
  if (made || made.error().code() == Code::kAlreadyExists) return {};
  return made;
}

}  // namespace

Result<void> AttributeStore::store(io::File& file, const io::FileStat& stat,
                                   const ObjectSeal& seal) {
  const std::string text = encode(seal);
  bool supported = true;
  if (text.size() <= kMaxXattrBytes) {
    auto stored = file.set_xattr(kObjectAttribute, text);
    if (stored) return {};
    if (!no_room(stored.error())) return stored;
    supported = stored.error().code() != Code::kUnsupported;
  }
  BR_TRY(write_sidecar(version_of(stat), text));
  if (!supported) return {};
  return file.set_xattr(kObjectAttribute, kElsewhere);
}

Result<std::optional<ObjectSeal>> AttributeStore::load(const std::string& path,
                                                       const io::FileStat& stat) {
  std::optional<std::string> text;
  auto stored = disk_.get_xattr(path, kObjectAttribute);
  if (stored) {
    text = std::move(*stored);
  } else if (stored.error().code() == Code::kNotFound) {
    return std::nullopt;
  } else if (stored.error().code() != Code::kUnsupported) {
    return std::unexpected(std::move(stored).error());
  }
  if (!text || *text == kElsewhere) {
    BR_TRY(sidecar_text, read_sidecar(version_of(stat)));
    if (!sidecar_text) return std::nullopt;
    text = std::move(sidecar_text);
  }
  auto seal = decode_seal(*text);
  if (seal && !seal->speaks_of(stat)) seal->rebind(stat);
  return seal;
}

bool AttributeStore::travel_with(const std::string& path) {
  auto stored = disk_.get_xattr(path, kObjectAttribute);
  return stored ? *stored != kElsewhere : stored.error().code() == Code::kNotFound;
}

void AttributeStore::forget(const io::FileStat& stat) {
  // Most files have no sidecar: its absence is the common case.
  (void)disk_.unlink(sidecar(version_of(stat)));
}

Result<void> AttributeStore::mark_directory(const std::string& path) {
  auto marked = disk_.set_xattr(path, kDirectoryAttribute, "1");
  if (marked || !no_room(marked.error())) return marked;
  BR_TRY(stat, disk_.stat(path));
  return write_sidecar("directory-" + std::to_string(stat.inode), "1");
}

bool AttributeStore::is_marked(const std::string& path) {
  auto mark = disk_.get_xattr(path, kDirectoryAttribute);
  if (mark) return true;
  if (mark.error().code() == Code::kNotFound) return false;
  auto stat = disk_.stat(path);
  if (!stat) return true;  // unknown: rather leave an empty directory behind
  return disk_.stat(sidecar("directory-" + std::to_string(stat->inode))).has_value();
}

std::string AttributeStore::sidecar(const std::string& id) const {
  return root_ + "/.beringia/attributes/" + id;
}

Result<void> AttributeStore::write_sidecar(const std::string& id, const std::string& bytes) {
  const std::string reserved = root_ + "/.beringia";
  const std::string folder = reserved + "/attributes";
  BR_TRY(existing_is_fine(disk_.make_directory(reserved)));
  BR_TRY(existing_is_fine(disk_.make_directory(folder)));
  const std::string temporary = reserved + "/tmp/" + random_hex(rng_, 12);
  BR_TRY(existing_is_fine(disk_.make_directory(reserved + "/tmp")));
  auto written = [&]() -> Result<void> {
    BR_TRY(file, disk_.open(temporary, io::OpenMode::kCreateExclusive));
    BR_TRY(file->write_at(0, bytes));
    BR_TRY(file->sync());
    return disk_.rename(temporary, sidecar(id));
  }();
  if (!written) {
    (void)disk_.unlink(temporary);
    return written;
  }
  BR_TRY(disk_.sync_directory(folder));
  return disk_.sync_directory(reserved);
}

Result<std::optional<std::string>> AttributeStore::read_sidecar(const std::string& id) {
  auto file = disk_.open(sidecar(id), io::OpenMode::kRead);
  if (!file) {
    if (file.error().code() == Code::kNotFound) return std::nullopt;
    return std::unexpected(std::move(file).error());
  }
  BR_TRY(stat, (*file)->stat());
  if (stat.size > kMaxSidecarBytes) return std::nullopt;
  std::string bytes(stat.size, '\0');
  size_t have = 0;
  while (have < bytes.size()) {
    BR_TRY(n, (*file)->read_at(have, std::span{bytes}.subspan(have)));
    if (n == 0) return std::nullopt;
    have += n;
  }
  return bytes;
}

}  // namespace beringia::backend::file

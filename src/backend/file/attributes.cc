#include "backend/file/file_backend.h"
#include "io/runtime.h"

namespace beringia::backend::file {

CopyInfo FileBackend::make_info(const std::string& name, const io::FileStat& stat,
                                const std::optional<ObjectSeal>& seal) {
  CopyInfo info;
  info.name = name;
  info.size = stat.size;
  info.version = version_of(stat);
  info.modified = Timestamp{stat.mtime_nanos / 1000};
  if (seal) {
    info.crc32c = seal->crc32c;
    info.md5 = seal->md5;
    info.content_type = seal->content_type;
    info.attributes = seal->attributes;
  }
  return info;
}

Result<CopyInfo> FileBackend::info_of(const std::string& name, const Located& there) {
  if (auto info = known_files_.find(name, *there.stat)) return std::move(*info);
  auto seal = io::blocking([&]() -> Result<std::optional<ObjectSeal>> {
    BR_TRY(tree_.check_parents(there.path));
    return attributes_.load(there.path, *there.stat);
  });
  if (!seal) return std::unexpected(std::move(seal).error());
  CopyInfo info = make_info(name, *there.stat, *seal);
  known_files_.put(name, *there.stat, info);
  return info;
}

void FileBackend::forget(const std::string& name) {
  open_files_.forget(name);
  known_files_.forget(name);
}

Result<CopyInfo> FileBackend::stat(const io::Context& context, const StatRequest& request) {
  for (int race = 1;; ++race) {
    BR_TRY(context.check(io::now()));
    BR_TRY(there, tree_.locate(request.name, known_files_.is_warm(request.name)));
    BR_TRY(check_version(request.name, there, std::nullopt));
    auto info = info_of(request.name, there);
    // Removed or moved between the look and the attributes: look again.
    if (info || info.error().code() != Code::kNotFound || race == kMaxRaces ||
        info.error().tag() == kBehindLink) {
      return info;
    }
  }
}

Result<CopyInfo> FileBackend::update(const io::Context& context, const UpdateRequest& request) {
  BR_TRY(guard, locks_.lock(context, request.name));
  return io::blocking([&]() -> Result<CopyInfo> {
    BR_TRY(there, tree_.locate(request.name));
    BR_TRY(check_version(request.name, there, request.version));
    BR_TRY(tree_.check_parents(there.path));
    BR_TRY(file, disk_.open(there.path, io::OpenMode::kRead));
    BR_TRY(stat, file->stat());
    BR_TRY(check_version(request.name, {there.path, stat}, version_of(*there.stat)));
    BR_TRY(known, attributes_.load(there.path, stat));
    ObjectSeal seal;
    if (known) {
      seal = std::move(*known);
    } else {
      seal.rebind(stat);
    }
    seal.attributes = request.attributes;
    seal.content_type = request.content_type;
    BR_TRY(attributes_.store(*file, stat, seal));
    forget(request.name);
    BR_TRY(file->sync());
    return make_info(request.name, stat, seal);
  });
}

}  // namespace beringia::backend::file

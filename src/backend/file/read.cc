#include "backend/file/file_backend.h"
#include "io/runtime.h"

namespace beringia::backend::file {

Result<std::unique_ptr<io::ByteSource>> FileBackend::read(const io::Context& context,
                                                          const ReadRequest& request) {
  for (int race = 1;; ++race) {
    BR_TRY(context.check(io::now()));
    BR_TRY(there, tree_.locate(request.name));
    BR_TRY(check_version(request.name, there, request.version));
    const uint64_t size = there.stat->size;
    if (request.range.offset > size || request.range.length > size - request.range.offset) {
      return std::unexpected(
          invalid("cannot read the file " + request.name,
                  "the range lies outside its " + std::to_string(size) + " bytes"));
    }
    std::shared_ptr<io::File> file;
    if (auto item = open_files_.find(request.name, *there.stat)) file = std::move(item->file);
    if (!file) {
      auto opened = io::blocking([&]() -> Result<std::unique_ptr<io::File>> {
        BR_TRY(tree_.check_parents(there.path));
        return disk_.open(there.path, io::OpenMode::kRead);
      });
      if (!opened && opened.error().code() != Code::kNotFound) {
        return std::unexpected(std::move(opened).error());
      }
      // Replaced or moved between the look and the open: look again.
      bool same = false;
      if (opened) {
        BR_TRY(now, (*opened)->stat());
        same = version_of(now) == version_of(*there.stat);
      }
      if (!same) {
        if (race < kMaxRaces) continue;
        return std::unexpected(
            busy("cannot read the file " + request.name, "it is replaced again and again"));
      }
      file = std::move(*opened);
      open_files_.put_file(request.name, *there.stat, file);
    }
    return std::make_unique<io::FileSource>(io::FileRegion{std::move(file), request.range});
  }
}

}  // namespace beringia::backend::file

#include "backend/file/file_backend.h"
#include "io/runtime.h"

namespace beringia::backend::file {

namespace {

/// A region of a file that somebody may write into while it is read.
class WatchedSource final : public io::ByteSource {
 public:
  WatchedSource(std::shared_ptr<io::File> file, io::ByteRange range, const std::string& name,
                Version version)
      : region_{file, range,
                [file, name, version = std::move(version)] { return check(*file, name, version); }},
        inner_{{std::move(file), range}},
        left_{range.length} {}

  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    BR_TRY(n, inner_.read(context, buffer));
    left_ -= std::min<uint64_t>(left_, n);
    // Told before the last bytes are: who reads exactly as many as asked never sees the end.
    if (left_ == 0) BR_TRY(region_.unchanged());
    return n;
  }
  std::optional<io::FileRegion> as_file() override { return region_; }
  std::optional<uint64_t> remaining() const override { return left_; }

 private:
  static Result<void> check(io::File& file, const std::string& name, const Version& version) {
    BR_TRY(now, file.stat());
    if (version_of(now) == version) return {};
    return std::unexpected(conflict("cannot finish reading the file " + name,
                                    "it was overwritten in place meanwhile", "read it again")
                               .with_tag("race"));
  }

  const io::FileRegion region_;
  io::FileSource inner_;
  uint64_t left_;
};

}  // namespace

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
    if (request.watched) {
      return std::make_unique<WatchedSource>(std::move(file), request.range, request.name,
                                             version_of(*there.stat));
    }
    return std::make_unique<io::FileSource>(io::FileRegion{std::move(file), request.range, {}});
  }
}

}  // namespace beringia::backend::file

#include "backend/file/file_backend.h"
#include "io/runtime.h"

namespace beringia::backend::file {

namespace {

Result<void> check_unchanged(io::File& file, const std::string& name, const Version& version) {
  BR_TRY(now, file.stat());
  if (version_of(now) == version) return {};
  return std::unexpected(conflict("cannot go on reading the file " + name,
                                  "it was overwritten in place meanwhile", "read it again")
                             .with_tag("race"));
}

/// A region of a file that somebody may write into while it is read. Never a file region: what
/// sendfile(2) has taken can still be changed on its way out (measured: tests/concurrency).
class WatchedSource final : public io::ByteSource {
 public:
  WatchedSource(io::FileRegion region, std::string name, Version version)
      : file_{region.file},
        inner_{std::move(region)},
        name_{std::move(name)},
        version_{std::move(version)} {}

  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    BR_TRY(n, inner_.read(context, buffer));
    // Told with the last bytes: who reads exactly as many as asked never sees the end.
    if (inner_.remaining() == 0U) BR_TRY(check_unchanged(*file_, name_, version_));
    return n;
  }
  std::optional<uint64_t> remaining() const override { return inner_.remaining(); }

 private:
  std::shared_ptr<io::File> file_;  // owners: this and caches
  io::FileSource inner_;
  std::string name_;
  Version version_;
};

/// Waits until the file's last change is `age` ago: until then it may still be going on under one
/// modification time, which no later look would tell. Then it must be what it was.
Result<void> wait_until_settled(const io::Context& context, io::File& file, const std::string& name,
                                const io::FileStat& stat, Duration age) {
  const Duration now = std::chrono::microseconds{io::current_clock().wall().micros};
  const Duration since = now - Duration{stat.mtime_nanos};
  if (since < Duration::zero() || since >= age) return {};
  BR_TRY(io::sleep_for(context, age - since));
  return check_unchanged(file, name, version_of(stat));
}

}  // namespace

Result<std::unique_ptr<io::ByteSource>> FileBackend::read(const io::Context& context,
                                                          const ReadRequest& request) {
  for (int race = 1;; ++race) {
    BR_TRY(context.check(io::now()));
    BR_TRY(there, tree_.locate(request.name, open_files_.is_warm(request.name)));
    BR_TRY(check_version(request.name, there, request.version));
    const uint64_t size = there.stat->size;
    if (request.range.offset > size || request.range.length > size - request.range.offset) {
      return std::unexpected(
          invalid("cannot read the file " + request.name,
                  "the range lies outside its " + std::to_string(size) + " bytes"));
    }
    std::shared_ptr<io::File> file;
    if (auto known = open_files_.find(request.name, *there.stat)) file = std::move(*known);
    if (!file) {
      auto opened = io::blocking([&]() -> Result<std::unique_ptr<io::File>> {
        BR_TRY(tree_.check_parents(there.path));
        return disk_.open(there.path, io::OpenMode::kRead);
      });
      if (!opened &&
          (opened.error().code() != Code::kNotFound || opened.error().tag() == kBehindLink)) {
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
      open_files_.put(request.name, *there.stat, file);
    }
    io::FileRegion region{std::move(file), request.range};
    if (!request.watched) return std::make_unique<io::FileSource>(std::move(region));
    BR_TRY(wait_until_settled(context, *region.file, request.name, *there.stat, request.settled));
    return std::make_unique<WatchedSource>(std::move(region), request.name,
                                           version_of(*there.stat));
  }
}

}  // namespace beringia::backend::file

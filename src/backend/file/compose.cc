#include <algorithm>
#include <set>

#include "backend/file/file_backend.h"
#include "backend/file/temporary.h"
#include "base/checksum.h"
#include "observe/log.h"

namespace beringia::backend::file {
namespace {

constexpr uint64_t kCopyStep = 64ULL << 20;  // bytes copied between two looks at the context

}  // namespace

struct FileBackend::Source {
  std::string name;
  std::string path;
  io::FileStat stat;
  std::unique_ptr<io::File> file;
  std::optional<ObjectSeal> seal;
  io::ByteRange range;
};

Result<FileBackend::Source> FileBackend::open_source(const std::string& name) {
  Source source;
  source.name = name;
  BR_TRY(there, tree_.locate(name));
  BR_TRY(check_version(name, there, std::nullopt));
  BR_TRY(tree_.check_parents(there.path));
  BR_TRY(file, disk_.open(there.path, io::OpenMode::kRead));
  BR_TRY(stat, file->stat());
  BR_TRY(seal, attributes_.load(there.path, stat));
  source.path = std::move(there.path);
  source.stat = stat;
  source.file = std::move(file);
  source.seal = std::move(seal);
  return source;
}

/// Opens all sources and checks that they add up to the seal: in size, and in CRC32C as far as the
/// sources know theirs. The result is not read back: the kernel copies what was verified.
Result<std::vector<FileBackend::Source>> FileBackend::open_sources(const io::Context& context,
                                                                   const ComposeRequest& request) {
  if (request.sources.empty()) {
    return std::unexpected(invalid("cannot compose " + request.name, "there are no sources"));
  }
  std::vector<Source> sources;
  uint64_t size = 0;
  std::optional<uint32_t> crc32c = 0;
  for (size_t i = 0; i < request.sources.size(); ++i) {
    BR_TRY(context.check(io::now()));
    BR_TRY(source, io::blocking([&] { return open_source(request.sources[i]); }));
    source.range = {0, source.stat.size};
    if (i < request.source_ranges.size()) {
      source.range = request.source_ranges[i];
      source.seal.reset();  // is of the whole
    }
    if (source.range.offset + source.range.length > source.stat.size) {
      return std::unexpected(
          corrupt("cannot compose " + request.name, source.name + " is shorter than its pieces"));
    }
    if (i < request.source_versions.size() && !request.source_versions[i].empty() &&
        request.source_versions[i] != version_of(source.stat)) {
      return std::unexpected(
          conflict("cannot compose " + request.name, source.name + " is another version"));
    }
    if (crc32c && source.seal && source.seal->crc32c) {
      crc32c = Crc32c::combine(*crc32c, *source.seal->crc32c, source.range.length);
    } else {
      crc32c.reset();
    }
    size += source.range.length;
    sources.push_back(std::move(source));
  }
  if (size != request.seal.size || (crc32c && *crc32c != request.seal.crc32c)) {
    return std::unexpected(corrupt("cannot compose " + request.name,
                                   "the sources do not add up to the bytes that were announced"));
  }
  return sources;
}

/// One part that is not needed any more becomes the object itself.
Result<CopyInfo> FileBackend::adopt_part(const io::Context& context, const ComposeRequest& request,
                                         Source source) {
  const Seal& seal = request.seal;
  const auto& expectation = seal.expectation ? *seal.expectation : request.expectation;
  const ObjectSeal stored{source.stat.size, source.stat.mtime_nanos, seal.crc32c,
                          seal.md5,         seal.content_type,       seal.attributes};
  BR_TRY(io::blocking([&]() -> Result<void> {
    BR_TRY(attributes_.store(*source.file, source.stat, stored));
    return source.file->sync();
  }));
  std::string path;
  bool replaced = false;
  {
    BR_TRY(guards, locks_.lock_both(context, source.name, request.name));
    BR_TRY(placed, io::blocking([&] {
             return rename_into_place(request.name, source.path, expectation, replaced);
           }));
    path = std::move(placed);
  }
  forget(source.name);
  if (auto durable = tree_.make_durable(path); !durable) {
    if (!replaced) (void)disk_.rename(path, source.path);
    return std::unexpected(Error{durable.error().code(), Retry::kNever,
                                 "cannot make the file " + request.name + " durable",
                                 durable.error().to_string()});
  }
  io::blocking([&] { tree_.prune(source.path); });
  return make_info(request.name, source.stat, stored);
}

Result<CopyInfo> FileBackend::compose(const io::Context& context, const ComposeRequest& request) {
  BR_TRY(sources, open_sources(context, request));
  const bool whole = sources.size() == 1 && request.remove_sources &&
                     sources[0].range == io::ByteRange{0, sources[0].stat.size};
  if (whole && sources[0].name != request.name) {
    return adopt_part(context, request, std::move(sources[0]));
  }
  BR_TRY(temporary, io::blocking([&] { return make_temporary(); }));
  uint64_t offset = 0;
  for (const auto& source : sources) {
    for (uint64_t done = 0; done < source.range.length;) {
      BR_TRY(context.check(io::now()));
      const uint64_t step = std::min(kCopyStep, source.range.length - done);
      const uint64_t from = source.range.offset + done;
      BR_TRY(io::blocking(
          [&] { return temporary.file().copy_from(*source.file, from, offset, step); }));
      done += step;
      offset += step;
    }
  }
  const auto& expectation =
      request.seal.expectation ? *request.seal.expectation : request.expectation;
  BR_TRY(info, publish(context, request.name, std::move(temporary), request.seal, expectation));
  if (!request.remove_sources) return std::move(info);
  std::set<std::string> gone{request.name};
  for (const auto& source : sources) {
    if (!gone.insert(source.name).second) continue;
    auto removed = io::blocking([&] { return remove_now(source.name, version_of(source.stat)); });
    if (!removed) {
      observe::log_warn("file_compose_source_kept", "A source of a compose could not be removed.",
                        {observe::field("why", removed.error().to_string())});
      continue;
    }
    io::blocking([&] { tree_.prune(source.path); });
  }
  return std::move(info);
}

}  // namespace beringia::backend::file

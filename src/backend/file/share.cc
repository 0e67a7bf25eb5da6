#include "backend/file/file_backend.h"
#include "backend/file/temporary.h"
#include "base/checksum.h"
#include "base/kill_point.h"

namespace beringia::backend::file {
namespace {

Error not_linked(const std::string& path) { return unsupported("cannot link " + path); }

}  // namespace

/// A hard link to `there` beside the temporary files, with `attributes` if there are any. Blocks.
/// @error kUnsupported: only a copy will do
Result<std::string> FileBackend::link_aside(const Located& there,
                                            const std::optional<Attributes>& attributes) {
  BR_TRY(tree_.check_parents(there.path));
  // What lies beside the file goes with the first of its names that goes.
  if (!attributes_.travel_with(there.path)) return std::unexpected(not_linked(there.path));
  std::string aside = tree_.root() + "/.beringia/tmp/" + random_hex(rng_, 12);
  auto linked = disk_.link(there.path, aside);
  if (!linked && linked.error().code() == Code::kNotFound) {
    BR_TRY(tree_.check_root());
    BR_TRY(tree_.make_parents(aside));
    linked = disk_.link(there.path, aside);
  }
  if (!linked) return std::unexpected(std::move(linked).error());
  auto prepared = [&]() -> Result<void> {
    BR_TRY(file, disk_.open(aside, io::OpenMode::kRead));
    BR_TRY(stat, file->stat());
    BR_TRY(check_version(there.path, {aside, stat}, version_of(*there.stat)));
    if (!attributes) return {};
    BR_TRY(known, attributes_.load(aside, stat));
    ObjectSeal seal;
    if (known) {
      seal = std::move(*known);
    } else {
      seal.rebind(stat);
    }
    seal.attributes = *attributes;
    BR_TRY(attributes_.store(*file, stat, seal));
    BR_TRY(file->sync());
    if (!attributes_.travel_with(aside)) return std::unexpected(not_linked(there.path));
    return {};
  }();
  if (prepared) return aside;
  (void)disk_.unlink(aside);  // else sweep() finds it
  return std::unexpected(std::move(prepared).error());
}

/// As link_aside. Looks again when the file has stepped aside for a directory meanwhile. Blocks.
Result<std::string> FileBackend::link_where_it_is(const RenameRequest& request) {
  for (int race = 1;; ++race) {
    BR_TRY(there, tree_.locate(request.from));
    BR_TRY(check_version(request.from, there, request.version));
    auto aside = link_aside(there, request.attributes);
    if (aside || aside.error().code() != Code::kNotFound || race == kMaxRaces) return aside;
  }
}

/// Where the file system has no links: the bytes once more.
Result<CopyInfo> FileBackend::copy_whole(const io::Context& context, const RenameRequest& request) {
  BR_TRY(there, tree_.locate(request.from));
  BR_TRY(check_version(request.from, there, request.version));
  BR_TRY(info, info_of(request.from, there));
  BR_TRY(file, io::blocking([&] { return disk_.open(there.path, io::OpenMode::kRead); }));
  BR_TRY(temporary, io::blocking([&] { return make_temporary(); }));
  Crc32c crc32c;
  std::string buffer(kWriteBuffer, '\0');
  for (uint64_t done = 0; done < info.size;) {
    BR_TRY(context.check(io::now()));
    BR_TRY(n, io::blocking([&]() -> Result<size_t> {
             BR_TRY(got, file->read_at(done, buffer));
             if (got > 0) BR_TRY(temporary.file().write_at(done, {buffer.data(), got}));
             return got;
           }));
    if (n == 0) break;
    crc32c.update({buffer.data(), n});
    done += n;
  }
  BR_TRY(stat, file->stat());
  BR_TRY(check_version(request.from, {there.path, stat}, version_of(*there.stat)));
  if (info.crc32c && *info.crc32c != crc32c.value()) {
    return std::unexpected(corrupt("cannot copy the file " + request.from,
                                   "its bytes are not those that were written"));
  }
  const Seal seal{info.size,
                  crc32c.value(),
                  info.md5,
                  info.content_type,
                  request.attributes.value_or(info.attributes),
                  {}};
  return publish(context, request.to, std::move(temporary), seal, request.expectation);
}

Result<CopyInfo> FileBackend::share(const io::Context& context, const RenameRequest& request) {
  if (request.from == request.to) {
    return std::unexpected(invalid("cannot give " + request.from + " a second name " + request.to));
  }
  std::string path;
  bool replaced = false;
  auto linked = [&]() -> Result<void> {
    BR_TRY(guards, locks_.lock_both(context, request.from, request.to));
    return io::blocking([&]() -> Result<void> {
      BR_TRY(aside, link_where_it_is(request));
      BR_KILL_POINT("file.linked");
      auto placed = rename_into_place(request.to, aside, request.expectation, replaced);
      // Also when it is in place: rename(2) leaves two names of one file as they are.
      (void)disk_.unlink(aside);
      if (!placed) return std::unexpected(std::move(placed).error());
      path = std::move(*placed);
      return {};
    });
  }();
  if (!linked && linked.error().code() == Code::kUnsupported) return copy_whole(context, request);
  if (!linked) return std::unexpected(std::move(linked).error());
  forget(request.from);
  if (auto durable = tree_.make_durable(path); !durable) {
    if (!replaced) (void)remove_now(request.to, std::nullopt);
    return std::unexpected(Error{durable.error().code(), Retry::kNever,
                                 "cannot make the file " + request.to + " durable",
                                 durable.error().to_string()});
  }
  BR_TRY(placed, tree_.locate(request.to));
  BR_TRY(check_version(request.to, placed, std::nullopt));
  return info_of(request.to, placed);
}

}  // namespace beringia::backend::file

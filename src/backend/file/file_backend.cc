#include "backend/file/file_backend.h"

#include <vector>

#include "backend/file/temporary.h"

namespace beringia::backend::file {
namespace {

constexpr uint64_t kMinFreeBytes = 1 << 20;
constexpr size_t kMaxSwept = 100'000;  // names in memory of one sweep

Capabilities file_capabilities() {
  Capabilities capabilities;
  capabilities.kind = "file";
  capabilities.compare_and_swap = true;
  capabilities.native_directories = true;
  capabilities.native_rename = true;
  capabilities.renames_directories = true;
  capabilities.server_side_compose = true;
  capabilities.zero_copy_read = true;
  capabilities.writes_pieces = true;
  capabilities.ordered_listing = true;
  return capabilities;
}

FileOptions normalized(FileOptions options) {
  while (options.root.size() > 1 && options.root.ends_with('/')) options.root.pop_back();
  if (options.root == "/") options.root = "/.";  // so that root + "/" + name is a path
  return options;
}

}  // namespace

FileBackend::FileBackend(FileOptions options, io::Disk& disk, Rng& rng)
    : options_{normalized(std::move(options))},
      capabilities_{file_capabilities()},
      disk_{disk},
      rng_{rng},
      attributes_{disk, options_.root, rng},
      tree_{disk, options_.root, attributes_},
      open_files_{options_.max_open_files},
      known_files_{options_.max_known_files},
      lister_{disk, tree_} {}

Result<CopyPage> FileBackend::list(const io::Context& context, const ListRequest& request) {
  return io::blocking([&] { return lister_.list(context, request); });
}

Result<uint64_t> FileBackend::sweep(const io::Context& context, Duration age) {
  const std::string folder = tree_.root() + "/.beringia/tmp";
  const int64_t oldest = io::current_clock().wall().micros * 1000 - age.count();
  std::vector<std::string> names;
  auto listed = disk_.list(folder, [&](const io::DirectoryItem& item) {
    if (item.is_regular) names.push_back(item.name);
    return names.size() < kMaxSwept;
  });
  if (!listed) {
    if (listed.error().code() == Code::kNotFound) return 0;
    return std::unexpected(std::move(listed).error());
  }
  uint64_t swept = 0;
  for (const auto& name : names) {
    BR_TRY(context.check(io::now()));
    const std::string path = folder + "/" + name;
    auto stat = disk_.stat(path);
    if (!stat || stat->mtime_nanos > oldest) continue;
    if (disk_.unlink(path)) ++swept;
  }
  return swept;
}

Result<StoreReport> FileBackend::probe(const io::Context& context) {
  BR_TRY(context.check(io::now()));
  return io::blocking([&]() -> Result<StoreReport> {
    BR_TRY(tree_.check_root());
    auto temporary = make_temporary();
    if (!temporary) {
      return std::unexpected(
          std::move(temporary).error().during("checking that " + tree_.root() + " is writable"));
    }
    BR_TRY(free, disk_.free_bytes(tree_.root()));
    if (free >= kMinFreeBytes) return StoreReport{};
    return std::unexpected(
        Error{Code::kUnavailable, Retry::kNever, "cannot write below " + tree_.root(),
              std::to_string(free) + " bytes are free", "free space on that file system"}
            .with_tag("no_space"));
  });
}

}  // namespace beringia::backend::file

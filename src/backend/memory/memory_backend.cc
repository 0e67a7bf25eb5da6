#include "backend/memory/memory_backend.h"

#include "base/checksum.h"
#include "io/runtime.h"

namespace beringia::backend::memory {
namespace {

constexpr uint64_t kMaxObjectBytes = 1ULL << 30;

Capabilities memory_capabilities() {
  Capabilities capabilities;
  capabilities.kind = "memory";
  capabilities.compare_and_swap = true;
  capabilities.native_rename = true;
  capabilities.server_side_compose = true;
  capabilities.ordered_listing = true;
  capabilities.max_object_bytes = kMaxObjectBytes;
  return capabilities;
}

/// A slice of bytes that live on even if the object is replaced.
class SliceSource final : public io::ByteSource {
 public:
  SliceSource(std::shared_ptr<const std::string> bytes, io::ByteRange range)
      : bytes_{std::move(bytes)},
        rest_{std::string_view{*bytes_}.substr(range.offset, range.length)} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    BR_TRY(context.check(io::now()));
    const size_t n = rest_.copy(buffer.data(), buffer.size());
    rest_.remove_prefix(n);
    return n;
  }
  std::optional<uint64_t> remaining() const override { return rest_.size(); }

 private:
  std::shared_ptr<const std::string> bytes_;  // owners: the object and its readers
  std::string_view rest_;
};

Result<void> take_turn(const io::Context& context) {
  if (io::on_fiber()) io::yield();
  return context.check(io::now());
}

}  // namespace

MemoryBackend::MemoryBackend() : capabilities_{memory_capabilities()} {}

Result<MemoryBackend::Objects::iterator> MemoryBackend::find(
    const std::string& name, const std::optional<Version>& version) {
  const auto found = objects_.find(name);
  if (found == objects_.end()) return std::unexpected(not_found("there is no object " + name));
  if (!version || *version == found->second.info.version) return found;
  return std::unexpected(
      conflict("the object " + name + " is another version", found->second.info.version));
}

Result<void> MemoryBackend::check(const std::string& name, const Expectation& expectation) const {
  const auto found = objects_.find(name);
  const bool exists = found != objects_.end();
  switch (expectation.kind) {
    case Expectation::Kind::kAny: return {};
    case Expectation::Kind::kAbsent:
      if (!exists) return {};
      return std::unexpected(conflict("cannot write the object " + name, "it exists"));
    case Expectation::Kind::kVersion:
      if (exists && found->second.info.version == expectation.version) return {};
      return std::unexpected(conflict("cannot write the object " + name,
                                      exists ? "it is another version" : "it is gone"));
  }
  return {};
}

Result<CopyInfo> MemoryBackend::put(const std::string& name, std::string bytes, const Seal& seal,
                                    const std::string& storage_class) {
  if (name.empty() || name.size() > capabilities_.max_name_bytes) {
    return std::unexpected(invalid("cannot use the name " + name));
  }
  CopyInfo info;
  info.name = name;
  info.size = bytes.size();
  info.version = std::to_string(next_version_++);
  info.modified = io::current_clock().wall();
  info.crc32c = seal.crc32c;
  info.md5 = seal.md5;
  info.content_type = seal.content_type;
  info.storage_class = storage_class;
  info.attributes = seal.attributes;
  objects_[name] = {std::make_shared<const std::string>(std::move(bytes)), info};
  return info;
}

Result<CopyInfo> MemoryBackend::stat(const io::Context& context, const StatRequest& request) {
  BR_TRY(take_turn(context));
  std::lock_guard lock{mutex_};
  BR_TRY(found, find(request.name, std::nullopt));
  return found->second.info;
}

Result<std::unique_ptr<io::ByteSource>> MemoryBackend::read(const io::Context& context,
                                                            const ReadRequest& request) {
  BR_TRY(take_turn(context));
  std::lock_guard lock{mutex_};
  BR_TRY(found, find(request.name, request.version));
  const auto& bytes = found->second.bytes;
  if (request.range.offset > bytes->size() ||
      request.range.length > bytes->size() - request.range.offset) {
    return std::unexpected(
        invalid("cannot read the object " + request.name, "the range lies outside of it"));
  }
  return std::make_unique<SliceSource>(bytes, request.range);
}

Result<CopyInfo> MemoryBackend::write(const io::Context& context, const WriteRequest& request) {
  BR_TRY(bytes, io::read_all(context, *request.body, kMaxObjectBytes));
  if (request.size && *request.size != bytes.size()) {
    return std::unexpected(
        invalid("the body is not whole", std::to_string(bytes.size()) + " bytes came")
            .with_tag("size_mismatch"));
  }
  Seal seal{bytes.size(), Crc32c::of(bytes), {}, request.content_type, {}, {}};
  if (request.seal) {
    BR_TRY(sealed, request.seal());
    if (sealed.size != seal.size || sealed.crc32c != seal.crc32c) {
      return std::unexpected(corrupt("cannot write the object " + request.name,
                                     "its bytes are not those that were sealed"));
    }
    seal = std::move(sealed);
    if (seal.content_type.empty()) seal.content_type = request.content_type;
  }
  for (const auto& [key, value] : request.attributes) seal.attributes.try_emplace(key, value);
  BR_TRY(take_turn(context));
  std::lock_guard lock{mutex_};
  BR_TRY(check(request.name, seal.expectation ? *seal.expectation : request.expectation));
  return put(request.name, std::move(bytes), seal, request.storage_class);
}

Result<CopyPage> MemoryBackend::list(const io::Context& context, const ListRequest& request) {
  BR_TRY(take_turn(context));
  const size_t max_items = request.max_items == 0 ? 1000 : request.max_items;
  // The token is the last name shown; a directory's covers all that is below it.
  const bool resumed = !request.page_token.empty();
  const std::string& after = resumed ? request.page_token : request.start_after;
  const bool skip_below = resumed && request.by_directory && after.ends_with('/');
  std::lock_guard lock{mutex_};
  CopyPage page;
  std::string last;
  for (auto it = objects_.lower_bound(std::max(request.prefix, after)); it != objects_.end();
       ++it) {
    const std::string& name = it->first;
    if (!name.starts_with(request.prefix)) break;
    if (name <= after || name.starts_with(kReservedPrefix)) continue;
    const size_t slash = name.find('/', request.prefix.size());
    if (request.by_directory && slash != std::string::npos) {
      std::string directory = name.substr(0, slash + 1);
      if (skip_below && directory == after) continue;
      if (!page.directories.empty() && page.directories.back() == directory) continue;
      if (page.items.size() + page.directories.size() == max_items) {
        page.next_page_token = last;
        return page;
      }
      last = directory;
      page.directories.push_back(std::move(directory));
      continue;
    }
    if (page.items.size() + page.directories.size() == max_items) {
      page.next_page_token = last;
      return page;
    }
    last = name;
    page.items.push_back(it->second.info);
  }
  return page;
}

Result<void> MemoryBackend::remove(const io::Context& context, const RemoveRequest& request) {
  BR_TRY(take_turn(context));
  std::lock_guard lock{mutex_};
  BR_TRY(found, find(request.name, request.version));
  objects_.erase(found);
  return {};
}

Result<CopyInfo> MemoryBackend::compose(const io::Context& context, const ComposeRequest& request) {
  BR_TRY(take_turn(context));
  std::lock_guard lock{mutex_};
  if (request.sources.empty()) {
    return std::unexpected(invalid("cannot compose " + request.name, "there are no sources"));
  }
  std::string bytes;
  for (size_t i = 0; i < request.sources.size(); ++i) {
    std::optional<Version> version;
    if (i < request.source_versions.size()) version = request.source_versions[i];
    BR_TRY(source, find(request.sources[i], version));
    bytes += *source->second.bytes;
  }
  if (bytes.size() != request.seal.size || Crc32c::of(bytes) != request.seal.crc32c) {
    return std::unexpected(corrupt("cannot compose " + request.name,
                                   "the sources do not add up to the bytes that were announced"));
  }
  BR_TRY(check(request.name,
               request.seal.expectation ? *request.seal.expectation : request.expectation));
  BR_TRY(info, put(request.name, std::move(bytes), request.seal, request.storage_class));
  if (request.remove_sources) {
    for (const auto& source : request.sources) {
      if (source != request.name) objects_.erase(source);
    }
  }
  return std::move(info);
}

Result<CopyInfo> MemoryBackend::rename(const io::Context& context, const RenameRequest& request) {
  BR_TRY(take_turn(context));
  std::lock_guard lock{mutex_};
  if (request.from.ends_with('/') && request.to.ends_with('/')) {
    if (auto there = objects_.lower_bound(request.to);
        there != objects_.end() && there->first.starts_with(request.to)) {
      return std::unexpected(already_exists("cannot rename to " + request.to));
    }
    auto it = objects_.lower_bound(request.from);
    if (it == objects_.end() || !it->first.starts_with(request.from)) {
      return std::unexpected(not_found("there is no directory " + request.from));
    }
    while (it != objects_.end() && it->first.starts_with(request.from)) {
      auto node = objects_.extract(it++);
      node.key() = request.to + node.key().substr(request.from.size());
      node.mapped().info.name = node.key();
      objects_.insert(std::move(node));
    }
    CopyInfo info;
    info.name = request.to;
    return info;
  }
  BR_TRY(found, find(request.from, request.version));
  BR_TRY(check(request.to, request.expectation));
  if (request.keep_source) {
    Object copy = found->second;
    copy.info.name = request.to;
    copy.info.version = std::to_string(next_version_++);
    if (request.attributes) copy.info.attributes = *request.attributes;
    return objects_.insert_or_assign(request.to, std::move(copy)).first->second.info;
  }
  auto node = objects_.extract(found);
  objects_.erase(request.to);
  node.key() = request.to;
  node.mapped().info.name = request.to;
  return objects_.insert(std::move(node)).position->second.info;
}

Result<CopyInfo> MemoryBackend::update(const io::Context& context, const UpdateRequest& request) {
  BR_TRY(take_turn(context));
  std::lock_guard lock{mutex_};
  BR_TRY(found, find(request.name, request.version));
  CopyInfo& info = found->second.info;
  info.attributes = request.attributes;
  info.content_type = request.content_type;
  if (!request.storage_class.empty()) info.storage_class = request.storage_class;
  return info;
}

Result<void> MemoryBackend::make_directory(const io::Context& context, const std::string&) {
  return take_turn(context);
}

Result<void> MemoryBackend::remove_directory(const io::Context& context, const std::string&) {
  return take_turn(context);
}

Result<uint64_t> MemoryBackend::sweep(const io::Context& context, Duration) {
  BR_TRY(take_turn(context));
  return 0;
}

Result<StoreReport> MemoryBackend::probe(const io::Context& context) {
  BR_TRY(take_turn(context));
  return StoreReport{};
}

size_t MemoryBackend::count_names(const std::string& prefix) const {
  std::lock_guard lock{mutex_};
  size_t found = 0;
  for (auto it = objects_.lower_bound(prefix); it != objects_.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    ++found;
  }
  return found;
}

void MemoryBackend::put_foreign(const std::string& name, std::string bytes) {
  std::lock_guard lock{mutex_};
  Seal seal{bytes.size(), Crc32c::of(bytes), {}, {}, {}, {}};
  (void)put(name, std::move(bytes), seal, {});
}

}  // namespace beringia::backend::memory

#include "io/sim_disk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "io/fiber.h"
#include "io/runtime.h"

namespace beringia::io {
namespace {

constexpr size_t kMaxNameBytes = 255;  // as file systems have it

Error power_is_off() { return cancelled("the disk is off", "simulated crash"); }

Error failed(int error_number, DiskCall call, const std::string& subject) {
  return from_errno(error_number, "cannot " + std::string{to_string(call)} + " " + subject);
}

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty()) parts.push_back(part);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  return parts;
}

}  // namespace

SimDisk::SimDisk(SimDiskOptions options) : options_{options}, rng_{options.seed ^ 0xd15cULL} {
  root_ = std::make_shared<SimNode>();
  root_->inode = 1;
  root_->is_directory = true;
  nodes_[1] = root_;
}

SimDisk::~SimDisk() {
  // Renames and directories may refer to each other.
  for (auto& [inode, weak] : nodes_) {
    if (auto node = weak.lock()) node->name_changes.clear();
  }
}

void SimDisk::crash() {
  std::lock_guard lock{mutex_};
  crashed_ = true;
}

void SimDisk::crash_at(uint64_t nth, std::function<void()> also) {
  std::lock_guard lock{mutex_};
  crash_in_ = nth;
  crash_also_ = std::move(also);
}

bool SimDisk::crashed() const {
  std::lock_guard lock{mutex_};
  return crashed_;
}

void SimDisk::restart() {
  std::lock_guard lock{mutex_};
  std::vector<SimNodeRef> nodes;
  for (auto& [inode, weak] : nodes_) {
    if (auto node = weak.lock()) nodes.push_back(std::move(node));
  }
  for (const auto& node : nodes) node->decide_renames(rng_);
  for (const auto& node : nodes) {
    node->crash_file(rng_, options_.sector_bytes);
    node->crash_names(rng_);
  }
  nodes.clear();
  std::erase_if(nodes_, [](const auto& item) { return item.second.expired(); });
  crashed_ = false;
  crash_in_ = 0;
  crash_also_ = {};
  ++power_cycle_;
}

void SimDisk::prepare_directory(const std::string& path) {
  std::lock_guard lock{mutex_};
  SimNodeRef at = root_;
  for (const auto part : split(path)) {
    auto found = at->names.find(part);
    SimNodeRef next = found == at->names.end() ? new_node(true) : found->second;
    at->names[std::string{part}] = next;
    at->durable_names[std::string{part}] = next;
    at = std::move(next);
  }
}

int64_t SimDisk::timestamp() const {
  const int64_t nanos = current_clock().wall().micros * 1000;
  return nanos - nanos % std::max<int64_t>(1, options_.timestamp_step_nanos);
}

Duration SimDisk::latency() {
  const Loop* loop = Loop::current();
  if (options_.max_latency.count() <= 0 || loop == nullptr || !loop->simulated() || !on_fiber())
    return Duration{0};
  // Half of the calls are answered from the cache.
  if (rng_.below(2) == 0) return Duration{0};
  return Duration{
      static_cast<int64_t>(rng_.below(static_cast<uint64_t>(options_.max_latency.count())))};
}

Result<void> SimDisk::wait(Duration duration, uint64_t power_cycle) {
  if (duration.count() > 0) BR_TRY(sleep_for(Context{}, duration));
  std::lock_guard lock{mutex_};
  if (crashed_ || power_cycle_ != power_cycle) return std::unexpected(power_is_off());
  return {};
}

template <class Act>
auto SimDisk::call(DiskCall kind, const std::string& subject, Act&& act) -> decltype(act()) {
  if (io::crashed()) return std::unexpected(power_is_off());
  const Duration time = latency();
  const auto fault = faults_.next(kind, rng_);
  const bool late = rng_.below(2) == 0;  // the effect comes first, then the wait
  const bool effect = !fault || rng_.below(2) == 0;
  std::unique_lock lock{mutex_};
  if (crashed_) return std::unexpected(power_is_off());
  const uint64_t cycle = power_cycle_;
  if (crash_in_ > 0 && --crash_in_ == 0) {
    if (rng_.below(2) == 0) (void)act();
    crashed_ = true;
    const auto also = std::exchange(crash_also_, {});
    lock.unlock();
    if (also) also();
    return std::unexpected(power_is_off());
  }
  if (!late) {
    lock.unlock();
    BR_TRY(wait(time, cycle));
    lock.lock();
  }
  std::optional<decltype(act())> result;
  if (effect) result.emplace(act());
  lock.unlock();
  if (late) BR_TRY(wait(time, cycle));
  if (fault) return std::unexpected(failed(*fault, kind, subject));
  return std::move(*result);
}

Result<SimDisk::Place> SimDisk::find(const std::string& path) const {
  const auto parts = split(path);
  if (!path.starts_with('/')) return std::unexpected(invalid("not an absolute path: " + path));
  Place place{root_, {}, root_};
  for (const auto part : parts) {
    if (!place.node) return std::unexpected(from_errno(ENOENT, "no such directory: " + path));
    if (!place.node->is_directory)
      return std::unexpected(from_errno(ENOTDIR, "cannot use " + path));
    if (part.size() > kMaxNameBytes) {
      return std::unexpected(from_errno(ENAMETOOLONG, "cannot use " + path));
    }
    place.directory = place.node;
    place.name = part;
    auto found = place.directory->names.find(part);
    place.node = found == place.directory->names.end() ? nullptr : found->second;
  }
  return place;
}

SimNodeRef SimDisk::new_node(bool is_directory) {
  auto node = std::make_shared<SimNode>();
  node->inode = next_inode_++;
  node->is_directory = is_directory;
  node->content.mtime_nanos = node->content.ctime_nanos = timestamp();
  node->durable_content = node->content;
  nodes_[node->inode] = node;
  return node;
}

Result<void> SimDisk::change_file(SimNode& node, SimFileChange change) {
  if (change.kind == SimFileChange::Kind::kWrite &&
      options_.capacity_bytes != std::numeric_limits<uint64_t>::max()) {
    const uint64_t end = change.offset + change.bytes.size();
    const uint64_t old = node.content.bytes.size();
    if (end > old && used_bytes() + (end - old) > options_.capacity_bytes) {
      return std::unexpected(from_errno(ENOSPC, "cannot write"));
    }
  }
  change.sequence = ++sequence_;
  change.time_nanos = timestamp();
  node.change_file(std::move(change));
  return {};
}

void SimDisk::change_names(SimNode& directory, SimNameChange change) {
  change.sequence = ++sequence_;
  directory.content.mtime_nanos = directory.content.ctime_nanos = timestamp();
  directory.change_names(std::move(change));
}

uint64_t SimDisk::used_bytes() const {
  uint64_t used = 0;
  for (const auto& [inode, weak] : nodes_) {
    if (const auto node = weak.lock()) used += node->content.bytes.size();
  }
  return used;
}

Result<SimDisk::Place> SimDisk::find_node(const std::string& path) const {
  BR_TRY(place, find(path));
  if (!place.node) return std::unexpected(from_errno(ENOENT, "no such file: " + path));
  return place;
}

Result<SimDisk::Place> SimDisk::find_free_name(const std::string& path) const {
  BR_TRY(place, find(path));
  if (place.node) return std::unexpected(from_errno(EEXIST, "already there: " + path));
  return place;
}

namespace {

FileStat stat_of(const SimNode& node) {
  FileStat stat;
  stat.size = node.content.bytes.size();
  stat.inode = node.inode;
  stat.mtime_nanos = node.content.mtime_nanos;
  stat.ctime_nanos = node.content.ctime_nanos;
  stat.mode = node.is_directory ? 0755 : 0644;
  stat.is_directory = node.is_directory;
  stat.is_regular = !node.is_directory;
  return stat;
}

Result<std::string> xattr_of(const SimNode& node, const std::string& name) {
  auto found = node.content.xattrs.find(name);
  if (found == node.content.xattrs.end()) {
    return std::unexpected(not_found("no attribute " + name));
  }
  return found->second;
}

SimFileChange xattr_change(const std::string& name, std::string_view value) {
  SimFileChange change;
  change.kind = SimFileChange::Kind::kXattr;
  change.name = name;
  change.bytes = value;
  return change;
}

}  // namespace

class SimDisk::SimFile final : public File {
 public:
  SimFile(SimDisk& disk, SimNodeRef node, std::string path, uint64_t power_cycle, bool writable)
      : disk_{disk},
        node_{std::move(node)},
        path_{std::move(path)},
        power_cycle_{power_cycle},
        writable_{writable} {}

  Result<size_t> read_at(uint64_t offset, std::span<char> buffer) override {
    return call<size_t>(DiskCall::kRead, [&]() -> Result<size_t> {
      if (node_->is_directory) return std::unexpected(from_errno(EISDIR, "cannot read " + path_));
      return copy_out(offset, buffer);
    });
  }

  std::optional<size_t> try_read_cached(uint64_t offset, std::span<char> buffer) override {
    if (io::crashed() || node_->is_directory || disk_.rng_.below(2) == 0) return std::nullopt;
    std::lock_guard lock{disk_.mutex_};
    if (disk_.crashed_ || disk_.power_cycle_ != power_cycle_) return std::nullopt;
    return copy_out(offset, buffer);
  }

  Result<void> write_at(uint64_t offset, std::string_view bytes) override {
    return call<void>(DiskCall::kWrite, [&]() -> Result<void> {
      SimFileChange change;
      change.offset = offset;
      change.bytes = bytes;
      return change_content(std::move(change));
    });
  }

  Result<void> truncate(uint64_t size) override {
    return call<void>(DiskCall::kTruncate, [&]() -> Result<void> {
      SimFileChange change;
      change.kind = SimFileChange::Kind::kTruncate;
      change.offset = size;
      return change_content(std::move(change));
    });
  }

  Result<void> set_modified(int64_t mtime_nanos) override {
    return call<void>(DiskCall::kSetModified, [&] {
      SimFileChange change;
      change.kind = SimFileChange::Kind::kModified;
      change.offset = static_cast<uint64_t>(mtime_nanos);
      return disk_.change_file(*node_, std::move(change));
    });
  }

  Result<void> sync() override {
    if (sync_failed_) return std::unexpected(failed(EIO, DiskCall::kSync, path_));
    uint64_t begun = 0;  // later changes are not promised
    {
      std::lock_guard lock{disk_.mutex_};
      begun = disk_.sequence_;
    }
    auto done = call<void>(DiskCall::kSync, [&]() -> Result<void> {
      node_->sync_file(begun);
      return {};
    });
    if (!done && done.error().code() != Code::kCancelled) {
      sync_failed_ = true;
      std::lock_guard lock{disk_.mutex_};
      node_->lose_file_changes(disk_.rng_);
    }
    return done;
  }

  Result<FileStat> stat() override {
    return call<FileStat>(DiskCall::kStat, [&] { return stat_of(*node_); });
  }

  Result<void> set_xattr(const std::string& name, std::string_view value) override {
    return call<void>(DiskCall::kSetXattr,
                      [&] { return disk_.change_file(*node_, xattr_change(name, value)); });
  }

  Result<std::string> get_xattr(const std::string& name) override {
    return call<std::string>(DiskCall::kGetXattr, [&] { return xattr_of(*node_, name); });
  }

  Result<void> copy_from(File& source, uint64_t source_offset, uint64_t offset,
                         uint64_t length) override {
    auto& from = dynamic_cast<SimFile&>(source);
    return call<void>(DiskCall::kCopy, [&]() -> Result<void> {
      const std::string& bytes = from.node_->content.bytes;
      if (bytes.size() < source_offset || bytes.size() - source_offset < length) {
        return std::unexpected(corrupt("cannot copy into " + path_, "the source ended"));
      }
      SimFileChange change;
      change.offset = offset;
      change.bytes = bytes.substr(source_offset, length);
      return change_content(std::move(change));
    });
  }

  int descriptor() const override { return -1; }

 private:
  template <class T, class Act>
  Result<T> call(DiskCall kind, Act&& act) {
    return disk_.call(kind, path_, [&]() -> Result<T> {
      if (disk_.power_cycle_ != power_cycle_) return std::unexpected(power_is_off());
      return act();
    });
  }

  Result<void> change_content(SimFileChange change) {
    if (!writable_) return std::unexpected(from_errno(EBADF, "cannot write " + path_));
    return disk_.change_file(*node_, std::move(change));
  }

  size_t copy_out(uint64_t offset, std::span<char> buffer) const {
    const std::string& bytes = node_->content.bytes;
    if (offset >= bytes.size()) return 0;
    const size_t n = std::min<uint64_t>(buffer.size(), bytes.size() - offset);
    std::memcpy(buffer.data(), bytes.data() + offset, n);
    return n;
  }

  SimDisk& disk_;
  SimNodeRef node_;
  std::string path_;
  uint64_t power_cycle_;
  bool writable_;
  bool sync_failed_ = false;  // as of PosixDisk: a failed fsync is never followed by a good one
};

Result<SimNodeRef> SimDisk::open_node(const std::string& path, OpenMode mode) {
  BR_TRY(place, find(path));
  const bool exclusive = mode == OpenMode::kCreateExclusive || mode == OpenMode::kCreatePrivate;
  const bool creates = exclusive || mode == OpenMode::kCreateOrTruncate;
  if (!place.node && !creates) return std::unexpected(from_errno(ENOENT, "cannot open " + path));
  if (place.node && exclusive) {
    return std::unexpected(from_errno(EEXIST, "cannot open " + path));
  }
  if (place.node && place.node->is_directory && mode != OpenMode::kRead) {
    return std::unexpected(from_errno(EISDIR, "cannot open " + path));
  }
  if (!place.node) {
    place.node = new_node(false);
    SimNameChange change;
    change.set_name = place.name;
    change.set_node = place.node;
    change_names(*place.directory, std::move(change));
  } else if (mode == OpenMode::kCreateOrTruncate) {
    SimFileChange change;
    change.kind = SimFileChange::Kind::kTruncate;
    BR_TRY(change_file(*place.node, std::move(change)));
  }
  return place.node;
}

Result<std::unique_ptr<File>> SimDisk::open(const std::string& path, OpenMode mode) {
  return call(DiskCall::kOpen, path, [&]() -> Result<std::unique_ptr<File>> {
    BR_TRY(node, open_node(path, mode));
    return std::make_unique<SimFile>(*this, node, path, power_cycle_, mode != OpenMode::kRead);
  });
}

Result<FileStat> SimDisk::stat(const std::string& path) {
  return call(DiskCall::kStat, path, [&]() -> Result<FileStat> {
    BR_TRY(place, find_node(path));
    return stat_of(*place.node);
  });
}

Result<std::string> SimDisk::get_xattr(const std::string& path, const std::string& name) {
  return call(DiskCall::kGetXattr, path, [&]() -> Result<std::string> {
    BR_TRY(place, find_node(path));
    return xattr_of(*place.node, name);
  });
}

Result<void> SimDisk::set_xattr(const std::string& path, const std::string& name,
                                std::string_view value) {
  return call(DiskCall::kSetXattr, path, [&]() -> Result<void> {
    BR_TRY(place, find_node(path));
    return change_file(*place.node, xattr_change(name, value));
  });
}

Result<void> SimDisk::move(const std::string& from, const std::string& to, bool exclusive) {
  BR_TRY(source, find_node(from));
  BR_TRY(target, find(to));
  if (!source.directory || !target.directory) {
    return std::unexpected(from_errno(EBUSY, "cannot rename " + from));
  }
  if ((to + "/").starts_with(from + "/") && to.size() > from.size()) {
    return std::unexpected(from_errno(EINVAL, "cannot rename " + from + " into itself"));
  }
  if (target.node && exclusive) return std::unexpected(from_errno(EEXIST, "cannot rename " + from));
  if (target.node == source.node) return {};
  if (target.node && target.node->is_directory) {
    const int why = !source.node->is_directory    ? EEXIST
                    : !target.node->names.empty() ? ENOTEMPTY
                                                  : 0;
    if (why != 0) return std::unexpected(from_errno(why, "cannot rename " + from + " to " + to));
  } else if (target.node && source.node->is_directory) {
    return std::unexpected(from_errno(ENOTDIR, "cannot rename " + from + " to " + to));
  }
  SimNameChange link;
  link.set_name = target.name;
  link.set_node = source.node;
  SimNameChange removal;
  removal.erase_name = source.name;
  removal.erase_node = source.node;
  if (source.directory == target.directory) {
    link.erase_name = removal.erase_name;
    link.erase_node = removal.erase_node;
    change_names(*target.directory, std::move(link));
    return {};
  }
  link.rename = std::make_shared<SimRename>();
  link.rename->link_directory = target.directory;
  removal.rename = link.rename;
  change_names(*target.directory, std::move(link));
  change_names(*source.directory, std::move(removal));
  return {};
}

Result<void> SimDisk::rename(const std::string& from, const std::string& to) {
  return call(DiskCall::kRename, from, [&] { return move(from, to, false); });
}

Result<void> SimDisk::rename_exclusive(const std::string& from, const std::string& to) {
  return call(DiskCall::kRenameExclusive, from, [&] { return move(from, to, true); });
}

Result<void> SimDisk::link(const std::string& from, const std::string& to) {
  return call(DiskCall::kLink, from, [&]() -> Result<void> {
    BR_TRY(source, find_node(from));
    // EPERM, which a real disk tells as: not here.
    if (source.node->is_directory) {
      return std::unexpected(unsupported("cannot link " + from, "it is a directory"));
    }
    BR_TRY(target, find_free_name(to));
    source.node->content.ctime_nanos = timestamp();
    SimNameChange change;
    change.set_name = target.name;
    change.set_node = source.node;
    change_names(*target.directory, std::move(change));
    return {};
  });
}

Result<void> SimDisk::remove(const std::string& path, bool directory) {
  BR_TRY(place, find_node(path));
  int why = 0;
  if (!place.directory) why = EBUSY;
  if (place.node->is_directory != directory) why = directory ? ENOTDIR : EISDIR;
  if (directory && !place.node->names.empty()) why = ENOTEMPTY;
  if (why != 0) return std::unexpected(from_errno(why, "cannot remove " + path));
  SimNameChange change;
  change.erase_name = place.name;
  change.erase_node = place.node;
  change_names(*place.directory, std::move(change));
  return {};
}

Result<void> SimDisk::unlink(const std::string& path) {
  return call(DiskCall::kUnlink, path, [&] { return remove(path, false); });
}

Result<void> SimDisk::remove_directory(const std::string& path) {
  return call(DiskCall::kRemoveDirectory, path, [&] { return remove(path, true); });
}

Result<void> SimDisk::make_directory(const std::string& path) {
  return call(DiskCall::kMakeDirectory, path, [&]() -> Result<void> {
    BR_TRY(place, find_free_name(path));
    SimNameChange change;
    change.set_name = place.name;
    change.set_node = new_node(true);
    change_names(*place.directory, std::move(change));
    return {};
  });
}

Result<void> SimDisk::list(const std::string& path,
                           const std::function<bool(DirectoryItem)>& visit) {
  std::vector<DirectoryItem> items;
  BR_TRY(call(DiskCall::kList, path, [&]() -> Result<void> {
    BR_TRY(place, find_node(path));
    if (!place.node->is_directory) return std::unexpected(from_errno(ENOTDIR, "cannot list"));
    for (const auto& [name, node] : place.node->names) {
      items.push_back({name, node->is_directory, !node->is_directory});
    }
    return {};
  }));
  // No order is promised: begin anywhere.
  if (!items.empty()) {
    std::rotate(items.begin(),
                items.begin() + static_cast<std::ptrdiff_t>(rng_.below(items.size())), items.end());
  }
  for (auto& item : items) {
    if (!visit(std::move(item))) break;
  }
  return {};
}

Result<void> SimDisk::sync_directory(const std::string& path) {
  uint64_t begun = 0;  // later changes are not promised
  {
    std::lock_guard lock{mutex_};
    begun = sequence_;
  }
  return call(DiskCall::kSyncDirectory, path, [&]() -> Result<void> {
    BR_TRY(place, find_node(path));
    if (!place.node->is_directory) return std::unexpected(from_errno(ENOTDIR, "cannot sync"));
    place.node->sync_names(begun);
    return {};
  });
}

Result<uint64_t> SimDisk::free_bytes(const std::string& path) {
  return call(DiskCall::kFreeBytes, path, [&]() -> Result<uint64_t> {
    BR_TRY(find_node(path));
    const uint64_t used = used_bytes();
    return options_.capacity_bytes - std::min(used, options_.capacity_bytes);
  });
}

std::string SimDisk::describe() const {
  std::lock_guard lock{mutex_};
  std::string text;
  const std::function<void(const SimNode&, const std::string&)> add = [&](const SimNode& node,
                                                                          const std::string& path) {
    text += path + (node.is_directory ? "/" : "") + " inode " + std::to_string(node.inode) +
            " size " + std::to_string(node.content.bytes.size()) + " pending " +
            std::to_string(node.file_changes.size() + node.name_changes.size()) + "\n";
    for (const auto& [name, child] : node.names) add(*child, path + "/" + name);
  };
  add(*root_, "");
  return text;
}

}  // namespace beringia::io

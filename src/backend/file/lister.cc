#include "backend/file/lister.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "backend/file/native_names.h"
#include "backend/file/object_seal.h"
#include "base/encoding.h"
#include "io/runtime.h"

namespace beringia::backend::file {
namespace {

/// U+10FFFF: whoever says "after dir/ + this" means "behind all of dir/".
constexpr std::string_view kBehindAll = "\xF4\x8F\xBF\xBF";
constexpr size_t kDefaultPage = 1000;

/// By name; a file under its own name shadows the one aside.
template <class Items>
void sort_and_deduplicate(Items& items) {
  std::ranges::sort(items, [](const auto& a, const auto& b) {
    return a.leaf != b.leaf ? a.leaf < b.leaf : a.aside < b.aside;
  });
  const auto twins =
      std::ranges::unique(items, [](const auto& a, const auto& b) { return a.leaf == b.leaf; });
  items.erase(twins.begin(), twins.end());
}

bool is_gone(const Error& error) {
  return error.code() == Code::kNotFound || error.code() == Code::kDenied;
}

}  // namespace

/// The smallest kMaxGathered names of one directory that are wanted.
struct Lister::Gathering {
  const std::string& path;
  bool is_root;
  std::vector<Item> items;
  std::optional<std::string> bound;  // larger names have been dropped
  std::function<bool(const Name&)> wanted;
  std::optional<Names> all;  // set: to be kept, unless there are too many

  void add(Name name) {
    if (all && all->size() == kMaxKnownNames) all.reset();
    if (all) all->push_back(name);
    Item item{std::move(name), {}};
    if (bound && item.leaf > *bound) return;
    if (!wanted(item)) return;
    items.push_back(std::move(item));
    if (items.size() < 2 * kMaxGathered) return;
    const auto middle = items.begin() + kMaxGathered - 1;
    std::nth_element(items.begin(), middle, items.end(),
                     [](const Item& a, const Item& b) { return a.leaf < b.leaf; });
    bound = middle->leaf;
    items.resize(kMaxGathered);
  }
};

/// Reads one native directory: the frame's own, or a continuation of it, which holds the ends of
/// names that begin with `chunk`. `below` is its path under the frame's directory.
Result<void> Lister::scan(Gathering& gathering, const std::string& below,
                          const std::string& chunk) {
  using Kind = DecodedItem::Kind;
  std::vector<std::pair<std::string, std::string>> continuations;
  BR_TRY(disk_.list(gathering.path + below, [&](const io::DirectoryItem& found) {
    if (!found.is_regular && !found.is_directory) return true;
    if (gathering.is_root && below.empty() && found.name == ".beringia") return true;
    const DecodedItem decoded = decode_item(found.name);
    const std::string component = chunk + decoded.text;
    const std::string native = below.empty() ? found.name : below.substr(1) + "/" + found.name;
    if (decoded.kind == Kind::kContinuation && found.is_directory) {
      continuations.emplace_back("/" + native, component);
      return true;
    }
    const bool aside = decoded.kind == Kind::kAside && found.is_regular;
    if (decoded.kind != Kind::kWhole && !aside) return true;
    // Only what our own rule makes: two files are never shown under one name.
    const auto place = aside ? Place::kAside : Place::kOwn;
    if (native != component && encode_object(component, place) != native) return true;
    Name name{component, native == component ? std::string{} : native, found.is_directory, aside};
    if (name.directory) name.leaf += '/';
    gathering.add(std::move(name));
    return true;
  }));
  // Their own changes do not show in the times of this directory.
  if (!continuations.empty()) gathering.all.reset();
  for (const auto& [path, text] : continuations) {
    auto scanned = scan(gathering, path, text);
    if (!scanned && scanned.error().code() != Code::kNotFound) return scanned;
  }
  return {};
}

/// Is the item behind where the walk starts?
Result<bool> Lister::wanted(const io::Context& context, const Walk& walk, const Frame& frame,
                            const Name& item) {
  const std::string name = frame.name + item.leaf;
  if (!name.starts_with(walk.prefix)) return false;
  if (!item.directory) return name > walk.after;
  if (walk.skip_directory && name == walk.after) return false;
  if (name > walk.after || name == walk.after) return true;
  if (!walk.after.starts_with(name)) return false;
  if (!walk.by_directory) return true;  // its own frame filters
  if (std::string_view{walk.after}.substr(name.size()).starts_with(kBehindAll)) return false;
  BR_TRY(below, list(context, {name, walk.after, false, 1, {}}));
  return !below.items.empty();
}

/// The directory as it is now, if its times tell of every later change.
std::optional<io::FileStat> Lister::settled(const std::string& path) {
  const auto stat = disk_.stat_directory(path);
  if (!stat || !stat->is_local || !stat->is_directory) return std::nullopt;
  const int64_t now = io::current_clock().wall().micros * 1000;
  const int64_t changed = std::max(stat->mtime_nanos, stat->ctime_nanos);
  if (std::chrono::nanoseconds{now - changed} < kSettled) return std::nullopt;
  return *stat;
}

/// Keeps all names of a directory that did not change while they were read.
void Lister::learn(const std::string& path, const io::FileStat& before, Names names) {
  if (names.size() < kMinKnownNames) return;
  const auto after = disk_.stat_directory(path);
  if (!after || after->inode != before.inode || after->mtime_nanos != before.mtime_nanos ||
      after->ctime_nanos != before.ctime_nanos) {
    return;
  }
  sort_and_deduplicate(names);
  names.shrink_to_fit();
  known_.put(path, before, std::make_shared<const Names>(std::move(names)));
}

/// As gather(), of kept names: the next kTaken wanted ones.
Result<void> Lister::take(const io::Context& context, const Walk& walk, Frame& frame,
                          const Names& names) {
  const std::string prefix =
      walk.prefix.size() > frame.name.size() ? walk.prefix.substr(frame.name.size()) : "";
  std::string from = prefix;
  if (!frame.last && walk.after.starts_with(frame.name)) {
    // "x/y" begins at the directory "x/".
    const std::string rest = walk.after.substr(frame.name.size());
    from = std::max(from, rest.substr(0, rest.find('/')));
  }
  auto next = frame.last ? std::ranges::upper_bound(names, *frame.last, {}, &Name::leaf)
                         : std::ranges::lower_bound(names, from, {}, &Name::leaf);
  std::vector<Item> items;
  for (; next != names.end() && items.size() < kTaken; ++next) {
    if (next->leaf > prefix && !next->leaf.starts_with(prefix)) {
      next = names.end();
      break;
    }
    if (!frame.last) {
      BR_TRY(wants, wanted(context, walk, frame, *next));
      if (!wants) continue;
    }
    items.push_back({*next, {}});
  }
  frame.complete = next == names.end();
  if (!items.empty()) frame.last = items.back().leaf;
  frame.items = std::move(items);
  frame.next = 0;
  return {};
}

Result<void> Lister::gather(const io::Context& context, const Walk& walk, Frame& frame) {
  BR_TRY(context.check(io::now()));
  const auto before = settled(frame.path);
  if (before) {
    if (const auto known = known_.find(frame.path, *before)) {
      return take(context, walk, frame, **known);
    }
  }
  Gathering gathering{frame.path, frame.path == tree_.root(), {}, {}, {}, {}};
  if (before) gathering.all.emplace();
  std::optional<Error> failed;
  gathering.wanted = [&](const Name& item) {
    if (frame.last) return item.leaf > *frame.last;
    auto wants = wanted(context, walk, frame, item);
    if (wants) return *wants;
    failed = wants.error();
    return false;
  };
  auto scanned = scan(gathering, "", "");
  if (!scanned && scanned.error().code() != Code::kNotFound) return scanned;
  if (failed) return std::unexpected(*failed);
  if (scanned && gathering.all) learn(frame.path, *before, std::move(*gathering.all));
  auto& items = gathering.items;
  sort_and_deduplicate(items);
  if (items.size() > kMaxGathered) {
    items.resize(kMaxGathered);
    gathering.bound = items.back().leaf;
  }
  frame.complete = !gathering.bound;
  if (!items.empty()) frame.last = items.back().leaf;
  frame.items = std::move(items);
  frame.next = 0;
  return {};
}

Result<void> Lister::enter(const io::Context& context, Walk& walk, std::string name,
                           std::string path) {
  Frame frame{std::move(name), std::move(path), {}, 0, false, {}};
  BR_TRY(gather(context, walk, frame));
  walk.frames.push_back(std::move(frame));
  return {};
}

/// Looks at the next item and at the files after it.
void Lister::look_ahead(Frame& frame) const {
  std::vector<std::string> names;
  std::vector<size_t> places;
  for (size_t k = frame.next; k < frame.items.size() && names.size() < kLookAhead; ++k) {
    const Item& item = frame.items[k];
    if (item.directory || item.stat) continue;
    names.push_back(item.native.empty() ? item.leaf : item.native);
    places.push_back(k);
  }
  auto found = disk_.stat_below(frame.path, names);
  for (size_t k = 0; k < places.size(); ++k) frame.items[places[k]].stat = std::move(found[k]);
}

/// What was looked at and not shown is looked at again by the next page.
void Lister::step_back(Walk& walk) {
  if (walk.frames.empty()) return;
  Frame& frame = walk.frames.back();
  if (walk.ready_file || walk.ready_directory) --frame.next;
  walk.ready_file.reset();
  walk.ready_directory.reset();
  for (size_t k = frame.next; k < frame.items.size() && frame.items[k].stat; ++k) {
    frame.items[k].stat.reset();
  }
}

/// Makes the next item ready. @return false at the end
Result<bool> Lister::advance(const io::Context& context, Walk& walk) {
  while (!walk.frames.empty()) {
    Frame& frame = walk.frames.back();
    if (frame.next == frame.items.size()) {
      if (frame.complete) {
        walk.frames.pop_back();
      } else {
        BR_TRY(gather(context, walk, frame));
      }
      continue;
    }
    if (!frame.items[frame.next].directory && !frame.items[frame.next].stat) look_ahead(frame);
    const Item& item = frame.items[frame.next++];
    std::string name = frame.name + item.leaf;
    if (item.directory && walk.by_directory) {
      walk.ready_directory = std::move(name);
      return true;
    }
    if (item.directory) {
      std::string path = frame.path + "/" + (item.native.empty() ? item.leaf : item.native);
      if (path.ends_with('/')) path.pop_back();
      BR_TRY(enter(context, walk, std::move(name), std::move(path)));
      continue;
    }
    const Result<io::FileStat>& stat = *item.stat;
    if (!stat && !is_gone(stat.error())) return std::unexpected(stat.error());
    if (!stat || !stat->is_regular) continue;
    CopyInfo info;
    info.name = std::move(name);
    info.size = stat->size;
    info.version = version_of(*stat);
    info.modified = Timestamp{stat->mtime_nanos / 1000};
    walk.ready_file = std::move(info);
    return true;
  }
  return false;
}

Result<Lister::Walk> Lister::begin(const io::Context& context, const ListRequest& request) {
  Walk walk;
  walk.prefix = request.prefix;
  walk.by_directory = request.by_directory;
  walk.after = request.start_after;
  if (!request.page_token.empty()) {
    const size_t colon = request.page_token.find(':');
    const auto id = parse_u64(std::string_view{request.page_token}.substr(0, colon));
    if (colon == std::string::npos || !id) {
      return std::unexpected(invalid("cannot list", "the page token is not one of ours"));
    }
    std::string shown = request.page_token.substr(colon + 1);
    if (auto waiting = resume(*id, shown, request)) {
      BR_TRY(advance(context, *waiting));
      return std::move(*waiting);
    }
    walk.skip_directory = walk.by_directory && shown.ends_with('/');
    walk.after = std::move(shown);
  }
  BR_TRY(tree_.check_root());
  if (is_reserved(walk.prefix)) return walk;  // never shown
  const std::string directory = walk.prefix.substr(0, walk.prefix.rfind('/') + 1);
  BR_TRY(path, tree_.directory_path(directory));
  auto real = tree_.check_parents(path + "/");
  if (!real && !is_gone(real.error())) return std::unexpected(std::move(real).error());
  if (real) BR_TRY(enter(context, walk, directory, path));
  BR_TRY(advance(context, walk));
  return walk;
}

Result<CopyPage> Lister::list(const io::Context& context, const ListRequest& request) {
  BR_TRY(walk, begin(context, request));
  const size_t max_items = request.max_items == 0 ? kDefaultPage : request.max_items;
  CopyPage page;
  std::string shown;
  for (size_t n = 0; n < max_items; ++n) {
    if (walk.ready_file) {
      shown = walk.ready_file->name;
      page.items.push_back(*std::exchange(walk.ready_file, std::nullopt));
    } else if (walk.ready_directory) {
      shown = *walk.ready_directory;
      page.directories.push_back(*std::exchange(walk.ready_directory, std::nullopt));
    } else {
      return page;
    }
    BR_TRY(advance(context, walk));
  }
  if (walk.ready_file || walk.ready_directory) {
    page.next_page_token = keep(std::move(walk), std::move(shown));
  }
  return page;
}

std::string Lister::keep(Walk walk, std::string shown) {
  const MonotonicTime now = io::now();
  step_back(walk);
  std::lock_guard lock{mutex_};
  walk.id = next_id_++;
  walk.since = now;
  std::string token = std::to_string(walk.id) + ":" + shown;
  walk.shown = std::move(shown);
  waiting_.push_front(std::move(walk));
  std::erase_if(waiting_, [&](const Walk& old) { return now - old.since > kCursorLife; });
  if (waiting_.size() > kMaxCursors) waiting_.pop_back();
  return token;
}

std::optional<Lister::Walk> Lister::resume(uint64_t id, const std::string& shown,
                                           const ListRequest& request) {
  std::lock_guard lock{mutex_};
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if (it->id != id || it->shown != shown || it->prefix != request.prefix ||
        it->by_directory != request.by_directory) {
      continue;
    }
    Walk walk = std::move(*it);
    waiting_.erase(it);
    return walk;
  }
  return std::nullopt;
}

}  // namespace beringia::backend::file

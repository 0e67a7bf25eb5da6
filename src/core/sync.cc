#include <algorithm>
#include <vector>

#include "core/adopt.h"
#include "core/doom.h"
#include "core/native_claims.h"
#include "core/reconcile.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace beringia::core {
namespace {

constexpr size_t kPage = 1000;  // names per backend listing call
constexpr size_t kSmallPage = 16;
constexpr int kMaxDepth = 16;  // of pruning directories that vanished natively
/// Sorts behind every name below a directory: U+10FFFF.
constexpr std::string_view kBehindAll = "\xF4\x8F\xBF\xBF";

const observe::Counter kSyncs{"beringia_core_directory_syncs_total",
                              "Directory listings compared with a backend.",
                              {"outcome"}};

const observe::Histogram kUnnoticed{
    "beringia_core_scan_unnoticed_seconds",
    "Of foreign changes that a scan found: from the native object's time until then.",
    {"kind"}};
const observe::Counter kFound{
    "beringia_core_scan_found_total", "Foreign changes that a scan found.", {"kind"}};

/// How a sync came about: the levels of vanished directories above it, and what the listing that
/// asks for it has seen (may be null).
struct Descent {
  int depth = 0;
  SeenBelow* seen = nullptr;
  FoundChanges* found = nullptr;  // of a scan: looks however fresh the view is, and notes
};

/// Does the catalog say something else than before, and what?
std::optional<FoundChange> difference(const meta::Location& before, const meta::Location& after,
                                      Timestamp now) {
  using Kind = FoundChange::Kind;
  if (!after.entry) {
    if (!before.entry) return std::nullopt;
    return FoundChange{Kind::kGone, before.path.text(), {}};
  }
  if (before.entry && before.entry->generation == after.entry->generation) return std::nullopt;
  const int64_t age = std::max<int64_t>(now.micros - after.entry->modified.micros, 0);
  return FoundChange{before.entry ? Kind::kChanged : Kind::kAdded, after.path.text(),
                     std::chrono::microseconds{age}};
}

/// Records are large: they are moved one by one only when there already are some.
void append(std::vector<meta::Child>& children, std::vector<meta::Child> more) {
  if (children.empty()) {
    children = std::move(more);
    return;
  }
  children.insert(children.end(), std::make_move_iterator(more.begin()),
                  std::make_move_iterator(more.end()));
}

/// One pass over one directory in one location.
class DirectorySync {
 public:
  DirectorySync(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                const LiveMount& mount, const Path& directory, bool worth_waiting, Descent descent)
      : context_{context},
        parts_{parts},
        mounts_{mounts},
        mount_{mount},
        directory_{directory},
        worth_waiting_{worth_waiting},
        descent_{descent} {}

  Result<std::optional<std::string>> run(const LiveLocation& place, std::string after, size_t want);
  /// All children that run() went over, if the catalog agreed with the backend throughout.
  std::optional<std::vector<meta::Child>> take_agreed() {
    if (changed_) return std::nullopt;
    return std::move(agreed_);
  }

 private:
  struct Native {
    std::string_view name;                    // below the directory, a directory's with '/'
    const backend::CopyInfo* info = nullptr;  // null: a directory
  };

  Result<void> merge(const LiveLocation& place, const backend::CopyPage& page,
                     const std::string& after, const std::optional<std::string>& upper);
  std::vector<Native> native_names(const LiveLocation& place, const backend::CopyPage& page) const;
  Result<std::vector<meta::Child>> catalog_children(const std::string& after,
                                                    const std::optional<std::string>& upper);
  Result<void> native_only(const LiveLocation& place, const std::string& name,
                           const backend::CopyInfo* info);
  Result<bool> has_adoptable_below(const LiveLocation& place, const std::string& native_prefix,
                                   bool stays);
  Result<bool> will_go(const LiveLocation& place, const backend::CopyInfo& info);
  Result<void> catalog_only(const LiveLocation& place, const meta::Child& child);
  Result<void> both(const LiveLocation& place, const meta::Child& child,
                    const backend::CopyInfo& info);
  Result<void> both_directories(const meta::Child& child);
  Result<void> look_again(const Path& path);
  /// Same, for who holds the path's lock.
  Result<void> look_again_locked(const Path& path);
  Result<void> note(const meta::Location& before);
  Result<void> drop_if_empty(const Path& path);

  const io::Context& context_;
  Namespace::Parts& parts_;
  const Mounts& mounts_;
  const LiveMount& mount_;
  const Path& directory_;
  const bool worth_waiting_;  // nobody else can tell
  const Descent descent_;
  std::vector<meta::Child> agreed_;
  bool changed_ = false;   // the catalog did not agree with the backend about some name
  std::string prefix_;     // native name of the directory in the current place
  uint64_t removals_ = 0;  // Parts::native_removals before the page was listed
};

Result<Synced> sync_at_depth(const io::Context& context, Namespace::Parts& parts,
                             const Mounts& mounts, const Path& directory, const std::string& after,
                             size_t want, Descent descent);

Result<std::optional<std::string>> DirectorySync::run(const LiveLocation& place, std::string after,
                                                      size_t want) {
  BR_TRY(location, parts_.tree.resolve(context_, directory_));
  prefix_ = default_native_name(mount_, place, location);
  const size_t page_size = std::clamp(want, kSmallPage, kPage);
  backend::ListRequest request{prefix_, {}, true, page_size, {}, worth_waiting_};
  if (!after.empty()) {
    request.start_after = prefix_ + after;
    if (after.ends_with('/')) request.start_after += kBehindAll;
  }
  for (size_t seen = 0;;) {
    removals_ = parts_.native_removals;
    auto page = place.backend->client->list(context_, request);
    if (!page)
      return std::unexpected(std::move(page).error().during("listing " + directory_.text()));
    std::optional<std::string> upper;
    if (!page->next_page_token.empty()) {
      std::string last;
      if (!page->items.empty()) last = page->items.back().name;
      if (!page->directories.empty()) last = std::max(last, page->directories.back());
      if (last.size() <= prefix_.size()) {
        request.page_token = page->next_page_token;  // an empty page: go on
        continue;
      }
      upper = last.substr(prefix_.size());
    }
    BR_TRY(merge(place, *page, after, upper));
    if (!upper) return std::nullopt;
    seen += page->items.size() + page->directories.size();
    if (seen >= want) return upper;
    after = *upper;
    request.page_token = page->next_page_token;
  }
}

std::vector<DirectorySync::Native> DirectorySync::native_names(
    const LiveLocation& place, const backend::CopyPage& page) const {
  std::vector<Native> names;
  names.reserve(page.items.size() + page.directories.size());
  for (const auto& item : page.items) {
    if (item.name.starts_with(backend::kReservedPrefix) && place.prefix.empty()) continue;
    names.push_back({std::string_view{item.name}.substr(prefix_.size()), &item});
  }
  for (const auto& name : page.directories) {
    if (name == backend::kReservedPrefix) continue;
    names.push_back({std::string_view{name}.substr(prefix_.size()), nullptr});
  }
  if (!std::ranges::is_sorted(names, {}, &Native::name)) {
    std::ranges::sort(names, {}, &Native::name);
  }
  return names;
}

/// Children with stored names in (after, upper], in order.
Result<std::vector<meta::Child>> DirectorySync::catalog_children(
    const std::string& after, const std::optional<std::string>& upper) {
  std::vector<meta::Child> found;
  BR_TRY(location, parts_.tree.resolve(context_, directory_));
  if (!location.parent_exists) return found;
  for (std::string from = after;;) {
    BR_TRY(children, parts_.tree.children(context_, location.parent_id(), "", from, kPage));
    const bool last = children.size() < kPage;
    if (!last) from = children.back().stored_name();
    const auto behind =
        upper
            ? std::ranges::find_if(
                  children, [&](const meta::Child& child) { return child.stored_name() > *upper; })
            : children.end();
    const bool complete = last || behind != children.end();
    children.erase(behind, children.end());
    append(found, std::move(children));
    if (complete) return found;
  }
}

/// Goes over both lists together, name by name.
Result<void> DirectorySync::merge(const LiveLocation& place, const backend::CopyPage& page,
                                  const std::string& after,
                                  const std::optional<std::string>& upper) {
  const std::vector<Native> native = native_names(place, page);
  BR_TRY(catalog, catalog_children(after, upper));
  auto child = catalog.begin();
  const auto missing_until = [&](const std::string_view* name) -> Result<void> {
    for (; child != catalog.end(); ++child) {
      if (name != nullptr && child->stored_name() >= *name) break;
      changed_ = true;
      BR_TRY(catalog_only(place, *child));
    }
    return {};
  };
  for (const auto& [name, info] : native) {
    BR_TRY(context_.check(parts_.clock.monotonic()));
    BR_TRY(missing_until(&name));
    if (child == catalog.end() || child->stored_name() != name) {
      changed_ = true;
      BR_TRY(native_only(place, std::string{name}, info));
      continue;
    }
    if (info != nullptr) {
      BR_TRY(both(place, *child, *info));
    } else {
      BR_TRY(both_directories(*child));
    }
    ++child;
  }
  BR_TRY(missing_until(nullptr));
  if (!changed_) append(agreed_, std::move(catalog));
  return {};
}

Result<void> DirectorySync::native_only(const LiveLocation& place, const std::string& name,
                                        const backend::CopyInfo* info) {
  auto path = directory_.join(name);
  if (!path) {
    observe::log_warn("native_name_skipped", "A native object has a name no client could use.",
                      {observe::field("backend", place.backend->declaration.name),
                       observe::field("why", path.error().to_string())});
    return {};
  }
  BR_TRY(location, parts_.tree.resolve(context_, *path));
  BR_TRY(claimed, is_claimed_elsewhere(context_, parts_, place.backend->declaration.id,
                                       prefix_ + name, location));
  if (claimed) return {};
  const bool may_be_gone = parts_.native_removals != removals_;
  if (info == nullptr) {
    if (mounts_.is_mount_point(*path)) return {};
    const bool stays = path->directories().size() == 1 || meta::keeps_directories(location);
    BR_TRY(any, has_adoptable_below(place, prefix_ + name, stays));
    return any ? make_found_directory(context_, parts_, *path) : Result<void>{};
  }
  // Complete listings (checksums included) are believed; the others cost one stat each.
  if (!info->crc32c || may_be_gone) return look_again(*path);
  // Doomed, or a move's unfinished work? The closer look tells.
  BR_TRY(guarded,
         has_doomed_row(context_, parts_.store, place.backend->declaration.id, info->name));
  if (guarded) return look_again(*path);
  BR_TRY(guard, parts_.locks.lock(context_, *path));
  if (parts_.native_removals != removals_) return look_again_locked(*path);
  BR_TRY(now, parts_.tree.resolve(context_, *path));
  location = std::move(now);
  if (location.entry) return {};  // made or adopted meanwhile
  const meta::Location before = location;
  Adoption adoption{context_, parts_, mounts_, mount_, location};
  auto inserted = adoption.insert(place, *info);
  if (inserted) return note(before);
  if (inserted.error().code() != Code::kConflict) return inserted;
  return look_again_locked(*path);
}

/// A native directory is one of ours when something lies in it that will stay. `stays`: it may be
/// empty, as a bucket that somebody made natively.
Result<bool> DirectorySync::has_adoptable_below(const LiveLocation& place,
                                                const std::string& native_prefix, bool stays) {
  const auto backend = place.backend->declaration.id;
  const bool native = place.backend->client->capabilities().native_directories;
  BR_TRY(doomed, has_doomed_below(context_, parts_.store, backend, native_prefix));
  if (!doomed && native && stays) return true;
  if (!doomed && !native && parts_.native_removals == removals_) return true;
  // Seen on the way down: else each level of a deep tree would walk all levels below it.
  if (descent_.seen != nullptr) {
    const auto known = descent_.seen->find(backend);
    if (known != descent_.seen->end() && known->second.starts_with(native_prefix) &&
        parts_.native_removals == removals_) {
      BR_TRY(goes, has_doomed_row(context_, parts_.store, backend, known->second));
      if (!goes) return true;
    }
  }
  BR_TRY(page, place.backend->client->list(context_, {native_prefix, {}, false, kPage, {}}));
  for (const auto& item : page.items) {
    BR_TRY(goes, will_go(place, item));
    if (goes) continue;
    if (descent_.seen != nullptr) (*descent_.seen)[backend] = item.name;
    return true;
  }
  return (native && stays && page.items.empty()) || !page.next_page_token.empty();
}

/// Is it doomed, or a move's unfinished work? A newer object under a doomed one's name is neither.
Result<bool> DirectorySync::will_go(const LiveLocation& place, const backend::CopyInfo& info) {
  const auto backend = place.backend->declaration.id;
  BR_TRY(row, has_doomed_row(context_, parts_.store, backend, info.name));
  if (!row) return false;
  auto there = place.backend->client->stat(context_, {info.name});
  if (!there && there.error().code() == Code::kNotFound) return true;
  if (!there) return std::unexpected(std::move(there).error());
  return is_doomed(context_, parts_.store, backend, *there);
}

Result<void> DirectorySync::both(const LiveLocation& place, const meta::Child& child,
                                 const backend::CopyInfo& info) {
  for (const auto& copy : child.entry->copies) {
    if (copy.backend != place.backend->declaration.id) continue;
    if (!copy.native_name.empty() && copy.native_name != info.name) continue;
    if (copy.version == info.version) return {};
    changed_ = true;
    BR_TRY(path, directory_.join(child.name));
    return look_again(path);
  }
  // The catalog's copies are elsewhere. This object is shadowed by them, unless its place comes
  // first and it is not what a move has left.
  for (const auto& before : mount_.locations) {
    if (is_copied_to(*child.entry, before)) return {};
    if (before.backend == place.backend) break;
  }
  BR_TRY(doomed, is_doomed(context_, parts_.store, place.backend->declaration.id, info));
  if (doomed) return {};
  changed_ = true;
  BR_TRY(path, directory_.join(child.name));
  return look_again(path);
}

/// A directory that was found for what lay in it goes with it, also when that went before anybody
/// had looked at it: no removal of an entry takes the directory along then.
Result<void> DirectorySync::both_directories(const meta::Child& child) {
  if (child.directory->explicit_directory) return {};
  BR_TRY(path, directory_.join(child.name + "/"));
  if (mounts_.is_mount_point(path)) return {};
  BR_TRY(location, parts_.tree.resolve(context_, path));
  if (!location.parent_exists) return {};
  BR_TRY(children, parts_.tree.children(context_, location.parent_id(), "", "", 1));
  if (!children.empty()) return {};
  const bool bucket = path.directories().size() == 1;
  for (const auto& place : mount_.locations) {
    if (is_avoided(*place.backend)) return {};
    BR_TRY(any, has_adoptable_below(place, default_native_name(mount_, place, location), bucket));
    if (any) return {};
  }
  changed_ = true;
  return drop_if_empty(path);
}

Result<void> DirectorySync::catalog_only(const LiveLocation& place, const meta::Child& child) {
  if (child.is_directory) {
    BR_TRY(path, directory_.join(child.name + "/"));
    if (mounts_.is_mount_point(path) || descent_.depth >= kMaxDepth) return {};
    BR_TRY(sync_at_depth(context_, parts_, mounts_, path, "", SIZE_MAX,
                         {descent_.depth + 1, descent_.seen, descent_.found}));
    return child.directory->explicit_directory ? Result<void>{} : drop_if_empty(path);
  }
  for (const auto& copy : child.entry->copies) {
    if (copy.backend == place.backend->declaration.id && copy.native_name.empty()) {
      BR_TRY(path, directory_.join(child.name));
      return look_again(path);
    }
  }
  return {};
}

Result<void> DirectorySync::look_again(const Path& path) {
  BR_TRY(guard, parts_.locks.lock(context_, path));
  return look_again_locked(path);
}

Result<void> DirectorySync::look_again_locked(const Path& path) {
  if (descent_.found == nullptr) {
    BR_TRY(reconcile_entry(context_, parts_, mounts_, path, Need::kWrite));
    return {};
  }
  BR_TRY(before, parts_.tree.resolve(context_, path));
  BR_TRY(reconcile_entry(context_, parts_, mounts_, path, Need::kWrite));
  return note(before);
}

Result<void> DirectorySync::note(const meta::Location& before) {
  if (descent_.found == nullptr) return {};
  BR_TRY(after, parts_.tree.resolve(context_, before.path));
  auto change = difference(before, after, parts_.clock.wall());
  if (!change) return {};
  kFound.add(1, {word_of(change->kind)});
  if (change->kind != FoundChange::Kind::kGone) {
    const std::chrono::duration<double> seconds = change->unnoticed;
    kUnnoticed.observe(seconds.count(), {word_of(change->kind)});
  }
  descent_.found->note(std::move(*change));
  return {};
}

Result<void> DirectorySync::drop_if_empty(const Path& path) {
  BR_TRY(location, parts_.tree.resolve(context_, path));
  if (!location.parent_exists) return {};
  BR_TRY(children, parts_.tree.children(context_, location.parent_id(), "", "", 1));
  if (!children.empty()) return {};
  kv::Batch batch;
  parts_.tree.remove_directory(batch, location);
  auto committed = parts_.store.commit(context_, batch, kv::Durability::kBuffered);
  parts_.tree.committed(batch);
  // A conflict means that somebody uses it again: then it may stay.
  if (!committed && committed.error().code() != Code::kConflict) {
    return std::unexpected(std::move(committed).error());
  }
  return {};
}

/// The directory's view is as fresh as its mount asks.
Result<bool> is_fresh(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                      const LiveMount& mount, const meta::Location& location) {
  const auto& freshness = mount.declaration.freshness;
  if (freshness.exclusive) return parent_is_known(context, parts, mounts, mount, location);
  return parts.freshness.directories.within(location.path.text(), parts.clock.monotonic(),
                                            freshness.max_staleness);
}

/// @param since  when the first page was listed
Result<void> mark_synced(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                         const Path& directory, MonotonicTime since) {
  parts.freshness.directories.mark(directory.text(), since);
  BR_TRY(location, parts.tree.resolve(context, directory));
  if (!location.parent_exists) return {};
  const std::string key = meta::sync_key(location.parent_id());
  BR_TRY(row, parts.store.get(context, key));
  if (row) {
    BR_TRY(sync, meta::decode_sync(*row));
    if (sync.epoch == mounts.sync_epoch()) return {};
  }
  kv::Batch batch;
  batch.put(key, meta::encode(meta::SyncRecord{parts.clock.wall(), mounts.sync_epoch(), {}}));
  BR_TRY(parts.store.commit(context, std::move(batch), kv::Durability::kBuffered));
  return {};
}

/// One directory of one mount that is to be looked at.
struct Look {
  const io::Context& context;
  Namespace::Parts& parts;
  const Mounts& mounts;
  const LiveMount& mount;
  const Path& directory;
  Descent descent;
};

struct Looked {
  Synced synced;
  bool all_answered = true;
};

/// Compares the names in (after, bound] with every location. `known`: the catalog stands in for
/// backends that are away.
Result<Looked> look_at_page(const Look& look, const std::string& after, size_t want, bool known,
                            bool wants_children) {
  Looked looked;
  auto& bound = looked.synced.bound;
  for (const auto& place : look.mount.locations) {
    auto failure = [&](Error error) -> Result<void> {
      looked.all_answered = false;
      kSyncs.add(1, {"failed"});
      // What the catalog has learnt before still stands while the backend is away.
      if (known && error.code() == Code::kUnavailable) return {};
      return std::unexpected(std::move(error));
    };
    if (is_avoided(*place.backend)) {
      BR_TRY(failure(
          unavailable("cannot list " + look.directory.text(),
                      "backend \"" + place.backend->declaration.name + "\" failed a moment ago")));
      continue;
    }
    DirectorySync sync{look.context,   look.parts, look.mounts, look.mount,
                       look.directory, !known,     look.descent};
    auto upper = sync.run(place, after, want);
    if (!upper) {
      // Only what was tried counts: else the avoidance would renew itself as long as somebody asks.
      note_backend_failure(*place.backend, upper.error());
      BR_TRY(failure(std::move(upper).error()));
      continue;
    }
    kSyncs.add(1, {"done"});
    if (*upper && (!bound || **upper < *bound)) bound = **upper;
    if (wants_children && look.mount.locations.size() == 1) {
      looked.synced.children = sync.take_agreed();
    }
  }
  return looked;
}

/// "Checked each time": only the page, and nobody's look can stand for another's.
Result<Synced> check_page(const Look& look, const std::string& after, size_t want) {
  BR_TRY(location, look.parts.tree.resolve(look.context, look.directory));
  BR_TRY(known, parent_is_known(look.context, look.parts, look.mounts, look.mount, location));
  BR_TRY(looked, look_at_page(look, after, want, known, true));
  if (looked.all_answered && !looked.synced.bound && after.empty()) {
    BR_TRY(mark_synced(look.context, look.parts, look.mounts, look.directory,
                       look.parts.clock.monotonic()));
  }
  return std::move(looked.synced);
}

/// Freshness that is remembered needs the whole directory. It is looked at page by page, each once
/// for all who wait: who wants a page has it when it is there, and who gave up on a large directory
/// goes on where they stopped.
Result<Synced> learn_directory(const Look& look, const std::string& after, size_t want) {
  auto& progress = look.parts.freshness.progress;
  const auto& name = look.directory.text();
  const auto& freshness = look.mount.declaration.freshness;
  std::optional<SyncProgress::Reached> own;  // of this call: it may last longer than it is fresh
  for (;;) {
    BR_TRY(flight, look.parts.freshness.syncs.lock(look.context, look.directory));
    BR_TRY(location, look.parts.tree.resolve(look.context, look.directory));
    BR_TRY(fresh, is_fresh(look.context, look.parts, look.mounts, look.mount, location));
    if (fresh) return Synced{};
    const MonotonicTime now = look.parts.clock.monotonic();
    auto reached = progress.of(name);
    const bool holds = reached && reached->epoch == look.mounts.sync_epoch() &&
                       (freshness.exclusive || now - reached->begun <= freshness.max_staleness);
    if (!holds) reached = own;
    if (want != SIZE_MAX && reached && reached->until > after) return Synced{reached->until, {}};
    // Beyond what is known, or in the middle of what nobody began: the page alone.
    if (want != SIZE_MAX && !after.empty() && (!reached || reached->until != after)) {
      return check_page(look, after, want);
    }
    if (!reached) reached = SyncProgress::Reached{now, look.mounts.sync_epoch(), {}};
    BR_TRY(known, parent_is_known(look.context, look.parts, look.mounts, look.mount, location));
    BR_TRY(looked, look_at_page(look, reached->until, kPage, known, false));
    if (!looked.synced.bound) {
      progress.forget(name);
      if (looked.all_answered) {
        BR_TRY(mark_synced(look.context, look.parts, look.mounts, look.directory, reached->begun));
      }
      return std::move(looked.synced);
    }
    reached->until = *looked.synced.bound;
    own = reached;
    if (looked.all_answered) progress.set(name, *reached);
    if (want != SIZE_MAX) return std::move(looked.synced);
  }
}

/// All of it, however fresh the view is; every backend must answer.
Result<Synced> scan_directory(const Look& look) {
  BR_TRY(flight, look.parts.freshness.syncs.lock(look.context, look.directory));
  const MonotonicTime begun = look.parts.clock.monotonic();
  BR_TRY(looked, look_at_page(look, {}, SIZE_MAX, false, false));
  look.parts.freshness.progress.forget(look.directory.text());
  BR_TRY(mark_synced(look.context, look.parts, look.mounts, look.directory, begun));
  return std::move(looked.synced);
}

Result<Synced> sync_at_depth(const io::Context& context, Namespace::Parts& parts,
                             const Mounts& mounts, const Path& directory, const std::string& after,
                             size_t want, Descent descent) {
  const LiveMount* mount = mounts.find(directory);
  if (mount == nullptr || mount->locations.empty()) return Synced{};
  const Look look{context, parts, mounts, *mount, directory, descent};
  if (descent.found != nullptr) return scan_directory(look);
  BR_TRY(before, parts.tree.resolve(context, directory));
  BR_TRY(fresh, is_fresh(context, parts, mounts, *mount, before));
  if (fresh) return Synced{};
  const auto& freshness = mount->declaration.freshness;
  const bool remembers = freshness.exclusive || freshness.max_staleness.count() > 0;
  return remembers ? learn_directory(look, after, want) : check_page(look, after, want);
}

}  // namespace

Result<Synced> sync_children(const io::Context& context, Namespace::Parts& parts,
                             const Mounts& mounts, const Path& directory, const std::string& after,
                             size_t want, SeenBelow* seen) {
  return sync_at_depth(context, parts, mounts, directory, after, want, {0, seen, nullptr});
}

Result<void> scan_children(const io::Context& context, Namespace::Parts& parts,
                           const Mounts& mounts, const Path& directory, FoundChanges& found) {
  BR_TRY(sync_at_depth(context, parts, mounts, directory, "", SIZE_MAX, {0, nullptr, &found}));
  return {};
}

}  // namespace beringia::core

#include <algorithm>

#include "core/parts.h"
#include "core/reconcile.h"

namespace beringia::core {
namespace {

constexpr size_t kBatch = 1000;  // children read at a time
/// Children that the directories on the way keep in memory, all together; a directory that would
/// keep more reads them again when the walk returns to it (keys of 1,024 bytes have up to 512).
constexpr size_t kMaxKept = 16 * kBatch;
/// Sorts behind every UTF-8 text: U+10FFFF.
constexpr std::string_view kHighest = "\xF4\x8F\xBF\xBF";

/// A position before `name` and behind all that is shorter or less: where "names >= name" begins.
/// Names in between are sorted out one by one.
std::string before(std::string name) {
  if (name.empty()) return name;
  if (name.back() == '\0') {  // names hold no NUL
    name.pop_back();
    return name;
  }
  name.back() = static_cast<char>(static_cast<unsigned char>(name.back()) - 1);
  return name.append(kHighest);
}

/// Walks the tree depth first, which is the byte order of full names (docs/formats/catalog.md).
class Lister {
 public:
  Lister(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
         const Path& root, const ListRequest& request)
      : context_{context}, parts_{parts}, mounts_{mounts}, root_{root}, request_{request} {
    after_ = std::max(request.start_after, before(request.start_offset));
  }

  Result<ListPage> run();

 private:
  /// A directory on the way, and its children that were read and not visited yet.
  struct Level {
    std::string below;  // name relative to the root of the listing: "" or ending in '/'
    std::string from;   // stored names up to here have been read
    std::vector<meta::Child> children;
    size_t next = 0;
    bool complete = false;  // nothing behind `children`
  };

  void enter(std::string below);
  Result<void> load(Level& level);
  Result<bool> visit(meta::Child& child);
  Result<bool> visit_directory(std::string name, bool made_on_purpose);
  bool show(const std::optional<std::string>& prefix, const std::string& name,
            std::optional<meta::EntryRecord>&& record);
  std::string position_in(const std::string& below) const;
  std::optional<std::string> prefix_of(const std::string& name) const;
  bool lies_before(const std::string& directory) const;
  /// On the page before this one, which ended with it. The range may begin behind it.
  bool is_reported(const std::string& prefix) const {
    return prefix == after_ || prefix == request_.start_after;
  }
  Result<bool> has_key_in_range(const std::string& directory);

  const io::Context& context_;
  Namespace::Parts& parts_;
  const Mounts& mounts_;
  const Path& root_;
  const ListRequest& request_;
  std::string after_;
  bool counts_directories_ = false;
  std::vector<Level> levels_;
  SeenBelow seen_;
  ListPage page_;
};

/// Where to start among the children of `below`: stored names greater than this.
std::string Lister::position_in(const std::string& below) const {
  if (!after_.starts_with(below) || after_.size() == below.size()) return {};
  const std::string rest = after_.substr(below.size());
  const size_t slash = rest.find('/');
  if (slash == std::string::npos) return rest;
  // The directory "x/" itself is still to be visited: start right before it ('.' precedes '/').
  return rest.substr(0, slash) + "." + std::string{kHighest};
}

/// The common prefix that `name` falls under, with the request's delimiter.
std::optional<std::string> Lister::prefix_of(const std::string& name) const {
  if (request_.delimiter.empty()) return std::nullopt;
  const size_t found = name.find(request_.delimiter, request_.prefix.size());
  if (found == std::string::npos) return std::nullopt;
  return name.substr(0, found + request_.delimiter.size());
}

/// Every name below `directory` lies before the start position.
bool Lister::lies_before(const std::string& directory) const {
  return after_ > directory && !after_.starts_with(directory);
}

/// Adds a prefix that is not the last one already, and an item, if they fit; both are on one page,
/// so that resuming behind the prefix loses nothing. @return false: the page is full
bool Lister::show(const std::optional<std::string>& prefix, const std::string& name,
                  std::optional<meta::EntryRecord>&& record) {
  const bool fresh = prefix && (page_.prefixes.empty() || page_.prefixes.back() != *prefix);
  const size_t wanted = (fresh ? 1U : 0U) + (record ? 1U : 0U);
  if (wanted == 0) return true;
  const size_t found = page_.items.size() + page_.prefixes.size();
  if (found >= request_.limit || (found > 0 && found + wanted > request_.limit)) {
    page_.truncated = true;
    return false;
  }
  if (fresh) page_.prefixes.push_back(*prefix);
  if (page_.items.empty()) page_.items.reserve(std::min(request_.limit, kBatch));
  if (record) page_.items.push_back({name, std::move(*record)});
  page_.last = record ? name : *prefix;
  return true;
}

void Lister::enter(std::string below) {
  if (!levels_.empty()) {
    Level& parent = levels_.back();
    size_t kept = 0;
    for (const auto& level : levels_) kept += level.children.size();
    if (parent.complete && parent.next == parent.children.size()) {
      levels_.pop_back();  // nothing to return to
    } else if (kept > kMaxKept) {
      parent.from = below.substr(parent.below.size());
      parent.complete = false;
      parent.children = {};
      parent.next = 0;
    }
  }
  std::string from = position_in(below);
  levels_.push_back({std::move(below), std::move(from), {}, 0, false});
}

/// Reads the next children of a directory, once its backends have been asked as its mount says.
Result<void> Lister::load(Level& level) {
  BR_TRY(context_.check(parts_.clock.monotonic()));
  level.children.clear();
  level.next = 0;
  level.complete = true;
  const auto directory = root_.join(level.below);
  if (!directory) return {};  // no key can have such a name
  const std::string rest = request_.prefix.size() > level.below.size()
                               ? request_.prefix.substr(level.below.size())
                               : std::string{};
  const size_t found = page_.items.size() + page_.prefixes.size();
  // At least two: the marker object "" is no progress by itself.
  const size_t want =
      std::clamp<size_t>(request_.limit - std::min(found, request_.limit) + 1, 2, kBatch);
  BR_TRY(synced, sync_children(context_, parts_, mounts_, *directory,
                               std::max(level.from, before(rest)), want, &seen_));
  const auto& bound = synced.bound;
  const bool behind_prefix = bound && *bound > rest && !bound->starts_with(rest);
  if (synced.children) {
    level.children = std::move(*synced.children);
    if (!rest.empty()) {
      std::erase_if(level.children, [&](const meta::Child& child) {
        return !child.stored_name().starts_with(rest);
      });
    }
    level.complete = !bound || behind_prefix;
    if (bound) level.from = *bound;
    return {};
  }
  BR_TRY(location, parts_.tree.resolve(context_, *directory));
  if (!location.parent_exists) return {};
  BR_TRY(children, parts_.tree.children(context_, location.parent_id(), rest, level.from, want));
  level.children = std::move(children);
  const bool whole = level.children.size() < want;
  if (bound) {
    // The backends have told us this far, and no further.
    std::erase_if(level.children,
                  [&](const meta::Child& child) { return child.stored_name() > *bound; });
  }
  if (whole && (!bound || behind_prefix)) return {};
  level.complete = false;
  if (whole || level.children.size() < want) {
    level.from = *bound;
  } else {
    level.from = level.children.back().stored_name();
  }
  return {};
}

Result<bool> Lister::visit(meta::Child& child) {
  std::string name = levels_.back().below + child.name;
  if (child.is_directory) name += '/';
  if (!request_.end_offset.empty() && name >= request_.end_offset) return false;
  if (child.is_directory) {
    return visit_directory(std::move(name), child.directory->explicit_directory);
  }
  if (name <= after_ || name < request_.start_offset) return true;
  if (!name.starts_with(request_.prefix)) return true;
  const auto prefix = prefix_of(name);
  if (!prefix) return show({}, name, std::move(child.entry));
  if (is_reported(*prefix)) return true;
  const bool also_item = request_.include_trailing_delimiter && *prefix == name;
  return show(prefix, name, also_item ? std::move(child.entry) : std::nullopt);
}

Result<bool> Lister::visit_directory(std::string name, bool made_on_purpose) {
  if (lies_before(name)) return true;
  // One that was made on purpose counts by its own name, too: it may be empty.
  const bool in_range = made_on_purpose && name > after_ && name >= request_.start_offset &&
                        name.starts_with(request_.prefix);
  if (in_range && counts_directories_) return show(name, name, std::nullopt);
  const auto prefix = prefix_of(name);
  if (!prefix || *prefix != name) {
    enter(std::move(name));
    return true;
  }
  // The delimiter is '/': the directory is one row of the answer.
  if (is_reported(name)) return true;
  const auto cuts = [&](const std::string& position) { return position.starts_with(name); };
  if (!in_range && (cuts(after_) || cuts(request_.start_offset) || cuts(request_.end_offset))) {
    BR_TRY(any, has_key_in_range(name));
    if (!any) return true;
  }
  std::optional<meta::EntryRecord> marker;
  if (request_.include_trailing_delimiter) {
    BR_TRY(path, root_.join(name));
    BR_TRY(location, parts_.tree.resolve(context_, path));
    marker = std::move(location.entry);
  }
  return show(prefix, name, std::move(marker));
}

/// Is there any key, or directory made on purpose, below `directory` in the request's range?
Result<bool> Lister::has_key_in_range(const std::string& directory) {
  ListRequest request;
  request.prefix = directory;
  request.start_after = request_.start_after;
  request.start_offset = request_.start_offset;
  request.end_offset = request_.end_offset;
  request.limit = 1;
  Lister probe{context_, parts_, mounts_, root_, request};
  probe.counts_directories_ = true;
  BR_TRY(page, probe.run());
  return !page.items.empty() || !page.prefixes.empty();
}

Result<ListPage> Lister::run() {
  if (request_.limit == 0) return std::move(page_);
  const size_t slash = request_.prefix.rfind('/');
  std::string below = slash == std::string::npos ? "" : request_.prefix.substr(0, slash + 1);
  if (!lies_before(below)) enter(std::move(below));
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.next < level.children.size()) {
      BR_TRY(on, visit(level.children[level.next++]));
      if (!on) break;
    } else if (level.complete) {
      levels_.pop_back();
    } else {
      BR_TRY(load(level));
    }
  }
  return std::move(page_);
}

}  // namespace

Result<ListPage> Namespace::list(const io::Context& context, const Grant& grant,
                                 const ListRequest& request) {
  const auto mounts = parts_.mounts.get();
  if (!grant.path().is_root()) {
    BR_TRY(root, parts_.tree.resolve(context, grant.path()));
    if (root.directories.size() < 2) {
      BR_TRY(found, find_bucket(context, parts_, *mounts, grant.path()));
      if (!found) {
        return std::unexpected(
            not_found("there is no directory " + grant.path().text()).with_tag("no_bucket"));
      }
    }
  }
  return Lister{context, parts_, *mounts, grant.path(), request}.run();
}

}  // namespace beringia::core

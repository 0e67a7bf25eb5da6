#include <algorithm>
#include <utility>

#include "core/parts.h"
#include "core/reconcile.h"
#include "core/versions.h"

namespace beringia::core {
namespace {

constexpr size_t kPage = 1000;

/// What stands next in one of the two lists: a name, or a prefix that stands for all below it.
struct Next {
  std::string name;
  bool is_prefix = false;

  /// A prefix comes before the name that it is itself.
  auto operator<=>(const Next& other) const {
    return std::pair(std::string_view{name}, !is_prefix) <=>
           std::pair(std::string_view{other.name}, !other.is_prefix);
  }
  bool operator==(const Next&) const = default;
};

/// The entries: pages of the list verb, names and prefixes in one order.
class Entries {
 public:
  Entries(Namespace& names, const io::Context& context, const Grant& grant,
          const ListVersionsRequest& request)
      : names_{names}, context_{context}, grant_{grant}, request_{request} {
    list_.prefix = request.prefix;
    list_.delimiter = request.delimiter;
    list_.start_after = request.start_after;
    list_.start_offset = request.start_offset;
    if (request.after_generation) {
      list_.start_after.clear();
      list_.start_offset = std::max(request.start_offset, request.start_after);
    }
    list_.end_offset = request.end_offset;
    list_.limit = std::clamp<size_t>(request.limit + 1, 2, kPage);
    list_.include_trailing_delimiter = request.include_trailing_delimiter;
  }

  /// nullopt: that was all.
  Result<std::optional<Next>> peek() {
    if (request_.soft_deleted) return std::nullopt;
    while (item_ == page_.items.size() && prefix_ == page_.prefixes.size()) {
      if (!more_) return std::nullopt;
      BR_TRY(page, names_.list(context_, grant_, list_));
      page_ = std::move(page);
      item_ = prefix_ = 0;
      more_ = page_.truncated;
      list_.start_after = page_.last;
    }
    std::optional<Next> next;
    if (item_ < page_.items.size()) next = Next{page_.items[item_].name, false};
    if (prefix_ < page_.prefixes.size()) {
      Next prefix{page_.prefixes[prefix_], true};
      if (!next || prefix < *next) next = std::move(prefix);
    }
    return next;
  }
  void skip_prefix() { ++prefix_; }
  meta::EntryRecord take() { return std::move(page_.items[item_++].record); }

 private:
  Namespace& names_;
  const io::Context& context_;
  const Grant& grant_;
  const ListVersionsRequest& request_;
  ListRequest list_;
  ListPage page_;
  size_t item_ = 0;
  size_t prefix_ = 0;
  bool more_ = true;
};

/// The rows of versions, those below a common prefix passed over by one seek.
class Rows {
 public:
  Rows(const io::Context& context, kv::Store& store, const meta::Location& root,
       const ListVersionsRequest& request)
      : context_{context},
        store_{store},
        request_{request},
        table_{request.soft_deleted ? meta::VersionTable::kSoftDeleted
                                    : meta::VersionTable::kNoncurrent},
        bucket_{root.directories[1].id},
        root_{root.path.key()} {
    const std::string all = row_prefix(request.prefix);
    last_ = meta::behind(all);
    first_ = std::max(all, row_prefix(request.start_offset));
    if (!request.start_after.empty()) {
      first_ = std::max(
          first_, row_prefix(request.start_after) + (request.after_generation ? '\0' : '\x01'));
    }
  }

  /// Begins inside a name, at what is older than `generation`.
  void start_before(uint64_t generation) {
    first_ = generation <= 1
                 ? row_prefix(request_.start_after) + '\x01'
                 : meta::version_key(bucket_, root_ + request_.start_after, generation - 1, table_);
  }

  Result<std::optional<Next>> peek() {
    for (;;) {
      BR_TRY(any, fill());
      if (!any) return std::nullopt;
      std::string name = rows_[at_].key.substr(root_.size());
      if (!request_.end_offset.empty() && name >= request_.end_offset) return std::nullopt;
      const auto prefix = prefix_of(name);
      if (!prefix) return Next{std::move(name), false};
      // Reported by the page before, or by this one already.
      if (*prefix != request_.start_after && *prefix != skipped_) return Next{*prefix, true};
      if (request_.include_trailing_delimiter && name == *prefix) {
        return Next{std::move(name), false};
      }
      seek(meta::behind(row_prefix(*prefix)));
    }
  }
  void skip_prefix(const std::string& prefix) { skipped_ = prefix; }
  meta::VersionRecord take() { return std::move(rows_[at_++].version); }

 private:
  std::string row_prefix(const std::string& name) const {
    return meta::versions_prefix(bucket_, table_) + root_ + name;
  }
  std::optional<std::string> prefix_of(const std::string& name) const {
    if (request_.delimiter.empty()) return std::nullopt;
    const size_t found = name.find(request_.delimiter, request_.prefix.size());
    if (found == std::string::npos) return std::nullopt;
    return name.substr(0, found + request_.delimiter.size());
  }
  void seek(std::string first) {
    while (at_ < rows_.size() && rows_[at_].row_key < first) ++at_;
    if (at_ == rows_.size()) first_ = std::max(first_, std::move(first));
  }
  Result<bool> fill() {
    if (at_ < rows_.size()) return true;
    if (!more_ || first_ >= last_) return false;
    BR_TRY(rows, meta::versions_between(context_, store_, first_, last_,
                                        std::clamp<size_t>(request_.limit + 1, 16, kPage)));
    more_ = rows.size() >= std::clamp<size_t>(request_.limit + 1, 16, kPage);
    rows_ = std::move(rows);
    at_ = 0;
    if (!rows_.empty()) first_ = rows_.back().row_key + '\0';
    return !rows_.empty();
  }

  const io::Context& context_;
  kv::Store& store_;
  const ListVersionsRequest& request_;
  const meta::VersionTable table_;
  const meta::DirectoryId bucket_;
  const std::string root_;  // key of the root of the listing, inside its bucket
  std::string first_;
  std::string last_;
  std::string skipped_;
  std::vector<meta::StoredVersionRow> rows_;
  size_t at_ = 0;
  bool more_ = true;
};

/// Entries and rows merged, name by name.
class VersionLister {
 public:
  VersionLister(Namespace& names, const io::Context& context, Namespace::Parts& parts,
                const Grant& grant, const ListVersionsRequest& request, meta::Location root)
      : context_{context},
        parts_{parts},
        request_{request},
        root_{std::move(root)},
        entries_{names, context, grant, request},
        rows_{context, parts.store, root_, request} {}

  Result<VersionPage> run();

 private:
  Result<void> find_start();
  Result<bool> visit_name(const std::string& name, bool has_entry);
  bool show(const std::string& name, meta::VersionRecord version, bool is_current);
  bool has_room() {
    if (page_.items.size() + page_.prefixes.size() < request_.limit) return true;
    page_.truncated = true;
    return false;
  }

  const io::Context& context_;
  Namespace::Parts& parts_;
  const ListVersionsRequest& request_;
  const meta::Location root_;
  Entries entries_;
  Rows rows_;
  bool entry_was_shown_ = false;  // of start_after, by the page before
  VersionPage page_;
};

/// Where to go on inside the name that the page before ended with.
Result<void> VersionLister::find_start() {
  if (!request_.after_generation) return {};
  BR_TRY(path, root_.path.join(request_.start_after));
  BR_TRY(location, parts_.tree.resolve(context_, path));
  entry_was_shown_ = true;
  uint64_t generation = *request_.after_generation;
  if (!request_.soft_deleted && location.entry && is_chosen(*location.entry, generation)) return {};
  if (generation == kUnversioned && !request_.soft_deleted) {
    BR_TRY(row, find_version(context_, parts_.store, location, generation));
    if (row) generation = row->version.record.generation;
  }
  rows_.start_before(generation);
  return {};
}

bool VersionLister::show(const std::string& name, meta::VersionRecord version, bool is_current) {
  if (!has_room()) return false;
  page_.last = name;
  page_.last_generation = version.record.generation;
  page_.items.push_back({name, std::move(version), is_current});
  return true;
}

Result<bool> VersionLister::visit_name(const std::string& name, bool has_entry) {
  const bool resumed = entry_was_shown_ && name == request_.start_after;
  if (has_entry) {
    if (!resumed && !has_room()) return false;
    meta::EntryRecord record = entries_.take();
    if (!resumed) show(name, {std::move(record), false, {}}, true);
  }
  bool is_newest = !has_entry && !resumed;
  for (;;) {
    BR_TRY(context_.check(parts_.clock.monotonic()));
    BR_TRY(next, rows_.peek());
    if (!next || next->is_prefix || next->name != name) return true;
    if (!has_room()) return false;
    meta::VersionRecord version = rows_.take();
    const bool is_current = is_newest && version.delete_marker;
    is_newest = false;
    // Its time has come, and nobody has taken it away yet.
    if (request_.soft_deleted && version.hard_delete <= parts_.clock.wall()) continue;
    show(name, std::move(version), is_current);
  }
}

Result<VersionPage> VersionLister::run() {
  if (request_.limit == 0) return std::move(page_);
  BR_TRY(find_start());
  for (;;) {
    BR_TRY(entry, entries_.peek());
    BR_TRY(row, rows_.peek());
    if (!entry && !row) break;
    const Next next = !row || (entry && *entry <= *row) ? *entry : *row;
    if (!next.is_prefix) {
      BR_TRY(on, visit_name(next.name, entry && *entry == next));
      if (!on) break;
      continue;
    }
    if (!has_room()) break;
    page_.prefixes.push_back(next.name);
    page_.last = next.name;
    page_.last_generation.reset();
    if (entry && *entry == next) entries_.skip_prefix();
    if (row && *row == next) rows_.skip_prefix(next.name);
  }
  return std::move(page_);
}

}  // namespace

Result<VersionPage> Namespace::list_versions(const io::Context& context, const Grant& grant,
                                             const ListVersionsRequest& request) {
  const auto mounts = parts_.mounts.get();
  BR_TRY(found, find_bucket(context, parts_, *mounts, grant.path()));
  BR_TRY(root, parts_.tree.resolve(context, grant.path()));
  if (!found || root.directories.size() < 2) {
    return std::unexpected(
        not_found("there is no directory " + grant.path().text()).with_tag("no_bucket"));
  }
  return VersionLister{*this, context, parts_, grant, request, std::move(root)}.run();
}

}  // namespace beringia::core

#include "core/scan.h"

#include <deque>
#include <optional>
#include <vector>

#include "core/reconcile.h"

namespace beringia::core {
namespace {

constexpr size_t kPage = 256;

/// A directory that was compared, and those below it that were not yet.
struct Level {
  Path path;
  std::string after;                // the last child that was read
  std::deque<std::string> waiting;  // at most kPage
  bool all_read = false;
};

/// Walks the directories below a root, each before those below it. Holds one path of levels.
class Walk {
 public:
  Walk(const io::Context& context, Namespace::Parts& parts) : context_{context}, parts_{parts} {}

  /// The levels as they were when `last` was the last directory that was given out.
  Result<void> resume(const Path& root, const Path& last) {
    levels_.push_back({root, {}, {}, false});
    std::string_view rest = last.relative_to(root);
    while (!rest.empty()) {
      const auto name = rest.substr(0, rest.find('/') + 1);
      rest.remove_prefix(name.size());
      levels_.back().after = name;
      BR_TRY(below, levels_.back().path.join(name));
      levels_.push_back({std::move(below), {}, {}, false});
    }
    return {};
  }
  void begin(const Path& root) { levels_.push_back({root, {}, {}, false}); }
  /// nullopt: there are no more. What it gives out is compared before the next call.
  Result<std::optional<Path>> next() {
    while (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.waiting.empty()) {
        if (level.all_read) {
          levels_.pop_back();
        } else {
          BR_TRY(read(level));
        }
        continue;
      }
      BR_TRY(below, level.path.join(level.waiting.front() + "/"));
      level.waiting.pop_front();
      levels_.push_back({below, {}, {}, false});
      return std::move(below);
    }
    return std::nullopt;
  }

 private:
  Result<void> read(Level& level) {
    BR_TRY(context_.check(parts_.clock.monotonic()));
    BR_TRY(location, parts_.tree.resolve(context_, level.path));
    level.all_read = !location.parent_exists;  // it has gone
    if (level.all_read) return {};
    BR_TRY(children, parts_.tree.children(context_, location.parent_id(), "", level.after, kPage));
    level.all_read = children.size() < kPage;
    if (!children.empty()) level.after = children.back().stored_name();
    for (auto& child : children) {
      if (child.is_directory) level.waiting.push_back(std::move(child.name));
    }
    return {};
  }

  const io::Context& context_;
  Namespace::Parts& parts_;
  std::vector<Level> levels_;
};

}  // namespace

Result<ScanReport> scan_tree(const io::Context& context, Namespace::Parts& parts, const Path& root,
                             const ScanRequest& request) {
  const auto mounts = parts.mounts.get();
  ScanReport report;
  Walk walk{context, parts};
  const auto compare = [&](const Path& directory) -> Result<void> {
    BR_TRY(scan_children(context, parts, *mounts, directory, report.found));
    ++report.directories;
    return {};
  };
  if (request.after.empty()) {
    BR_TRY(compare(root));
    walk.begin(root);
  } else {
    BR_TRY(last, Path::parse(request.after));
    if (!last.is_directory_form() || !last.is_under(root)) {
      return std::unexpected(invalid("cannot go on with a scan of " + root.text(),
                                     request.after + " is no directory below it"));
    }
    BR_TRY(walk.resume(root, last));
  }
  std::string last = request.after.empty() ? root.text() : request.after;
  const MonotonicTime end = parts.clock.monotonic() + request.patience;
  while (true) {
    if (report.directories >= request.max_directories || parts.clock.monotonic() >= end) {
      report.next = last;
      return report;
    }
    BR_TRY(directory, walk.next());
    if (!directory) return report;
    BR_TRY(compare(*directory));
    last = directory->text();
  }
}

Result<ScanReport> Namespace::scan(const io::Context& context, const Grant& grant,
                                   const ScanRequest& request) {
  const Path root = grant.path().as_directory();
  return scan_tree(context, parts_, root, request);
}

}  // namespace beringia::core

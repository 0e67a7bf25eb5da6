#include <algorithm>

#include "core/parts.h"
#include "core/reconcile.h"

namespace beringia::core {
namespace {

constexpr size_t kPage = 200;  // children read at a time, of each directory on the way
/// Sorts behind every UTF-8 text: U+10FFFF.
constexpr std::string_view kHighest = "\xF4\x8F\xBF\xBF";

/// A position before `name` and behind all that is less; see list.cc.
std::string before(std::string name) {
  if (name.empty() || name.back() == '\0') return {};
  name.back() = static_cast<char>(static_cast<unsigned char>(name.back()) - 1);
  return name.append(kHighest);
}

/// Walks the directories depth first, which is the byte order of their names.
class FolderWalk {
 public:
  FolderWalk(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
             const Path& root, const ListFoldersRequest& request)
      : context_{context}, parts_{parts}, mounts_{mounts}, root_{root}, request_{request} {
    seek_ = std::max({request.after, request.start_offset, request.prefix});
  }

  Result<FolderPage> run();

 private:
  /// A directory on the way.
  struct Level {
    meta::DirectoryId id = 0;
    std::string below;  // its name: "" or ending in '/'
    std::string from;   // stored names up to here have been read
    std::vector<meta::Child> children;
    size_t next = 0;
    bool complete = false;
  };

  Result<void> enter(const std::string& below);
  Result<void> load(Level& level);
  Result<void> visit(const meta::Child& child, const std::string& below);
  std::string position_in(const std::string& below) const;

  const io::Context& context_;
  Namespace::Parts& parts_;
  const Mounts& mounts_;
  const Path& root_;
  const ListFoldersRequest& request_;
  std::string seek_;  // nothing less is asked for, but for the directories on the way to it
  bool ended_ = false;
  std::vector<Level> levels_;
  FolderPage page_;
};

std::string FolderWalk::position_in(const std::string& below) const {
  if (!seek_.starts_with(below) || seek_.size() == below.size()) return {};
  const std::string rest = seek_.substr(below.size());
  const size_t slash = rest.find('/');
  if (slash == std::string::npos) return before(rest);
  // The directory "x/" itself is still to be visited: start right before it ('.' precedes '/').
  return rest.substr(0, slash) + "." + std::string{kHighest};
}

Result<void> FolderWalk::enter(const std::string& below) {
  BR_TRY(context_.check(parts_.clock.monotonic()));
  BR_TRY(path, root_.join(below));
  const Path& at = below.empty() ? root_ : path;
  BR_TRY(sync_children(context_, parts_, mounts_, at, "", SIZE_MAX));
  BR_TRY(location, parts_.tree.resolve(context_, at));
  if (!location.parent_exists) return {};
  levels_.push_back({location.parent_id(), below, position_in(below), {}, 0, false});
  return {};
}

Result<void> FolderWalk::load(Level& level) {
  BR_TRY(context_.check(parts_.clock.monotonic()));
  BR_TRY(children, parts_.tree.children(context_, level.id, "", level.from, kPage));
  level.complete = children.size() < kPage;
  if (!children.empty()) level.from = children.back().stored_name();
  std::erase_if(children, [](const meta::Child& child) { return !child.is_directory; });
  level.children = std::move(children);
  level.next = 0;
  return {};
}

Result<void> FolderWalk::visit(const meta::Child& child, const std::string& below) {
  const std::string name = below + child.name + "/";
  const bool is_asked_for = name.starts_with(request_.prefix);
  const bool leads_there = request_.prefix.starts_with(name);
  ended_ = (!request_.end_offset.empty() && name >= request_.end_offset) ||
           (!is_asked_for && !leads_there && name > request_.prefix);
  if (ended_ || (!is_asked_for && !leads_there)) return {};
  if (is_asked_for && name > request_.after && name >= request_.start_offset) {
    if (page_.items.size() >= request_.limit) {
      page_.truncated = ended_ = true;
      return {};
    }
    BR_TRY(path, root_.join(name));
    page_.items.push_back({std::move(path), *child.directory});
  }
  const bool is_last_level = request_.one_level && is_asked_for &&
                             name.find('/', request_.prefix.size()) != std::string::npos;
  return is_last_level ? Result<void>{} : enter(name);
}

Result<FolderPage> FolderWalk::run() {
  BR_TRY(enter(""));
  while (!levels_.empty() && !ended_) {
    Level& level = levels_.back();
    if (level.next < level.children.size()) {
      const meta::Child child = level.children[level.next++];
      const std::string below = level.below;
      BR_TRY(visit(child, below));  // may add a level
    } else if (level.complete) {
      levels_.pop_back();
    } else {
      BR_TRY(load(level));
    }
  }
  return std::move(page_);
}

}  // namespace

Result<FolderPage> Namespace::list_folders(const io::Context& context, const Grant& grant,
                                           const ListFoldersRequest& request) {
  const auto mounts = parts_.mounts.get();
  BR_TRY(found, find_bucket(context, parts_, *mounts, grant.path()));
  if (!found) {
    return std::unexpected(
        not_found("there is no directory " + grant.path().text()).with_tag("no_bucket"));
  }
  return FolderWalk{context, parts_, *mounts, grant.path(), request}.run();
}

}  // namespace beringia::core

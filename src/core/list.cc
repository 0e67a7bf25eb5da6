#include <algorithm>

#include "core/parts.h"
#include "core/reconcile.h"

namespace beringia::core {
namespace {

constexpr size_t kBatch = 1000;  // children read at a time
constexpr int kMaxDepth = 600;   // keys of 1,024 bytes have at most 512 directories
/// Sorts behind every UTF-8 text: U+10FFFF.
constexpr std::string_view kHighest = "\xF4\x8F\xBF\xBF";

/// The greatest position before `name`: "names >= name" becomes "names > predecessor(name)".
std::string predecessor(std::string name) {
  if (name.empty()) return name;
  name.back() = static_cast<char>(static_cast<unsigned char>(name.back()) - 1);
  return name.append(kHighest);
}

/// Walks the tree depth first, which is the byte order of full names (docs/formats/catalog.md).
class Lister {
 public:
  Lister(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
         const Path& root, const ListRequest& request)
      : context_{context}, parts_{parts}, mounts_{mounts}, root_{root}, request_{request} {
    after_ = std::max(request.start_after,
                      request.start_offset.empty() ? "" : predecessor(request.start_offset));
  }

  Result<ListPage> run();

 private:
  Result<bool> walk(const std::string& below, int depth);
  Result<bool> visit(const std::string& below, const meta::Child& child, int depth);
  Result<bool> visit_directory(const std::string& name, int depth);
  bool add_item(const std::string& name, const meta::EntryRecord& record);
  bool add_prefix(const std::string& prefix);
  bool full();
  bool skip_directory(const std::string& name) const;
  bool beyond_end(const std::string& name) const {
    return !request_.end_offset.empty() && name >= request_.end_offset;
  }
  std::string position_in(const std::string& below) const;
  std::optional<std::string> prefix_of(const std::string& name) const;
  Result<bool> has_key_behind(const std::string& directory);

  const io::Context& context_;
  Namespace::Parts& parts_;
  const Mounts& mounts_;
  const Path& root_;
  const ListRequest& request_;
  std::string after_;
  ListPage page_;
};

/// Every name below `name` (which ends in '/') lies at or before the start position.
bool Lister::skip_directory(const std::string& name) const {
  if (after_ < name) return false;
  if (after_.starts_with(name)) {
    // Resuming behind a common prefix skips all it stands for.
    return request_.delimiter == "/" && after_ == name;
  }
  return true;
}

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

bool Lister::full() {
  if (page_.items.size() + page_.prefixes.size() < request_.limit) return false;
  page_.truncated = true;
  return true;
}

bool Lister::add_item(const std::string& name, const meta::EntryRecord& record) {
  if (full()) return false;
  page_.items.push_back({name, record});
  page_.last = name;
  return true;
}

bool Lister::add_prefix(const std::string& prefix) {
  if (!page_.prefixes.empty() && page_.prefixes.back() == prefix) return true;
  if (prefix == after_) return true;  // reported on the page before
  if (full()) return false;
  page_.prefixes.push_back(prefix);
  page_.last = prefix;
  return true;
}

Result<bool> Lister::walk(const std::string& below, int depth) {
  if (depth > kMaxDepth) return true;
  BR_TRY(directory, root_.join(below));
  const std::string rest =
      request_.prefix.size() > below.size() ? request_.prefix.substr(below.size()) : "";
  std::string from = position_in(below);
  for (;;) {
    BR_TRY(context_.check(parts_.clock.monotonic()));
    const size_t found = page_.items.size() + page_.prefixes.size();
    const size_t want = std::min(kBatch, request_.limit - std::min(found, request_.limit) + 1);
    BR_TRY(bound, sync_children(context_, parts_, mounts_, directory, from, want));
    BR_TRY(location, parts_.tree.resolve(context_, directory));
    if (!location.parent_exists) return true;
    BR_TRY(children, parts_.tree.children(context_, location.parent_id(), rest, from, want));
    bool bounded = false;
    for (const auto& child : children) {
      std::string stored = child.is_directory ? child.name + "/" : child.name;
      if (bound && stored > *bound) {
        bounded = true;
        break;
      }
      from = std::move(stored);
      BR_TRY(on, visit(below, child, depth));
      if (!on) return false;
    }
    if (bounded || (children.size() < want && bound)) {
      from = *bound;  // the backends have told us this far
    } else if (children.size() < want) {
      return true;
    }
  }
}

Result<bool> Lister::visit(const std::string& below, const meta::Child& child, int depth) {
  std::string name = below + child.name;
  if (child.is_directory) {
    name += '/';
    if (beyond_end(name)) return false;
    if (skip_directory(name)) return true;
    return visit_directory(name, depth);
  }
  if (name <= after_ || !name.starts_with(request_.prefix)) return true;
  if (beyond_end(name)) return false;
  if (auto prefix = prefix_of(name)) {
    if (!add_prefix(*prefix)) return false;
    if (!(request_.include_trailing_delimiter && *prefix == name)) return true;
  }
  return add_item(name, *child.entry);
}

Result<bool> Lister::visit_directory(const std::string& name, int depth) {
  auto prefix = prefix_of(name);
  if (!prefix || *prefix != name) return walk(name, depth + 1);
  // The delimiter is '/': the directory is one row of the answer.
  if (after_.starts_with(name)) {
    BR_TRY(more, has_key_behind(name));
    if (!more) return true;
  }
  if (!add_prefix(name)) return false;
  if (request_.include_trailing_delimiter) {
    BR_TRY(path, root_.join(name));
    BR_TRY(marker, parts_.tree.resolve(context_, path));
    if (marker.entry) return add_item(name, *marker.entry);
  }
  return true;
}

/// Is there any key below `directory` behind the start position?
Result<bool> Lister::has_key_behind(const std::string& directory) {
  ListRequest request;
  request.prefix = directory;
  request.start_after = after_;
  request.limit = 1;
  Lister probe{context_, parts_, mounts_, root_, request};
  BR_TRY(page, probe.run());
  return !page.items.empty();
}

Result<ListPage> Lister::run() {
  if (request_.limit == 0) return std::move(page_);
  const size_t slash = request_.prefix.rfind('/');
  const std::string below = slash == std::string::npos ? "" : request_.prefix.substr(0, slash + 1);
  if (!below.empty() && skip_directory(below)) return std::move(page_);
  BR_TRY(walk(below, 0));
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

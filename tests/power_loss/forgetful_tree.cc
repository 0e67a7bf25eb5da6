#include "forgetful_tree.h"

#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace beringia::forgetful {
namespace {

uint64_t pages_of(uint64_t size) { return (size + kPageBytes - 1) / kPageBytes; }

NodeRef make_node(ino_t number, mode_t mode) {
  auto node = std::make_shared<Node>();
  node->number = number;
  node->attributes.mode = mode;
  node->attributes.accessed = node->attributes.modified = node->attributes.changed = wall_clock();
  node->kept_attributes = node->attributes;
  return node;
}

void touch(Node& node) { node.attributes.modified = node.attributes.changed = wall_clock(); }

}  // namespace

timespec wall_clock() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now;
}

ForgetfulTree::ForgetfulTree() : root_{make_node(1, S_IFDIR | 0755)} {}

NodeRef ForgetfulTree::find(const Node& directory, const std::string& name) const {
  const auto found = directory.names.find(name);
  return found == directory.names.end() ? nullptr : found->second;
}

int ForgetfulTree::make(const NodeRef& directory, const std::string& name, mode_t mode,
                        NodeRef& made) {
  if (faults.write_error != 0) return faults.write_error;
  if (name.size() > 255) return ENAMETOOLONG;
  if (directory->names.contains(name)) return EEXIST;
  made = make_node(next_number_++, mode);
  directory->names[name] = made;
  touch(*directory);
  pending_.push_back(
      {{directory}, [directory, name, made] { directory->kept_names[name] = made; }});
  return 0;
}

int ForgetfulTree::link(const NodeRef& node, const NodeRef& directory, const std::string& name) {
  if (faults.write_error != 0) return faults.write_error;
  if (node->is_directory()) return EPERM;
  if (directory->names.contains(name)) return EEXIST;
  directory->names[name] = node;
  ++node->links;
  touch(*directory);
  pending_.push_back(
      {{directory}, [directory, name, node] { directory->kept_names[name] = node; }});
  return 0;
}

int ForgetfulTree::remove(const NodeRef& directory, const std::string& name, bool is_directory) {
  if (faults.write_error == EROFS) return EROFS;
  const NodeRef node = find(*directory, name);
  if (!node) return ENOENT;
  if (is_directory != node->is_directory()) return is_directory ? ENOTDIR : EISDIR;
  if (!node->names.empty()) return ENOTEMPTY;
  directory->names.erase(name);
  --node->links;
  touch(*directory);
  pending_.push_back({{directory}, [directory, name] { directory->kept_names.erase(name); }});
  return 0;
}

int ForgetfulTree::rename(const NodeRef& from, const std::string& from_name, const NodeRef& to,
                          const std::string& to_name, bool exclusive) {
  if (faults.write_error == EROFS) return EROFS;
  const NodeRef node = find(*from, from_name);
  const NodeRef old = find(*to, to_name);
  if (!node) return ENOENT;
  if (to_name.size() > 255) return ENAMETOOLONG;
  if (node == old) return 0;
  if (old && exclusive) return EEXIST;
  if (old && old->is_directory() && !node->is_directory()) return EISDIR;
  if (old && !old->is_directory() && node->is_directory()) return ENOTDIR;
  if (old && !old->names.empty()) return ENOTEMPTY;
  if (old) --old->links;
  from->names.erase(from_name);
  to->names[to_name] = node;
  touch(*from);
  touch(*to);
  node->attributes.changed = wall_clock();
  pending_.push_back({{from, to}, [from, from_name, to, to_name, node] {
                        from->kept_names.erase(from_name);
                        to->kept_names[to_name] = node;
                      }});
  return 0;
}

Page& ForgetfulTree::writable_page(Node& node, uint64_t index) {
  auto& slot = node.content.pages[index];
  auto copy = slot ? std::make_shared<Page>(*slot) : std::make_shared<Page>();
  Page& page = *copy;
  slot = std::move(copy);
  node.dirty.insert(index);
  return page;
}

int ForgetfulTree::write(Node& node, uint64_t offset, std::string_view bytes) {
  if (faults.write_error != 0) return faults.write_error;
  const uint64_t end = offset + bytes.size();
  if (pages_of(end) > node.content.pages.size()) node.content.pages.resize(pages_of(end));
  for (uint64_t done = 0; done < bytes.size();) {
    const uint64_t at = offset + done;
    const size_t start = at % kPageBytes;
    const size_t step = std::min<uint64_t>(kPageBytes - start, bytes.size() - done);
    std::memcpy(writable_page(node, at / kPageBytes).data() + start, bytes.data() + done, step);
    done += step;
  }
  node.content.size = std::max(node.content.size, end);
  touch(node);
  return 0;
}

std::string ForgetfulTree::read(const Node& node, uint64_t offset, size_t length) const {
  if (offset >= node.content.size) return {};
  std::string out(std::min<uint64_t>(length, node.content.size - offset), '\0');
  for (uint64_t done = 0; done < out.size();) {
    const uint64_t at = offset + done;
    const size_t start = at % kPageBytes;
    const size_t step = std::min<uint64_t>(kPageBytes - start, out.size() - done);
    const auto& page = node.content.pages[at / kPageBytes];
    if (page) std::memcpy(out.data() + done, page->data() + start, step);
    done += step;
  }
  return out;
}

int ForgetfulTree::truncate(Node& node, uint64_t size) {
  if (faults.write_error != 0) return faults.write_error;
  const uint64_t before = node.content.pages.size();
  if (size < node.content.size && size % kPageBytes != 0) {
    Page& last = writable_page(node, size / kPageBytes);
    std::memset(last.data() + size % kPageBytes, 0, kPageBytes - size % kPageBytes);
  }
  node.content.pages.resize(pages_of(size));
  for (uint64_t index = pages_of(size); index < before; ++index) node.dirty.insert(index);
  node.content.size = size;
  touch(node);
  return 0;
}

int ForgetfulTree::set_extended(Node& node, const std::string& name, std::string value, int flags) {
  if (faults.write_error != 0) return faults.write_error;
  auto& all = node.attributes.extended;
  if ((flags & XATTR_CREATE) != 0 && all.contains(name)) return EEXIST;
  if ((flags & XATTR_REPLACE) != 0 && !all.contains(name)) return ENODATA;
  size_t total = name.size() + value.size();
  for (const auto& [key, other] : all) total += key == name ? 0 : key.size() + other.size();
  if (total > kPageBytes) return ENOSPC;  // as ext4
  all[name] = std::move(value);
  node.attributes.changed = wall_clock();
  return 0;
}

int ForgetfulTree::remove_extended(Node& node, const std::string& name) {
  if (faults.write_error == EROFS) return EROFS;
  if (node.attributes.extended.erase(name) == 0) return ENODATA;
  node.attributes.changed = wall_clock();
  return 0;
}

void ForgetfulTree::keep_pages(Node& node) {
  node.kept.pages.resize(node.content.pages.size());
  for (const uint64_t index : node.dirty) {
    if (index < node.kept.pages.size()) node.kept.pages[index] = node.content.pages[index];
  }
  node.dirty.clear();
  node.kept.size = node.content.size;
}

int ForgetfulTree::sync_file(Node& node, bool data_only) {
  if (faults.sync_error != 0) {
    ++counts_.failed_syncs;
    node.dirty.clear();
    return faults.sync_error;
  }
  ++counts_.syncs;
  keep_pages(node);
  if (!data_only) node.kept_attributes = node.attributes;
  return 0;
}

int ForgetfulTree::sync_directory(const NodeRef& node) {
  if (faults.sync_error != 0) {
    ++counts_.failed_syncs;
    return faults.sync_error;
  }
  ++counts_.syncs;
  node->kept_attributes = node->attributes;
  // What the wanted changes rest on: every earlier change of a directory that one of them touches.
  std::set<NodeRef> wanted{node};
  std::vector<bool> chosen(pending_.size());
  for (size_t i = pending_.size(); i-- > 0;) {
    const auto& directories = pending_[i].directories;
    chosen[i] = std::ranges::any_of(directories, [&](auto& d) { return wanted.contains(d); });
    if (chosen[i]) wanted.insert(directories.begin(), directories.end());
  }
  std::vector<Change> left;
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (chosen[i]) {
      pending_[i].keep();
    } else {
      left.push_back(std::move(pending_[i]));
    }
  }
  pending_ = std::move(left);
  return 0;
}

void ForgetfulTree::power_off(uint64_t seed) {
  std::mt19937_64 random{seed};
  const size_t survive = seed == 0 ? 0 : random() % (pending_.size() + 1);
  for (size_t i = 0; i < survive; ++i) pending_[i].keep();
  counts_.forgotten_names += pending_.size() - survive;
  pending_.clear();
  forget_node(root_, seed == 0 ? nullptr : &random);
  const auto for_all = [](const NodeRef& node, const auto& act, const auto& self) -> void {
    for (const auto& [name, child] : node->names) {
      act(*child);
      self(child, act, self);
    }
  };
  for_all(root_, [](Node& node) { node.links = 0; }, for_all);
  for_all(root_, [](Node& node) { ++node.links; }, for_all);
}

void ForgetfulTree::forget_node(const NodeRef& node, std::mt19937_64* random) {
  auto lucky = [&] { return random != nullptr && (*random)() % 2 == 0; };
  if (!node->is_directory() && random != nullptr && !node->dirty.empty()) {
    // Pages reach a disk in any order; the size, with the inode, at some time.
    Content torn = node->kept;
    if (lucky()) torn.size = node->content.size;
    torn.pages.resize(pages_of(torn.size));
    for (const uint64_t index : node->dirty) {
      if (index < torn.pages.size() && index < node->content.pages.size() && lucky()) {
        torn.pages[index] = node->content.pages[index];
      }
    }
    node->kept = std::move(torn);
  }
  counts_.forgotten_pages += node->dirty.size();
  if (lucky()) node->kept_attributes = node->attributes;
  node->dirty.clear();
  node->content = node->kept;
  node->attributes = node->kept_attributes;
  node->names = node->kept_names;
  for (const auto& [name, child] : node->names) forget_node(child, random);
}

}  // namespace beringia::forgetful

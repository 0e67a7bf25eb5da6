#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/namespace.h"

namespace beringia::simulation {

/// What the namespace must be: a sorted map of names and a set of directories that were made on
/// purpose. No backends, no catalog, no time. Every call says what must come out.
class Model {
 public:
  struct Object {
    uint64_t id = 0;       // of its bytes
    uint64_t patch = 0;    // of its last change of attributes
    uint64_t version = 0;  // grows with every write
    bool operator==(const Object& other) const { return id == other.id && patch == other.patch; }
  };
  using Objects = std::map<std::string, Object>;  // by path
  /// What is kept of a name besides its object; a mark has no object.
  struct Version {
    Object object;
    bool is_mark = false;
    bool operator==(const Version&) const = default;
  };
  using Versions = std::map<std::string, std::vector<Version>>;  // by path, the newest first

  const Objects& objects() const { return objects_; }
  bool operator==(const Model& other) const {
    return objects_ == other.objects_ && directories_ == other.directories_ && kept_ == other.kept_;
  }
  const Object* find(const std::string& path) const {
    const auto found = objects_.find(path);
    return found == objects_.end() ? nullptr : &found->second;
  }
  void put(const std::string& path, uint64_t id, uint64_t patch = 0) {
    if (keeps(path)) retire(path);
    objects_[path] = {id, patch, ++versions_};
  }
  void patch(const std::string& path, uint64_t id) { objects_.at(path).patch = id; }
  void remove(const std::string& path) {
    if (!keeps(path) || !objects_.contains(path)) {
      objects_.erase(path);
      return;
    }
    retire(path);
    insert(path, {{0, 0, ++versions_}, true});
  }
  void rename(const std::string& from, const std::string& to) {
    const Object object = objects_.at(from);
    remove(from);
    put(to, object.id, object.patch);
  }

  /// From now on the bucket keeps versions.
  void keep_versions(const std::string& bucket) { keeping_.insert(bucket); }
  bool keeps(const std::string& path) const {
    return keeping_.contains(path.substr(0, path.find('/', 1) + 1));
  }
  /// As a listing shows it: the newest first.
  void show_version(const std::string& path, const Version& version) {
    kept_[path].push_back(version);
  }
  /// The object goes for good (nullopt), or the kept version of that place; what was before becomes
  /// current if nothing newer is left.
  void remove_version(const std::string& path, std::optional<size_t> place) {
    auto& kept = kept_[path];
    const bool was_last = !place || (*place == 0 && !objects_.contains(path));
    if (place) {
      kept.erase(kept.begin() + static_cast<long>(*place));
    } else {
      objects_.erase(path);
    }
    if (was_last && !kept.empty() && !kept.front().is_mark) {
      objects_[path] = kept.front().object;
      kept.erase(kept.begin());
    }
    if (kept.empty()) kept_.erase(path);
  }

  void make_directory(const std::string& path) { directories_.insert(path); }
  void remove_directory(const std::string& path) { directories_.erase(path); }
  bool is_explicit(const std::string& path) const { return directories_.contains(path); }
  /// An object or a directory lies below it (the marker object of the same name counts).
  bool is_empty(const std::string& path) const {
    const auto object = objects_.lower_bound(path);
    if (object != objects_.end() && object->first.starts_with(path)) return false;
    const auto directory = directories_.upper_bound(path);
    return directory == directories_.end() || !directory->starts_with(path);
  }
  bool is_directory(const std::string& path) const { return is_explicit(path) || !is_empty(path); }
  void rename_directory(const std::string& from, const std::string& to) {
    Objects objects;
    for (const auto& [path, object] : objects_) {
      objects.emplace(path.starts_with(from) ? to + path.substr(from.size()) : path, object);
    }
    std::set<std::string> directories;
    for (const auto& path : directories_) {
      directories.insert(path.starts_with(from) ? to + path.substr(from.size()) : path);
    }
    objects_ = std::move(objects);
    directories_ = std::move(directories);
  }

  /// How `seen` differs: names that are new (+), gone (-) or other (~); directories made on
  /// purpose.
  std::string difference(const Model& seen) const {
    std::string text;
    for (const auto& [path, object] : seen.objects_) {
      const auto* known = find(path);
      if (known == nullptr) text += " +" + path;
      if (known != nullptr && !(*known == object)) text += " ~" + path;
    }
    for (const auto& [path, object] : objects_) {
      if (seen.find(path) == nullptr) text += " -" + path;
    }
    for (const auto& path : seen.directories_) {
      if (!is_explicit(path)) text += " + directory " + path;
    }
    for (const auto& path : directories_) {
      if (!seen.is_explicit(path)) text += " - directory " + path;
    }
    for (const auto& [path, kept] : seen.kept_) {
      const auto known = kept_.find(path);
      if (known == kept_.end() || known->second != kept) text += " versions of " + path;
    }
    for (const auto& [path, kept] : kept_) {
      if (!seen.kept_.contains(path)) text += " no versions of " + path;
    }
    return text;
  }

  struct Page {
    std::vector<std::string> items, prefixes;
    bool truncated = false;
    bool operator==(const Page&) const = default;
  };
  /// As Namespace::list, of names relative to `directory`. Directories that were made on purpose
  /// and are empty show as prefixes of the delimiter "/".
  Page list(const std::string& directory, const core::ListRequest& request) const;

 private:
  void retire(const std::string& path) {
    const auto object = objects_.find(path);
    if (object == objects_.end()) return;
    insert(path, {object->second, false});
    objects_.erase(object);
  }
  void insert(const std::string& path, const Version& version) {
    auto& kept = kept_[path];
    auto at = kept.begin();
    while (at != kept.end() && at->object.version > version.object.version) ++at;
    kept.insert(at, version);
  }

  Objects objects_;
  std::set<std::string> directories_;
  std::set<std::string> keeping_;
  Versions kept_;
  uint64_t versions_ = 0;
};

inline Model::Page Model::list(const std::string& directory,
                               const core::ListRequest& request) const {
  Page page;
  // Names in byte order; true: an object, false: an empty directory.
  std::map<std::string, bool> names;
  for (const auto& [path, object] : objects_) {
    if (path.starts_with(directory)) names[path.substr(directory.size())] = true;
  }
  if (request.delimiter == "/") {
    for (const auto& path : directories_) {
      if (path.starts_with(directory) && path != directory) {
        names.emplace(path.substr(directory.size()), false);
      }
    }
  }
  for (const auto& [name, is_object] : names) {
    if (!name.starts_with(request.prefix) || name <= request.start_after) continue;
    if (name < request.start_offset) continue;
    if (!request.end_offset.empty() && name >= request.end_offset) continue;
    std::optional<std::string> prefix;
    if (!request.delimiter.empty()) {
      const size_t found = name.find(request.delimiter, request.prefix.size());
      if (found != std::string::npos) prefix = name.substr(0, found + request.delimiter.size());
    }
    if (prefix && *prefix == request.start_after) continue;
    if (!prefix && !is_object) continue;
    const bool fresh = prefix && (page.prefixes.empty() || page.prefixes.back() != *prefix);
    const bool item =
        is_object && (!prefix || (request.include_trailing_delimiter && *prefix == name));
    const size_t wanted = (fresh ? 1U : 0U) + (item ? 1U : 0U);
    if (wanted == 0) continue;
    const size_t count = page.items.size() + page.prefixes.size();
    if (count >= request.limit || (count > 0 && count + wanted > request.limit)) {
      page.truncated = true;
      break;
    }
    if (fresh) page.prefixes.push_back(*prefix);
    if (item) page.items.push_back(name);
  }
  return page;
}

}  // namespace beringia::simulation

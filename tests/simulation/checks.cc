#include <algorithm>
#include <set>

#include "simulation/client.h"
#include "simulation/content.h"
#include "simulation/simulation.h"

// What must hold whenever nobody is at work.

namespace beringia::simulation {

using core::Action;

/// Nobody is at work: whatever was acknowledged is there, and every view agrees.
void Simulation::check_at_rest() {
  Client client{*this};
  for (const auto& key : keys_) {
    client.check_read(key);
    if (failure_ || io::crashed()) return;
  }
  std::set<std::string> buckets;
  for (const auto& key : keys_) buckets.insert(key.bucket);
  for (const auto& bucket : buckets) {
    check_listing(bucket);
    if (failure_ || io::crashed()) return;
  }
  check_versions();
  check_audit();
}

/// No acknowledged version is lost, none returns once it was removed, and what is listed can be
/// read.
void Simulation::check_versions() {
  for (const auto& [bucket, does] : keeps_) {
    auto page = world_->list_versions(bucket);
    if (!page || is_dead()) {
      if (!is_dead()) fail("cannot list the versions of " + bucket);
      return;
    }
    std::map<std::string, std::set<uint64_t>> listed;
    for (const auto& item : page->items) {
      if (item.version.delete_marker) continue;
      const std::string path = bucket + item.name;
      const uint64_t generation = item.version.record.generation;
      if (!listed[path].insert(generation).second) fail("a version of " + path + " comes twice");
      core::ReadRequest request;
      request.generation = generation;
      auto bytes = world_->get(path, request);
      if (is_dead()) return;
      const auto& known = versions_[path];
      const auto version = known.find(generation);
      if (version != known.end() && (!bytes || id_of(*bytes) != version->second.id)) {
        fail("a version of " + path +
             " is not what was written: " + (bytes ? "other bytes" : bytes.error().to_string()));
      }
    }
    for (const auto& [path, known] : versions_) {
      if (!path.starts_with(bucket)) continue;
      for (const auto& [generation, version] : known) {
        const bool there = listed[path].contains(generation);
        if (there && version.removed) fail("a removed version of " + path + " is back");
        if (!there && !version.unsure) {
          fail("version " + std::to_string(generation) + " of " + path + " is lost");
        }
      }
    }
  }
}

/// Flat and by directory, the listing shows exactly what can be read.
void Simulation::check_listing(const std::string& bucket) {
  std::set<std::string> readable;
  for (const auto& key : keys_) {
    if (key.bucket != bucket) continue;
    auto bytes = world_->get(key.path);
    if (bytes) {
      readable.insert(key.native);
    } else if (bytes.error().code() != Code::kNotFound) {
      if (!io::crashed()) fail("cannot read " + key.path + ": " + bytes.error().to_string());
      return;
    }
  }
  auto flat = world_->list(bucket);
  core::ListRequest by_directory;
  by_directory.delimiter = "/";
  auto top = world_->list(bucket, by_directory);
  if (io::crashed()) return;
  if (!flat || !top) return fail("cannot list " + bucket);
  std::set<std::string> listed;
  for (const auto& item : flat->items) listed.insert(item.name);
  std::set<std::string> expected_top;
  for (const auto& name : readable) {
    const size_t slash = name.find('/');
    expected_top.insert(slash == std::string::npos ? name : name.substr(0, slash + 1));
  }
  std::set<std::string> listed_top{top->prefixes.begin(), top->prefixes.end()};
  for (const auto& item : top->items) listed_top.insert(item.name);
  const auto join = [](const std::set<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += " '" + name + "'";
    return text;
  };
  if (listed != readable) {
    fail("the listing of " + bucket + " shows" + join(listed) + " but readable are" +
         join(readable));
  } else if (listed_top != expected_top) {
    fail("the listing of " + bucket + " by directory shows" + join(listed_top) + " instead of" +
         join(expected_top));
  }
}

/// Every acknowledged change has its record.
void Simulation::check_audit() {
  std::vector<std::string> records;
  const std::string first{audit::kStream};
  std::string last = first;
  last.back() = static_cast<char>(last.back() + 1);
  auto rows = world_->store().scan(world_->context, first, last, 1'000'000);
  if (!rows) return;
  for (const auto& mutation : unaudited_) {
    const std::string path = "{\"name\":\"" + mutation.path + "\"";
    const std::string operation = "\"operation\":\"" + mutation.operation + "\"";
    const std::string version = "\"version\":\"" + std::to_string(mutation.generation) + "\"";
    const bool found = std::any_of(rows->begin(), rows->end(), [&](const kv::KeyValue& row) {
      return row.value.find(path) != std::string::npos &&
             row.value.find(operation) != std::string::npos &&
             (mutation.generation == 0 || row.value.find(version) != std::string::npos);
    });
    if (!found) {
      return fail("no audit record of the acknowledged " + mutation.operation + " of " +
                  mutation.path + " generation " + std::to_string(mutation.generation));
    }
  }
  unaudited_.clear();
}

/// The backends hold exactly what the entries need.
void Simulation::check_natives() {
  std::set<std::string> needed;
  for (const auto& key : keys_) {
    auto why = world_->names().explain(world_->context, world_->grant(Action::kRead, key.path));
    if (!why) continue;
    for (const auto& copy : why->copies) needed.insert(copy.backend + ":" + copy.native_name);
  }
  std::set<std::string> there;
  for (const char* name : {"disk1", "disk2", "disk3", "cloud1", "cloud2", "cloud3"}) {
    backend::ListRequest request;
    for (;;) {
      auto page = world_->faults(name).inner().list(world_->context, request);
      if (!page) return fail("cannot list " + std::string{name} + ": " + page.error().to_string());
      for (const auto& item : page->items) there.insert(std::string{name} + ":" + item.name);
      if (page->next_page_token.empty()) break;
      request.page_token = page->next_page_token;
    }
  }
  for (const auto& name : there) {
    if (!needed.contains(name)) return fail("a native object that no entry needs: " + name);
  }
  check_kept_natives();
  for (const auto& name : needed) {
    if (!there.contains(name)) return fail("a copy without its native object: " + name);
  }
}

namespace {

void count_files(io::Disk& disk, const std::string& directory, size_t& found) {
  std::vector<std::string> below;
  (void)disk.list(directory, [&](const io::DirectoryItem& item) {
    if (item.is_directory) below.push_back(directory + "/" + item.name);
    if (item.is_regular) ++found;
    return true;
  });
  for (const auto& next : below) count_files(disk, next, found);
}

}  // namespace

/// Each version that is not current has its second name, and there are no others.
void Simulation::check_kept_natives() {
  std::map<meta::BackendId, size_t> needed;
  for (const auto& [bucket, does] : keeps_) {
    auto page = world_->list_versions(bucket);
    if (!page) return fail("cannot list the versions of " + bucket);
    for (const auto& item : page->items) {
      if (item.is_current || item.version.delete_marker) continue;
      for (const auto& copy : item.version.record.copies) ++needed[copy.backend];
    }
  }
  for (const std::string name : {"disk1", "disk2", "disk3", "cloud1", "cloud2", "cloud3"}) {
    size_t there = 0;
    if (name.starts_with("disk")) {
      count_files(world_->disk(), core::test::World::root_of(name) + "/.beringia/versions", there);
    } else {
      there = world_->remote_names(name, ".beringia/versions/");
    }
    if (there == needed[world_->id_of(name)]) continue;
    fail(name + " keeps " + std::to_string(there) + " versions, " +
         std::to_string(needed[world_->id_of(name)]) + " are known");
  }
}

}  // namespace beringia::simulation

#include "io/sim_node.h"

#include <algorithm>

namespace beringia::io {
namespace {

void write_into(std::string& bytes, uint64_t offset, std::string_view data) {
  if (bytes.size() < offset + data.size()) bytes.resize(offset + data.size(), '\0');
  std::copy(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

void enact(SimContent& content, const SimFileChange& change) {
  content.ctime_nanos = change.time_nanos;
  switch (change.kind) {
    case SimFileChange::Kind::kWrite:
      write_into(content.bytes, change.offset, change.bytes);
      content.mtime_nanos = change.time_nanos;
      return;
    case SimFileChange::Kind::kTruncate:
      content.bytes.resize(change.offset, '\0');
      content.mtime_nanos = change.time_nanos;
      return;
    case SimFileChange::Kind::kModified:
      content.mtime_nanos = static_cast<int64_t>(change.offset);
      return;
    case SimFileChange::Kind::kXattr: content.xattrs[change.name] = change.bytes; return;
  }
}

void enact(SimNames& names, const SimNameChange& change) {
  if (!change.erase_name.empty()) names.erase(change.erase_name);
  if (change.set_node) names[change.set_name] = change.set_node;
}

bool touches(const SimNameChange& change, const std::string& name) {
  return (change.set_node && change.set_name == name) || change.erase_name == name;
}

/// The removal of the old name became durable: so is the new name (journaling file systems commit
/// a rename as a whole).
void make_link_durable(SimRename& rename) {
  if (rename.link_durable) return;
  rename.link_durable = true;
  const SimNodeRef directory = rename.link_directory.lock();
  if (!directory) return;
  auto& changes = directory->name_changes;
  auto link = std::find_if(changes.begin(), changes.end(), [&](const SimNameChange& change) {
    return change.rename.get() == &rename && change.set_node;
  });
  if (link == changes.end()) return;
  const std::string name = link->set_name;
  enact(directory->durable_names, *link);
  // Older changes of this name must not come back over it.
  const uint64_t sequence = link->sequence;
  std::erase_if(changes, [&](const SimNameChange& change) {
    return change.sequence <= sequence && touches(change, name);
  });
}

}  // namespace

SimSurvival::SimSurvival(Rng& rng, size_t changes)
    : rng_{rng}, mode_{static_cast<Mode>(rng.below(4))}, prefix_{rng.below(changes + 1)} {}

bool SimSurvival::keeps(size_t index) {
  switch (mode_) {
    case Mode::kNone: return false;
    case Mode::kAll: return true;
    case Mode::kPrefix: return index < prefix_;
    case Mode::kMixed: return rng_.below(2) == 0;
  }
  return false;
}

void SimNode::change_file(SimFileChange change) {
  enact(content, change);
  file_changes.push_back(std::move(change));
}

void SimNode::change_names(SimNameChange change) {
  enact(names, change);
  name_changes.push_back(std::move(change));
}

void SimNode::sync_file(uint64_t sequence) {
  for (const auto& change : file_changes) {
    if (change.sequence <= sequence && !change.lost) enact(durable_content, change);
  }
  std::erase_if(file_changes, [&](const SimFileChange& change) {
    return change.sequence <= sequence && !change.lost;
  });
}

void SimNode::sync_names(uint64_t sequence) {
  for (auto& change : name_changes) {
    if (change.sequence > sequence) continue;
    enact(durable_names, change);
    if (!change.rename) continue;
    if (change.set_node) {
      change.rename->link_durable = true;
    } else {
      make_link_durable(*change.rename);
    }
  }
  std::erase_if(name_changes,
                [&](const SimNameChange& change) { return change.sequence <= sequence; });
}

void SimNode::lose_file_changes(Rng& rng) {
  for (auto& change : file_changes) change.lost = change.lost || rng.below(2) == 0;
}

void SimNode::crash_file(Rng& rng, size_t sector_bytes) {
  SimSurvival survival{rng, file_changes.size()};
  for (size_t i = 0; i < file_changes.size(); ++i) {
    const SimFileChange& change = file_changes[i];
    if (change.kind != SimFileChange::Kind::kWrite) {
      if (survival.keeps(i)) enact(durable_content, change);
      continue;
    }
    const uint64_t end = change.offset + change.bytes.size();
    for (uint64_t at = change.offset; at < end;) {
      const uint64_t next = std::min<uint64_t>(end, (at / sector_bytes + 1) * sector_bytes);
      if (survival.keeps(i)) {
        write_into(durable_content.bytes, at,
                   std::string_view{change.bytes}.substr(at - change.offset, next - at));
        durable_content.mtime_nanos = change.time_nanos;
      }
      at = next;
    }
    // The new size may have reached the disk although the bytes did not.
    if (durable_content.bytes.size() < end && rng.below(4) == 0) {
      durable_content.bytes.resize(end, '\0');
    }
  }
  file_changes.clear();
  content = durable_content;
}

void SimNode::decide_renames(Rng& rng) {
  for (const auto& change : name_changes) {
    if (!change.rename || !change.set_node) continue;
    change.rename->link_survives = change.rename->link_durable || rng.below(2) == 0;
  }
}

void SimNode::crash_names(Rng& rng) {
  SimSurvival survival{rng, name_changes.size()};
  for (size_t i = 0; i < name_changes.size(); ++i) {
    const SimNameChange& change = name_changes[i];
    bool kept = survival.keeps(i);
    if (change.rename) {
      const bool linked = change.rename->link_durable || change.rename->link_survives;
      const bool erases_directory = !change.set_node && change.erase_node->is_directory;
      kept = linked && (change.set_node || erases_directory || kept);
    }
    if (kept) enact(durable_names, change);
  }
  name_changes.clear();
  names = durable_names;
}

}  // namespace beringia::io

#include "simulation/client.h"

#include "base/checksum.h"
#include "simulation/content.h"

namespace beringia::simulation {

using core::Action;
using core::Conditions;

namespace {

/// A body that comes in pieces, with pauses, as from a slow client.
class SlowSource final : public io::ByteSource {
 public:
  SlowSource(std::string bytes, Rng& rng) : bytes_{std::move(bytes)}, rng_{rng} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    if (rng_.below(3) == 0) {
      BR_TRY(io::sleep_for(context, std::chrono::microseconds{rng_.below(5000)}));
    }
    const size_t left = bytes_.size() - position_;
    const size_t n = std::min({left, buffer.size(), 1 + rng_.below(2000)});
    bytes_.copy(buffer.data(), n, position_);
    position_ += n;
    return n;
  }

 private:
  std::string bytes_;
  size_t position_ = 0;
  Rng& rng_;
};

bool is_refusal(const Error& error) { return error.tag() == "precondition"; }
bool is_absence(const Error& error) {
  return error.code() == Code::kNotFound && error.tag().empty();
}

Value patch_of(const meta::EntryRecord& record) {
  const auto found = record.metadata.find("patch");
  return found == record.metadata.end() ? 0 : parse_u64(found->second).value_or(0) << kPatchShift;
}

}  // namespace

void Simulation::Client::run(int calls) {
  for (int i = 0; i < calls && !io::crashed() && !sim_.failure_; ++i) {
    step();
    ++sim_.calls_;
    const auto pause = std::chrono::microseconds{
        sim_.rng_.below(8) == 0 ? sim_.rng_.below(4'000'000) : sim_.rng_.below(20'000)};
    if (!io::sleep_for(world_.context, pause)) return;
  }
}

void Simulation::Client::step() {
  const Key& key = sim_.keys_[sim_.rng_.below(sim_.keys_.size())];
  const Key& other = sim_.keys_[sim_.rng_.below(sim_.keys_.size())];
  switch (sim_.rng_.below(23)) {
    case 0:
    case 1:
    case 2:
    case 3: return put(key);
    case 4:
    case 5: return put_if_absent(key);
    case 6: return put_if_unchanged(key);
    case 7:
    case 8:
    case 9:
    case 10: return get(key);
    case 11: return look(key);
    case 12:
    case 13:
    case 14: return remove(key);
    case 15: return patch(key);
    case 16:
      if (key.path != other.path) return copy(key, other);
      return get(key);
    case 17:
      if (key.path != other.path) return rename(key, other);
      return get(key);
    case 18: return upload(key);
    case 19:
    case 20: return get_version(key);
    case 21: return remove_version(key);
    default: return list(key.bucket);
  }
}

uint64_t Simulation::Client::new_id() {
  const uint64_t id = sim_.next_id_++;
  sim_.id_by_crc_[Crc32c::of(content_of(id))] = id;
  return id;
}

Call Simulation::Client::begin(Call::Kind kind, Value value, const char* how) {
  Call call;
  call.how = how;
  call.kind = kind;
  call.value = value;
  call.start = sim_.history_.tick();
  return call;
}

/// Notes the call as answered, or as unknown when it failed in a way that says nothing.
void Simulation::Client::end(const Key& key, Call call, const std::optional<Error>& error) {
  call.end = sim_.history_.tick();
  call.unknown = error.has_value();
  if (error) check_failure(key, *error, call.to_string().c_str());
  sim_.note(key.path, call);
}

/// A call on a mount whose backends work must not fail.
void Simulation::Client::check_failure(const Key& key, const Error& error, const char* what) {
  if (sim_.is_dead()) return;
  if (error.code() == Code::kCorrupt && !key.honest) return;
  const bool bad = error.code() == Code::kInternal || error.code() == Code::kCorrupt ||
                   error.code() == Code::kInvalid;
  // Who competes with foreign writers may have to try again.
  const bool race = error.code() == Code::kConflict && !key.backend.empty();
  if (bad || (key.reliable && !race)) {
    sim_.fail("a call on " + key.path + " failed for no reason: " + what + ": " +
              error.to_string());
  }
}

void Simulation::Client::acknowledged(const std::string& path, uint64_t generation,
                                      const std::string& operation) {
  if (!sim_.is_dead()) sim_.unaudited_.push_back({path, generation, operation});
}

Result<core::Grant> Simulation::Client::admit(Action action, const std::string& path,
                                              const char* operation) {
  BR_TRY(canonical, Path::parse(path));
  return world_.gate().admit(world_.context, world_.principal(), action, canonical,
                             core::Door{"s3", operation, "192.0.2.1", "r"});
}

Result<core::Entry> Simulation::Client::write(const Key& key, uint64_t id, Conditions conditions) {
  SlowSource body{content_of(id), sim_.rng_};
  core::WriteRequest request;
  request.body = &body;
  request.conditions = std::move(conditions);
  if (sim_.rng_.below(2) == 0) request.expected.crc32c = Crc32c::of(content_of(id));
  BR_TRY(grant, admit(Action::kWrite, key.path, "put"));
  return world_.names().write(world_.context, grant, request);
}

void Simulation::Client::put(const Key& key) {
  auto turn = sim_.foreign_turn(key);
  if (!turn) return;
  const uint64_t id = new_id();
  Call call = begin(Call::Kind::kWrite, id, "put");
  auto written = write(key, id, {});
  if (written) acknowledged(key.path, written->record.generation, "put");
  if (written) kept(key, written->record);
  end(key, call, written ? std::nullopt : std::optional{written.error()});
}

void Simulation::Client::put_if_absent(const Key& key) {
  auto turn = sim_.foreign_turn(key);
  if (!turn) return;
  const uint64_t id = new_id();
  Conditions conditions;
  if (sim_.rng_.below(2) == 0) {
    conditions.generation_match = 0;
  } else {
    conditions.etag_none_match = {"*"};
  }
  Call call = begin(Call::Kind::kWriteIfNone, id, "put");
  auto written = write(key, id, conditions);
  if (written) acknowledged(key.path, written->record.generation, "put");
  if (written) kept(key, written->record);
  call.ok = written.has_value();
  const bool answered = written || is_refusal(written.error());
  end(key, call, answered ? std::nullopt : std::optional{written.error()});
}

void Simulation::Client::put_if_unchanged(const Key& key) {
  auto turn = sim_.foreign_turn(key);
  if (!turn) return;
  const auto seen = stat(key);
  if (!seen) return;
  const uint64_t id = new_id();
  Conditions conditions;
  conditions.generation_match = seen->generation;
  Call call = begin(Call::Kind::kWriteIf, id, "put");
  call.expected = seen->value & ((Value{1} << kPatchShift) - 1);
  auto written = write(key, id, conditions);
  if (written) acknowledged(key.path, written->record.generation, "put");
  if (written) kept(key, written->record);
  if (!written && is_refusal(written.error())) return;
  end(key, call, written ? std::nullopt : std::optional{written.error()});
}

void Simulation::Client::get(const Key& key) {
  Call call = begin(Call::Kind::kRead, 0, "get");
  auto grant = admit(Action::kRead, key.path, "get");
  if (!grant) return;
  auto open = world_.names().read(world_.context, *grant, {});
  call.end = sim_.history_.tick();
  if (!open) {
    if (is_absence(open.error())) return sim_.note(key.path, call);
    return check_failure(key, open.error(), "get");
  }
  std::string bytes;
  char buffer[700];
  for (;;) {
    auto n = open->body->read(world_.context, buffer);
    if (!n) {
      if (key.backend.empty()) check_failure(key, n.error(), "the body of a get");
      return;
    }
    if (*n == 0) break;
    bytes.append(buffer, *n);
    if (sim_.rng_.below(4) == 0 &&
        !io::sleep_for(world_.context, std::chrono::microseconds{sim_.rng_.below(20'000)})) {
      return;
    }
  }
  const auto id = id_of(bytes);
  if (!id) {
    return sim_.fail("a read of " + key.path + " gave a mix or wrong bytes: " +
                     bytes.substr(0, 60) + "... (" + std::to_string(bytes.size()) + " bytes)");
  }
  const auto& record = open->entry.record;
  if (record.size != bytes.size() || (record.crc32c && *record.crc32c != Crc32c::of(bytes))) {
    return sim_.fail("a read of " + key.path + " gave bytes that are not the entry's");
  }
  call.value = *id | patch_of(record);
  sim_.note(key.path, call);
}

std::optional<Simulation::Client::Seen> Simulation::Client::stat(const Key& key) {
  Call call = begin(Call::Kind::kRead, 0, "stat");
  auto grant = admit(Action::kRead, key.path, "stat");
  if (!grant) return std::nullopt;
  auto entry = world_.names().stat(world_.context, *grant);
  call.end = sim_.history_.tick();
  if (!entry) {
    if (is_absence(entry.error())) {
      sim_.note(key.path, call);
    } else {
      check_failure(key, entry.error(), "stat");
    }
    return std::nullopt;
  }
  const auto& record = entry->record;
  // Foreign files have no checksum before they are read.
  if (!record.crc32c || !sim_.id_by_crc_.contains(*record.crc32c)) return std::nullopt;
  call.value = sim_.id_by_crc_[*record.crc32c] | patch_of(record);
  sim_.note(key.path, call);
  return Seen{record.generation, record.metageneration, call.value};
}

void Simulation::Client::look(const Key& key) { (void)stat(key); }

void Simulation::Client::remove(const Key& key) {
  auto turn = sim_.foreign_turn(key);
  if (!turn) return;
  Call call = begin(Call::Kind::kRemove, 0, "delete");
  auto grant = admit(Action::kDelete, key.path, "delete");
  if (!grant) return;
  auto removed = world_.names().remove(world_.context, *grant, {});
  if (removed) {
    const auto& last = removed->marker ? *removed->marker : *removed->entry;
    acknowledged(key.path, last.record.generation, "delete");
  }
  call.ok = removed.has_value();
  const bool answered = removed || is_absence(removed.error());
  end(key, call, answered ? std::nullopt : std::optional{removed.error()});
}

void Simulation::Client::kept(const Key& key, const meta::EntryRecord& record) {
  // What others write over cannot be kept.
  if (!record.versioned || sim_.is_dead() || !key.backend.empty()) return;
  sim_.versions_[key.path][record.generation].id = sim_.id_by_crc_[*record.crc32c];
}

/// An acknowledged version stays as it was.
void Simulation::Client::get_version(const Key& key) {
  const auto& all = sim_.versions_[key.path];
  if (all.empty()) return;
  auto chosen = all.begin();
  std::advance(chosen, static_cast<long>(sim_.rng_.below(all.size())));
  const uint64_t generation = chosen->first;
  if (chosen->second.unsure) return;
  core::ReadRequest request;
  request.generation = generation;
  auto bytes = world_.get(key.path, request);
  if (sim_.is_dead()) return;
  const auto& version = all.at(generation);
  if (!bytes) {
    if (version.unsure && bytes.error().code() == Code::kNotFound) return;
    if (bytes.error().code() == Code::kNotFound) {
      return sim_.fail("a version of " + key.path + " is lost: " + bytes.error().to_string());
    }
    return check_failure(key, bytes.error(), "get of a version");
  }
  if (id_of(*bytes) != version.id) {
    sim_.fail("a version of " + key.path + " has other bytes than were written");
  }
}

/// Removes a version that is not current for good.
void Simulation::Client::remove_version(const Key& key) {
  core::ListVersionsRequest request;
  request.prefix = key.native;
  auto page = world_.list_versions(key.bucket, request);
  if (!page) return check_failure(key, page.error(), "list of versions");
  std::erase_if(page->items, [&](const auto& item) {
    return item.name != key.native || item.is_current || item.version.delete_marker;
  });
  if (page->items.empty() || sim_.is_dead()) return;
  const uint64_t generation =
      page->items[sim_.rng_.below(page->items.size())].version.record.generation;
  auto& known = sim_.versions_[key.path];
  const auto version = known.find(generation);
  if (version != known.end()) version->second.unsure = true;
  auto removed = world_.remove_generation(key.path, generation);
  if (sim_.is_dead()) return;
  if (removed && version != known.end()) version->second.removed = true;
  if (!removed && removed.error().code() != Code::kNotFound) {
    check_failure(key, removed.error(), "removal of a version");
  }
}

void Simulation::Client::patch(const Key& key) {
  auto turn = sim_.foreign_turn(key);
  if (!turn) return;
  const uint64_t id = sim_.next_id_++;
  core::AttributePatch request;
  request.metadata = {{"patch", std::to_string(id)}};
  Call call = begin(Call::Kind::kPatch, id, "patch");
  auto grant = admit(Action::kWrite, key.path, "patch");
  if (!grant) return;
  auto patched = world_.names().set_attributes(world_.context, *grant, request);
  if (patched) acknowledged(key.path, patched->record.generation, "patch");
  call.ok = patched.has_value();
  const bool answered = patched || is_absence(patched.error());
  end(key, call, answered ? std::nullopt : std::optional{patched.error()});
}

void Simulation::Client::copy(const Key& from, const Key& to) {
  auto turn = sim_.foreign_turn(to);
  if (!turn) return;
  const auto seen = stat(from);
  if (!seen) return;
  core::CopyRequest request;
  request.source_generation = seen->generation;
  request.source_conditions.metageneration_match = seen->metageneration;
  Call call = begin(Call::Kind::kWrite, seen->value, "copy");
  auto source = admit(Action::kRead, from.path, "copy");
  auto target = admit(Action::kWrite, to.path, "copy");
  if (!source || !target) return;
  auto copied = world_.names().copy(world_.context, *source, *target, request);
  if (copied) {
    acknowledged(to.path, copied->record.generation, "copy");
    kept(to, copied->record);
    Call read = call;
    read.kind = Call::Kind::kRead;
    read.end = sim_.history_.tick();
    // Where versions are kept the source may be an older one by now.
    if (!sim_.keeps_.contains(from.bucket)) sim_.note(from.path, read);
  } else if (is_refusal(copied.error()) || is_absence(copied.error()) ||
             copied.error().tag() ==
                 "no_version") {  // others remove versions, foreigners overwrite
    return;
  }
  const Key& blamed = from.reliable ? to : from;
  const bool lie = !copied && copied.error().code() == Code::kCorrupt && !from.honest;
  if (!copied && !lie) check_failure(blamed, copied.error(), "copy");
  call.end = sim_.history_.tick();
  call.unknown = !copied;
  sim_.note(to.path, call);
}

void Simulation::Client::rename(const Key& from, const Key& to) {
  // Names with foreign writers are left out: two turns could wait for each other.
  if (!from.backend.empty() || !to.backend.empty()) return;
  const auto seen = stat(from);
  if (!seen) return;
  Conditions conditions;
  conditions.generation_match = seen->generation;
  conditions.metageneration_match = seen->metageneration;
  Call gone = begin(Call::Kind::kWriteIf, 0, "rename");
  gone.expected = seen->value & ((Value{1} << kPatchShift) - 1);
  Call written = gone;
  written.kind = Call::Kind::kWrite;
  written.value = seen->value;
  auto source = admit(Action::kDelete, from.path, "rename");
  auto target = admit(Action::kWrite, to.path, "rename");
  if (!source || !target) return;
  auto renamed = world_.names().rename(world_.context, *source, *target, conditions, {});
  if (!renamed && (is_refusal(renamed.error()) || is_absence(renamed.error()))) return;
  if (renamed) acknowledged(from.path, 0, "rename");
  const bool raced = !renamed && renamed.error().tag() == "race";
  if (!renamed && !raced) {
    check_failure(from.reliable ? to : from, renamed.error(), "rename");
  }
  gone.end = written.end = sim_.history_.tick();
  gone.unknown = written.unknown = !renamed;
  sim_.note(from.path, gone);
  sim_.note(to.path, written);
}

void Simulation::Client::upload(const Key& key) {
  auto turn = sim_.foreign_turn(key);
  if (!turn) return;
  const uint64_t id = new_id();
  const std::string bytes = content_of(id);
  auto grant = admit(Action::kWrite, key.path, "upload");
  if (!grant) return;
  core::BeginUpload begun;
  begun.protocol = "s3";
  auto upload = world_.names().begin_upload(world_.context, *grant, begun);
  if (!upload) return check_failure(key, upload.error(), "begin_upload");
  const size_t cut = sim_.rng_.below(bytes.size());
  const std::string pieces[] = {bytes.substr(0, cut), bytes.substr(cut)};
  for (uint32_t number = 1; number <= 2; ++number) {
    SlowSource body{pieces[number - 1], sim_.rng_};
    core::PutPart part;
    part.upload_id = upload->id;
    part.number = number;
    part.body = &body;
    if (pieces[number - 1].size() % 3 != 0) part.expected.size = pieces[number - 1].size();
    auto part_grant = admit(Action::kWrite, key.path, "part");
    if (!part_grant) return;
    auto put = world_.names().put_part(world_.context, *part_grant, part);
    if (!put) return check_failure(key, put.error(), "put_part");
  }
  if (sim_.rng_.below(5) == 0) {
    auto abort_grant = admit(Action::kWrite, key.path, "abort");
    if (abort_grant) {
      (void)world_.names().abort_upload(world_.context, *abort_grant, upload->id);
    }
    return;
  }
  core::CompleteUpload complete;
  complete.upload_id = upload->id;
  Call call = begin(Call::Kind::kWrite, id, "upload");
  auto last_grant = admit(Action::kWrite, key.path, "complete");
  if (!last_grant) return;
  auto entry = world_.names().complete_upload(world_.context, *last_grant, complete);
  if (entry) acknowledged(key.path, entry->record.generation, "complete");
  if (entry) kept(key, entry->record);
  end(key, call, entry ? std::nullopt : std::optional{entry.error()});
}

void Simulation::Client::list(const std::string& bucket) {
  core::ListRequest request;
  request.limit = 1 + sim_.rng_.below(4);
  Call call = begin(Call::Kind::kRead, 0, "list");
  std::map<std::string, meta::EntryRecord> found;
  for (int page_number = 0; page_number < 20; ++page_number) {
    auto grant = admit(Action::kList, bucket, "list");
    if (!grant) return;
    auto page = world_.names().list(world_.context, *grant, request);
    if (!page) {
      for (const auto& key : sim_.keys_) {
        if (key.bucket == bucket) return check_failure(key, page.error(), "list");
      }
      return;
    }
    for (auto& item : page->items) found.emplace(bucket + item.name, std::move(item.record));
    if (!page->truncated) break;
    request.start_after = page->last;
  }
  call.end = sim_.history_.tick();
  for (const auto& key : sim_.keys_) {
    if (key.bucket != bucket) continue;
    Call seen = call;
    if (auto item = found.find(key.path); item != found.end()) {
      const auto& crc = item->second.crc32c;
      const bool known = crc && sim_.id_by_crc_.contains(*crc);
      if (known) seen.value = sim_.id_by_crc_[*crc] | patch_of(item->second);
      found.erase(item);
      if (!known) continue;
    }
    sim_.note(key.path, seen);
  }
  if (!found.empty() && !sim_.is_dead()) {
    sim_.fail("a listing of " + bucket + " shows a name nobody wrote: " + found.begin()->first);
  }
}

}  // namespace beringia::simulation

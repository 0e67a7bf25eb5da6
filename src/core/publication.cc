#include "core/publication.h"

#include "base/kill_point.h"
#include "core/doom.h"
#include "observe/log.h"

namespace beringia::core {

Result<WriteTarget> find_target(const io::Context& context, Namespace::Parts& parts,
                                const Grant& grant, const std::string& storage_class) {
  const Path& path = grant.path();
  WriteTarget target;
  target.mounts = parts.mounts.get();
  target.mount = target.mounts->find(path);
  if (path.directories().empty()) {
    return std::unexpected(invalid("cannot write " + path.text(),
                                   "files live in buckets, not beside them",
                                   "name it /BUCKET/KEY"));
  }
  if (target.mount == nullptr || target.mount->locations.empty()) {
    return std::unexpected(not_found("cannot write " + path.text(), "no mount holds this path",
                                     "declare one: --mount /PATH=URL or [[mount]] in the estate")
                               .with_tag("no_bucket"));
  }
  if (target.mount->declaration.read_only) {
    return std::unexpected(denied("cannot write " + path.text(), "its mount is read-only"));
  }
  BR_TRY(location, locate(context, parts, *target.mounts, path, Need::kWrite));
  if (location.directories.size() < 2) {
    return std::unexpected(not_found("cannot write " + path.text(),
                                     "bucket \"" + std::string{path.bucket()} + "\" does not exist",
                                     "create it first")
                               .with_tag("no_bucket"));
  }
  const auto choice =
      parts.chooser.choose(path, target.mount->declaration, grant.principal().name());
  target.place = target.mount->locations.at(choice.location);
  target.storage_class = choice.storage_class;
  if (target.storage_class.empty()) target.storage_class = storage_class;
  target.native_name = default_native_name(*target.mount, target.place, location);
  if (target.native_name.starts_with(backend::kReservedPrefix)) {
    return std::unexpected(invalid("cannot write " + path.text(),
                                   "names below .beringia/ are reserved", "choose another key"));
  }
  target.before = std::move(location);
  return target;
}

Publication::Publication(const io::Context& context, Namespace::Parts& parts, const Grant& grant,
                         WriteTarget target)
    : context_{context},
      parts_{parts},
      grant_{grant},
      target_{std::move(target)},
      write_id_{random_hex(parts.rng, 16)} {}

Result<void> Publication::lock(const Conditions& conditions) {
  BR_TRY(guard, parts_.locks.lock(context_, grant_.path()));
  return locked_by(std::move(guard), conditions);
}

Result<void> Publication::locked_by(PathLocks::Guard guard, const Conditions& conditions) {
  guard_ = std::move(guard);
  return look_again(conditions);
}

Result<void> Publication::look_again(const Conditions& conditions) {
  BR_TRY(location, locate_locked(context_, parts_, *target_.mounts, grant_.path(), Need::kWrite));
  location_ = std::move(location);
  if (location_.directories.size() < 2) {
    return std::unexpected(
        not_found("cannot write " + grant_.path().text(), "its bucket was removed meanwhile")
            .with_tag("no_bucket"));
  }
  if (default_native_name(*target_.mount, target_.place, location_) != target_.native_name) {
    return std::unexpected(conflict("cannot write " + grant_.path().text(),
                                    "its directory was renamed meanwhile", "send it again")
                               .with_tag("race"));
  }
  return check_conditions(conditions, location_.entry, false);
}

Result<backend::Expectation> Publication::expectation() {
  const meta::BackendId id = target_.place.backend->declaration.id;
  if (location_.entry) {
    for (const auto& copy : location_.entry->copies) {
      if (copy.backend == id &&
          native_name_of(copy, *target_.mount, target_.place, location_) == target_.native_name) {
        return backend::Expectation::at(copy.version);
      }
    }
  }
  BR_TRY(guarded, has_doomed_row(context_, parts_.store, id, target_.native_name));
  if (!guarded) return backend::Expectation::absent();
  // A delayed delete may or may not have happened, and a move may have put its copy there: what
  // stands there now is replaced if it is the doomed one.
  auto there = target_.place.backend->client->stat(context_, {target_.native_name});
  if (!there) return backend::Expectation::absent();
  BR_TRY(doomed, is_doomed(context_, parts_.store, id, *there));
  return doomed ? backend::Expectation::at(there->version) : backend::Expectation::absent();
}

Result<backend::Seal> Publication::intend(meta::EntryRecord record) {
  BR_TRY(generation, parts_.generations.next(context_));
  record_ = std::move(record);
  record_.generation = generation;
  record_.metageneration = 1;
  record_.created = record_.modified = parts_.clock.wall();
  record_.write_id = write_id_;
  record_.owner = grant_.principal().name();
  meta::Copy copy;
  copy.backend = target_.place.backend->declaration.id;
  copy.storage_class = target_.storage_class;
  record_.copies = {copy};
  BR_TRY(expected, expectation());

  meta::IntentRecord intent;
  intent.id = write_id_;
  intent.kind = meta::IntentRecord::Kind::kWrite;
  intent.path = grant_.path().text();
  intent.backend = copy.backend;
  intent.native_name = target_.native_name;
  intent.expected_version = expected.version;
  intent.generation = generation;
  intent.started = record_.created;
  intent.boot = parts_.boot;
  intent.entry = meta::encode(record_);
  kv::Batch batch;
  batch.put(meta::intent_key(intent.path), meta::encode(intent));
  // Buffered: it must survive a crash of the process. After a power loss the object describes
  // itself by its attributes and the directory is looked at again (docs/semantics.md).
  BR_TRY(parts_.store.commit(context_, std::move(batch), kv::Durability::kBuffered));
  intended_ = true;
  BR_KILL_POINT("write.intent");
  backend::Seal seal;
  seal.size = record_.size;
  seal.crc32c = record_.crc32c.value_or(0);
  seal.md5 = record_.md5;
  seal.content_type = record_.content_type;
  seal.attributes = native_attributes(record_);
  seal.expectation = expected;
  return seal;
}

void Publication::doom_others(kv::Batch& batch) const {
  if (!location_.entry) return;
  for (const auto& copy : location_.entry->copies) {
    const auto place = target_.mount->location_of(target_.mounts->backend(copy.backend));
    if (!place.backend) continue;
    const auto name = native_name_of(copy, *target_.mount, place, location_);
    if (copy.backend == record_.copies[0].backend && name == target_.native_name) continue;
    doom_copy(batch, {record_.created, copy.backend, name, copy.version});
  }
}

Result<void> Publication::commit_once(const Extra& extra) {
  kv::Batch batch;
  parts_.tree.put_entry(batch, location_, record_, record_.created);
  batch.remove(meta::intent_key(grant_.path().text()));
  doom_others(batch);
  meta::append_feed(batch, {meta::FeedRecord::Kind::kPut,
                            grant_.path().text(),
                            {},
                            record_.generation,
                            record_.created});
  batch.append(std::string{audit::kStream}, grant_.record_for_commit());
  if (extra) BR_TRY(extra(batch));
  auto committed = parts_.store.commit(context_, batch, kv::Durability::kSync);
  parts_.tree.committed(batch);
  if (!committed) return std::unexpected(std::move(committed).error());
  return {};
}

Result<Entry> Publication::commit(const backend::CopyInfo& info, const Extra& extra) {
  BR_KILL_POINT("write.published");
  record_.copies[0].version = info.version;
  if (!info.storage_class.empty()) record_.copies[0].storage_class = info.storage_class;
  grant_.note_generation(record_.generation);
  grant_.note_bytes(record_.size);
  grant_.note_backend(target_.place.backend->declaration.name);
  for (int attempt = 1;; ++attempt) {
    auto done = commit_once(extra);
    if (done) break;
    if (done.error().tag() == kTakeBack) return std::unexpected(lost_race(info, done.error()));
    if (done.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      ++parts_.unsettled_intents;
      return std::unexpected(
          std::move(done).error().during("recording the write of " + grant_.path().text()));
    }
    // A sibling made or dropped the directory, or it was renamed: the entry itself is locked.
    BR_TRY(location, parts_.tree.resolve(context_, grant_.path()));
    location_ = std::move(location);
    if (location_.directories.size() < 2 ||
        default_native_name(*target_.mount, target_.place, location_) != target_.native_name) {
      return std::unexpected(lost_race(
          info, conflict("cannot write " + grant_.path().text(),
                         "its directory was removed or renamed meanwhile", "send it again")));
    }
  }
  BR_KILL_POINT("write.committed");
  grant_.committed();
  parts_.freshness.entries.mark(grant_.path().text(), parts_.clock.monotonic());
  remove_doomed_now();
  return Entry{grant_.path(), std::move(record_)};
}

/// Copies of the old generation elsewhere: their rows are committed, the deletes follow at once.
void Publication::remove_doomed_now() {
  if (!location_.entry) return;
  for (const auto& copy : location_.entry->copies) {
    const auto place = target_.mount->location_of(target_.mounts->backend(copy.backend));
    if (!place.backend) continue;
    const auto name = native_name_of(copy, *target_.mount, place, location_);
    if (copy.backend == record_.copies[0].backend && name == target_.native_name) continue;
    execute_doomed(context_, parts_, *target_.mounts,
                   {record_.created, copy.backend, name, copy.version});
  }
}

Error Publication::lost_race(const backend::CopyInfo& info, Error error) {
  // The bytes lie under a name that no longer belongs to this path: take them back.
  auto removed = target_.place.backend->client->remove(context_, {info.name, info.version});
  if (!removed) ++parts_.unsettled_intents;
  drop_intent();
  return std::move(error).with_tag("race");
}

Result<Entry> Publication::recover(Error error, const Extra& extra) {
  if (!intended_) return std::unexpected(std::move(error));
  if (error.retry() == Retry::kMaybeApplied) {
    auto there = target_.place.backend->client->stat(context_, {target_.native_name});
    if (there) {
      auto id = there->attributes.find("beringia-write-id");
      if (id != there->attributes.end() && id->second == write_id_) return commit(*there, extra);
    } else if (there.error().code() != Code::kNotFound) {
      // Nobody can tell now: the intent stays and the janitor looks again.
      ++parts_.unsettled_intents;
      return std::unexpected(std::move(error));
    }
  }
  drop_intent();
  return std::unexpected(std::move(error));
}

void Publication::drop_intent() {
  kv::Batch batch;
  batch.remove(meta::intent_key(grant_.path().text()));
  auto dropped = parts_.store.commit(io::Context{}, std::move(batch), kv::Durability::kBuffered);
  if (!dropped) {
    observe::log_warn("intent_kept", "An aborted write left its intent for recovery.",
                      {observe::field("why", dropped.error().to_string())});
  }
}

DigestSource::DigestSource(io::ByteSource& inner) : inner_{inner} {}

Result<size_t> DigestSource::read(const io::Context& context, std::span<char> buffer) {
  BR_TRY(n, inner_.read(context, buffer));
  const std::string_view bytes{buffer.data(), n};
  size_ += n;
  crc32c_.update(bytes);
  md5_.update(bytes);
  return n;
}

const std::string& DigestSource::md5() {
  if (md5_value_.empty()) md5_value_ = md5_.finish();
  return md5_value_;
}

Result<void> DigestSource::check(const ExpectedBody& expected) {
  if (expected.size && *expected.size != size_) {
    return std::unexpected(
        invalid("the body is not whole", std::to_string(size_) + " bytes came, " +
                                             std::to_string(*expected.size) + " were announced")
            .with_tag("size_mismatch"));
  }
  if ((expected.crc32c && *expected.crc32c != crc32c()) ||
      (expected.md5 && *expected.md5 != md5())) {
    return std::unexpected(
        invalid("the body does not match its checksum", "nothing was stored", "send it again")
            .with_tag("checksum_mismatch"));
  }
  return {};
}

meta::EntryRecord make_record(const WriteAttributes& attributes, uint64_t size, uint32_t crc32c,
                              std::optional<std::string> md5) {
  meta::EntryRecord record;
  record.size = size;
  record.crc32c = crc32c;
  record.md5 = std::move(md5);
  record.content_type = attributes.content_type;
  record.storage_class = attributes.storage_class;
  record.http = attributes.http;
  record.metadata = attributes.metadata;
  record.tags = attributes.tags;
  return record;
}

}  // namespace beringia::core

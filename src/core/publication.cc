#include "core/publication.h"

#include "base/kill_point.h"
#include "core/doom.h"
#include "core/locks.h"
#include "core/native_claims.h"
#include "core/recovery.h"
#include "core/soft_delete.h"
#include "core/versions.h"
#include "io/runtime.h"
#include "observe/log.h"

namespace beringia::core {
namespace {

constexpr Duration kMaxAsking = std::chrono::seconds{10};  // whether a write was applied

}  // namespace

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
    // A bucket that lies natively in a tree nobody has looked at yet is one, too.
    BR_TRY(bucket, Path::parse("/" + std::string{path.bucket()} + "/"));
    BR_TRY(found, find_bucket(context, parts, *target.mounts, bucket));
    if (found) {
      BR_TRY(again, locate(context, parts, *target.mounts, path, Need::kWrite));
      location = std::move(again);
    }
  }
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
  BR_TRY(claimed, is_claimed_elsewhere(context, parts, target.place.backend->declaration.id,
                                       target.native_name, location));
  if (claimed) {
    return std::unexpected(
        unsupported("cannot write " + path.text(),
                    "a renamed directory still uses the name " + target.native_name +
                        " in backend \"" + target.place.backend->declaration.name + "\"",
                    "choose another name, or move that directory to another backend first"));
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

Result<void> Publication::lock(const Conditions& conditions, const Company& company) {
  if (company.path) {
    BR_TRY(guards, parts_.locks.lock_both(context_, grant_.path(), *company.path));
    const bool first = grant_.path() <= *company.path;
    company_guard_ = std::move(first ? guards.second : guards.first);
    guard_ = std::move(first ? guards.first : guards.second);
  } else {
    BR_TRY(guard, parts_.locks.lock(context_, grant_.path()));
    guard_ = std::move(guard);
  }
  BR_TRY(look_again(conditions));
  return company.check ? company.check() : Result<void>{};
}

Result<void> Publication::locked_by(PathLocks::Guard guard, const Conditions& conditions) {
  guard_ = std::move(guard);
  return look_again(conditions);
}

Result<void> Publication::look_again(const Conditions& conditions) {
  BR_TRY(settle_left_intent(context_, parts_, *target_.mounts, grant_.path()));
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

Result<backend::Expectation> expectation_of(const io::Context& context, Namespace::Parts& parts,
                                            const WriteTarget& target,
                                            const meta::Location& location) {
  const meta::BackendId id = target.place.backend->declaration.id;
  if (location.entry) {
    for (const auto& copy : location.entry->copies) {
      if (copy.backend == id &&
          native_name_of(copy, *target.mount, target.place, location) == target.native_name) {
        return backend::Expectation::at(copy.version);
      }
    }
  }
  BR_TRY(guarded, has_doomed_row(context, parts.store, id, target.native_name));
  if (!guarded) return backend::Expectation::absent();
  // A delayed delete may or may not have happened, and a move may have put its copy there: what is
  // doomed goes now, so that nobody else removes it between this look and the publication.
  auto& client = *target.place.backend->client;
  auto there = client.stat(context, {target.native_name});
  if (!there) return backend::Expectation::absent();
  // A move's copy is replaced, not removed: the move may just be publishing it, and this look may
  // be one without the lock.
  BR_TRY(unfinished, is_unfinished_move(context, parts.store, id, *there));
  if (unfinished) return backend::Expectation::at(there->version);
  BR_TRY(doomed, is_doomed(context, parts.store, id, *there));
  if (doomed) {
    auto removed = client.remove(context, {target.native_name, there->version});
    const bool gone = removed || removed.error().code() == Code::kNotFound ||
                      removed.error().code() == Code::kConflict;
    if (!gone) return std::unexpected(std::move(removed).error());
  }
  return backend::Expectation::absent();
}

Result<Timestamp> birth_of_directories(const io::Context& context, Namespace::Parts& parts,
                                       const Mounts& mounts, const LiveMount& mount,
                                       const meta::Location& location, Timestamp now) {
  if (location.parent_exists) return now;
  BR_TRY(known, parent_is_known(context, parts, mounts, mount, location));
  return known ? now : Timestamp{};
}

Result<backend::Seal> Publication::intend(meta::EntryRecord record) {
  BR_TRY(generation, parts_.generations.next(context_));
  now_ = parts_.clock.wall();
  record_ = std::move(record);
  record_.generation = generation;
  record_.metageneration = 1;
  record_.created = record_.modified = now_;
  record_.write_id = write_id_;
  record_.owner = grant_.principal().name();
  record_.versioned = versioning_of(location_) == Versioning::kOn;
  BR_TRY(check_replaceable(location_, now_));
  BR_TRY(lock, lock_of_new(location_, record_.lock, now_));
  record_.lock = lock;
  keeping_ = plan_keeping(parts_, *target_.mounts, location_);
  meta::IntentRecord intent;
  if (keeping_.replaced) {
    intent.replaced = meta::encode(*keeping_.replaced);
    intent.kept = keeping_.names();
  }
  // Buffered: it must survive a crash of the process. After a power loss the object describes
  // itself by its attributes and the directory is looked at again (docs/semantics.md). But it does
  // not tell what was kept of the one before, nor that its bytes were renamed, and from where.
  bool durable = keeping_.replaced.has_value();
  std::optional<meta::Location> source;
  if (source_) {
    intent.kind = meta::IntentRecord::Kind::kRename;
    intent.other_path = source_->text();
    durable = true;
    BR_TRY(found, parts_.tree.resolve(context_, *source_));
    source = std::move(found);
    // A soft delete keeps what is gone, and a rename's bytes are not.
    if (versioning_of(*source) != Versioning::kOff) {
      *source_keeping_ = plan_keeping(parts_, *target_.mounts, *source);
    }
    intent.other_kept = source_keeping_->names();
  }
  BR_TRY(expected, put_intent(std::move(intent), durable));
  auto kept = keep(context_, *target_.mounts, location_, keeping_);
  if (kept && source) kept = keep(context_, *target_.mounts, *source, *source_keeping_);
  if (!kept) return std::unexpected(not_kept(std::move(kept).error()));
  backend::Seal seal;
  seal.size = record_.stored_size();
  seal.crc32c = record_.stored_crc32c().value_or(0);
  seal.md5 = record_.stored_md5();
  seal.content_type = record_.content_type;
  seal.attributes = native_attributes(record_);
  seal.expectation = expected;
  return seal;
}

/// What was to be kept could not be: ends the intent.
Error Publication::not_kept(Error error) {
  intended_ = false;
  if (error.code() == Code::kConflict) {
    follow_native();
  } else {
    give_up();
  }
  return error;
}

Result<backend::Expectation> Publication::intend_back(meta::EntryRecord record, uint64_t drops) {
  now_ = parts_.clock.wall();
  record_ = std::move(record);
  record_.write_id = write_id_;
  brings_back_ = true;
  meta::IntentRecord intent;
  intent.brings_back = true;
  intent.drops_generation = drops;
  if (soft_delete_of(location_)) {
    keeping_ = plan_keeping(parts_, *target_.mounts, location_);
    if (keeping_.replaced) intent.replaced = meta::encode(*keeping_.replaced);
    intent.kept = keeping_.names();
  }
  BR_TRY(expected, put_intent(std::move(intent), true));
  auto kept = keep(context_, *target_.mounts, location_, keeping_);
  if (!kept) return std::unexpected(not_kept(std::move(kept).error()));
  return std::move(expected);
}

/// Completes the intent by what is about to be published, and commits it.
/// @return what the backend must find
Result<backend::Expectation> Publication::put_intent(meta::IntentRecord intent, bool durable) {
  meta::Copy copy;
  copy.backend = target_.place.backend->declaration.id;
  copy.storage_class = target_.storage_class;
  record_.copies = {copy};
  BR_TRY(expected, expectation_of(context_, parts_, target_, location_));
  intent.id = write_id_;
  intent.path = grant_.path().text();
  intent.backend = copy.backend;
  intent.native_name = target_.native_name;
  intent.expected_version = expected.version;
  intent.generation = record_.generation;
  intent.started = now_;
  intent.boot = parts_.boot;
  intent.entry = meta::encode(record_);
  kv::Batch batch;
  batch.put(meta::intent_key(intent.path), meta::encode(intent));
  BR_TRY(parts_.store.commit(context_, std::move(batch),
                             durable ? kv::Durability::kSync : kv::Durability::kBuffered));
  intended_ = true;
  expected_absent_ = expected.kind == backend::Expectation::Kind::kAbsent;
  BR_KILL_POINT("write.intent");
  return expected;
}

/// Copies of the generation before that are not written over.
void Publication::doom_others(kv::Batch& batch) {
  if (!location_.entry) return;
  for (const auto& copy : location_.entry->copies) {
    const auto place = target_.mount->location_of(target_.mounts->backend(copy.backend));
    if (!place.backend) continue;
    const auto name = native_name_of(copy, *target_.mount, place, location_);
    if (copy.backend == record_.copies[0].backend && name == target_.native_name) continue;
    doomed_.push_back({now_, copy.backend, name, copy.version});
    doom_copy(batch, doomed_.back());
  }
}

void Publication::append_events(kv::Batch& batch) {
  Change change;
  change.generation = record_.generation;
  change.now = now_;
  if (!brings_back_) {  // the removal that it is part of tells of it
    append_replaced(parts_.event_rules, batch, location_, record_.generation,
                    keeping_.replaced.has_value(), now_, actor_of(grant_));
    change.event = event_;
    change.entry = &record_;
    if (location_.entry) change.other_generation = location_.entry->generation;
  }
  append_change(parts_.event_rules, batch, location_, std::move(change), actor_of(grant_));
}

Result<void> Publication::commit_once(const Extra& extra) {
  kv::Batch batch;
  BR_TRY(birth,
         birth_of_directories(context_, parts_, *target_.mounts, *target_.mount, location_, now_));
  parts_.tree.put_entry(batch, location_, record_, birth);
  batch.remove(meta::intent_key(grant_.path().text()));
  doomed_.clear();
  doom_others(batch);
  if (!brings_back_) {
    BR_TRY(add_history(io::Context{}, parts_, batch, location_,
                       {keeping_, !record_.versioned, nullptr, now_}, doomed_));
  } else {
    bury_kept(batch, location_, keeping_, keeping_.names(), now_, doomed_);
  }
  append_events(batch);
  batch.append(std::string{audit::kStream}, grant_.record_for_commit());
  if (extra) BR_TRY(extra(batch));
  // The bytes are there: whoever asked for them may be gone by now, the commit goes on.
  auto committed = parts_.store.commit(io::Context{}, batch, kv::Durability::kSync);
  parts_.tree.committed(batch);
  if (!committed) return std::unexpected(std::move(committed).error());
  return {};
}

/// After a sibling made or dropped the directory: the entry itself is locked.
Result<void> Publication::resolve_again() {
  BR_TRY(location, parts_.tree.resolve(io::Context{}, grant_.path()));
  location_ = std::move(location);
  if (location_.directories.size() >= 2 &&
      default_native_name(*target_.mount, target_.place, location_) == target_.native_name) {
    return {};
  }
  return std::unexpected(conflict("cannot write " + grant_.path().text(),
                                  "its directory was removed or renamed meanwhile", "send it again")
                             .with_tag(std::string{kTakeBack}));
}

Result<Entry> Publication::commit(const backend::CopyInfo& info, const Extra& extra) {
  BR_KILL_POINT("write.published");
  record_.copies[0].version = info.version;
  if (!info.storage_class.empty()) record_.copies[0].storage_class = info.storage_class;
  if (!brings_back_) grant_.note_generation(record_.generation);
  grant_.note_bytes(record_.size);
  grant_.note_backend(target_.place.backend->declaration.name);
  for (int attempt = 1;; ++attempt) {
    auto done = commit_once(extra);
    if (done) break;
    const bool again = done.error().code() == Code::kConflict && done.error().tag() != kTakeBack &&
                       attempt < kMaxCommitAttempts;
    if (again) done = resolve_again();
    if (done) continue;
    if (done.error().tag() == kTakeBack) return std::unexpected(lost_race(info, done.error()));
    if (again) continue;
    ++parts_.unsettled_intents;
    return std::unexpected(
        std::move(done).error().during("recording the write of " + grant_.path().text()));
  }
  BR_KILL_POINT("write.committed");
  grant_.committed();
  parts_.freshness.entries.mark(grant_.path().text(), parts_.clock.monotonic());
  // Their rows are committed, the deletes follow at once.
  for (const auto& copy : doomed_) execute_doomed(context_, parts_, *target_.mounts, copy);
  return entry_of(location_, std::move(record_));
}

/// The bytes lie under a name that no longer belongs to this path. New ones are taken back; those
/// that replaced others stay, and the catalog follows them: nothing else is left of the old ones.
Error Publication::lost_race(const backend::CopyInfo& info, Error error) {
  if (expected_absent_) {
    auto removed = target_.place.backend->client->remove(io::Context{}, {info.name, info.version});
    if (!removed) ++parts_.unsettled_intents;
    give_up();
  } else {
    follow_native();
  }
  return std::move(error).with_tag("race");
}

/// Gives the write up and makes the catalog agree with what is there natively.
void Publication::follow_native() {
  auto followed =
      reconcile_entry(io::Context{}, parts_, *target_.mounts, grant_.path(), Need::kWrite);
  if (followed) return give_up();
  // The intent stays: whoever writes next, and the janitor, look again.
  ++parts_.unsettled_intents;
  observe::log_debug("native_state_unknown", "The catalog could not follow a backend yet.",
                     {observe::field("why", followed.error().to_string())});
}

Result<Entry> Publication::recover(Error error, const Extra& extra) {
  if (!intended_) return std::unexpected(std::move(error));
  if (error.retry() == Retry::kMaybeApplied || error.code() == Code::kCancelled) {
    // The caller's deadline may be what broke the write off; the question is short.
    const auto soon = io::Context{}.with_deadline(io::now() + kMaxAsking);
    auto there = target_.place.backend->client->stat(soon, {target_.native_name});
    if (there) {
      auto id = there->attributes.find("beringia-write-id");
      if (id != there->attributes.end() && id->second == write_id_) return commit(*there, extra);
    } else if (there.error().code() != Code::kNotFound) {
      // Nobody can tell now: the intent stays and the janitor looks again.
      ++parts_.unsettled_intents;
      return std::unexpected(std::move(error));
    }
  }
  if (error.code() == Code::kConflict) {
    // Natively there is something else than the catalog says. The next try shall find it.
    follow_native();
    if (error.tag().empty()) error = std::move(error).with_tag("race");
    return std::unexpected(std::move(error));
  }
  give_up();
  return std::unexpected(std::move(error));
}

/// Drops the intent. What was kept of the generation before goes, unless that is gone itself.
void Publication::give_up() {
  std::vector<meta::DoomedCopy> doomed;
  Result<void> dropped;
  for (int attempt = 1; attempt <= kMaxCommitAttempts; ++attempt) {
    dropped = give_up_once(doomed);
    if (dropped || dropped.error().code() != Code::kConflict) break;
  }
  if (dropped) {
    for (const auto& copy : doomed) execute_doomed(io::Context{}, parts_, *target_.mounts, copy);
    return;
  }
  ++parts_.unsettled_intents;
  observe::log_warn("intent_kept", "An aborted write left its intent for recovery.",
                    {observe::field("why", dropped.error().to_string())});
}

Result<void> Publication::give_up_once(std::vector<meta::DoomedCopy>& doomed) {
  doomed.clear();
  kv::Batch batch;
  batch.remove(meta::intent_key(grant_.path().text()));
  auto durability = kv::Durability::kBuffered;
  if (keeping_.replaced) {
    durability = kv::Durability::kSync;
    BR_TRY(settle_kept(io::Context{}, parts_, *target_.mounts, batch, grant_.path(),
                       *keeping_.replaced, keeping_.names(), now_, doomed));
  }
  if (source_keeping_ != nullptr) doom_names(batch, source_keeping_->names(), now_, doomed);
  BR_TRY(parts_.store.commit(io::Context{}, std::move(batch), durability));
  return {};
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
  record.acl = attributes.acl;
  record.lock = attributes.lock;
  return record;
}

void take_bytes_of(const meta::EntryRecord& source, meta::EntryRecord& record) {
  record.size = source.size;
  record.crc32c = source.crc32c;
  record.md5 = source.md5;
  record.checksums = source.checksums;
  record.encryption = source.encryption;
  if (!source.md5) record.etag = source.etag;
}

}  // namespace beringia::core

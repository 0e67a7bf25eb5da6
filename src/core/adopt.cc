#include "core/adopt.h"

#include "base/encoding.h"
#include "core/doom.h"
#include "core/encryption.h"
#include "core/keeping.h"
#include "core/reconcile.h"
#include "core/versions.h"
#include "meta/journal.h"
#include "observe/metrics.h"

namespace beringia::core {
namespace {

const observe::Counter kAdopted{
    "beringia_core_adopted_total", "Foreign changes found in backends and taken over.", {"op"}};

constexpr std::string_view kOurs = "beringia-";
constexpr std::string_view kHttp = "beringia-http-";
constexpr std::string_view kTag = "beringia-tag-";
/// Creation time of directories that were found on the way: what is in them is not known.
constexpr Timestamp kFoundDirectories{};

}  // namespace

backend::Attributes native_attributes(const meta::EntryRecord& record) {
  backend::Attributes attributes{record.metadata.begin(), record.metadata.end()};
  // What clients named so would be taken for ours.
  std::erase_if(attributes, [](const auto& pair) { return pair.first.starts_with(kOurs); });
  attributes["beringia-write-id"] = record.write_id;
  attributes["beringia-generation"] = std::to_string(record.generation);
  if (record.encryption) {
    attributes[kEncryptionAttribute] = encode_encryption_attribute(record);
  }
  if (!record.owner.empty()) attributes["beringia-owner"] = record.owner;
  if (!record.etag.empty()) attributes["beringia-etag"] = record.etag;
  for (const auto& [name, value] : record.http) attributes[std::string{kHttp} + name] = value;
  for (const auto& [name, value] : record.tags) attributes[std::string{kTag} + name] = value;
  return attributes;
}

meta::EntryRecord record_of_native(const backend::CopyInfo& info) {
  meta::EntryRecord record;
  record.size = info.size;
  record.created = record.modified = info.modified;
  record.crc32c = info.crc32c;
  record.md5 = info.md5;
  record.content_type = info.content_type;
  for (const auto& [name, value] : info.attributes) {
    if (!name.starts_with(kOurs)) {
      record.metadata[name] = value;
    } else if (name == "beringia-write-id") {
      record.write_id = value;
    } else if (name == "beringia-owner") {
      record.owner = value;
    } else if (name == "beringia-etag") {
      // An etag is only as good as the checksums beside it: the backend drops those when the bytes
      // were changed under them.
      if (info.crc32c) record.etag = value;
    } else if (name.starts_with(kHttp)) {
      record.http[name.substr(kHttp.size())] = value;
    } else if (name.starts_with(kTag)) {
      record.tags[name.substr(kTag.size())] = value;
    } else if (name == kEncryptionAttribute) {
      // Bytes of another size are somebody else's, who left our attributes where they were.
      take_encryption_attribute(value, info.size, info.crc32c, record);
    }
  }
  return record;
}

meta::Copy Adoption::copy_at(const LiveLocation& place, const backend::CopyInfo& info) const {
  meta::Copy copy;
  copy.backend = place.backend->declaration.id;
  if (info.name != default_native_name(mount_, place, location_)) copy.native_name = info.name;
  copy.version = info.version;
  copy.storage_class = info.storage_class;
  return copy;
}

Result<void> Adoption::commit(kv::Batch batch, const char* operation, Change change) {
  const Timestamp now = parts_.clock.wall();
  const uint64_t generation = change.generation;
  change.now = now;
  append_change(parts_.event_rules, batch, location_, std::move(change), kSyncActor);
  audit::Record record;
  record.time = now;
  record.principal = "system:sync";
  record.credential = "internal";
  record.door = "system";
  record.operation = operation;
  record.path = location_.path.text();
  record.generation = generation;
  record.allowed = true;
  record.rule = "mount";
  batch.append(std::string{audit::kStream}, audit::to_canonical_json(record));
  auto committed = parts_.store.commit(context_, batch, kv::Durability::kBuffered);
  parts_.tree.committed(batch);
  if (!committed) return std::unexpected(std::move(committed).error());
  kAdopted.add(1, {operation});
  return {};
}

/// A write of ours that lost its race has kept the generation that goes now: it becomes a version
/// by this very commit, or it could not be found until that write has settled. The caller's commit
/// takes it out of the intent. @return whether there is such a generation
Result<bool> Adoption::keep_replaced(kv::Batch& batch, Timestamp now) {
  // What is only kept for its bucket's soft delete is left to the end of the intent.
  if (!stays_as_version(location_, *location_.entry)) return false;
  const std::string key = meta::intent_key(location_.path.text());
  BR_TRY(row, parts_.store.get(context_, key));
  if (!row) return false;
  BR_TRY(intent, meta::decode_intent(*row));
  if (intent.replaced.empty()) return false;
  BR_TRY(replaced, meta::decode_entry(intent.replaced));
  if (replaced.generation != location_.entry->generation) return false;
  BR_TRY(copy, find_kept(context_, mounts_, intent.kept));
  if (!copy) return false;
  meta::VersionRecord version{std::move(replaced), false, now};
  version.record.copies = {*copy};
  meta::put_version(batch, versioned_key(location_), version);
  const auto& bucket = location_.directories[1];
  batch.check(meta::directory_key(bucket.id), bucket.record_bytes);
  for (auto& name : intent.kept) {
    const bool used = name.backend == copy->backend && name.native_name == copy->native_name;
    if (!used) intent.other_kept.push_back(std::move(name));
  }
  intent.kept.clear();
  intent.replaced.clear();
  batch.check(key, *row);
  batch.put(key, meta::encode(intent));
  return true;
}

Result<void> Adoption::insert(const LiveLocation& place, const backend::CopyInfo& info) {
  meta::EntryRecord record = record_of_native(info);
  const Timestamp now = parts_.clock.wall();
  BR_TRY(generation, parts_.generations.next(context_));
  record.generation = generation;
  record.versioned = versioning_of(location_) != Versioning::kOff;
  if (record.modified.micros == 0) record.created = record.modified = now;
  record.copies = {copy_at(place, info)};
  kv::Batch batch;
  parts_.tree.put_entry(batch, location_, record, kFoundDirectories);
  return commit(std::move(batch), "sync.insert",
                {meta::FeedRecord::Kind::kPut, wire::EventKind::kWritten, generation, {}, &record});
}

Result<void> Adoption::overwrite(const LiveLocation& place, const backend::CopyInfo& info) {
  meta::EntryRecord record = record_of_native(info);
  const meta::EntryRecord& old = *location_.entry;
  const Timestamp now = parts_.clock.wall();
  BR_TRY(generation, parts_.generations.next(context_));
  record.generation = generation;
  record.versioned = versioning_of(location_) != Versioning::kOff;
  if (record.modified.micros == 0) record.created = record.modified = now;
  if (record.owner.empty()) record.owner = old.owner;
  if (record.tags.empty()) record.tags = old.tags;
  record.acl = old.acl;
  record.copies = {copy_at(place, info)};
  kv::Batch batch;
  parts_.tree.put_entry(batch, location_, record, now);
  for (const auto& copy : old.copies) {
    const auto other = mount_.location_of(mounts_.backend(copy.backend));
    if (!other.backend || copy.backend == record.copies[0].backend) continue;
    doom_copy(batch,
              {now, copy.backend, native_name_of(copy, mount_, other, location_), copy.version});
  }
  BR_TRY(kept, keep_replaced(batch, now));
  append_replaced(parts_.event_rules, batch, location_, generation, kept, now, kSyncActor);
  return commit(std::move(batch), "sync.overwrite",
                {meta::FeedRecord::Kind::kPut,
                 wire::EventKind::kWritten,
                 generation,
                 {},
                 &record,
                 old.generation});
}

Result<void> Adoption::forget() {
  kv::Batch batch;
  const uint64_t generation = location_.entry->generation;
  parts_.tree.remove_entry(batch, location_);
  BR_TRY(kept, keep_replaced(batch, parts_.clock.wall()));
  BR_TRY(older, newest_version(context_, parts_, location_));
  if (kept || (older && !older->version.delete_marker)) {
    // The bytes are lost; the versions before stay what they are: not current.
    BR_TRY(marker, make_marker(context_, parts_, location_.entry->owner));
    std::vector<meta::DoomedCopy> doomed;
    BR_TRY(add_history(context_, parts_, batch, location_,
                       {Keeping{}, false, &marker, parts_.clock.wall()}, doomed));
  }
  return commit(std::move(batch), "sync.remove",
                {meta::FeedRecord::Kind::kRemove,
                 wire::EventKind::kRemoved,
                 generation,
                 {},
                 &*location_.entry});
}

Result<void> Adoption::keep_only(std::vector<meta::Copy> copies) {
  meta::EntryRecord record = *location_.entry;
  record.copies = std::move(copies);
  kv::Batch batch;
  parts_.tree.put_entry(batch, location_, record, parts_.clock.wall());
  return commit(std::move(batch), "sync.copies",
                {meta::FeedRecord::Kind::kPlacement, wire::EventKind::kNone, record.generation});
}

}  // namespace beringia::core

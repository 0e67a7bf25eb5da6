#include <algorithm>

#include "base/encoding.h"
#include "base/kill_point.h"
#include "core/encryption.h"
#include "core/publication.h"
#include "core/upload_parts.h"
#include "core/versions.h"
#include "meta/journal.h"

namespace beringia::core {
namespace {

constexpr size_t kMaxParts = 10'000;  // S3 API, UploadPart: part numbers 1..10000

Error no_upload(const std::string& id) {
  return not_found("there is no upload " + id, "it was completed, aborted, or never began")
      .with_tag("no_upload");
}

/// The upload, if it belongs to the grant's path.
Result<meta::UploadRecord> upload_of(const io::Context& context, Namespace::Parts& parts,
                                     const Grant& grant, const std::string& id) {
  BR_TRY(found, meta::find_upload(context, parts.store, id));
  if (!found || found->path != grant.path().text()) return std::unexpected(no_upload(id));
  return std::move(*found);
}

std::string part_name(const std::string& id, uint32_t number, Rng& rng) {
  return std::string{backend::kReservedPrefix} + "uploads/" + id + "/" + std::to_string(number) +
         "-" + random_hex(rng, 4);
}

/// Chooses between a place in the shared file and a file of its own.
std::optional<UploadSlots::Claim> place_part(Namespace::Parts& parts, const LiveBackend& live,
                                             const meta::UploadRecord& upload, uint32_t number,
                                             std::optional<uint64_t> size) {
  const bool fits = live.client->capabilities().writes_pieces && size && upload.boot == parts.boot;
  return fits ? parts.upload_slots.claim(upload.id, number, *size) : std::nullopt;
}

/// What is joined to the object: one source per part, or the shared file alone where that holds
/// just these parts, one behind the other.
void add_sources(backend::ComposeRequest& join, const std::vector<meta::PartRecord>& parts,
                 const std::vector<uint64_t>& stored_sizes, bool may_adopt) {
  uint64_t end = 0;
  bool in_line = may_adopt;
  for (size_t i = 0; i < parts.size(); ++i) {
    in_line = in_line && is_piece(parts[i]) && parts[i].offset == end;
    end += stored_sizes[i];
  }
  if (in_line) {
    join.sources = {parts.front().native_name};
    join.source_ranges = {{0, end}};
    return;
  }
  const bool any_piece = std::ranges::any_of(parts, is_piece);
  for (size_t i = 0; i < parts.size(); ++i) {
    join.sources.push_back(parts[i].native_name);
    join.source_versions.push_back(parts[i].version);
    if (any_piece) join.source_ranges.push_back({parts[i].offset, stored_sizes[i]});
  }
}

std::vector<uint64_t> stored_sizes_of(const std::vector<meta::PartRecord>& parts) {
  std::vector<uint64_t> sizes;
  sizes.reserve(parts.size());
  for (const auto& part : parts) {
    sizes.push_back(part.stored_crc32c ? wire::stored_bytes_of(part.size) : part.size);
  }
  return sizes;
}

/// The parts the client names, checked against those that came.
Result<std::vector<meta::PartRecord>> chosen_parts(const CompleteUpload& request,
                                                   std::vector<meta::PartRecord> have) {
  if (request.parts.empty()) return have;
  std::vector<meta::PartRecord> chosen;
  for (const auto& wanted : request.parts) {
    auto found = std::find_if(have.begin(), have.end(),
                              [&](const auto& part) { return part.number == wanted.number; });
    const bool matches =
        found != have.end() && (wanted.etag.empty() || wanted.etag == to_hex(found->md5));
    if (!matches) {
      return std::unexpected(
          invalid("part " + std::to_string(wanted.number) + " is missing or has another ETag",
                  "the upload has " + std::to_string(have.size()) + " parts")
              .with_tag("bad_part"));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

meta::EntryRecord record_of(const meta::UploadRecord& upload, const CompleteUpload& request,
                            const std::vector<meta::PartRecord>& parts) {
  WriteAttributes attributes = request.attributes.value_or(
      WriteAttributes{upload.content_type, upload.storage_class, upload.http, upload.metadata,
                      upload.tags, upload.acl});
  attributes.lock = upload.lock;
  uint64_t size = 0;
  uint32_t crc32c = 0;
  uint32_t stored_crc32c = 0;
  meta::Encryption encryption = upload.encryption;
  std::vector<uint64_t> sizes;
  for (const auto& part : parts) {
    crc32c = Crc32c::combine(crc32c, part.crc32c, part.size);
    size += part.size;
    sizes.push_back(part.size);
    if (!encryption) continue;
    meta::append_stream(encryption.runs, part.size);
    stored_crc32c = Crc32c::combine(stored_crc32c, part.stored_crc32c.value_or(0),
                                    wire::stored_bytes_of(part.size));
  }
  auto record = make_record(attributes, size, crc32c, request.md5);
  if (parts.size() == 1) record.md5 = parts[0].md5;
  record.etag = request.etag;
  record.checksums = request.checksums;
  if (request.keep_part_sizes) record.part_sizes = std::move(sizes);
  if (encryption) {
    encryption.stored_crc32c = stored_crc32c;
    record.encryption = std::move(encryption);
    if (!keeps_md5(record.encryption)) record.md5.reset();
  }
  return record;
}

/// Native attributes tell the sizes of the streams; Cloud Storage has room for 8 KiB of them all.
constexpr size_t kMaxRuns = 256;

Result<void> check_runs(const meta::EntryRecord& record) {
  if (record.encryption.runs.size() / 2 <= kMaxRuns) return {};
  return std::unexpected(
      unsupported("an encrypted upload's parts change their size more than 256 times",
                  "the object could not describe itself", "upload parts of one size"));
}

Result<void> check_expected(const ExpectedBody& expected, const meta::EntryRecord& record) {
  const bool size_ok = !expected.size || *expected.size == record.size;
  const bool sum_ok = (!expected.crc32c || *expected.crc32c == *record.crc32c) &&
                      (!expected.md5 || !record.md5 || *expected.md5 == *record.md5);
  if (size_ok && sum_ok) return {};
  return std::unexpected(invalid("the uploaded parts are not what was announced",
                                 std::to_string(record.size) + " bytes came", "upload them again")
                             .with_tag(size_ok ? "checksum_mismatch" : "size_mismatch"));
}

}  // namespace

Result<meta::UploadRecord> Namespace::begin_upload(const io::Context& context, const Grant& grant,
                                                   const BeginUpload& request) {
  BR_TRY(target, find_target(context, parts_, grant, request.attributes.storage_class));
  meta::UploadRecord upload;
  upload.id = random_hex(parts_.rng, 16);
  upload.path = grant.path().text();
  upload.owner = grant.principal().name();
  upload.started = parts_.clock.wall();
  upload.protocol = request.protocol;
  upload.content_type = request.attributes.content_type;
  upload.storage_class = request.attributes.storage_class;
  upload.http = request.attributes.http;
  upload.metadata = request.attributes.metadata;
  upload.tags = request.attributes.tags;
  upload.acl = request.attributes.acl;
  upload.lock = request.attributes.lock;
  upload.options = request.options;
  upload.backend = target.place.backend->declaration.id;
  upload.boot = parts_.boot;
  BR_TRY(encryption,
         resolve_encryption(context, parts_, request.attributes.encryption, target.before));
  if (encryption.method != meta::Encryption::Method::kNone) {
    // The key itself is unwrapped again for every part.
    BR_TRY(made, make_data_key(context, parts_, encryption));
    upload.encryption = std::move(made.encryption);
  }
  kv::Batch batch;
  batch.put(meta::upload_key(upload.id), meta::encode(upload));
  batch.append(std::string{audit::kStream}, grant.record_for_commit());
  BR_TRY(parts_.store.commit(context, std::move(batch), kv::Durability::kSync));
  grant.committed();
  return upload;
}

Result<meta::PartRecord> Namespace::put_part(const io::Context& context, const Grant& grant,
                                             const PutPart& request) {
  if (request.number < 1 || request.number > kMaxParts) {
    return std::unexpected(invalid("part numbers are 1 to 10000").with_tag("bad_part_number"));
  }
  BR_TRY(upload, upload_of(context, parts_, grant, request.upload_id));
  const auto mounts = parts_.mounts.get();
  const auto live = mounts->backend(upload.backend);
  if (!live) return std::unexpected(no_upload(request.upload_id));
  DigestSource body{*request.body};
  BR_TRY(stored,
         StoredBody::of_part(context, parts_, body, upload.encryption, request.customer_key));
  meta::PartRecord part;
  part.number = request.number;
  part.native_name = part_name(upload.id, request.number, parts_.rng);
  backend::WriteRequest native;
  native.body = &stored.source();
  native.size = stored.size_of(request.expected.size);
  auto slot = place_part(parts_, *live, upload, request.number, native.size);
  if (slot) {
    part.native_name = shared_part_name(upload.id);
    native.offset = part.offset = slot->offset();
  }
  native.name = part.native_name;
  native.expectation = backend::Expectation::absent();
  native.seal = [&]() -> Result<backend::Seal> {
    BR_TRY(body.check(request.expected));
    if (request.at_end) {
      BR_TRY(kept, request.at_end());
      part.checksums = std::move(kept);
    }
    part.size = body.size();
    part.crc32c = body.crc32c();
    part.md5 = body.md5();
    part.stored_crc32c = stored.crc32c();
    if (!part.stored_crc32c) return backend::Seal{part.size, part.crc32c, part.md5, {}, {}, {}};
    return backend::Seal{wire::stored_bytes_of(part.size), *part.stored_crc32c, {}, {}, {}, {}};
  };
  BR_TRY(info, live->client->write(context, native));
  slot.reset();
  BR_KILL_POINT("part.written");
  part.version = info.version;
  part.modified = parts_.clock.wall();
  grant.note_bytes(part.size);
  grant.note_backend(live->declaration.name);

  const std::string key = meta::part_key(upload.id, part.number);
  for (int attempt = 1;; ++attempt) {
    BR_TRY(upload_row, parts_.store.get(context, meta::upload_key(upload.id)));
    BR_TRY(replaced, parts_.store.get(context, key));
    if (!upload_row) {
      remove_own_parts(context, *live, {part});
      if (is_piece(part)) remove_shared_parts(context, *live, upload.id);
      return std::unexpected(no_upload(upload.id));
    }
    kv::Batch batch;
    batch.check(meta::upload_key(upload.id), *upload_row);
    batch.check(key, replaced);
    batch.put(key, meta::encode(part));
    batch.append(std::string{audit::kStream}, grant.record_for_commit());
    auto committed = parts_.store.commit(context, std::move(batch), kv::Durability::kSync);
    if (committed) {
      grant.committed();
      if (replaced) {
        BR_TRY(old, meta::decode_part(*replaced));
        remove_own_parts(context, *live, {old});
      }
      return part;
    }
    if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      return std::unexpected(std::move(committed).error());
    }
  }
}

Result<meta::UploadRecord> Namespace::find_upload(const io::Context& context, const Grant& grant,
                                                  const std::string& upload_id) {
  return upload_of(context, parts_, grant, upload_id);
}

Result<std::vector<meta::PartRecord>> Namespace::list_parts(const io::Context& context,
                                                            const Grant& grant,
                                                            const std::string& upload_id) {
  BR_TRY(upload_of(context, parts_, grant, upload_id));
  return meta::parts_of(context, parts_.store, upload_id);
}

Result<std::vector<meta::UploadRecord>> Namespace::list_uploads(const io::Context& context,
                                                                const Grant& grant,
                                                                const std::string& protocol) {
  BR_TRY(all, meta::all_uploads(context, parts_.store));
  std::erase_if(all, [&](const meta::UploadRecord& upload) {
    return upload.protocol != protocol || !upload.path.starts_with(grant.path().text());
  });
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.path, a.started, a.id) < std::tie(b.path, b.started, b.id);
  });
  return std::move(all);
}

namespace {

/// The answer of an upload that was completed before, from its outcome row.
Result<Entry> completed_before(const io::Context& context, Namespace::Parts& parts,
                               const Grant& grant, const std::string& id) {
  BR_TRY(row, meta::outcome(context, parts.store, id));
  if (!row || row->result != meta::OutcomeRecord::Result::kCommitted) {
    return std::unexpected(no_upload(id));
  }
  BR_TRY(now, parts.tree.resolve(context, grant.path()));
  BR_TRY(location, choose_generation(context, parts, std::move(now), row->generation));
  if (!location.entry || location.entry->generation != row->generation) {
    return std::unexpected(no_upload(id));
  }
  return entry_of(location, *location.entry);
}

}  // namespace

Result<Entry> Namespace::complete_upload(const io::Context& context, const Grant& grant,
                                         const CompleteUpload& request) {
  auto upload = upload_of(context, parts_, grant, request.upload_id);
  if (!upload) return completed_before(context, parts_, grant, request.upload_id);
  BR_TRY(have, meta::parts_of(context, parts_.store, request.upload_id));
  const auto all_parts = have;
  BR_TRY(parts, chosen_parts(request, std::move(have)));
  auto record = record_of(*upload, request, parts);
  BR_TRY(check_expected(request.expected, record));
  BR_TRY(check_runs(record));

  BR_TRY(target, find_target(context, parts_, grant, record.storage_class));
  const auto live = target.mounts->backend(upload->backend);
  if (!live || live->declaration.id != target.place.backend->declaration.id) {
    return std::unexpected(unavailable("cannot complete upload " + request.upload_id,
                                       "its parts lie in a backend that the mount no longer "
                                       "writes to",
                                       "upload it again"));
  }
  Publication publication{context, parts_, grant, std::move(target)};
  publication.use_write_id(upload->id);
  publication.tells(wire::EventKind::kAssembled);
  BR_TRY(publication.lock(request.conditions, {}));
  // Two completions at once: the second one finds the first one's outcome.
  if (!upload_of(context, parts_, grant, request.upload_id)) {
    return completed_before(context, parts_, grant, request.upload_id);
  }
  if (parts.empty()) {
    return std::unexpected(
        invalid("an upload without parts cannot be completed").with_tag("bad_part"));
  }
  BR_TRY(seal, publication.intend(std::move(record)));
  backend::ComposeRequest join;
  join.name = publication.target().native_name;
  add_sources(join, parts, stored_sizes_of(parts), parts_.upload_slots.close(upload->id));
  join.expectation = *seal.expectation;
  join.storage_class = publication.target().storage_class;
  join.seal = seal;
  join.remove_sources = true;
  const Timestamp now = parts_.clock.wall();
  auto extra = [&](kv::Batch& batch) -> Result<void> {
    meta::remove_upload(batch, upload->id, all_parts);
    const uint64_t generation = parse_u64(seal.attributes.at("beringia-generation")).value_or(0);
    batch.put(meta::outcome_key(upload->id),
              meta::encode(
                  meta::OutcomeRecord{meta::OutcomeRecord::Result::kCommitted, generation, now}));
    return {};
  };
  auto info = live->client->compose(context, join);
  auto entry =
      info ? publication.commit(*info, extra) : publication.recover(std::move(info).error(), extra);
  if (entry && all_parts.size() > parts.size()) {
    auto unused = all_parts;
    std::erase_if(unused, [&](const auto& part) {
      return std::any_of(parts.begin(), parts.end(),
                         [&](const auto& used) { return used.number == part.number; });
    });
    remove_own_parts(context, *live, unused);
  }
  if (entry) {
    parts_.upload_slots.forget(upload->id);
    const bool is_joined =
        std::ranges::find(join.sources, shared_part_name(upload->id)) != join.sources.end();
    if (!is_joined) remove_shared_parts(context, *live, upload->id);
  }
  return entry;
}

Result<void> Namespace::abort_upload(const io::Context& context, const Grant& grant,
                                     const std::string& upload_id) {
  BR_TRY(guard, parts_.locks.lock(context, grant.path()));
  BR_TRY(upload, upload_of(context, parts_, grant, upload_id));
  BR_TRY(parts, meta::parts_of(context, parts_.store, upload_id));
  kv::Batch batch;
  meta::remove_upload(batch, upload_id, parts);
  batch.append(std::string{audit::kStream}, grant.record_for_commit());
  BR_TRY(parts_.store.commit(context, std::move(batch), kv::Durability::kSync));
  grant.committed();
  if (const auto live = parts_.mounts.get()->backend(upload.backend)) {
    remove_own_parts(context, *live, parts);
    remove_shared_parts(context, *live, upload_id);
  }
  parts_.upload_slots.forget(upload_id);
  return {};
}

}  // namespace beringia::core

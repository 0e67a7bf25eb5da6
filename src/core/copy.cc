#include <algorithm>

#include "core/encryption.h"
#include "core/parts.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "core/soft_delete.h"
#include "core/versions.h"

namespace beringia::core {
namespace {

using Method = meta::Encryption::Method;

WriteAttributes attributes_of(const meta::EntryRecord& record) {
  return {record.content_type, record.storage_class, record.http,
          record.metadata,     record.tags,          record.acl};
}

Error no_source(const meta::Location& source, std::optional<uint64_t> generation) {
  return generation ? no_generation(source, generation)
                    : not_found("there is no " + source.path.text());
}

/// A source whose bytes can be joined inside the target's backend.
struct NativeSource {
  std::string name;
  std::string version;
};

std::optional<NativeSource> native_source(const Mounts& mounts, const meta::Location& source,
                                          const WriteTarget& target) {
  if (!source.entry || !source.entry->stored_crc32c()) return std::nullopt;
  const LiveMount* mount = mounts.find(source.path);
  if (mount == nullptr) return std::nullopt;
  for (const auto& copy : source.entry->copies) {
    if (copy.backend != target.place.backend->declaration.id) continue;
    const auto place = mount->location_of(mounts.backend(copy.backend));
    return NativeSource{native_name_of(copy, *mount, place, source), copy.version};
  }
  return std::nullopt;
}

/// Entries read one after the other.
class ChainSource final : public io::ByteSource {
 public:
  using Open = std::function<Result<std::unique_ptr<io::ByteSource>>(size_t index)>;
  ChainSource(size_t count, Open open) : count_{count}, open_{std::move(open)} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    for (;;) {
      if (!current_) {
        if (next_ == count_) return 0;
        BR_TRY(opened, open_(next_++));
        current_ = std::move(opened);
      }
      BR_TRY(n, current_->read(context, buffer));
      if (n > 0) return n;
      current_.reset();
    }
  }

 private:
  size_t count_;
  Open open_;
  size_t next_ = 0;
  std::unique_ptr<io::ByteSource> current_;
};

/// Joins inside the backend under the publication's lock.
Result<Entry> join_natively(const io::Context& context, Publication& publication,
                            meta::EntryRecord record, const std::vector<NativeSource>& sources,
                            const Publication::Extra& extra) {
  BR_TRY(seal, publication.intend(std::move(record)));
  backend::ComposeRequest request;
  request.name = publication.target().native_name;
  for (const auto& source : sources) {
    request.sources.push_back(source.name);
    request.source_versions.push_back(source.version);
  }
  request.expectation = *seal.expectation;
  request.storage_class = publication.target().storage_class;
  request.seal = std::move(seal);
  auto info = publication.target().place.backend->client->compose(context, request);
  if (!info) return publication.recover(std::move(info).error(), extra);
  return publication.commit(*info, extra);
}

}  // namespace

Result<Entry> Namespace::copy(const io::Context& context, const Grant& from, const Grant& to,
                              const CopyRequest& request) {
  return copy_entry(*this, context, parts_, from, to, request, {});
}

Result<Entry> copy_entry(Namespace& names, const io::Context& context, Namespace::Parts& parts,
                         const Grant& from, const Grant& to, const CopyRequest& request,
                         const Publication::Company& company) {
  from.note_target(to.path());
  const auto mounts = parts.mounts.get();
  BR_TRY(located, locate(context, parts, *mounts, from.path(), Need::kRead));
  const auto choose = [&](meta::Location at) {
    return request.source_soft_deleted
               ? choose_soft_deleted(context, parts, std::move(at), request.source_generation)
               : choose_generation(context, parts, std::move(at), request.source_generation);
  };
  BR_TRY(seen, choose(std::move(located)));
  if (!seen.entry) return std::unexpected(no_source(seen, request.source_generation));
  BR_TRY(check_conditions(request.source_conditions, seen.entry, false));
  auto attributes = request.attributes.value_or(attributes_of(*seen.entry));
  // Who may see the source says nothing about who may see the copy; a rename is no copy.
  const bool keeps_acl = company.path || request.keeps_acl;
  if (!request.attributes && !keeps_acl) attributes.acl.clear();
  BR_TRY(target, find_target(context, parts, to, attributes.storage_class));
  BR_TRY(check_conditions(request.conditions, target.before.entry, false));
  bool as_stored = true;  // a rename changes nothing about its bytes
  if (!company.path) {
    BR_TRY(check_customer_key(seen.entry->encryption, request.source_key));
    BR_TRY(encryption, resolve_encryption(context, parts, attributes.encryption, target.before));
    as_stored = is_encrypted_as(seen.entry->encryption, encryption);
  }

  if (as_stored && target.mounts == mounts && native_source(*mounts, seen, target)) {
    BR_TRY(guards, parts.locks.lock_both(context, from.path(), to.path()));
    // With one lock for both (copy onto itself) the target's guard is the first one.
    const bool same = from.path() == to.path();
    const bool from_first = from.path() < to.path();
    auto& target_guard = same || !from_first ? guards.first : guards.second;
    BR_TRY(now, locate_locked(context, parts, *mounts, from.path(), Need::kRead));
    BR_TRY(source, choose(std::move(now)));
    auto native = native_source(*mounts, source, target);
    if (native && source.entry->generation == seen.entry->generation) {
      Publication publication{context, parts, to, std::move(target)};
      publication.renames(company);
      publication.tells(wire::EventKind::kCopied);
      BR_TRY(publication.locked_by(std::move(target_guard), request.conditions));
      if (company.check) BR_TRY(company.check());
      auto record = make_record(attributes, source.entry->size, 0, {});
      take_bytes_of(*source.entry, record);
      if (request.checksums) record.checksums = *request.checksums;
      return join_natively(context, publication, std::move(record), {*native}, company.rows);
    }
  }
  ReadRequest read_request;
  read_request.conditions = request.source_conditions;
  read_request.generation = request.source_generation;
  read_request.soft_deleted = request.source_soft_deleted;
  // Stored bytes go as they are: nobody needs a key for that.
  read_request.as_stored = as_stored && seen.entry->encryption;
  if (read_request.as_stored) read_request.generation = seen.entry->generation;
  if (!read_request.as_stored) read_request.customer_key = request.source_key;
  BR_TRY(opened, names.read(context, from, read_request));
  const meta::EntryRecord& source = opened.entry.record;
  WriteRequest write_request;
  write_request.body = opened.body.get();
  write_request.attributes = attributes;
  write_request.expected = {source.size, source.crc32c, source.md5};
  if (read_request.as_stored) {
    write_request.as_stored = &source;
    write_request.expected = {source.stored_size(), source.stored_crc32c(), std::nullopt};
  }
  write_request.conditions = request.conditions;
  write_request.event = wire::EventKind::kCopied;
  // The bytes are the same, hence their further checksums too.
  write_request.at_end = [&]() -> Result<meta::StringMap> {
    return request.checksums.value_or(source.checksums);
  };
  return write_entry(context, parts, to, write_request, company);
}

Result<Entry> Namespace::compose(const io::Context& context, const Grant& grant,
                                 const std::vector<const Grant*>& sources,
                                 const std::vector<std::optional<uint64_t>>& generations,
                                 const WriteAttributes& attributes, const Conditions& conditions) {
  const auto mounts = parts_.mounts.get();
  BR_TRY(target, find_target(context, parts_, grant, attributes.storage_class));
  BR_TRY(check_conditions(conditions, target.before.entry, false));
  BR_TRY(encryption, resolve_encryption(context, parts_, attributes.encryption, target.before));
  const bool is_plain = encryption.method == Method::kNone;
  std::vector<meta::Location> located;
  std::vector<NativeSource> natives;
  uint64_t size = 0;
  uint32_t crc32c = 0;
  for (size_t i = 0; i < sources.size(); ++i) {
    BR_TRY(found, locate(context, parts_, *mounts, sources[i]->path(), Need::kRead));
    const auto generation = i < generations.size() ? generations[i] : std::nullopt;
    BR_TRY(source, choose_generation(context, parts_, std::move(found), generation));
    if (!source.entry) return std::unexpected(no_source(source, generation));
    // Of encrypted bytes a new whole is made: what is joined natively has one data key.
    auto native = native_source(*mounts, source, target);
    if (native && is_plain && !source.entry->encryption) {
      crc32c = Crc32c::combine(crc32c, *source.entry->crc32c, source.entry->size);
      natives.push_back(std::move(*native));
    }
    size += source.entry->size;
    located.push_back(std::move(source));
  }
  if (target.mounts == mounts && natives.size() == sources.size()) {
    Publication publication{context, parts_, grant, std::move(target)};
    publication.tells(wire::EventKind::kAssembled);
    BR_TRY(publication.lock(conditions, {}));
    return join_natively(context, publication, make_record(attributes, size, crc32c, std::nullopt),
                         natives, {});
  }
  ChainSource chain{sources.size(), [&](size_t i) -> Result<std::unique_ptr<io::ByteSource>> {
                      ReadRequest request;
                      request.generation = located[i].entry->generation;
                      if (located[i].entry->encryption.method == Method::kCustomer &&
                          !attributes.encryption.customer_key.empty()) {
                        request.customer_key = attributes.encryption.customer_key;
                      }
                      BR_TRY(opened, read(context, *sources[i], request));
                      return std::move(opened.body);
                    }};
  WriteRequest request;
  request.body = &chain;
  request.attributes = attributes;
  request.expected.size = size;
  request.conditions = conditions;
  request.event = wire::EventKind::kAssembled;
  return write(context, grant, request);
}

}  // namespace beringia::core

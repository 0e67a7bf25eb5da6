#include "base/kill_point.h"
#include "core/encryption.h"
#include "core/publication.h"

namespace beringia::core {

Result<Entry> Namespace::write(const io::Context& context, const Grant& grant,
                               const WriteRequest& request) {
  return write_entry(context, parts_, grant, request, {});
}

Result<Entry> write_entry(const io::Context& context, Namespace::Parts& parts, const Grant& grant,
                          const WriteRequest& request, const Publication::Company& company) {
  BR_TRY(target, find_target(context, parts, grant, request.attributes.storage_class));
  // A lost condition need not wait for the body.
  BR_TRY(check_conditions(request.conditions, target.before.entry, false));
  Publication publication{context, parts, grant, std::move(target)};
  publication.renames(company);
  publication.tells(request.event);
  DigestSource body{*request.body};
  EncryptionChoice encryption;
  if (request.as_stored == nullptr) {
    BR_TRY(resolved, resolve_encryption(context, parts, request.attributes.encryption,
                                        publication.target().before));
    encryption = std::move(resolved);
  }
  BR_TRY(stored, StoredBody::make(context, parts, body, encryption));

  backend::WriteRequest native;
  native.name = publication.target().native_name;
  native.body = &stored.source();
  native.size = stored.size_of(request.expected.size);
  native.storage_class = publication.target().storage_class;
  native.content_type = request.attributes.content_type;
  BR_TRY(expected,
         expectation_of(context, parts, publication.target(), publication.target().before));
  native.expectation = expected;
  native.seal = [&]() -> Result<backend::Seal> {
    BR_TRY(body.check(request.expected));
    meta::StringMap checksums;
    if (request.at_end) {
      BR_TRY(kept, request.at_end());
      checksums = std::move(kept);
    }
    BR_KILL_POINT("write.sealed");
    BR_TRY(publication.lock(request.conditions, company));
    auto record = make_record(request.attributes, body.size(), body.crc32c(), body.md5());
    record.checksums = std::move(checksums);
    stored.describe(record);
    if (request.as_stored != nullptr) take_bytes_of(*request.as_stored, record);
    return publication.intend(std::move(record));
  };
  auto info = publication.target().place.backend->client->write(context, native);
  if (!info) return publication.recover(std::move(info).error(), company.rows);
  return publication.commit(*info, company.rows);
}

}  // namespace beringia::core

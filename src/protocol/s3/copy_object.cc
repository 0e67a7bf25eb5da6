#include <utility>

#include "base/encoding.h"
#include "protocol/s3/acls.h"
#include "protocol/s3/conditions.h"
#include "protocol/s3/copy_source.h"
#include "protocol/s3/encryption_headers.h"
#include "protocol/s3/expiration.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {
namespace {

/// COPY (the default) or REPLACE. @error kInvalid (tag InvalidArgument)
Result<bool> is_replace(const Call& call, std::string_view name) {
  const std::string_view directive = call.header(name);
  if (directive.empty() || directive == "COPY") return false;
  if (directive == "REPLACE") return true;
  return std::unexpected(s3_error(
      "InvalidArgument", "Unknown " + std::string{name.substr(6)} + ": it is COPY or REPLACE"));
}

struct Directives {
  bool replace_metadata = false;
  bool replace_tags = false;
  core::WriteAttributes attributes;  // what the headers say
};

Result<Directives> directives_of(const Call& call) {
  Directives directives;
  BR_TRY(metadata, is_replace(call, "x-amz-metadata-directive"));
  BR_TRY(tags, is_replace(call, "x-amz-tagging-directive"));
  BR_TRY(attributes, attributes_of(call));
  directives.replace_metadata = metadata;
  directives.replace_tags = tags;
  directives.attributes = std::move(attributes);
  return directives;
}

/// The target's attributes: from the source or the headers, as the directives say.
core::WriteAttributes merged(Directives directives, const meta::EntryRecord& source) {
  core::WriteAttributes attributes;
  const meta::Lock lock = directives.attributes.lock;  // the source's is not copied
  if (directives.replace_metadata) {
    attributes = std::move(directives.attributes);
  } else {
    attributes = {source.content_type,
                  directives.attributes.storage_class,
                  source.http,
                  source.metadata,
                  directives.attributes.tags,
                  directives.attributes.acl,
                  {}};
  }
  if (!directives.replace_tags) attributes.tags = source.tags;
  attributes.lock = lock;
  return attributes;
}

/// S3: a copy onto itself has to change something.
Result<void> check_changes(const Directives& directives, const core::Grant& from,
                           const core::Grant& to, const meta::EntryRecord& source,
                           const core::EncryptionChoice& encryption) {
  const bool changes = from.path() != to.path() || directives.replace_metadata ||
                       directives.replace_tags ||
                       (!directives.attributes.storage_class.empty() &&
                        directives.attributes.storage_class != source.storage_class) ||
                       encryption.method != meta::Encryption::Method::kNone;
  if (changes) return {};
  return std::unexpected(s3_error(
      "InvalidRequest",
      "This copy request is illegal because it is trying to copy an object to itself without "
      "changing the object's metadata, storage class, website redirect location or encryption "
      "attributes."));
}

/// A copy whose checksum the source has not: the bytes are read once.
Result<core::Entry> copy_with_checksum(Call& call, const core::Grant& from, const core::Grant& to,
                                       const core::CopyRequest& request,
                                       ChecksumAlgorithm algorithm) {
  core::ReadRequest read;
  read.generation = request.source_generation;
  read.customer_key = request.source_key;
  BR_TRY(open, call.rooms.names.read(call.context, from, read));
  ChecksumSource body{*open.body, algorithm};
  core::WriteRequest write;
  write.body = &body;
  write.attributes = *request.attributes;
  write.expected.size = open.entry.record.size;
  write.expected.crc32c = open.entry.record.crc32c;
  write.conditions = request.conditions;
  write.at_end = [&]() -> Result<meta::StringMap> {
    return meta::StringMap{{name_of(algorithm), body.finish()},
                           {kTypeKey, std::string{kFullObject}}};
  };
  return call.rooms.names.write(call.context, to, write);
}

/// What the copy shows as its checksum: that of one PUT, whatever the source was made of.
struct CopyChecksum {
  std::optional<ChecksumAlgorithm> to_compute;  // the bytes are read for it
  std::optional<meta::StringMap> known;         // else; absent: as the source has it
};

meta::StringMap full_object(ChecksumAlgorithm algorithm, std::string value) {
  return {{name_of(algorithm), std::move(value)}, {kTypeKey, std::string{kFullObject}}};
}

/// From the checksums of the source's parts, where they were kept and combine.
std::optional<std::string> combined_parts(const meta::EntryRecord& source,
                                          ChecksumAlgorithm algorithm) {
  if (!is_combinable(algorithm) || source.part_sizes.empty()) return std::nullopt;
  std::vector<PartChecksum> parts;
  for (size_t i = 0; i < source.part_sizes.size(); ++i) {
    parts.push_back({part_checksum(source, algorithm, i), source.part_sizes[i]});
    if (parts.back().value.empty()) return std::nullopt;
  }
  return combine_checksums(algorithm, parts);
}

Result<CopyChecksum> checksum_of_copy(const Call& call, const meta::EntryRecord& source) {
  const auto stored = stored_checksum(source);
  const std::string_view wanted = call.header("x-amz-checksum-algorithm");
  const bool is_composite = stored && stored->type == kComposite;
  if (wanted.empty() && !is_composite) return CopyChecksum{};
  auto algorithm = is_composite ? stored->algorithm : ChecksumAlgorithm::kCrc64Nvme;
  if (!wanted.empty()) {
    BR_TRY(parsed, parse_algorithm(wanted));
    algorithm = parsed;
  }
  if (stored && stored->algorithm == algorithm) {
    if (!is_composite) return CopyChecksum{};
    if (auto sum = combined_parts(source, algorithm)) {
      return CopyChecksum{{}, full_object(algorithm, std::move(*sum))};
    }
  }
  if (algorithm == ChecksumAlgorithm::kCrc32c && source.crc32c) {
    return CopyChecksum{{}, full_object(algorithm, to_base64(Crc32c::to_bytes(*source.crc32c)))};
  }
  return CopyChecksum{algorithm, {}};
}

/// A mark of a deletion is no source: S3 says so in words of its own.
Result<core::Entry> stat_source(Call& call, const core::Grant& from,
                                std::optional<uint64_t> generation) {
  auto source = call.rooms.names.stat(call.context, from, generation);
  if (source || !generation) return source;
  BR_TRY(marker, call.rooms.names.find_marker(call.context, from, generation));
  if (!marker) return std::unexpected(absence(call, from, generation, source.error()));
  return std::unexpected(s3_error("InvalidRequest",
                                  "The source of a copy request may not specifically refer to a "
                                  "delete marker by version id."));
}

io::HttpResponse copied(const core::Entry& entry) {
  wire::s3::XmlWriter xml{"CopyObjectResult"};
  xml.time("LastModified", entry.record.created).text("ETag", quoted_etag(entry.record));
  if (const auto stored = stored_checksum(entry.record)) {
    xml.text("ChecksumType", stored->type);
    xml.text(wire::s3::checksum_element(name_of(stored->algorithm)), stored->value);
  }
  io::HttpResponse response = xml_response(200, xml.take());
  add_encryption_headers(response, entry.record.encryption);
  return response;
}

}  // namespace

Result<io::HttpResponse> copy_object(Call& call) {
  BR_TRY(wanted, copy_source(call));
  BR_TRY(target_path, call.object_path());
  BR_TRY(directives, directives_of(call));
  core::CopyRequest request;
  request.source_conditions = source_conditions(call);
  request.conditions = write_conditions(call);
  BR_TRY(from, call.admit(core::Action::kRead, wanted.path));
  BR_TRY(to, call.admit(core::Action::kWrite, target_path));
  BR_TRY(check_offered(call));
  BR_TRY(encryption, encryption_of(call));
  BR_TRY(source_key, source_key_of(call));
  request.source_key = std::move(source_key);
  BR_TRY(source, stat_source(call, *from, wanted.generation));
  if (source.record.size > kMaxCopyBytes) {
    return std::unexpected(s3_error(
        "InvalidRequest",
        "The specified copy source is larger than the maximum allowable size for a copy source: " +
            std::to_string(kMaxCopyBytes)));
  }
  BR_TRY(core::check_conditions(request.source_conditions, source.record, false));
  if (!wanted.generation) {
    BR_TRY(check_changes(directives, *from, *to, source.record, encryption));
  }
  BR_TRY(checksum, checksum_of_copy(call, source.record));
  request.checksums = std::move(checksum.known);
  request.attributes = merged(std::move(directives), source.record);
  BR_TRY(acl, acl_for_write(call, *to));
  request.attributes->acl = std::move(acl);
  request.attributes->encryption = std::move(encryption);
  // What was looked at is what is copied.
  request.source_generation = source.record.generation;
  BR_TRY(entry, checksum.to_compute
                    ? copy_with_checksum(call, *from, *to, request, *checksum.to_compute)
                    : call.rooms.names.copy(call.context, *from, *to, request));
  io::HttpResponse response = copied(entry);
  add_expiration(call, response, entry);
  add_new_version_header(response, entry);
  add_source_version_header(response, source);
  return response;
}

}  // namespace beringia::protocol::s3

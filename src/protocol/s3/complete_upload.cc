#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "core/encryption.h"
#include "protocol/s3/conditions.h"
#include "protocol/s3/encryption_headers.h"
#include "protocol/s3/expiration.h"
#include "protocol/s3/multipart_terms.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {
namespace {

using wire::s3::CompletedPart;

Error invalid_part() {
  return invalid("One or more of the specified parts could not be found.").with_tag("bad_part");
}

Result<void> check_order(const std::vector<CompletedPart>& wanted) {
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].number < 1 || wanted[i].number > kMaxPartNumber) {
      return std::unexpected(s3_error(
          "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive"));
    }
    if (i > 0 && wanted[i].number <= wanted[i - 1].number) {
      return std::unexpected(s3_error("InvalidPartOrder",
                                      "The list of parts was not in ascending order. The parts "
                                      "list must be specified in order by part number."));
    }
  }
  return {};
}

/// The checksums that the client repeats have to be those that were stored.
Result<void> check_part_checksums(const CompletedPart& wanted, const meta::PartRecord& part) {
  for (const auto& [algorithm, value] : wanted.checksums) {
    const auto stored = part.checksums.find(algorithm);
    if (stored != part.checksums.end() && stored->second != value) {
      return std::unexpected(invalid_part());
    }
  }
  return {};
}

/// The parts that came, in the order of those that are wanted.
Result<std::vector<meta::PartRecord>> match_parts(const std::vector<CompletedPart>& wanted,
                                                  const std::vector<meta::PartRecord>& have) {
  std::vector<meta::PartRecord> parts;
  parts.reserve(wanted.size());
  for (const CompletedPart& part : wanted) {
    const auto found = std::ranges::lower_bound(have, part.number, {}, &meta::PartRecord::number);
    if (found == have.end() || found->number != part.number || to_hex(found->md5) != part.etag) {
      return std::unexpected(invalid_part());
    }
    BR_TRY(check_part_checksums(part, *found));
    parts.push_back(*found);
  }
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    if (parts[i].size < kMinPartBytes) {
      return std::unexpected(s3_error(
          "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size",
          "part " + std::to_string(parts[i].number) + " has " + std::to_string(parts[i].size) +
              " bytes"));
    }
  }
  return parts;
}

/// MD5 of the parts' MD5s, "-N".
std::string multipart_etag(const std::vector<meta::PartRecord>& parts) {
  std::string sums;
  for (const auto& part : parts) sums += part.md5;
  return to_hex(md5(sums)) + "-" + std::to_string(parts.size());
}

/// The object's checksum; empty when a part came without one (it was uploaded by another rule).
Result<meta::StringMap> object_checksums(const Call& call, const UploadTerms& terms,
                                         const std::vector<meta::PartRecord>& parts) {
  std::vector<PartChecksum> sums;
  for (const auto& part : parts) {
    const auto found = part.checksums.find(name_of(terms.algorithm));
    if (found == part.checksums.end()) return meta::StringMap{};
    sums.push_back({found->second, part.size});
  }
  const std::string value = terms.type == kFullObject ? combine_checksums(terms.algorithm, sums)
                                                      : composite_checksum(terms.algorithm, sums);
  BR_TRY(claimed, claimed_checksum(call));
  const std::string_view type = call.header("x-amz-checksum-type");
  if (!type.empty() && type != terms.type) {
    return std::unexpected(
        s3_error("InvalidRequest", "The upload was created with checksum type " + terms.type));
  }
  if (claimed && claimed->algorithm == terms.algorithm) {
    // A composite checksum is also written without its "-N".
    const bool same =
        claimed->value == value || claimed->value + "-" + std::to_string(parts.size()) == value;
    if (!same) {
      return std::unexpected(
          invalid("The checksum you specified did not match the calculated checksum.",
                  "computed " + value)
              .with_tag("BadDigest"));
    }
  }
  meta::StringMap checksums{{name_of(terms.algorithm), value}, {kTypeKey, terms.type}};
  if (terms.is_asked) {
    std::string joined = joined_part_checksums(terms.algorithm, sums);
    if (!joined.empty()) checksums[kPartsKey] = std::move(joined);
  }
  return checksums;
}

/// x-amz-mp-object-size. @error kInvalid (tag InvalidRequest)
Result<void> check_object_size(const Call& call, const std::vector<meta::PartRecord>& parts) {
  const std::string_view said = call.header("x-amz-mp-object-size");
  if (said.empty()) return {};
  uint64_t size = 0;
  for (const auto& part : parts) size += part.size;
  if (parse_u64(said) == size) return {};
  return std::unexpected(s3_error("InvalidRequest",
                                  "The provided 'x-amz-mp-object-size' header does not match what "
                                  "was computed"));
}

std::string location_of(const Call& call) {
  std::string location = call.request.is_tls ? "https://" : "http://";
  location += call.header("host");
  return location + call.request.path;
}

io::HttpResponse completed(const Call& call, const core::Entry& entry) {
  wire::s3::XmlWriter xml{"CompleteMultipartUploadResult"};
  xml.text("Location", location_of(call)).text("Bucket", call.route.bucket);
  xml.text("Key", call.route.key).text("ETag", quoted_etag(entry.record));
  if (const auto stored = stored_checksum(entry.record)) {
    xml.text(wire::s3::checksum_element(name_of(stored->algorithm)), stored->value);
    xml.text("ChecksumType", stored->type);
  }
  io::HttpResponse response = xml_response(200, xml.take());
  add_new_version_header(response, entry);
  add_encryption_headers(response, entry.record.encryption);
  return response;
}

/// S3 API: the customer's key is "needed only when the object was created using a checksum
/// algorithm"; when it comes, it has to be the right one.
Result<void> check_key(const Call& call, const meta::UploadRecord& upload) {
  BR_TRY(key, customer_key_of(call));
  if (!key && !terms_of(upload).is_asked) return {};
  return core::check_customer_key(upload.encryption, key);
}

}  // namespace

Result<io::HttpResponse> complete_multipart_upload(Call& call) {
  BR_TRY(path, call.object_path());
  BR_TRY(document, read_document(call, wire::s3::kMaxXmlBytes, DocumentDigest::kOfObject));
  BR_TRY(wanted, wire::s3::parse_complete_upload(document));
  BR_TRY(check_order(wanted));
  core::CompleteUpload request;
  request.upload_id = call.query.get("uploadId");
  request.conditions = write_conditions(call);
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  auto upload = call.rooms.names.find_upload(call.context, *grant, request.upload_id);
  if (upload) BR_TRY(check_key(call, *upload));
  for (const auto& part : wanted) request.parts.push_back({part.number, part.etag});
  if (upload) {
    BR_TRY(have, call.rooms.names.list_parts(call.context, *grant, request.upload_id));
    BR_TRY(parts, match_parts(wanted, have));
    BR_TRY(check_object_size(call, parts));
    // A part that is replaced from here on has another ETag, which core compares again.
    BR_TRY(checksums, object_checksums(call, terms_of(*upload), parts));
    request.checksums = std::move(checksums);
    request.etag = multipart_etag(parts);
  } else if (upload.error().tag() != "no_upload") {
    return std::unexpected(std::move(upload).error());
  }
  // Without an upload it may have been completed before: then the answer is the same again.
  BR_TRY(entry, call.rooms.names.complete_upload(call.context, *grant, request));
  io::HttpResponse response = completed(call, entry);
  add_expiration(call, response, entry);
  return response;
}

}  // namespace beringia::protocol::s3

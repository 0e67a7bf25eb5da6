#include <utility>

#include "base/encoding.h"
#include "protocol/gcs/acls.h"
#include "protocol/gcs/appendable.h"
#include "protocol/gcs/encryption_headers.h"
#include "protocol/gcs/media.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"
#include "wire/gcsjson.h"
#include "wire/multipart.h"

namespace beringia::protocol::gcs {
namespace {

Error no_name() { return invalid("Required parameter: name").with_tag("required"); }

/// Commits the object. `at_end` runs after its last byte, before it is visible.
Result<io::HttpResponse> store(
    Call& call, core::WriteRequest request,
    const std::optional<std::vector<wire::gcs::AccessControl>>& list = std::nullopt) {
  BR_TRY(path, call.new_object_path(call.route.bucket, call.route.object));
  BR_TRY(conditions, conditions_of(call.query));
  request.conditions = std::move(conditions);
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(acl, acl_of_new_object(call, call.route.bucket, call.query.get("predefinedAcl"), list));
  request.attributes.acl = std::move(acl);
  BR_TRY(encryption, encryption_of(call, "kmsKeyName"));
  request.attributes.encryption = std::move(encryption);
  if (asked_of_appendable(call) == kBegin) {
    const access::BucketView* view = call.view_of(call.route.bucket);
    if (view != nullptr && !view->access->retention.empty()) {
      return std::unexpected(unsupported("Appendable objects are not offered here",
                                         "the bucket has a retention policy, and each end of a "
                                         "write replaces the object"));
    }
    request.attributes.http[kUnfinalized] =
        unfinalized_mark(call.route.bucket, call.route.object, 0);
  }
  BR_TRY(entry, call.rooms.names.write(call.context, *grant, request));
  return object_response(call, call.route.bucket, call.route.object, entry.record);
}

Result<io::HttpResponse> insert_media(Call& call) {
  call.route.object = call.query.get("name");
  if (call.route.object.empty()) return std::unexpected(no_name());
  core::WriteRequest request;
  request.attributes.content_type = call.header("Content-Type");
  if (!call.query.get("contentEncoding").empty()) {
    request.attributes.http["content-encoding"] = call.query.get("contentEncoding");
  }
  BR_TRY(check_attributes(request.attributes));
  BR_TRY(expected, expected_body_of(call));
  request.expected = std::move(expected);
  io::StringSource nothing{""};
  request.body = call.request.body != nullptr ? call.request.body : &nothing;
  return store(call, std::move(request));
}

/// Metadata only: an empty object with these attributes (POST without /upload).
Result<io::HttpResponse> insert_metadata(Call& call) {
  BR_TRY(body, call.read_body(wire::gcs::kMaxResourceBytes));
  BR_TRY(change, wire::gcs::parse_object_change(body.empty() ? "{}" : body));
  call.route.object = call.query.get("name").empty() ? change.name.value() : call.query.get("name");
  if (call.route.object.empty()) return std::unexpected(no_name());
  core::WriteRequest request;
  BR_TRY(attributes, attributes_of(change, call.rooms.clock.wall()));
  request.attributes = std::move(attributes);
  if (!call.query.get("contentEncoding").empty()) {
    request.attributes.http["content-encoding"] = call.query.get("contentEncoding");
  }
  request.expected.size = 0;
  BR_TRY(add_expected(request.expected, change.crc32c, change.md5));
  io::StringSource nothing{""};
  request.body = &nothing;
  return store(call, std::move(request), change.acl);
}

Result<io::HttpResponse> insert_multipart(Call& call) {
  if (call.request.body == nullptr) return std::unexpected(invalid("The request has no body"));
  BR_TRY(boundary, wire::multipart_boundary(call.header("Content-Type")));
  wire::MultipartReader parts{*call.request.body, boundary};
  const auto malformed = [] {
    return std::unexpected(invalid("Malformed multipart body", "it has not exactly two parts",
                                   "send the metadata, then the media"));
  };
  BR_TRY(first, parts.next(call.context));
  if (!first) return malformed();
  BR_TRY(json, io::read_all(call.context, parts.part(), wire::gcs::kMaxResourceBytes));
  BR_TRY(change, wire::gcs::parse_object_change(json.empty() ? "{}" : json));
  BR_TRY(second, parts.next(call.context));
  if (!second) return malformed();
  call.route.object = call.query.get("name").empty() ? change.name.value() : call.query.get("name");
  if (call.route.object.empty()) return std::unexpected(no_name());

  core::WriteRequest request;
  BR_TRY(attributes, attributes_of(change, call.rooms.clock.wall()));
  request.attributes = std::move(attributes);
  if (request.attributes.content_type.empty()) {
    request.attributes.content_type = second->get_or("Content-Type", "");
  }
  if (!call.query.get("contentEncoding").empty()) {
    request.attributes.http["content-encoding"] = call.query.get("contentEncoding");
  }
  BR_TRY(check_attributes(request.attributes));
  BR_TRY(expected, expected_body_of(call));
  request.expected = std::move(expected);
  request.expected.size.reset();  // Content-Length counts the frame too
  BR_TRY(add_expected(request.expected, change.crc32c, change.md5));
  request.body = &parts.part();
  // The closing delimiter must have come, or the body was cut off.
  request.at_end = [&]() -> Result<meta::StringMap> {
    BR_TRY(more, parts.next(call.context));
    if (more) return malformed();
    return meta::StringMap{};
  };
  return store(call, std::move(request), change.acl);
}

}  // namespace

Result<wire::gcs::Hashes> header_hashes(const Call& call) {
  wire::gcs::Hashes hashes;
  for (const std::string_view value : call.request.headers.all("x-goog-hash")) {
    BR_TRY(wire::gcs::add_hash_header(hashes, value));
  }
  return hashes;
}

Result<core::ExpectedBody> expected_body_of(const Call& call) {
  core::ExpectedBody expected;
  expected.size = call.request.content_length;
  BR_TRY(hashes, header_hashes(call));
  BR_TRY(add_expected(expected, hashes.crc32c, hashes.md5));
  if (const std::string_view text = call.header("Content-MD5"); !text.empty()) {
    auto md5 = from_base64(text);
    if (!md5 || md5->size() != 16) return std::unexpected(invalid("Invalid Content-MD5 header"));
    BR_TRY(add_expected(expected, std::nullopt, md5));
  }
  return expected;
}

Result<void> add_expected(core::ExpectedBody& expected, const std::optional<uint32_t>& crc32c,
                          const std::optional<std::string>& md5) {
  const bool agree = (!crc32c || !expected.crc32c || *crc32c == *expected.crc32c) &&
                     (!md5 || !expected.md5 || *md5 == *expected.md5);
  if (!agree) {
    return std::unexpected(invalid("The request names two different checksums for one body")
                               .with_tag("checksum_mismatch"));
  }
  if (crc32c) expected.crc32c = crc32c;
  if (md5) expected.md5 = md5;
  return {};
}

Result<io::HttpResponse> insert_object(Call& call) {
  const std::string& type = call.query.get("uploadType");
  if (type == "media") return insert_media(call);
  if (type == "multipart") return insert_multipart(call);
  if (type.empty()) {
    const std::string_view content_type = call.header("Content-Type");
    if (content_type.starts_with("multipart/")) return insert_multipart(call);
    return insert_metadata(call);
  }
  return std::unexpected(invalid("Invalid value for parameter uploadType", "\"" + type + "\"",
                                 "use media, multipart or resumable"));
}

}  // namespace beringia::protocol::gcs

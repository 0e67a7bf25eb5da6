#include <utility>

#include "base/encoding.h"
#include "protocol/gcs/acls.h"
#include "protocol/gcs/appendable.h"
#include "protocol/gcs/authenticate.h"
#include "protocol/gcs/encryption_headers.h"
#include "protocol/gcs/media.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/resumable_session.h"
#include "protocol/gcs/verbs.h"
#include "protocol/gcs/xml_headers.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {

namespace {

std::string session_address(const Call& call, const std::string& id) {
  return call.base_url + "/upload/storage/v1/b/" + percent_encode(call.route.bucket) +
         "/o?uploadType=resumable&name=" + percent_encode(call.route.object) + "&upload_id=" + id;
}

/// What continues an appendable object has its attributes.
Result<void> take_over(const Call& call, const std::optional<meta::EntryRecord>& record,
                       core::WriteAttributes& attributes) {
  if (!record || unfinalized_since(call.route.bucket, call.route.object, *record) == 0) {
    return std::unexpected(conflict("The object is finalized: nothing can be appended to it.")
                               .with_tag("precondition"));
  }
  BR_TRY(merged, merged_attributes(*record, {}, call.rooms.clock.wall()));
  merged.encryption = std::move(attributes.encryption);
  attributes = std::move(merged);
  attributes.acl = record->acl;
  return {};
}

}  // namespace

Result<io::HttpResponse> begin_session(Call& call) {
  BR_TRY(body, call.read_body(wire::gcs::kMaxResourceBytes));
  BR_TRY(change, wire::gcs::parse_object_change(body.empty() ? "{}" : body));
  call.route.object = call.query.get("name").empty() ? change.name.value() : call.query.get("name");
  if (call.route.object.empty()) {
    return std::unexpected(invalid("Required parameter: name").with_tag("required"));
  }
  SessionTerms terms;
  BR_TRY(conditions, conditions_of(call.query));
  terms.conditions = std::move(conditions);
  BR_TRY(add_expected(terms.expected, change.crc32c, change.md5));
  const bool is_google_upload = !call.header("X-Goog-Upload-Command").empty();
  const char* const prefix =
      is_google_upload ? "X-Goog-Upload-Header-Content-" : "X-Upload-Content-";
  if (const std::string_view size = call.header(prefix + std::string{"Length"}); !size.empty()) {
    terms.expected.size = parse_u64(size);
    if (!terms.expected.size) {
      return std::unexpected(invalid("Invalid " + std::string{prefix} + "Length header"));
    }
  }
  core::BeginUpload begin;
  begin.protocol = kSessionProtocol;
  BR_TRY(attributes, attributes_of(change, call.rooms.clock.wall()));
  begin.attributes = std::move(attributes);
  if (begin.attributes.content_type.empty()) {
    begin.attributes.content_type = call.header(prefix + std::string{"Type"});
  }
  if (!call.query.get("contentEncoding").empty()) {
    begin.attributes.http["content-encoding"] = call.query.get("contentEncoding");
  }
  BR_TRY(check_attributes(begin.attributes));
  begin.options = options_of(terms);

  BR_TRY(path, call.new_object_path(call.route.bucket, call.route.object));
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(encryption, encryption_of(call, "kmsKeyName"));
  begin.attributes.encryption = std::move(encryption);
  BR_TRY(acl,
         acl_of_new_object(call, call.route.bucket, call.query.get("predefinedAcl"), change.acl));
  begin.attributes.acl = std::move(acl);
  if (!terms.conditions.empty()) {
    // A lost condition need not wait for the body; it is checked again at the end.
    auto entry = call.rooms.names.stat(call.context, *grant);
    std::optional<meta::EntryRecord> record;
    if (entry) {
      record = std::move(entry->record);
    } else if (entry.error().code() != Code::kNotFound) {
      return std::unexpected(std::move(entry).error());
    }
    BR_TRY(core::check_conditions(terms.conditions, record, false));
    if (asked_of_appendable(call) == kTakeOver) {
      BR_TRY(take_over(call, record, begin.attributes));
    }
  }
  BR_TRY(upload, call.rooms.names.begin_upload(call.context, *grant, begin));
  io::HttpResponse response = empty_response(200);
  response.headers.add("Location", session_address(call, upload.id));
  if (is_google_upload) add_google_upload(response);
  return response;
}

/// POST with "x-goog-resumable: start" (XML API, "Resumable uploads"): what signed URLs begin
/// uploads with. Whoever has the answer's address may write to it, as at Google's.
Result<io::HttpResponse> xml_begin_session(Call& call) {
  if (!equals_ignoring_case(call.header("x-goog-resumable"), "start")) {
    return std::unexpected(invalid("POST begins a resumable upload", "x-goog-resumable is missing",
                                   "send x-goog-resumable: start"));
  }
  core::BeginUpload begin;
  begin.protocol = kSessionProtocol;
  SessionTerms terms;
  BR_TRY(attributes, xml_attributes_of(call));
  begin.attributes = std::move(attributes);
  BR_TRY(conditions, xml_conditions_of(call));
  terms.conditions.generation_match = conditions.generation_match;
  terms.conditions.metageneration_match = conditions.metageneration_match;
  BR_TRY(range, size_range_of(call));
  terms.range = range;
  begin.options = options_of(terms);
  BR_TRY(path, call.new_object_path(call.route.bucket, call.route.object));
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(encryption, encryption_of(call, "kmsKeyName"));
  begin.attributes.encryption = std::move(encryption);
  BR_TRY(acl, acl_of_new_object(call, call.route.bucket, xml_predefined_acl(call)));
  begin.attributes.acl = std::move(acl);
  BR_TRY(upload, call.rooms.names.begin_upload(call.context, *grant, begin));
  std::string address = session_address(call, upload.id);
  if (call.is_signed_url) {
    address.append("&").append(kSessionPass).append("=");
    address += percent_encode(call.rooms.directory.issue_pass(*call.principal, upload.id).reveal());
  }
  io::HttpResponse response = empty_response(201);
  response.headers.add("Location", std::move(address));
  return response;
}

Result<io::HttpResponse> cancel_session(Call& call) {
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  const std::string& id = call.query.get("upload_id");
  BR_TRY(own_upload(call, *grant, id, kSessionProtocol));
  BR_TRY(call.rooms.names.abort_upload(call.context, *grant, id));
  return empty_response(499);  // GCS: "Client Closed Request" is what a cancelled upload answers
}

}  // namespace beringia::protocol::gcs

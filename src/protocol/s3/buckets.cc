// CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation: buckets are top-level directories.
#include <algorithm>
#include <utility>

#include "access/bucket_access.h"
#include "base/encoding.h"
#include "protocol/s3/acls.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/object_lock.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

// In DirectoryEntry::attributes: the LocationConstraint, where it is not our own region.
constexpr std::string_view kFirstRegion = "us-east-1";
const std::string kLocation = "s3-location";

bool is_ipv4(std::string_view name) {
  size_t numbers = 0;
  while (true) {
    const size_t dot = name.find('.');
    const auto number = parse_u64(name.substr(0, dot));
    if (!number || *number > 255) return false;
    ++numbers;
    if (dot == std::string_view::npos) return numbers == 4;
    name.remove_prefix(dot + 1);
  }
}

/// S3 User Guide, "General purpose bucket naming rules".
bool is_bucket_name(std::string_view name) {
  const auto is_edge = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return name.size() >= 3 && name.size() <= 63 && is_edge(name.front()) && is_edge(name.back()) &&
         !name.starts_with("xn--") && !name.ends_with("-s3alias") &&
         name.find("..") == std::string_view::npos &&
         std::ranges::all_of(name, [&](char c) { return is_edge(c) || c == '-' || c == '.'; }) &&
         !is_ipv4(name);
}

bool is_location(std::string_view text) {
  return text.size() <= 64 && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

std::string location_of(const Call& call, const meta::DirectoryEntry& record) {
  const auto found = record.attributes.find(kLocation);
  return found == record.attributes.end() ? call.rooms.options.region : found->second;
}

/// S3 API, CreateBucket: in us-east-1, for reasons of history, making one's own bucket once more is
/// no error. With another list it is one, as the public suite has it.
Result<void> made_before(const Call& call, const core::Grant& grant,
                         const meta::StringMap& attributes, const Error& error) {
  const bool is_elsewhere =
      attributes.contains(kLocation) || call.rooms.options.region != kFirstRegion;
  if (error.tag() != "owned" || is_elsewhere) {
    return std::unexpected(error);
  }
  BR_TRY(info, call.rooms.names.stat_directory(call.context, grant));
  const auto text_of = [](const meta::StringMap& from, const std::string& name) {
    const auto found = from.find(name);
    return found == from.end() ? std::string{} : found->second;
  };
  const std::string list{access::kAclAttribute};
  if (text_of(attributes, list) == text_of(info.record.attributes, list)) return {};
  return std::unexpected(Error{error}.with_tag("foreign"));
}

}  // namespace

Result<io::HttpResponse> create_bucket(Call& call) {
  if (!is_bucket_name(call.route.bucket)) {
    return std::unexpected(s3_error("InvalidBucketName", "The specified bucket is not valid."));
  }
  BR_TRY(check_offered(call));
  std::string document;
  if (call.request.has_body) {
    BR_TRY(text, read_document(call, wire::s3::kMaxXmlBytes));
    document = std::move(text);
  }
  BR_TRY(location, wire::s3::parse_create_bucket(document));
  if (!is_location(location)) {
    return std::unexpected(
        s3_error("InvalidLocationConstraint", "The specified location-constraint is not valid"));
  }
  BR_TRY(attributes, access_of_new_bucket(call));
  add_bucket_lock(call, attributes);
  if (!location.empty() && location != call.rooms.options.region) attributes[kLocation] = location;
  BR_TRY(path, call.bucket_path());
  BR_TRY(grant, call.admit(core::Action::kCreateBucket, path));
  auto made = call.rooms.names.make_directory(call.context, *grant, attributes);
  if (!made) BR_TRY(made_before(call, *grant, attributes, made.error()));
  io::HttpResponse response = empty_response(200);
  response.headers.add("Location", "/" + call.route.bucket);
  return response;
}

Result<io::HttpResponse> head_bucket(Call& call) {
  BR_TRY(path, call.bucket_path());
  BR_TRY(grant, call.admit(core::Action::kList, path));
  BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
  io::HttpResponse response = empty_response(200);
  response.headers.add("x-amz-bucket-region", location_of(call, info.record));
  response.headers.add("x-amz-access-point-alias", "false");
  return response;
}

Result<io::HttpResponse> delete_bucket(Call& call) {
  BR_TRY(path, call.bucket_path());
  BR_TRY(grant, call.admit(core::Action::kAdminister, path));
  BR_TRY(call.rooms.names.remove_directory(call.context, *grant));
  return empty_response(204);
}

Result<io::HttpResponse> get_bucket_location(Call& call) {
  BR_TRY(path, call.bucket_path());
  BR_TRY(grant, call.admit(core::Action::kList, path));
  BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
  std::string location = location_of(call, info.record);
  if (location == "us-east-1") location.clear();  // S3 API: the empty constraint
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint xmlns=\"";
  xml += wire::s3::XmlWriter::kNamespace;
  xml += "\">";
  wire::s3::append_xml_escaped(xml, location);
  return xml_response(200, xml + "</LocationConstraint>");
}

}  // namespace beringia::protocol::s3

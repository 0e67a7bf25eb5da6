#include <algorithm>
#include <utility>

#include "protocol/s3/checksums.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/verbs.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {
namespace {

using wire::s3::ObjectList;

constexpr uint64_t kMaxKeys = 1000;

Result<core::ListVersionsRequest> read_parameters(const Call& call, ObjectList& list) {
  const Query& query = call.query;
  list.form = ObjectList::Form::kVersions;
  list.bucket = call.route.bucket;
  list.prefix = query.get("prefix");
  list.delimiter = query.get("delimiter");
  list.with_owner = true;
  list.marker = query.get("key-marker");
  list.version_id_marker = query.get("version-id-marker");
  BR_TRY(keys, query.number("max-keys", kMaxKeys));
  list.max_keys = std::min(keys, kMaxKeys);
  if (query.has("encoding-type")) {
    if (query.get("encoding-type") != "url") {
      return std::unexpected(
          s3_error("InvalidArgument", "Invalid Encoding Method specified in Request"));
    }
    list.url_encoded = true;
  }
  core::ListVersionsRequest request;
  request.prefix = list.prefix;
  request.delimiter = list.delimiter;
  request.start_after = list.marker;
  BR_TRY(after, parse_version_id(list.version_id_marker));
  if (after && list.marker.empty()) {
    return std::unexpected(s3_error(
        "InvalidArgument", "A version-id marker cannot be specified without a key marker."));
  }
  request.after_generation = after;
  request.limit = list.max_keys;
  return request;
}

wire::s3::ListedObject listed(const core::VersionPage::Item& item) {
  const meta::EntryRecord& record = item.version.record;
  wire::s3::ListedObject object;
  object.key = item.name;
  object.modified = record.created;
  object.version_id = version_id_of(record);
  object.is_latest = item.is_current;
  object.is_marker = item.version.delete_marker;
  object.owner = {record.owner, record.owner};
  if (object.is_marker) return object;
  describe_bytes(record, object);
  return object;
}

}  // namespace

Result<io::HttpResponse> list_object_versions(Call& call) {
  ObjectList list;
  BR_TRY(request, read_parameters(call, list));
  BR_TRY(path, call.bucket_path());
  BR_TRY(grant, call.admit(core::Action::kList, path));
  BR_TRY(page, call.rooms.names.list_versions(call.context, *grant, request));
  list.truncated = page.truncated;
  list.objects.reserve(page.items.size());
  for (const auto& item : page.items) list.objects.push_back(listed(item));
  if (page.truncated) {
    list.next = page.last;
    if (page.last_generation) list.next_version_id = list.objects.back().version_id;
  }
  list.prefixes = std::move(page.prefixes);
  return xml_response(200, wire::s3::render(list));
}

}  // namespace beringia::protocol::s3

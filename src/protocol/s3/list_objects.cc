// ListObjects (V1) and ListObjectsV2.
#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "protocol/s3/checksums.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

using wire::s3::ObjectList;

constexpr uint64_t kMaxKeys = 1000;

/// Reads the parameters into the answer (which repeats them) and the position to start behind.
Result<std::string> read_parameters(const Call& call, ObjectList& list) {
  const Query& query = call.query;
  list.form =
      call.route.verb == Verb::kListObjectsV2 ? ObjectList::Form::kV2 : ObjectList::Form::kV1;
  list.bucket = call.route.bucket;
  list.prefix = query.get("prefix");
  list.delimiter = query.get("delimiter");
  BR_TRY(keys, query.number("max-keys", kMaxKeys));
  list.max_keys = std::min(keys, kMaxKeys);
  if (query.has("encoding-type")) {
    if (query.get("encoding-type") != "url") {
      return std::unexpected(
          s3_error("InvalidArgument", "Invalid Encoding Method specified in Request"));
    }
    list.url_encoded = true;
  }
  if (list.form == ObjectList::Form::kV1) {
    list.with_owner = true;
    return list.marker = query.get("marker");
  }
  list.with_owner = query.get("fetch-owner") == "true";
  list.has_start_after = query.has("start-after");
  list.start_after = query.get("start-after");
  list.has_token = query.has("continuation-token");
  list.continuation_token = query.get("continuation-token");
  if (list.continuation_token.empty()) return list.start_after;
  auto position = from_base64url(list.continuation_token);
  if (!position || !is_utf8(*position)) {
    return std::unexpected(
        s3_error("InvalidArgument", "The continuation token provided is incorrect"));
  }
  return std::move(*position);
}

wire::s3::ListedObject listed(const core::ListPage::Item& item) {
  wire::s3::ListedObject object;
  object.key = item.name;
  object.modified = item.record.created;
  object.owner = {item.record.owner, item.record.owner};
  describe_bytes(item.record, object);
  return object;
}

}  // namespace

Result<io::HttpResponse> list_objects(Call& call) {
  ObjectList list;
  BR_TRY(after, read_parameters(call, list));
  core::ListRequest request;
  request.prefix = list.prefix;
  request.delimiter = list.delimiter;
  request.start_after = std::move(after);
  request.limit = list.max_keys;
  BR_TRY(path, call.bucket_path());
  BR_TRY(grant, call.admit(core::Action::kList, path));
  BR_TRY(page, call.rooms.names.list(call.context, *grant, request));
  list.truncated = page.truncated;
  if (page.truncated) {
    if (list.form == ObjectList::Form::kV2) {
      list.next = to_base64url(page.last);
    } else if (!list.delimiter.empty()) {
      list.next = page.last;  // S3 API, ListObjects: NextMarker comes only with a delimiter.
    }
  }
  list.objects.reserve(page.items.size());
  for (const auto& item : page.items) list.objects.push_back(listed(item));
  list.prefixes = std::move(page.prefixes);
  return xml_response(200, wire::s3::render(list));
}

}  // namespace beringia::protocol::s3

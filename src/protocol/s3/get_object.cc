// GetObject and HeadObject.
#include <utility>

#include "core/encryption.h"
#include "protocol/s3/conditions.h"
#include "protocol/s3/encryption_headers.h"
#include "protocol/s3/expiration.h"
#include "protocol/s3/http_range.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/verbs.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {
namespace {

/// Which bytes a request asks for, once the entry is known.
struct Selection {
  std::optional<io::ByteRange> range;  // nullopt: all, as 200
  std::optional<size_t> parts_count;   // for ?partNumber
  size_t part_index = 0;
};

Error no_such_part() {
  return invalid("The requested partnumber is not satisfiable").with_tag("InvalidPartNumber");
}

Result<Selection> select_part(uint64_t number, const meta::EntryRecord& record) {
  Selection selection;
  if (record.part_sizes.empty()) {
    if (number != 1) return std::unexpected(no_such_part());
    selection.range = io::ByteRange{0, record.size};
    return selection;
  }
  if (number > record.part_sizes.size()) return std::unexpected(no_such_part());
  io::ByteRange range;
  for (uint64_t i = 0; i + 1 < number; ++i) range.offset += record.part_sizes[i];
  range.length = record.part_sizes[number - 1];
  selection.range = range;
  selection.parts_count = record.part_sizes.size();
  selection.part_index = static_cast<size_t>(number - 1);
  return selection;
}

/// RFC 9110 13.1.5: with another ETag or date, If-Range asks for the whole.
bool range_holds(const Call& call, const meta::EntryRecord& record) {
  const auto condition = call.request.headers.get("if-range");
  if (!condition) return true;
  if (condition->starts_with('"')) return *condition == quoted_etag(record);
  return *condition == to_http_date(record.created);
}

Result<Selection> select(Call& call, const meta::EntryRecord& record) {
  const std::string_view header = call.header("range");
  if (call.query.has("partNumber")) {
    BR_TRY(number, call.query.number("partNumber", 0));
    if (number < 1 || number > 10'000) {
      return std::unexpected(s3_error("InvalidArgument",
                                      "Part number must be an integer between 1 and 10000, "
                                      "inclusive"));
    }
    if (!header.empty()) {
      return std::unexpected(s3_error(
          "InvalidRequest", "Cannot specify both Range header and partNumber query parameter"));
    }
    return select_part(number, record);
  }
  Selection selection;
  if (header.empty() || !range_holds(call, record)) return selection;
  call.object_size = record.size;
  BR_TRY(range, parse_range(header, record.size));
  selection.range = range;
  return selection;
}

Result<io::HttpResponse> answer(Call& call, const core::Entry& entry, const Selection& selection) {
  const meta::EntryRecord& record = entry.record;
  io::HttpResponse response;
  add_version_header(response, entry);
  add_object_headers(response, record);
  response.content_length = record.size;
  if (selection.range) {
    const io::ByteRange& range = *selection.range;
    response.status = 206;
    response.content_length = range.length;
    if (range.length > 0) {
      response.headers.add("Content-Range", "bytes " + std::to_string(range.offset) + "-" +
                                                std::to_string(range.offset + range.length - 1) +
                                                "/" + std::to_string(record.size));
    }
  }
  // Of a part of the bytes the whole's checksum would be wrong.
  if (selection.parts_count) {
    add_part_checksum_headers(call, response, record, selection.part_index);
  } else if (*response.content_length == record.size) {
    add_checksum_headers(call, response, record);
  }
  if (selection.parts_count) {
    response.headers.add("x-amz-mp-parts-count", std::to_string(*selection.parts_count));
  }
  if (!call.query.empty()) BR_TRY(override_headers(call, response));
  return response;
}

/// 304 tells the ETag, for which the entry has to be seen once more.
Result<io::HttpResponse> not_modified(Call& call, const core::Grant& grant) {
  BR_TRY(entry, stat_version(call, grant));
  io::HttpResponse response = empty_response(304);
  add_version_header(response, entry);
  response.headers.add("ETag", quoted_etag(entry.record));
  response.headers.add("Last-Modified", to_http_date(entry.record.created));
  return response;
}

}  // namespace

Result<io::HttpResponse> get_object(Call& call) {
  BR_TRY(generation, version_of(call));
  BR_TRY(path, call.object_path());
  core::ReadRequest request;
  request.generation = generation;
  request.conditions = read_conditions(call);
  Selection selection;
  request.range = [&](const core::Entry& entry) -> Result<std::optional<io::ByteRange>> {
    BR_TRY(selected, select(call, entry.record));
    selection = selected;
    return selection.range;
  };
  BR_TRY(grant, call.admit(core::Action::kRead, path));
  BR_TRY(customer_key, reader_key_of(call));
  request.customer_key = std::move(customer_key);
  auto open = call.rooms.names.read(call.context, *grant, request);
  if (!open && open.error().tag() == "not_modified") return not_modified(call, *grant);
  if (!open) {
    return std::unexpected(absence(call, *grant, generation, std::move(open).error()));
  }
  BR_TRY(response, answer(call, open->entry, selection));
  add_expiration(call, response, open->entry);
  response.body = std::move(open->body);
  return std::move(response);
}

Result<io::HttpResponse> head_object(Call& call) {
  BR_TRY(path, call.object_path());
  BR_TRY(version_of(call));
  BR_TRY(grant, call.admit(core::Action::kRead, path));
  BR_TRY(customer_key, reader_key_of(call));
  BR_TRY(entry, stat_version(call, *grant));
  BR_TRY(core::check_customer_key(entry.record.encryption, customer_key));
  const auto holds = core::check_conditions(read_conditions(call), entry.record, true);
  if (!holds && holds.error().tag() == "not_modified") return not_modified(call, *grant);
  if (!holds) return std::unexpected(holds.error());
  BR_TRY(selection, select(call, entry.record));
  BR_TRY(response, answer(call, entry, selection));
  add_expiration(call, response, entry);
  return std::move(response);
}

}  // namespace beringia::protocol::s3

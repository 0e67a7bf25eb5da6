#include "base/checksum.h"
#include "base/encoding.h"
#include "protocol/admin/verbs.h"

namespace beringia::protocol::admin {
namespace {

constexpr uint64_t kMaxPage = 1000;

void write_map(JsonWriter& json, std::string_view name, const meta::StringMap& map) {
  if (map.empty()) return;
  json.key(name).begin_object();
  for (const auto& [key, value] : map) json.member(key, value);
  json.end_object();
}

void write_record(JsonWriter& json, const std::string& path, const meta::EntryRecord& record) {
  json.member("path", path).member("size", record.size);
  json.member("generation", record.generation).member("metageneration", record.metageneration);
  json.member("modified", to_iso8601(record.modified)).member("owner", record.owner);
  json.member("etag", record.effective_etag()).member("content_type", record.content_type);
  if (record.crc32c) json.member("crc32c", to_base64(Crc32c::to_bytes(*record.crc32c)));
  if (record.md5) json.member("md5", to_hex(*record.md5));
  if (!record.storage_class.empty()) json.member("storage_class", record.storage_class);
  if (record.encryption) {
    json.member("encryption", meta::to_string(record.encryption.method));
    if (!record.encryption.key_id.empty()) {
      json.member("encryption_key", record.encryption.key_id);
    }
  }
  write_map(json, "http", record.http);
  write_map(json, "metadata", record.metadata);
  write_map(json, "tags", record.tags);
}

/// Buckets: the directories below "/".
Result<io::HttpResponse> list_root(Call& call, const core::Grant& grant, const std::string& after,
                                   size_t limit) {
  BR_TRY(found, call.rooms.names.list_directories(call.context, grant, after, limit + 1));
  const bool truncated = found.size() > limit;
  if (truncated) found.resize(limit);
  JsonWriter json;
  json.begin_object().key("items").begin_array().end_array().key("directories").begin_array();
  for (const auto& one : found) json.value(one.path.text());
  json.end_array().member("truncated", truncated);
  std::string last;
  if (!found.empty()) last = std::string{found.back().path.bucket()};
  json.member("last", last).end_object();
  return json_response(json.take());
}

}  // namespace

Result<io::HttpResponse> list_entries(Call& call) {
  BR_TRY(given, call.query_path());
  const Path path = given.as_directory();
  BR_TRY(limit, call.query_number("limit", kMaxPage, kMaxPage));
  const std::string after = call.query_or("after", "");
  const bool recursive = call.query_or("recursive", "false") == "true";
  BR_TRY(grant, call.admit(core::Action::kList, path));
  if (path.is_root() && !recursive) return list_root(call, *grant, after, limit);
  core::ListRequest request;
  request.delimiter = recursive ? "" : "/";
  request.start_after = after;
  request.limit = limit;
  BR_TRY(page, call.rooms.names.list(call.context, *grant, request));
  JsonWriter json;
  json.begin_object().key("items").begin_array();
  for (const auto& item : page.items) {
    json.begin_object();
    write_record(json, path.text() + item.name, item.record);
    json.end_object();
  }
  json.end_array().key("directories").begin_array();
  for (const auto& prefix : page.prefixes) json.value(path.text() + prefix);
  json.end_array().member("truncated", page.truncated).member("last", page.last).end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> stat_entry(Call& call) {
  BR_TRY(path, call.query_path());
  JsonWriter json;
  if (path.is_directory_form()) {
    BR_TRY(grant, call.admit(core::Action::kList, path));
    BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
    json.begin_object().member("path", path.text()).member("directory", true);
    json.member("owner", info.record.owner).member("created", to_iso8601(info.record.created));
    json.member("explicit", info.record.explicit_directory);
    write_map(json, "attributes", info.record.attributes);
    json.end_object();
    return json_response(json.take());
  }
  BR_TRY(grant, call.admit(core::Action::kRead, path));
  BR_TRY(entry, call.rooms.names.stat(call.context, *grant));
  json.begin_object();
  write_record(json, path.text(), entry.record);
  json.end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> explain_entry(Call& call) {
  BR_TRY(path, call.query_path());
  BR_TRY(grant, call.admit(core::Action::kRead, path));
  BR_TRY(found, call.rooms.engine.explain(call.context, *grant));
  JsonWriter json;
  json.begin_object();
  write_record(json, path.text(), found.where.entry.record);
  json.member("mount", found.where.mount).member("why", found.where.why);
  json.key("copies").begin_array();
  for (const auto& copy : found.where.copies) {
    json.begin_object().member("backend", copy.backend).member("native_name", copy.native_name);
    json.member("class", copy.storage_class).member("state", copy.state);
    json.member("version", copy.version).end_object();
  }
  json.end_array().member("run", found.run).member("policy", found.policy);
  json.member("rule", found.rule).member("condition", found.condition);
  json.key("wants").begin_array();
  for (const auto& place : found.wants) {
    json.begin_object().member("backend", place.backend).member("class", place.storage_class);
    json.end_object();
  }
  json.end_array().member("satisfied", found.satisfied).member("verdict", found.verdict);
  json.key("problems").begin_array();
  for (const auto& problem : found.problems) json.value(problem);
  json.end_array().end_object();
  return json_response(json.take());
}

}  // namespace beringia::protocol::admin

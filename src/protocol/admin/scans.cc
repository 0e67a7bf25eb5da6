// Scans for what others have changed in the backends: now, and those that the server makes.
#include "policy/scan_keeper.h"
#include "protocol/admin/verbs.h"

namespace beringia::protocol::admin {
namespace {

constexpr uint64_t kMaxDirectories = 1000;

void write_counts(JsonWriter& json, uint64_t directories, uint64_t added, uint64_t changed,
                  uint64_t gone, Duration longest) {
  const std::chrono::duration<double> seconds = longest;
  json.member("directories", directories).member("added", added).member("changed", changed);
  json.member("gone", gone).member("longest_unnoticed_s", seconds.count());
}

}  // namespace

Result<io::HttpResponse> run_scan(Call& call) {
  BR_TRY(given, call.query_path());
  BR_TRY(grant, call.admit(core::Action::kAdminister, given.as_directory()));
  core::ScanRequest request;
  request.after = call.query_or("after", "");
  BR_TRY(limit, call.query_number("limit", request.max_directories, kMaxDirectories));
  request.max_directories = limit;
  BR_TRY(report, call.rooms.names.scan(call.context, *grant, request));
  const auto& found = report.found;
  JsonWriter json;
  json.begin_object();
  write_counts(json, report.directories, found.added, found.changed, found.gone,
               found.longest_unnoticed);
  json.key("changes").begin_array();
  for (const auto& change : found.first) {
    const std::chrono::duration<double> unnoticed = change.unnoticed;
    json.begin_object().member("what", core::word_of(change.kind)).member("path", change.path);
    if (change.kind != core::FoundChange::Kind::kGone) {
      json.member("unnoticed_s", unnoticed.count());
    }
    json.end_object();
  }
  json.end_array().member("next", report.next).end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> list_scans(Call& call) {
  BR_TRY(call.administer());
  BR_TRY(passes, call.rooms.scans.passes(call.context));
  JsonWriter json;
  json.begin_object().key("scans").begin_array();
  for (const auto& pass : passes) {
    json.begin_object().member("mount", pass.mount);
    json.member("started", to_iso8601(pass.started));
    json.member("ended", pass.ended.micros == 0 ? std::string{} : to_iso8601(pass.ended));
    json.member("after", pass.after);
    write_counts(json, pass.directories, pass.added, pass.changed, pass.gone,
                 pass.longest_unnoticed);
    json.end_object();
  }
  json.end_array().end_object();
  return json_response(json.take());
}

}  // namespace beringia::protocol::admin

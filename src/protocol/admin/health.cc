#include "observe/metrics.h"
#include "protocol/admin/verbs.h"

namespace beringia::protocol::admin {

Result<io::HttpResponse> get_live(Call&) { return json_response("{\"live\":true}"); }

Result<io::HttpResponse> get_health(Call& call) {
  const bool ready = call.rooms.ready();
  JsonWriter json;
  json.begin_object().member("live", true).member("ready", ready).end_object();
  return json_response(json.take(), ready ? 200 : 503);
}

Result<io::HttpResponse> get_metrics(Call&) {
  return text_response(observe::render_metrics(), "text/plain; version=0.0.4; charset=utf-8");
}

Result<io::HttpResponse> get_version(Call& call) {
  BR_TRY(call.administer());
  JsonWriter json;
  json.begin_object().member("version", call.rooms.version).end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> show_audit(Call& call) {
  BR_TRY(call.administer());
  // What was done before this question is in the log when it is answered.
  BR_TRY(call.rooms.log.flush(call.context));
  JsonWriter json;
  json.begin_object().member("directory", call.rooms.audit_directory);
  json.member("size", call.rooms.log.size()).end_object();
  return json_response(json.take());
}

}  // namespace beringia::protocol::admin

// Inventories of buckets: written now.
#include "policy/inventory.h"

#include "protocol/admin/verbs.h"

namespace beringia::protocol::admin {

Result<io::HttpResponse> run_inventory(Call& call) {
  BR_TRY(report, call.rooms.inventories.run(call.context, *call.principal, call.argument,
                                            call.query_or("id", "")));
  JsonWriter json;
  json.begin_object().member("bucket", report.bucket).member("id", report.id);
  json.member("manifest", report.manifest).member("rows", report.rows);
  json.member("bytes", report.bytes).member("started", to_iso8601(report.started));
  json.member("ended", to_iso8601(report.ended)).end_object();
  return json_response(json.take());
}

}  // namespace beringia::protocol::admin

#include "protocol/s3/expiration.h"

#include "access/bucket_access.h"
#include "base/encoding.h"

namespace beringia::protocol::s3 {

void add_expiration(const Call& call, io::HttpResponse& response, const core::Entry& entry) {
  const auto view = call.rooms.gate.look(entry.path);
  // What it cannot be told now is not worth an error.
  if (!view || !*view || !(*view)->access->lifecycle) return;
  const meta::EntryRecord& record = entry.record;
  const auto due = wire::expiration_of(
      *(*view)->access->lifecycle,
      {entry.path.key(), record.size, &record.tags, record.storage_class, record.created});
  if (!due) return;
  response.headers.add("x-amz-expiration", "expiry-date=\"" + to_http_date(due->time) +
                                               "\", rule-id=\"" + percent_encode(due->rule->id) +
                                               "\"");
}

}  // namespace beringia::protocol::s3

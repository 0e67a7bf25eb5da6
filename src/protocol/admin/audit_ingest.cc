// Native accesses to buckets, as Google logged them, into the one audit trail.
#include <algorithm>

#include "audit/intake.h"
#include "protocol/admin/cloud_audit.h"
#include "protocol/admin/verbs.h"

namespace beringia::protocol::admin {
namespace {

constexpr size_t kMaxLines = 10'000;  // of one call; the body is bounded, too
constexpr size_t kMaxFaults = 20;     // told

struct Fault {
  size_t line;
  std::string why;
};

}  // namespace

Result<io::HttpResponse> ingest_audit(Call& call) {
  BR_TRY(call.administer());
  const std::string own = call.query_or("except", "");
  const meta::Estate estate = call.rooms.estate.current();
  size_t lines = 0;
  std::vector<audit::Record> records;  // at most kMaxLines
  uint64_t others = 0;
  uint64_t excepted = 0;
  uint64_t faulty = 0;
  std::vector<Fault> faults;
  for (std::string_view rest = call.body; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (++lines > kMaxLines) {
      return std::unexpected(invalid("cannot take over the log entries",
                                     "there are more than " + std::to_string(kMaxLines) + " lines",
                                     "send them in several calls"));
    }
    auto record = parse_cloud_audit(line, estate);
    if (!record) {
      ++faulty;
      if (faults.size() < kMaxFaults) faults.push_back({lines, record.error().to_string()});
    } else if (!*record) {
      ++others;
    } else if (!own.empty() && (*record)->principal == own) {
      ++excepted;  // ours: the trail has it already
    } else {
      records.push_back(std::move(**record));
    }
  }
  BR_TRY(counts, call.rooms.intake.record_once(call.context, records));
  // What is answered is in the log.
  BR_TRY(call.rooms.log.flush(call.context));
  JsonWriter json;
  json.begin_object().member("recorded", counts.recorded);
  json.member("repeated", counts.repeated).member("other_services", others);
  json.member("excepted", excepted).member("faulty", faulty).key("faults").begin_array();
  for (const auto& fault : faults) {
    json.begin_object().member("line", uint64_t{fault.line}).member("why", fault.why).end_object();
  }
  json.end_array().end_object();
  return json_response(json.take());
}

}  // namespace beringia::protocol::admin

#include "base/quantity.h"
#include "protocol/admin/verbs.h"

namespace beringia::protocol::admin {
namespace {

constexpr double kNanosPerUsd = 1e9;

/// The contract of docs/semantics.md, in one sentence.
std::string contract_of(const meta::MountDeclaration& mount) {
  if (mount.freshness.exclusive) {
    return "linearizable; all writes come through Beringia, foreign writes may stay unseen";
  }
  if (mount.freshness.max_staleness.count() == 0) {
    return "our writes at once; foreign writes at once, checked on every access";
  }
  return "our writes at once; foreign writes within " +
         format_duration(mount.freshness.max_staleness);
}

void write_count(JsonWriter& json, const CallCount& count) {
  json.member("class_a_calls", count.class_a).member("class_b_calls", count.class_b);
  json.member("free_calls", count.free);
  json.member("cost_usd", static_cast<double>(count.nano_usd) / kNanosPerUsd);
}

void write_counts(JsonWriter& json, std::string_view list, std::string_view name,
                  const std::map<std::string, CallCount>& counts) {
  json.key(list).begin_array();
  for (const auto& [key, count] : counts) {
    json.begin_object().member(name, key);
    write_count(json, count);
    json.end_object();
  }
  json.end_array();
}

void write_traits(JsonWriter& json, const std::vector<StoreTrait>& traits) {
  json.key("store").begin_array();
  for (const auto& trait : traits) {
    json.begin_object().member("name", trait.name).member("value", trait.value);
    json.member("consequence", trait.consequence).member("warns", trait.warns).end_object();
  }
  json.end_array();
}

}  // namespace

Result<io::HttpResponse> list_mounts(Call& call) {
  BR_TRY(call.administer());
  const meta::Estate estate = call.rooms.estate.current();
  JsonWriter json;
  json.begin_object().member("applied", estate.applied).key("mounts").begin_array();
  for (const auto& mount : estate.mounts) {
    json.begin_object().member("path", mount.path.text()).key("locations").begin_array();
    for (const auto& location : mount.locations) {
      json.begin_object().member("backend", location.backend);
      json.member("prefix", location.prefix);
      for (const auto& backend : estate.backends) {
        if (backend.name == location.backend) json.member("url", backend.url);
      }
      write_traits(json, call.rooms.estate.traits(location.backend));
      json.end_object();
    }
    json.end_array();
    json.member("freshness", mount.freshness.exclusive ? "exclusive" : "shared");
    json.member("max_staleness", format_duration(mount.freshness.max_staleness));
    json.member("read_only", mount.read_only).member("contract", contract_of(mount)).end_object();
  }
  json.end_array().end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> list_backends(Call& call) {
  BR_TRY(call.administer());
  JsonWriter json;
  json.begin_object().key("backends").begin_array();
  for (const auto& backend : call.rooms.estate.current().backends) {
    json.begin_object().member("name", backend.name).member("url", backend.url);
    json.member("endpoint", backend.endpoint).member("site", backend.site);
    json.member("region", backend.region).end_object();
  }
  json.end_array().end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> list_calls(Call& call) {
  BR_TRY(call.administer());
  JsonWriter json;
  json.begin_object().key("backends").begin_array();
  for (const auto& one : call.rooms.estate.calls()) {
    json.begin_object().member("name", one.backend);
    write_count(json, one.total);
    json.member("billed_today", one.today);
    json.member("calls_per_second", one.per_second).member("calls_per_day", one.per_day);
    write_counts(json, "by_work", "work", one.by_work);
    write_counts(json, "by_mount", "mount", one.by_mount);
    json.end_object();
  }
  json.end_array().end_object();
  return json_response(json.take());
}

Result<io::HttpResponse> check_backend(Call& call) {
  BR_TRY(call.administer());
  BR_TRY(traits, call.rooms.estate.probe(call.context, call.argument));
  JsonWriter json;
  json.begin_object().member("backend", call.argument).member("reachable", true);
  write_traits(json, traits);
  json.end_object();
  return json_response(json.take());
}

}  // namespace beringia::protocol::admin

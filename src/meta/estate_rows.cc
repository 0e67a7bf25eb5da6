#include "meta/estate_rows.h"

#include <simdjson.h>

#include "base/json_writer.h"

namespace beringia::meta {
namespace {

Error damaged(std::string why) {
  return corrupt("cannot read a row of the estate", std::move(why),
                 "restore the data directory from a backup");
}

/// One JSON object; members are read with defaults, a wrong type is remembered as damage.
class Document {
 public:
  explicit Document(std::string_view json) {
    simdjson::dom::element element;
    if (parser_.parse(json.data(), json.size(), true).get(element) != simdjson::SUCCESS ||
        element.get(root_) != simdjson::SUCCESS) {
      why_ = "it is not a JSON object";
    }
  }
  bool ok() const { return why_.empty(); }
  Error error() const { return damaged(why_); }
  simdjson::dom::object root() const { return root_; }

  std::string text(simdjson::dom::object from, std::string_view name) {
    std::string_view value;
    read(from, name, value);
    return std::string{value};
  }
  uint64_t number(simdjson::dom::object from, std::string_view name, uint64_t fallback = 0) {
    uint64_t value = fallback;
    read(from, name, value);
    return value;
  }
  double real(simdjson::dom::object from, std::string_view name) {
    double value = 0;
    read(from, name, value);
    return value;
  }
  bool flag(simdjson::dom::object from, std::string_view name) {
    bool value = false;
    read(from, name, value);
    return value;
  }
  simdjson::dom::object object(simdjson::dom::object from, std::string_view name) {
    simdjson::dom::object value;
    if (!read(from, name, value)) fail(name);
    return value;
  }
  template <class Take>
  void each(simdjson::dom::object from, std::string_view name, const Take& take) {
    simdjson::dom::array array;
    if (!read(from, name, array)) return;
    for (const auto element : array) {
      simdjson::dom::object item;
      if (element.get(item) != simdjson::SUCCESS) return fail(name);
      take(item);
    }
  }
  std::vector<std::string> texts(simdjson::dom::object from, std::string_view name) {
    std::vector<std::string> found;
    simdjson::dom::array array;
    if (!read(from, name, array)) return found;
    for (const auto element : array) {
      std::string_view text;
      if (element.get(text) != simdjson::SUCCESS) fail(name);
      found.emplace_back(text);
    }
    return found;
  }
  Path path(simdjson::dom::object from, std::string_view name) {
    auto parsed = Path::parse(text(from, name));
    if (parsed) return *parsed;
    fail(name);
    return Path{};
  }

 private:
  template <class T>
  bool read(simdjson::dom::object from, std::string_view name, T& value) {
    if (!ok()) return false;
    simdjson::dom::element element;
    if (from.at_key(name).get(element) != simdjson::SUCCESS) return false;
    if (element.get(value) == simdjson::SUCCESS) return true;
    fail(name);
    return false;
  }
  void fail(std::string_view name) {
    if (ok()) why_ = "member \"" + std::string{name} + "\" is wrong";
  }

  simdjson::dom::parser parser_;
  simdjson::dom::object root_;
  std::string why_;
};

template <class T, class Read>
Result<T> decode(std::string_view json, const Read& read) {
  Document document{json};
  if (!document.ok()) return std::unexpected(document.error());
  T value = read(document, document.root());
  if (!document.ok()) return std::unexpected(document.error());
  return value;
}

}  // namespace

std::string encode_state(const EstateState& state) {
  JsonWriter out;
  out.begin_object().member("epoch", state.epoch);
  out.member("revision", state.revision);
  out.member("last_backend_id", uint64_t{state.last_backend_id});
  out.member("applied", state.applied).end_object();
  return out.take();
}

std::string encode_row(uint64_t position, const BackendDeclaration& backend) {
  JsonWriter out;
  out.begin_object().member("position", position).member("name", backend.name);
  out.member("id", uint64_t{backend.id}).member("url", backend.url);
  out.member("endpoint", backend.endpoint).member("credentials_file", backend.credentials_file);
  out.member("site", backend.site).member("region", backend.region);
  out.key("prices").begin_object();
  out.member("storage_gb_month", backend.prices.storage_gb_month);
  out.member("write_per_1000", backend.prices.write_per_1000);
  out.member("read_per_1000", backend.prices.read_per_1000);
  out.member("egress_gb", backend.prices.egress_gb);
  out.member("retrieval_gb", backend.prices.retrieval_gb).end_object();
  out.member("max_concurrency", backend.max_concurrency);
  if (!backend.user_project.empty()) out.member("user_project", backend.user_project);
  if (!backend.kms_key.empty()) out.member("kms_key", backend.kms_key);
  if (backend.max_calls_per_hour != 0) {
    out.member("max_calls_per_hour", backend.max_calls_per_hour);
  }
  if (backend.calls_per_second != 0) out.member("calls_per_second", backend.calls_per_second);
  if (backend.calls_per_day != 0) out.member("calls_per_day", backend.calls_per_day);
  if (!backend.subscription.empty()) out.member("subscription", backend.subscription);
  if (!backend.pubsub_endpoint.empty()) out.member("pubsub_endpoint", backend.pubsub_endpoint);
  out.end_object();
  return out.take();
}

std::string encode_row(uint64_t position, const MountDeclaration& mount) {
  JsonWriter out;
  out.begin_object().member("position", position).member("path", mount.path.text());
  out.key("locations").begin_array();
  for (const auto& place : mount.locations) {
    out.begin_object().member("backend", place.backend);
    out.member("prefix", place.prefix).end_object();
  }
  out.end_array().member("exclusive", mount.freshness.exclusive);
  out.member("max_staleness_ns", uint64_t(mount.freshness.max_staleness.count()));
  out.member("read_only", mount.read_only).end_object();
  return out.take();
}

std::string encode_row(uint64_t position, const AliasDeclaration& alias) {
  JsonWriter out;
  out.begin_object().member("position", position).member("name", alias.name);
  out.member("target", alias.target.text()).end_object();
  return out.take();
}

std::string encode_row(uint64_t position, const PolicyDeclaration& policy) {
  JsonWriter out;
  out.begin_object().member("position", position).member("name", policy.name);
  out.member("when", policy.when).key("place").begin_array();
  for (const auto& target : policy.place) {
    out.begin_object().member("backend", target.backend);
    out.member("storage_class", target.storage_class).end_object();
  }
  out.end_array().member("bandwidth_bytes_per_s", policy.bandwidth_bytes_per_s).end_object();
  return out.take();
}

std::string encode_row(uint64_t position, const IdentityProviderDeclaration& provider) {
  JsonWriter out;
  out.begin_object().member("position", position).member("name", provider.name);
  out.member("issuer", provider.issuer).key("audiences").begin_array();
  for (const auto& audience : provider.audiences) out.value(audience);
  out.end_array().member("keys", provider.keys).member("claim", provider.claim).end_object();
  return out.take();
}

std::string encode_row(uint64_t position, const NotificationTargetDeclaration& target) {
  JsonWriter out;
  out.begin_object().member("position", position).member("name", target.name);
  out.member("kind", target.kind).member("url", target.url);
  out.member("authorization_file", target.authorization_file).end_object();
  return out.take();
}

Result<EstateState> decode_state(std::string_view json) {
  return decode<EstateState>(json, [](Document& in, simdjson::dom::object row) {
    return EstateState{in.number(row, "epoch"), in.number(row, "revision"),
                       static_cast<uint32_t>(in.number(row, "last_backend_id")),
                       in.flag(row, "applied")};
  });
}

Result<Positioned<BackendDeclaration>> decode_backend(std::string_view json) {
  return decode<Positioned<BackendDeclaration>>(json, [](Document& in, simdjson::dom::object row) {
    BackendDeclaration backend;
    backend.name = in.text(row, "name");
    backend.id = static_cast<BackendId>(in.number(row, "id"));
    backend.url = in.text(row, "url");
    backend.endpoint = in.text(row, "endpoint");
    backend.credentials_file = in.text(row, "credentials_file");
    backend.site = in.text(row, "site");
    backend.region = in.text(row, "region");
    const auto prices = in.object(row, "prices");
    backend.prices.storage_gb_month = in.real(prices, "storage_gb_month");
    backend.prices.write_per_1000 = in.real(prices, "write_per_1000");
    backend.prices.read_per_1000 = in.real(prices, "read_per_1000");
    backend.prices.egress_gb = in.real(prices, "egress_gb");
    backend.prices.retrieval_gb = in.real(prices, "retrieval_gb");
    backend.max_concurrency = in.number(row, "max_concurrency", backend.max_concurrency);
    backend.user_project = in.text(row, "user_project");
    backend.kms_key = in.text(row, "kms_key");
    backend.max_calls_per_hour = in.number(row, "max_calls_per_hour");
    backend.calls_per_second = in.number(row, "calls_per_second");
    backend.calls_per_day = in.number(row, "calls_per_day");
    backend.subscription = in.text(row, "subscription");
    backend.pubsub_endpoint = in.text(row, "pubsub_endpoint");
    return Positioned<BackendDeclaration>{in.number(row, "position"), std::move(backend)};
  });
}

Result<Positioned<MountDeclaration>> decode_mount(std::string_view json) {
  return decode<Positioned<MountDeclaration>>(json, [](Document& in, simdjson::dom::object row) {
    MountDeclaration mount;
    mount.path = in.path(row, "path");
    in.each(row, "locations", [&](simdjson::dom::object place) {
      mount.locations.push_back({in.text(place, "backend"), in.text(place, "prefix")});
    });
    mount.freshness.exclusive = in.flag(row, "exclusive");
    mount.freshness.max_staleness =
        Duration{static_cast<int64_t>(in.number(row, "max_staleness_ns"))};
    mount.read_only = in.flag(row, "read_only");
    return Positioned<MountDeclaration>{in.number(row, "position"), std::move(mount)};
  });
}

Result<Positioned<AliasDeclaration>> decode_alias(std::string_view json) {
  return decode<Positioned<AliasDeclaration>>(json, [](Document& in, simdjson::dom::object row) {
    AliasDeclaration alias{in.text(row, "name"), in.path(row, "target")};
    return Positioned<AliasDeclaration>{in.number(row, "position"), std::move(alias)};
  });
}

Result<Positioned<PolicyDeclaration>> decode_policy(std::string_view json) {
  return decode<Positioned<PolicyDeclaration>>(json, [](Document& in, simdjson::dom::object row) {
    PolicyDeclaration policy;
    policy.name = in.text(row, "name");
    policy.when = in.text(row, "when");
    in.each(row, "place", [&](simdjson::dom::object target) {
      policy.place.push_back({in.text(target, "backend"), in.text(target, "storage_class")});
    });
    policy.bandwidth_bytes_per_s = in.number(row, "bandwidth_bytes_per_s");
    return Positioned<PolicyDeclaration>{in.number(row, "position"), std::move(policy)};
  });
}

Result<Positioned<IdentityProviderDeclaration>> decode_identity_provider(std::string_view json) {
  return decode<Positioned<IdentityProviderDeclaration>>(json, [](Document& in,
                                                                  simdjson::dom::object row) {
    IdentityProviderDeclaration provider{in.text(row, "name"), in.text(row, "issuer"),
                                         in.texts(row, "audiences"), in.text(row, "keys"),
                                         in.text(row, "claim")};
    return Positioned<IdentityProviderDeclaration>{in.number(row, "position"), std::move(provider)};
  });
}

Result<Positioned<NotificationTargetDeclaration>> decode_notification_target(
    std::string_view json) {
  return decode<Positioned<NotificationTargetDeclaration>>(json, [](Document& in,
                                                                    simdjson::dom::object row) {
    NotificationTargetDeclaration target{in.text(row, "name"), in.text(row, "kind"),
                                         in.text(row, "url"), in.text(row, "authorization_file")};
    return Positioned<NotificationTargetDeclaration>{in.number(row, "position"), std::move(target)};
  });
}

}  // namespace beringia::meta

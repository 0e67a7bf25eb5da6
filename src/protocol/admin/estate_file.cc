#include "protocol/admin/estate_file.h"

#include <algorithm>
#include <cstdint>

#include "base/checksum.h"
#include "base/encoding.h"
#include "base/quantity.h"
#include "wire/document.h"

namespace beringia::protocol::admin {
namespace {

using wire::TableReader;
using wire::Value;

constexpr int64_t kMaxConcurrency = 10'000;
constexpr int64_t kMaxCallsPerSecond = 1'000'000;
constexpr int64_t kMaxCallsPerDay = 1'000'000'000'000;
constexpr int64_t kMaxCallsPerHour = 1'000'000'000'000;

/// "name" or { backend = "name", prefix = "a/b/" }.
Result<meta::MountLocation> read_location(const Value& value, const std::string& where) {
  if (value.is(Value::Kind::kText)) return meta::MountLocation{value.text, ""};
  TableReader reader{value, "a location of " + where};
  meta::MountLocation location{reader.required_text("backend"), reader.text("prefix")};
  if (location.prefix.starts_with('/')) {
    reader.fail("prefix", invalid("it begins with '/'", "", "write it below the backend's root"));
  }
  BR_TRY(reader.finish());
  if (!location.prefix.empty() && !location.prefix.ends_with('/')) location.prefix += '/';
  return location;
}

meta::PriceList read_prices(TableReader& reader) {
  return {reader.number("storage_gb_month", 0), reader.number("write_per_1000", 0),
          reader.number("read_per_1000", 0), reader.number("egress_gb", 0),
          reader.number("retrieval_gb", 0)};
}

/// Google Cloud Pub/Sub, "Guidelines to name a topic or a subscription": 3 to 255 characters.
bool is_subscription(std::string_view text) {
  constexpr std::string_view kProjects = "projects/";
  constexpr std::string_view kSubscriptions = "/subscriptions/";
  if (!text.starts_with(kProjects)) return false;
  text.remove_prefix(kProjects.size());
  const size_t project = text.find('/');
  if (project == 0 || project == text.npos) return false;
  text.remove_prefix(project);
  if (!text.starts_with(kSubscriptions)) return false;
  text.remove_prefix(kSubscriptions.size());
  return !text.empty() && text.size() <= 255 && text.find('/') == text.npos;
}

void read_subscription(TableReader& reader, meta::BackendDeclaration& backend) {
  backend.subscription = reader.text("subscription");
  backend.pubsub_endpoint = reader.text("pubsub_endpoint");
  if (!backend.subscription.empty() && !is_subscription(backend.subscription)) {
    reader.fail("subscription", invalid("it is no Pub/Sub subscription", "",
                                        "write it as projects/PROJECT/subscriptions/NAME"));
  }
  if (!backend.subscription.empty() && !backend.url.starts_with("gs://")) {
    reader.fail("subscription",
                invalid("a subscription is for gs:// only", "", "remove it from this backend"));
  }
  const std::string& endpoint = backend.pubsub_endpoint;
  if (endpoint.empty()) return;
  if (backend.subscription.empty()) {
    reader.fail("pubsub_endpoint", invalid("there is no subscription to ask there", "",
                                           "say subscription, too, or remove it"));
  }
  if (!endpoint.starts_with("http://") && !endpoint.starts_with("https://")) {
    reader.fail("pubsub_endpoint", invalid("it is no URL", "", "write it as http://HOST:PORT"));
  }
}

Result<meta::BackendDeclaration> read_backend(const Value& table) {
  TableReader reader{table, "a [[backend]]"};
  meta::BackendDeclaration backend;
  backend.name = reader.required_text("name");
  backend.url = reader.required_text("url");
  backend.endpoint = reader.text("endpoint");
  backend.credentials_file = reader.text("credentials");
  backend.site = reader.text("site");
  backend.region = reader.text("region");
  backend.max_concurrency =
      static_cast<uint64_t>(reader.integer("max_concurrency", 64, 1, kMaxConcurrency));
  backend.user_project = reader.text("user_project");
  backend.kms_key = reader.text("kms_key");
  backend.max_calls_per_hour =
      static_cast<uint64_t>(reader.integer("max_calls_per_hour", 0, 0, kMaxCallsPerHour));
  if (const Value* budget = reader.value("call_budget")) {
    TableReader limits{*budget, "the call_budget of backend \"" + backend.name + "\""};
    backend.calls_per_second =
        static_cast<uint64_t>(limits.integer("per_second", 0, 0, kMaxCallsPerSecond));
    backend.calls_per_day = static_cast<uint64_t>(limits.integer("per_day", 0, 0, kMaxCallsPerDay));
    BR_TRY(limits.finish());
  }
  read_subscription(reader, backend);
  const bool is_gcs = backend.url.starts_with("gs://");
  if (!is_gcs && (!backend.user_project.empty() || !backend.kms_key.empty() ||
                  backend.max_calls_per_hour != 0 || backend.calls_per_second != 0 ||
                  backend.calls_per_day != 0)) {
    reader.fail("url", invalid("user_project, kms_key, max_calls_per_hour and call_budget are for "
                               "gs:// only",
                               "", "remove them from this backend"));
  }
  if (const Value* prices = reader.value("prices")) {
    TableReader price_reader{*prices, "the prices of backend \"" + backend.name + "\""};
    backend.prices = read_prices(price_reader);
    BR_TRY(price_reader.finish());
  }
  BR_TRY(reader.finish());
  return backend;
}

Path read_directory(TableReader& reader, std::string_view key) {
  const auto path = Path::parse(reader.required_text(key));
  if (path) return path->as_directory();
  reader.fail(key, path.error());
  return Path{};
}

Result<meta::MountDeclaration> read_mount(const Value& table) {
  TableReader reader{table, "a [[mount]]"};
  meta::MountDeclaration mount;
  mount.path = read_directory(reader, "path");
  const std::string where = "mount " + mount.path.text();
  if (const Value* locations = reader.value("locations")) {
    for (const auto& item : locations->items) {
      BR_TRY(location, read_location(item, where));
      mount.locations.push_back(location);
    }
  }
  const std::string freshness = reader.text("freshness", "shared");
  if (freshness != "shared" && freshness != "exclusive") {
    reader.fail("freshness", invalid("\"" + freshness + "\" is not known", "",
                                     "choose \"shared\" or \"exclusive\""));
  }
  mount.freshness.exclusive = freshness == "exclusive";
  const auto staleness = parse_duration(reader.text("max_staleness", "0"));
  if (!staleness) {
    reader.fail("max_staleness", staleness.error());
  } else {
    mount.freshness.max_staleness = *staleness;
  }
  if (mount.freshness.exclusive && reader.has("max_staleness")) {
    reader.fail("max_staleness", invalid("it has no meaning for an exclusive mount", "",
                                         "remove it, or make the mount shared"));
  }
  mount.read_only = reader.boolean("read_only", false);
  BR_TRY(reader.finish());
  return mount;
}

Result<meta::AliasDeclaration> read_alias(const Value& table) {
  TableReader reader{table, "an [[alias]]"};
  meta::AliasDeclaration alias{reader.required_text("name"), read_directory(reader, "target")};
  BR_TRY(reader.finish());
  return alias;
}

Result<identity::PrincipalRecord> read_principal(const Value& table) {
  TableReader reader{table, "a [[principal]]"};
  identity::PrincipalRecord record{reader.required_text("name"), reader.texts("groups"),
                                   reader.boolean("disabled", false), reader.texts("assumable_by")};
  BR_TRY(reader.finish());
  return record;
}

Result<meta::IdentityProviderDeclaration> read_identity_provider(const Value& table) {
  TableReader reader{table, "an [[identity_provider]]"};
  meta::IdentityProviderDeclaration provider;
  provider.name = reader.required_text("name");
  provider.issuer = reader.required_text("issuer");
  provider.audiences = reader.texts("audiences");
  provider.keys = reader.required_text("keys");
  provider.claim = reader.text("claim", provider.claim);
  BR_TRY(reader.finish());
  return provider;
}

Result<meta::NotificationTargetDeclaration> read_notification_target(const Value& table) {
  TableReader reader{table, "a [[notification_target]]"};
  meta::NotificationTargetDeclaration target;
  target.name = reader.required_text("name");
  target.kind = reader.text("kind", target.kind);
  target.url = reader.required_text("url");
  target.authorization_file = reader.text("authorization_file");
  BR_TRY(reader.finish());
  return target;
}

/// A name for a grant that has none: what it says.
std::string name_of(const access::GrantRule& rule) {
  std::string name;
  for (const auto& principal : rule.principals) name += (name.empty() ? "" : "+") + principal;
  name +=
      (rule.deny ? "-not-" : "-") + std::string{access::to_string(rule.role)} + "-" + rule.prefix;
  constexpr size_t kMaxId = 128;  // of a grant; longer ones end in a digest
  if (name.size() <= kMaxId &&
      std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; })) {
    return name;
  }
  return "grant-" + to_hex(sha256(name)).substr(0, 32);
}

Result<access::GrantRule> read_grant(const Value& table) {
  TableReader reader{table, "a [[grant]]"};
  access::GrantRule rule;
  rule.id = reader.text("name");
  rule.principals = reader.texts("principals");
  if (rule.principals.empty()) {
    reader.fail("principals", invalid("nobody is named", "", "principals = [\"etl\"]"));
  }
  rule.prefix = read_directory(reader, "prefix").text();
  const std::string role = reader.text("role", "reader");
  if (const auto parsed = access::parse_role(role)) {
    rule.role = *parsed;
  } else {
    reader.fail("role", invalid("\"" + role + "\" is not known", "",
                                "choose \"reader\", \"writer\", \"owner\" or \"creator\""));
  }
  rule.deny = reader.boolean("deny", false);
  BR_TRY(reader.finish());
  if (rule.id.empty()) rule.id = name_of(rule);
  return rule;
}

Result<meta::PolicyDeclaration> read_policy(const Value& table) {
  TableReader reader{table, "a [[policy]]"};
  meta::PolicyDeclaration policy;
  policy.name = reader.required_text("name");
  policy.when = reader.required_text("when");
  for (const Value* place : reader.tables("place")) {
    TableReader place_reader{*place, "a place of policy \"" + policy.name + "\""};
    policy.place.push_back({place_reader.required_text("backend"), place_reader.text("class")});
    BR_TRY(place_reader.finish());
  }
  const auto bandwidth = parse_rate(reader.text("bandwidth", "0"));
  if (!bandwidth) {
    reader.fail("bandwidth", bandwidth.error());
  } else {
    policy.bandwidth_bytes_per_s = *bandwidth;
  }
  BR_TRY(reader.finish());
  return policy;
}

template <class T>
Result<void> read_section(TableReader& file, std::string_view key,
                          Result<T> (*read)(const Value& table),
                          std::optional<std::vector<T>>& section) {
  if (!file.has(key)) {
    static_cast<void>(file.value(key));  // known all the same
    return {};
  }
  section.emplace();
  for (const Value* table : file.tables(key)) {
    BR_TRY(one, read(*table));
    section->push_back(std::move(one));
  }
  return {};
}

}  // namespace

Result<EstateFile> read_estate_file(std::string_view text, const std::string& subject) {
  BR_TRY(root, wire::parse_toml(text, kMaxEstateBytes, subject));
  TableReader reader{root, subject};
  EstateFile file;
  BR_TRY(read_section(reader, "backend", read_backend, file.backends));
  BR_TRY(read_section(reader, "mount", read_mount, file.mounts));
  BR_TRY(read_section(reader, "alias", read_alias, file.aliases));
  BR_TRY(read_section(reader, "principal", read_principal, file.principals));
  BR_TRY(read_section(reader, "grant", read_grant, file.grants));
  BR_TRY(read_section(reader, "policy", read_policy, file.policies));
  BR_TRY(
      read_section(reader, "identity_provider", read_identity_provider, file.identity_providers));
  BR_TRY(read_section(reader, "notification_target", read_notification_target,
                      file.notification_targets));
  BR_TRY(reader.finish());
  return file;
}

}  // namespace beringia::protocol::admin

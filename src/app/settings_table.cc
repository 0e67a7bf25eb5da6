#include "app/settings.h"
#include "base/encoding.h"

namespace beringia::app {
namespace {

using enum SettingKind;
constexpr const char* kAnyone = "everyone, at the first start";
constexpr const char* kNetwork = "who runs the network";
constexpr const char* kSecurity = "who is responsible for security";
constexpr const char* kTuner = "who has measured that it helps";
constexpr const char* kOthers = "whose buckets others write to, and notifications may be lost";
constexpr const char* kTester = "who tests lifecycle rules, with data that may go";
constexpr const char* kFaultTester = "who tests a client's retries, never with data that matters";
constexpr const char* kMover = "who moves data while others work";

// THE declaration of all settings. Keep the order: docs/settings.md has it.
const std::vector<SettingDeclaration> kDeclarations = {
    {"data", kText, &Settings::data, "", "", kAnyone,
     "Directory of the catalog, the audit log and, without mounts, the objects. Mode 0700."},
    {"mount", kTexts, &Settings::mount, "", "", kAnyone,
     "PATH=URL, repeatable: /=file:///srv/lake, /cloud=gs://bucket. One path twice is a union in "
     "that order. Only until an estate was applied."},
    {"freshness", kChoice, &Settings::freshness, "shared", "shared|exclusive", kAnyone,
     "Whether others write to the backends of --mount too (shared: checked on every access)."},
    {"s3", kAddress, &Settings::s3, "127.0.0.1:9000", "", kNetwork,
     "HOST:PORT where S3 is served; \"off\" serves none."},
    {"gcs", kAddress, &Settings::gcs, "127.0.0.1:9010", "", kNetwork,
     "HOST:PORT where the Google Cloud Storage API is served; \"off\" serves none."},
    {"admin", kAddress, &Settings::admin, "127.0.0.1:9020", "", kNetwork,
     "HOST:PORT of the admin API, /health and /metrics."},
    {"s3_domain", kText, &Settings::s3_domain, "", "", kNetwork,
     "Domain for virtual-host addressing: BUCKET.s3.example.com. Empty: path style only."},
    {"s3_website_domain", kText, &Settings::s3_website_domain, "", "", kNetwork,
     "Domain for buckets as websites: BUCKET.web.example.com. Empty: none are served."},
    {"s3_object_ownership", kChoice, &Settings::s3_object_ownership, "BucketOwnerEnforced",
     "BucketOwnerEnforced|BucketOwnerPreferred|ObjectWriter", kSecurity,
     "Object ownership of new buckets that do not say; all but the first turn ACLs on, over GCS "
     "too."},
    {"s3_signature_v2", kChoice, &Settings::s3_signature_v2, "off", "off|on", kSecurity,
     "Whether old clients may sign requests with SigV2 (HMAC-SHA1, which leaves the body open)."},
    {"customer_keys", kChoice, &Settings::customer_keys, "tls", "tls|any", kSecurity,
     "Where customers' keys (SSE-C, CSEK) may come: over TLS, or any way (a proxy speaks TLS)."},
    {"encryption_keys", kText, &Settings::encryption_keys, "", "", kSecurity,
     "Key file of encrypted objects: lines ID BASE64. Empty: only the server's own key (SSE-S3)."},
    {"s3_log_interval", kDuration, &Settings::s3_log_interval, "5m", "", kSecurity,
     "How long lines of buckets' S3 access logs are collected before they are delivered."},
    {"gcs_public_url", kText, &Settings::gcs_public_url, "", "", kNetwork,
     "https://gcs.example.com: how GCS clients reach us behind a proxy. Empty: as they wrote it."},
    {"gcs_fault_injection", kChoice, &Settings::gcs_fault_injection, "off", "off|on", kFaultTester,
     "Only to test clients: whoever has a credential may make calls of GCS fail (/retry_test)."},
    {"metadata", kAddress, &Settings::metadata, "off", "", kSecurity,
     "HOST:PORT of a metadata server as Compute Engine has one: tokens without a key."},
    {"metadata_principal", kText, &Settings::metadata_principal, "", "", kSecurity,
     "The principal whose tokens the metadata server gives; not root."},
    {"metadata_clients", kTexts, &Settings::metadata_clients, "", "", kSecurity,
     "Addresses that may ask the metadata server besides this machine, repeatable: 10.0.0.7."},
    {"tls_certificate", kText, &Settings::tls_certificate, "", "", kSecurity,
     "PEM file with the certificate chain of all three listeners. Empty: no TLS."},
    {"tls_key", kText, &Settings::tls_key, "", "", kSecurity,
     "PEM file with the private key of tls_certificate."},
    {"instance", kText, &Settings::instance, "lake", "", kAnyone,
     "Name of this Beringia in service-account addresses: NAME@INSTANCE.beringia.local."},
    {"token_lifetime", kDuration, &Settings::token_lifetime, "1h", "", kSecurity,
     "How long an access token of the GCS token endpoint is good."},
    {"loops", kCount, &Settings::loops, "0", "0..256", kTuner,
     "Event-loop threads; 0 = one per core."},
    {"blocking_threads", kCount, &Settings::blocking_threads, "16", "1..1024", kTuner,
     "Threads for calls that block (fsync, cold reads): how many disk calls run at once."},
    {"max_connections", kCount, &Settings::max_connections, "20000", "1..1000000", kNetwork,
     "Connections per listener; further ones get 503."},
    {"max_header_bytes", kBytes, &Settings::max_header_bytes, "64KiB", "1KiB..1MiB", kSecurity,
     "Largest request head."},
    {"header_timeout", kDuration, &Settings::header_timeout, "10s", "", kSecurity,
     "From the first byte of a request to the end of its head."},
    {"idle_timeout", kDuration, &Settings::idle_timeout, "75s", "", kNetwork,
     "How long a connection may wait for its next request."},
    {"body_idle_timeout", kDuration, &Settings::body_idle_timeout, "30s", "", kNetwork,
     "How long a body may stand still."},
    {"request_timeout", kDuration, &Settings::request_timeout, "2h", "", kNetwork,
     "Longest request, body included."},
    {"min_body_rate", kRate, &Settings::min_body_rate, "1KiB/s", "", kSecurity,
     "Slowest body over 30 s, both ways; slower clients are cut off."},
    {"drain_timeout", kDuration, &Settings::drain_timeout, "10s", "", kNetwork,
     "After SIGTERM: how long running requests may take to end."},
    {"block_cache", kBytes, &Settings::block_cache, "32MiB", "1MiB..1TiB", kTuner,
     "Catalog rows kept in memory. Larger for many million hot objects."},
    {"memtable", kBytes, &Settings::memtable, "16MiB", "1MiB..1GiB", kTuner,
     "Catalog writes kept in memory before they go to a table (twice that at most)."},
    {"backend_concurrency", kCount, &Settings::backend_concurrency, "64", "1..10000", kTuner,
     "Calls under way at once per backend of --mount (estate files say it per backend)."},
    {"move_bandwidth", kRate, &Settings::move_bandwidth, "0", "", kMover,
     "Limit of each policy run that does not bring its own; 0 = none."},
    {"move_workers", kCount, &Settings::move_workers, "32", "1..256", kMover,
     "Moves under way at once in a run."},
    {"move_grace", kDuration, &Settings::move_grace, "5s", "", kMover,
     "How long a moved object's source stays at least; open readers keep it longer."},
    {"lifecycle_interval", kDuration, &Settings::lifecycle_interval, "1h", "", kMover,
     "Time between two passes over the buckets' lifecycles; 0 = they are not executed."},
    {"lifecycle_day", kDuration, &Settings::lifecycle_day, "24h", "", kTester,
     "How long a day of a lifecycle rule is. Only for tests: data goes sooner than its rules say."},
    {"scan_interval", kDuration, &Settings::scan_interval, "0", "", kOthers,
     "Time between two scans of shared mounts for what others changed; 0 = there are none."},
    {"audit_origin", kText, &Settings::audit_origin, "beringia.local/lake", "", kSecurity,
     "First line of the audit log's checkpoints; the name that verifiers know. Fixed once used."},
    {"audit_interval", kDuration, &Settings::audit_interval, "1s", "", kSecurity,
     "Time between signed checkpoints of the audit log."},
    {"log_level", kChoice, &Settings::log_level, "info", "debug|info|warn|error", kAnyone,
     "Least level that is logged, on standard error."},
    {"log_format", kChoice, &Settings::log_format, "text", "text|json", kAnyone,
     "Form of log lines."},
};

}  // namespace

const std::vector<SettingDeclaration>& setting_declarations() { return kDeclarations; }

std::string flag_of(const SettingDeclaration& declaration) {
  std::string flag = "--";
  for (const char c : std::string_view{declaration.name}) flag += c == '_' ? '-' : c;
  return flag;
}

std::string environment_of(const SettingDeclaration& declaration) {
  std::string name = "BERINGIA_";
  for (const char c : std::string_view{declaration.name}) {
    name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

std::string settings_page() {
  std::string page =
      "# Settings\n\n"
      "Made by `beringia settings` from the declaration in `src/app/settings_table.cc`; a test "
      "compares them.\n\n"
      "A flag of `beringia serve` wins over the environment, the environment over the settings "
      "file\n(`--config FILE`, TOML: `log_level = \"warn\"`), the file over the default. Unknown "
      "keys are errors.\nAll hold from the start of the process; none changes while it runs.\n\n"
      "Not settings but secrets, from the environment only: `BERINGIA_ROOT_ACCESS_KEY` and\n"
      "`BERINGIA_ROOT_SECRET_KEY`. The mounts, principals, grants and policies of a larger estate "
      "are\ndeclared in `lake.toml`: [estate](estate.md).\n\n"
      "| setting, `--flag`, `ENVIRONMENT` | default | range | what | who turns it |\n"
      "|---|---|---|---|---|\n";
  for (const auto& one : kDeclarations) {
    std::string range = one.range;
    for (size_t at = 0; (at = range.find('|', at)) != std::string::npos; at += 2) {
      range.replace(at, 1, ", ");
    }
    const std::string fallback = one.fallback;
    page += std::string{"| `"} + one.name + "`, `" + flag_of(one) + "`, `" + environment_of(one) +
            "` | " + (fallback.empty() ? "" : "`" + fallback + "`") + " | " + range + " | " +
            one.help + " | " + one.who + " |\n";
  }
  return page;
}

}  // namespace beringia::app

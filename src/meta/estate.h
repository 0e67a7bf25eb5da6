#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/path.h"
#include "base/secret.h"
#include "base/time.h"
#include "io/context.h"
#include "kv/store.h"
#include "meta/records.h"

namespace beringia::meta {

/// USD per unit; from the estate file, defaults by kind.
struct PriceList {
  double storage_gb_month = 0;
  double write_per_1000 = 0;  // class A operations
  double read_per_1000 = 0;   // class B operations
  double egress_gb = 0;       // leaving the backend
  double retrieval_gb = 0;    // nearline / coldline / archive
  bool operator==(const PriceList&) const = default;
};

struct BackendDeclaration {
  std::string name;              // [a-z0-9-]{1,63}
  BackendId id = 0;              // assigned at apply
  std::string url;               // file:///srv/lake, gs://bucket[/prefix], memory:
  std::string endpoint;          // gcs: other than Google's
  std::string credentials_file;  // gcs: service-account key; "" = metadata server; "none" = no auth
  std::string site, region;
  PriceList prices;
  uint64_t max_concurrency = 64;
  std::string user_project;         // gcs: who pays for requests to a requester-pays bucket
  std::string kms_key;              // gcs: Cloud KMS key of what is written; "" = the bucket's
  uint64_t max_calls_per_hour = 0;  // gcs: billed requests; 0 = no limit
  uint64_t calls_per_second = 0;    // gcs: budget that background work keeps to; 0 = no limit
  uint64_t calls_per_day = 0;
  std::string subscription;     // gcs: projects/P/subscriptions/S with its notifications
  std::string pubsub_endpoint;  // gcs: other than Google's
  bool operator==(const BackendDeclaration&) const = default;
};

struct Freshness {
  bool exclusive = false;     // all writes come through us
  Duration max_staleness{0};  // shared: 0 = checked on every access
  bool operator==(const Freshness&) const = default;
};

struct MountLocation {
  std::string backend;  // name
  std::string prefix;   // native prefix below the backend's root, "" or ends in '/'
  bool operator==(const MountLocation&) const = default;
};

struct MountDeclaration {
  Path path;                             // directory form
  std::vector<MountLocation> locations;  // in order of preference; the first takes new writes
  Freshness freshness;
  bool read_only = false;
  bool operator==(const MountDeclaration&) const = default;
};

struct AliasDeclaration {
  std::string name;  // bucket name
  Path target;       // directory form
  bool operator==(const AliasDeclaration&) const = default;
};

struct PlaceTarget {
  std::string backend;
  std::string storage_class;
  bool operator==(const PlaceTarget&) const = default;
};

struct PolicyDeclaration {
  std::string name;
  std::string when;                // CEL
  std::vector<PlaceTarget> place;  // two = keep two copies
  uint64_t bandwidth_bytes_per_s = 0;
  bool operator==(const PolicyDeclaration&) const = default;
};

/// Whoever shows a token of this issuer (OpenID Connect) is the principal that a claim names.
struct IdentityProviderDeclaration {
  std::string name;                    // [a-z0-9-]{1,63}
  std::string issuer;                  // the token's iss, exactly
  std::vector<std::string> audiences;  // one of them must be in aud
  std::string keys;                    // JSON Web Key Set: https://..., http://... or file:///...
  std::string claim = "sub";           // whose value is the principal's name
  bool operator==(const IdentityProviderDeclaration&) const = default;
};

/// The name of the target that takes what is meant for names that are not declared.
inline constexpr std::string_view kAnyTarget = "*";

/// Where notifications go: the name in the ARNs and topics of buckets' configurations.
struct NotificationTargetDeclaration {
  std::string name;                // [a-z0-9-]{1,63}, or kAnyTarget
  std::string kind = "webhook";    // or "pubsub": url is a topic of Pub/Sub's REST API
  std::string url;                 // http://..., https://...
  std::string authorization_file;  // its text is sent as a bearer token; "" = none
  bool operator==(const NotificationTargetDeclaration&) const = default;
};

/// Everything declared but principals and grants (those live in identity and access). Rows in kv,
/// one JSON document each; `epoch` grows with every applied change of mounts or backends.
struct Estate {
  uint64_t epoch = 0;
  BackendId last_backend_id = 0;  // highest id ever given: ids are not used again
  bool applied = false;           // by `beringia apply`; false: made from the flags of `serve`
  std::vector<BackendDeclaration> backends;
  std::vector<MountDeclaration> mounts;
  std::vector<AliasDeclaration> aliases;
  std::vector<PolicyDeclaration> policies;
  std::vector<IdentityProviderDeclaration> identity_providers;
  std::vector<NotificationTargetDeclaration> notification_targets;
};

[[nodiscard]] Result<Estate> load_estate(const io::Context& context, kv::Store& store);
/// Replaces the stored estate (checks that nobody changed it since `before` was loaded).
[[nodiscard]] Result<void> save_estate(const io::Context& context, kv::Store& store,
                                       const Estate& before, const Estate& after);

}  // namespace beringia::meta

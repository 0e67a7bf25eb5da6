#pragma once

namespace beringia::protocol::admin {

/// For tests and fuzzing: an estate with a section of every kind and every field in use.
inline constexpr const char* kExampleEstate = R"(
[[backend]]
name = "onprem"
url = "file:///srv/lake"

[[backend]]
name = "gcs-us"
url = "gs://archive"
endpoint = "http://127.0.0.1:1"
credentials = "none"
max_concurrency = 8
user_project = "billing-7"
kms_key = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
max_calls_per_hour = 100000
call_budget = { per_second = 50, per_day = 200000 }
subscription = "projects/p/subscriptions/s"
pubsub_endpoint = "http://127.0.0.1:2"
prices = { storage_gb_month = 0.01, egress_gb = 0.12 }

[[mount]]
path = "/"
locations = ["onprem", { backend = "gcs-us", prefix = "lake" }]
max_staleness = "10s"

[[mount]]
path = "/fast"
locations = ["onprem"]
freshness = "exclusive"
read_only = true

[[alias]]
name = "sales-prod"
target = "/sales"

[[principal]]
name = "etl"
groups = ["pipelines"]
assumable_by = ["catalog"]

[[grant]]
principals = ["etl"]
prefix = "/sales"
role = "writer"

[[grant]]
name = "nobody-deletes"
principals = ["*"]
prefix = "/hold/"
role = "writer"
deny = true

[[policy]]
name = "cold"
when = 'path.startsWith("/sales/") && size > 10'
place = [{ backend = "gcs-us", class = "NEARLINE" }]
bandwidth = "400MiB/s"

[[identity_provider]]
name = "corp"
issuer = "https://login.example.com"
audiences = ["lake"]
keys = "https://login.example.com/keys"
claim = "email"

[[notification_target]]
name = "indexer"
url = "https://hooks.example.com/lake"
authorization_file = "/etc/beringia/indexer-token"

[[notification_target]]
name = "topic"
kind = "pubsub"
url = "https://pubsub.googleapis.com/v1/projects/p/topics/t"
)";

}  // namespace beringia::protocol::admin

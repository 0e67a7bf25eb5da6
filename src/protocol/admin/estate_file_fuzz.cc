#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/fuzz_seeds.h"
#include "protocol/admin/estate_file.h"
#include "protocol/admin/estate_sections.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(*argc, *argv,
                                    {
                                        R"([[backend]]
name = "onprem"
url = "file:///srv/lake"

[[backend]]
name = "gcs-us"
url = "gs://archive"
endpoint = "http://127.0.0.1:1"
credentials = "none"
max_concurrency = 8
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
)",
                                    });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace beringia::protocol::admin;
  auto file = read_estate_file({reinterpret_cast<const char*>(data), size}, "lake.toml");
  if (!file) return 0;
  const auto declared = with_file({}, std::move(*file));
  if (!declared) return 0;
  // What was accepted is read back as the same.
  auto again = read_estate_file(to_toml(sections_of(*declared)), "again");
  if (!again) std::abort();
  const auto back = with_file(*declared, std::move(*again));
  if (!back || !changes_between(*declared, *back).empty()) std::abort();
  return 0;
}

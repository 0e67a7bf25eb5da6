// Access boundaries come from clients: no text may crash, and no boundary may give what it cannot.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "access/access_boundary.h"
#include "access/session_policy.h"
#include "base/fuzz_seeds.h"
#include "identity/principal.h"

namespace {

class Nothing final : public beringia::access::Facts {
 public:
  bool find(std::string_view, std::vector<std::string>&) const override { return false; }
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          R"j({"accessBoundary":{"accessBoundaryRules":[{"availableResource":)j"
          R"j("//storage.googleapis.com/projects/_/buckets/b","availablePermissions":)j"
          R"j(["inRole:roles/storage.objectViewer"]}]}})j",
          R"j({"accessBoundary":{"accessBoundaryRules":[{"availableResource":)j"
          R"j("//storage.googleapis.com/projects/_/buckets/b","availablePermissions":)j"
          R"j(["inRole:roles/storage.objectAdmin"],"availabilityCondition":{"title":"t",)j"
          R"j("expression":"resource.name.startsWith('projects/_/buckets/b/objects/a') || )j"
          R"j(api.getAttribute('storage.googleapis.com/objectListPrefix', '') == r'a\\'"}}]}})j",
          beringia::access::policy_of_scopes(
              "https://www.googleapis.com/auth/devstorage.read_only"),
      });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace beringia;
  const std::string text{reinterpret_cast<const char*>(data), size};
  static_cast<void>(access::policy_of_scopes(text));
  static_cast<void>(access::SessionPolicy::parse_all(text));
  const auto boundary = access::AccessBoundary::parse(text);
  if (!boundary || boundary->names_every_bucket()) return 0;
  // No rule is for what belongs to no bucket.
  const auto root = Path::parse("/");
  if (boundary->allows(access::Right::kListBucket, *root, Nothing{})) std::abort();
  const auto path = Path::parse("/b/a/b");
  boundary->allows(access::Right::kReadObject, *path, Nothing{});
  return 0;
}

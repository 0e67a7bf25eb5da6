// IAM policies come from clients: no text may crash, and what is read reads back the same.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "access/iam_policy.h"
#include "base/fuzz_seeds.h"

namespace {

class Nothing final : public beringia::access::Facts {
 public:
  bool find(std::string_view, std::vector<std::string>&) const override { return false; }
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(*argc, *argv, {
    R"({"bindings":[{"role":"roles/storage.objectViewer","members":["allUsers"]}],"version":1})",
    R"({"version":3,"etag":"CAE=","bindings":[{"role":"roles/storage.admin","members":)"
    R"(["user:ann","group:g","domain:d.example","projectOwner:0"],"condition":{"title":"t",)"
    R"("expression":"resource.name.startsWith('projects/_/buckets/b/objects/a/')"}}]
})",
    R"({"bindings":[{"role":"roles/storage.legacyBucketOwner","members":["serviceAccount:a@b"],)"
    R"("condition":{"expression":"request.time < timestamp('2026-01-01T00:00:00Z')"
}
}]
})",
});
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using beringia::access::IamPolicy;
  const std::string text{reinterpret_cast<const char*>(data), size};
  const auto policy = IamPolicy::parse(text, "bucket");
  if (!policy) return 0;
  const auto again = IamPolicy::parse(policy->text(), "bucket");
  if (!again || again->bindings() != policy->bindings()) std::abort();
  policy->role_for(beringia::identity::Principal::anonymous(), beringia::access::Right::kReadObject,
                   "a/b", Nothing{}, false, "ann");
  return 0;
}

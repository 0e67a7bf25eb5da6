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
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          R"j({"bindings":[{"role":"roles/storage.objectViewer","members":["allUsers"]}],)j"
          R"j("version":1})j",
          R"j({"version":3,"etag":"CAE=","bindings":[{"role":"roles/storage.admin","members":)j"
          R"j(["user:ann","group:g","domain:d.example","projectOwner:0"],)j"
          R"j("condition":{"title":"t",)j"
          R"j("expression":"resource.name.startsWith('projects/_/buckets/b/objects/a/')"}}]})j",
          R"j({"version":3,"bindings":[{"role":"roles/storage.legacyBucketOwner","members":)j"
          R"j(["serviceAccount:a@b"],"condition":{"title":"t","expression":)j"
          R"j("request.time < timestamp('2026-01-01T00:00:00Z')"}}]})j",
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

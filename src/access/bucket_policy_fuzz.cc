#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "access/acl.h"
#include "access/bucket_policy.h"
#include "base/fuzz_seeds.h"

namespace {

/// Every key has some value.
class SomeFacts final : public beringia::access::Facts {
 public:
  bool find(std::string_view, std::vector<std::string>& values) const override {
    values.emplace_back("10.1.2.3");
    return true;
  }
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          R"({"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS)"
          R"(":["arn:aws:iam::1:user/x","*"]},"Action":["s3:Get*"],"Resource":"arn:aws:s3:::b/*)"
          R"(","Condition":{"ForAnyValue:StringLikeIfExists":{"s3:ExistingObjectTag/k":["v*"]},)"
          R"("IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"Null":{"s3:prefix":"true"}}}]})",
          R"({"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"x"},"NotAction":"s3:*","NotRe)"
          R"(source":"arn:aws:s3:::b/${aws:username}/*"}})",
          "o ann\nfp ann\nre\n",
      });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace beringia::access;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (const auto policy = BucketPolicy::parse(text, "b")) {
    const auto verdict = policy->decide(beringia::identity::Principal::anonymous(),
                                        Right::kReadObject, "k", SomeFacts{});
    if (verdict.allowed && verdict.denied) std::abort();
  }
  if (const auto acl = parse_acl(text)) {
    const auto again = parse_acl(encode(*acl));
    if (!again || *again != *acl) std::abort();
  }
  return 0;
}

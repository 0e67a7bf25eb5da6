#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/fuzz_seeds.h"
#include "wire/bucket_logging.h"
#include "wire/gcsjson.h"
#include "wire/s3xml.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          R"(<LifecycleConfiguration><Rule><ID>a</ID><Filter><And><Prefix>p</Prefix><Tag><Key>k)"
          R"(</Key><Value>v</Value></Tag></And></Filter><Status>Enabled</Status><Expiration><Da)"
          R"(ys>9</Days></Expiration><Transition><Days>1</Days><StorageClass>GLACIER</StorageCl)"
          R"(ass></Transition></Rule></LifecycleConfiguration>)",
          R"(<LifecycleConfiguration><Rule><Prefix/><Status>Disabled</Status><AbortIncompleteMu)"
          R"(ltipartUpload><DaysAfterInitiation>3</DaysAfterInitiation></AbortIncompleteMultipa)"
          R"(rtUpload><NoncurrentVersionExpiration><NoncurrentDays>2</NoncurrentDays></Noncurre)"
          R"(ntVersionExpiration></Rule></LifecycleConfiguration>)",
          R"(<BucketLoggingStatus><LoggingEnabled><TargetBucket>b</TargetBucket><TargetPrefix>p)"
          R"(</TargetPrefix><TargetObjectKeyFormat><PartitionedPrefix/></TargetObjectKeyFormat>)"
          R"(</LoggingEnabled></BucketLoggingStatus>)",
          R"({"lifecycle":{"rule":[{"action":{"type":"Delete"},"condition":{"age":1,"isLive":tr)"
          R"(ue,"matchesPrefix":["a"]}}]}})",
          R"({"format":1,"rules":[{"expire":{"days":1},"filter":{"form":"and","larger-than":1,")"
          R"(prefixes":["a"],"tags":{"k":"v"}},"id":"x","transitions":[{"class":"GLACIER","days)"
          R"(":0}]}]})",
      });
}

namespace {

/// Whatever was understood can be stored, and means the same afterwards.
void check(const beringia::wire::Lifecycle& lifecycle) {
  namespace wire = beringia::wire;
  const auto text = wire::encode(lifecycle);
  if (text) {
    const auto again = wire::decode_lifecycle(*text);
    if (!again || *again != lifecycle) std::abort();
  }
  const wire::LifecycleTags tags{{"k", "v"}};
  const wire::LifecycleSubject subject{"a/b", 5, &tags, "STANDARD_IA", {1}};
  (void)wire::expiration_of(lifecycle, subject);
  (void)wire::transition_of(lifecycle, subject, {INT64_MAX});
  (void)wire::abort_of(lifecycle, "a/b", {1});
  (void)wire::prefixes_of(lifecycle);
  (void)wire::gcs::render_lifecycle(lifecycle);
  (void)wire::s3::render_lifecycle(lifecycle);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace wire = beringia::wire;
  const std::string text{reinterpret_cast<const char*>(data), size};
  if (const auto stored = wire::decode_lifecycle(text)) check(*stored);
  if (const auto google = wire::gcs::parse_lifecycle_of(text); google && *google) check(**google);
  (void)wire::decode_bucket_logging(text);
  (void)wire::s3::parse_request_payment(text);
  if (const auto logging = wire::s3::parse_bucket_logging(text); logging && *logging) {
    const auto again = wire::decode_bucket_logging(wire::encode(**logging));
    if (!again || *again != **logging) std::abort();
  }
  if (const auto amazon = wire::s3::parse_lifecycle(text)) {
    check(*amazon);
    const auto again = wire::s3::parse_lifecycle(wire::s3::render_lifecycle(*amazon));
    if (!again || again->rules.size() != amazon->rules.size()) std::abort();
  }
  return 0;
}

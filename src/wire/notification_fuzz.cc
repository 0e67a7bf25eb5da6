#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/fuzz_seeds.h"
#include "wire/notification.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {R"(<NotificationConfiguration><QueueConfiguration><Id>a</Id><Queue>arn:beringia:sqs::t:web)"
       R"(hook</Queue><Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</N)"
       R"(ame><Value>x/</Value></FilterRule></S3Key></Filter></QueueConfiguration></NotificationC)"
       R"(onfiguration>)",
       R"({"topic":"//pubsub.googleapis.com/projects/p/topics/t","payload_format":"NONE","event_)"
       R"(types":["OBJECT_DELETE"],"custom_attributes":{"a":"b"},"object_name_prefix":"x"})",
       R"({"last_google_id":3,"rules":[{"id":"1","form":"google","target":"t","address":"a","even)"
       R"(ts":[],"prefix":"","suffix":"","payload":true,"attributes":{}}]})"});
}

/// What was read is written so that it reads the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace wire = beringia::wire;
  const std::string text{reinterpret_cast<const char*>(data), size};
  if (auto rules = wire::s3::parse_notifications(text, "id")) {
    const wire::Notifications all{*rules, 0};
    if (wire::s3::parse_notifications(wire::s3::render_notifications(all), "id").value().size() !=
        rules->size()) {
      std::abort();
    }
  }
  if (auto rule = wire::gcs::parse_notification(text)) {
    (void)wire::gcs::render_notification(*rule, "");
  }
  if (auto stored = wire::decode_notifications(text)) {
    const auto once = wire::encode(*stored);
    if (once && wire::decode_notifications(*once).value() != *stored) std::abort();
  }
  return 0;
}

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/fuzz_seeds.h"
#include "wire/inventory.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {R"(<InventoryConfiguration><Destination><S3BucketDestination><Bucket>arn:aws:s3:::t</Buck)"
       R"(et><Format>CSV</Format><Encryption><SSE-S3/></Encryption></S3BucketDestination></Desti)"
       R"(nation><IsEnabled>true</IsEnabled><Id>i</Id><IncludedObjectVersions>All</IncludedObjec)"
       R"(tVersions><Schedule><Frequency>Daily</Frequency></Schedule><OptionalFields><Field>Size)"
       R"(</Field></OptionalFields></InventoryConfiguration>)",
       R"({"inventories":[{"id":"i","target_bucket":"t","fields":["Size"]}]})"});
}

/// What was read is written so that it reads the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace wire = beringia::wire;
  const std::string text{reinterpret_cast<const char*>(data), size};
  if (const auto one = wire::s3::parse_inventory(text)) {
    if (wire::s3::parse_inventory(wire::s3::render_inventory(*one)).value() != *one) std::abort();
  }
  if (const auto all = wire::decode_inventories(text)) {
    const auto once = wire::encode(*all);
    if (once && wire::decode_inventories(*once).value() != *all) std::abort();
  }
  return 0;
}

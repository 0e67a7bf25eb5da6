#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/fuzz_seeds.h"
#include "wire/gcsjson.h"

namespace gcs = beringia::wire::gcs;

namespace {

/// What was understood once is understood the same after rendering.
template <class T>
void check_round_trip(const beringia::Result<T>& parsed,
                      beringia::Result<T> (*parse)(std::string_view)) {
  if (!parsed) return;
  auto again = parse(gcs::render(*parsed));
  if (!again || gcs::render(*again) != gcs::render(*parsed)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          R"({"kind":"storage#object","name":"a/b","bucket":"b","generation":"12","metagene)"
          R"(ration":"1","size":"3","crc32c":"AAAAAA==","md5Hash":"1B2M2Y8AsgTpgAmy7PhCfg==)"
          R"(","metadata":{"k":"v"},"timeCreated":"2026-01-01T00:00:00.000Z","storageClass")"
          R"(:"STANDARD","componentCount":2})",
          R"({"contentType":"text/plain","cacheControl":null,"metadata":{"k":null,"l":"v"}})",
          R"({"name":"b","location":"EU","labels":{"a":"b"},"iamConfiguration":{"uniformBuc)"
          R"(ketLevelAccess":{"enabled":true}}})",
          R"({"name":"a","kmsKeyName":"k","customerEncryption":{"encryptionAlgorithm":"AES)"
          R"(256","keySha256":"c2hh"}})",
          R"({"name":"b","encryption":{"defaultKmsKeyName":"k"}})",
          R"({"items":[{"name":"a","size":"1","generation":"2"}],"prefixes":["p/"],"nextPag)"
          R"(eToken":"t"})",
          R"({"sourceObjects":[{"name":"a","generation":"1","objectPreconditions":{"ifGener)"
          R"(ationMatch":"1"}}],"destination":{"contentType":"x/y"}})",
          R"({"done":false,"rewriteToken":"t","totalBytesRewritten":"1","objectSize":"2","r)"
          R"(esource":{"name":"a"}})",
          R"({"access_token":"ya29","expires_in":3599,"token_type":"Bearer"})",
          R"({"error":{"code":404,"message":"No such object","errors":[{"reason":"notFound")"
          R"(,"domain":"global"}]}})",
          "items(name,owner/"
          "entity),nextPageToken\n{\"items\":[{\"name\":\"a\",\"size\":\"1\"}],\"kind\":\"k\"}",
          "crc32c=AAAAAA==,md5=1B2M2Y8AsgTpgAmy7PhCfg==",
      });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  check_round_trip(gcs::parse_object(text), &gcs::parse_object);
  check_round_trip(gcs::parse_object_change(text), &gcs::parse_object_change);
  check_round_trip(gcs::parse_bucket(text), &gcs::parse_bucket);
  check_round_trip(gcs::parse_object_list(text), &gcs::parse_object_list);
  check_round_trip(gcs::parse_compose(text), &gcs::parse_compose);
  (void)gcs::parse_bucket_list(text);
  (void)gcs::parse_rewrite(text);
  (void)gcs::parse_token(text);
  (void)gcs::parse_token_error(text);
  (void)gcs::parse_error(text, 500);
  gcs::Hashes hashes;
  (void)gcs::add_hash_header(hashes, text);
  auto line = text.find('\n');
  if (line != std::string_view::npos) {
    (void)gcs::select_fields(text.substr(line + 1), text.substr(0, line));
  }
  return 0;
}

#include <cstddef>
#include <cstdint>
#include <string>

#include "wire/s3xml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace s3 = beringia::wire::s3;
  const std::string xml{reinterpret_cast<const char*>(data), size};
  (void)s3::parse_complete_upload(xml);
  (void)s3::parse_create_bucket(xml);
  if (const auto tags = s3::parse_tagging(xml)) (void)s3::check_tags(*tags);
  if (const auto request = s3::parse_delete(xml)) {
    std::string out;
    for (const auto& key : request->keys) s3::append_xml_escaped(out, key.key);
  }
  return 0;
}

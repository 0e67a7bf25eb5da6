#include <cstddef>
#include <cstdint>
#include <string>

#include "base/fuzz_seeds.h"
#include "wire/s3xml.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          R"(<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Part)"
          R"(><PartNumber>1</PartNumber><ETag>"a"</ETag><ChecksumCRC32>AAAAAA==</ChecksumCR)"
          R"(C32></Part></CompleteMultipartUpload>)",
          R"(<Delete><Quiet>true</Quiet><Object><Key>a&amp;b</Key><ETag>"e"</ETag><Size>3</)"
          R"(Size><LastModifiedTime>2026-01-01T00:00:00Z</LastModifiedTime><VersionId>null<)"
          R"(/VersionId></Object></Delete>)",
          R"(<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint><)"
          R"(/CreateBucketConfiguration>)",
          R"(<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><S)"
          R"(SEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID></ApplyServ)"
          R"(erSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule></Ser)"
          R"(verSideEncryptionConfiguration>)",
          R"(<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><De)"
          R"(faultRetention><Mode>GOVERNANCE</Mode><Days>3</Days></DefaultRetention></Rule></Obj)"
          R"(ectLockConfiguration>)",
          R"(<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>2030-01-01T00:00:00Z</RetainUnti)"
          R"(lDate></Retention>)",
          R"(<LegalHold><Status>ON</Status></LegalHold>)",
          R"(<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Disabled</MfaDelete></V)"
          R"(ersioningConfiguration>)",
          R"(<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>)",
      });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace s3 = beringia::wire::s3;
  const std::string xml{reinterpret_cast<const char*>(data), size};
  (void)s3::parse_complete_upload(xml);
  (void)s3::parse_create_bucket(xml);
  (void)s3::parse_versioning(xml);
  if (const auto lock = s3::parse_lock_configuration(xml)) (void)s3::render(*lock);
  (void)s3::parse_retention(xml);
  (void)s3::parse_legal_hold(xml);
  if (const auto tags = s3::parse_tagging(xml)) (void)s3::check_tags(*tags);
  if (const auto encryption = s3::parse_default_encryption(xml)) (void)s3::render(*encryption);
  if (const auto request = s3::parse_delete(xml)) {
    std::string out;
    for (const auto& key : request->keys) s3::append_xml_escaped(out, key.key);
  }
  return 0;
}

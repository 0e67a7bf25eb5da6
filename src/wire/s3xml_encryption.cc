// ServerSideEncryptionConfiguration.
#include "base/encoding.h"
#include "wire/s3xml.h"
#include "wire/s3xml_reader.h"

namespace beringia::wire::s3 {
namespace {

constexpr size_t kMaxKeyId = 2048;

Result<std::string> read_word(const pugi::xml_node& node) {
  BR_TRY(text, text_of(node));
  return std::string{trimmed(text)};
}

Result<void> read_by_default(const pugi::xml_node& node, DefaultEncryption& encryption) {
  return each_element(
      node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        if (name != "SSEAlgorithm" && name != "KMSMasterKeyID") return {};
        BR_TRY(word, read_word(child));
        (name == "SSEAlgorithm" ? encryption.algorithm : encryption.key_id) = std::move(word);
        return {};
      });
}

Result<void> read_rule(const pugi::xml_node& node, DefaultEncryption& encryption) {
  return each_element(
      node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        if (name == "ApplyServerSideEncryptionByDefault") return read_by_default(child, encryption);
        if (name != "BucketKeyEnabled") return {};
        BR_TRY(word, read_word(child));
        encryption.bucket_key = equals_ignoring_case(word, "true");
        if (encryption.bucket_key || equals_ignoring_case(word, "false")) return {};
        return std::unexpected(malformed("BucketKeyEnabled is neither true nor false"));
      });
}

}  // namespace

Result<DefaultEncryption> parse_default_encryption(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "ServerSideEncryptionConfiguration"));
  DefaultEncryption encryption;
  size_t rules = 0;
  BR_TRY(
      each_element(root, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        if (name != "Rule") return {};
        ++rules;
        return read_rule(child, encryption);
      }));
  if (rules != 1 || encryption.algorithm.empty()) {
    return std::unexpected(malformed("there is one Rule, and it names an SSEAlgorithm"));
  }
  if (encryption.key_id.size() > kMaxKeyId) {
    return std::unexpected(malformed("KMSMasterKeyID is too long"));
  }
  return encryption;
}

std::string render(const DefaultEncryption& encryption) {
  XmlWriter xml{"ServerSideEncryptionConfiguration"};
  xml.open("Rule").open("ApplyServerSideEncryptionByDefault");
  xml.text("SSEAlgorithm", encryption.algorithm);
  if (!encryption.key_id.empty()) xml.text("KMSMasterKeyID", encryption.key_id);
  xml.close().flag("BucketKeyEnabled", encryption.bucket_key);
  return xml.take();
}

}  // namespace beringia::wire::s3

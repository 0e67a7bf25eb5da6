#include "protocol/s3/multipart_terms.h"

#include "base/encoding.h"

namespace beringia::protocol::s3 {
namespace {

// Names in UploadRecord::options.
const std::string kAlgorithm = "checksum-algorithm";
const std::string kType = "checksum-type";

}  // namespace

Result<UploadTerms> terms_of_request(const Call& call) {
  UploadTerms terms;
  const std::string_view algorithm = call.header("x-amz-checksum-algorithm");
  const std::string type = std::string{call.header("x-amz-checksum-type")};
  if (algorithm.empty()) {
    if (type.empty()) return terms;
    return std::unexpected(s3_error(
        "InvalidRequest",
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm "
        "header."));
  }
  BR_TRY(parsed, parse_algorithm(algorithm));
  terms.algorithm = parsed;
  terms.is_asked = true;
  // S3 User Guide, "Checking object integrity": hashes cannot be FULL_OBJECT, CRC64NVME cannot be
  // COMPOSITE, the others can be both.
  terms.type = parsed == ChecksumAlgorithm::kCrc64Nvme ? kFullObject : kComposite;
  if (type.empty()) return terms;
  const bool fits = (type == kFullObject && is_combinable(parsed)) ||
                    (type == kComposite && parsed != ChecksumAlgorithm::kCrc64Nvme);
  if (!fits) {
    return std::unexpected(s3_error(
        "InvalidRequest", "The " + type.substr(0, 32) + " checksum type cannot be used with the " +
                              name_of(parsed) + " checksum algorithm."));
  }
  terms.type = type;
  return terms;
}

meta::StringMap options_of(const UploadTerms& terms) {
  if (!terms.is_asked) return {};
  return {{kAlgorithm, std::string{wire_name(terms.algorithm)}}, {kType, terms.type}};
}

UploadTerms terms_of(const meta::UploadRecord& upload) {
  UploadTerms terms;
  const auto algorithm = upload.options.find(kAlgorithm);
  const auto type = upload.options.find(kType);
  if (algorithm == upload.options.end() || type == upload.options.end()) return terms;
  if (auto parsed = parse_algorithm(algorithm->second)) {
    terms.algorithm = *parsed;
    terms.type = type->second;
    terms.is_asked = true;
  }
  return terms;
}

Result<uint32_t> part_number_of(const Call& call) {
  const auto number = parse_u64(call.query.get("partNumber"));
  if (!number || *number < 1 || *number > kMaxPartNumber) {
    return std::unexpected(s3_error(
        "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive"));
  }
  return static_cast<uint32_t>(*number);
}

}  // namespace beringia::protocol::s3

#include "protocol/s3/upload_body.h"

#include <utility>

#include "base/encoding.h"

namespace beringia::protocol::s3 {
namespace {

constexpr std::string_view kHeaderPrefix = "x-amz-checksum-";

Error invalid_request(std::string what) { return s3_error("InvalidRequest", std::move(what)); }

/// x-amz-trailer: what will come behind the body. Only checksums can.
Result<std::vector<std::string>> trailer_names(const Call& call) {
  std::vector<std::string> names;
  std::string_view rest = call.header("x-amz-trailer");
  while (!rest.empty()) {
    std::string_view name = next_list_item(rest);
    if (!name.empty()) names.push_back(ascii_lower(name));
  }
  if (names.size() > 1) {
    return std::unexpected(
        invalid_request("Expecting a single x-amz-checksum- header. Multiple "
                        "checksum Types are not allowed."));
  }
  return names;
}

Result<std::optional<std::string>> content_md5(const Call& call) {
  if (!call.request.headers.has("content-md5")) return std::nullopt;
  auto md5 = from_base64(call.header("content-md5"));
  if (!md5 || md5->size() != 16) {
    return std::unexpected(s3_error("InvalidDigest", "The Content-MD5 you specified was invalid"));
  }
  return md5;
}

}  // namespace

Result<size_t> ChecksumSource::read(const io::Context& context, std::span<char> buffer) {
  BR_TRY(n, inner_.read(context, buffer));
  checksum_.update({buffer.data(), n});
  return n;
}

Result<std::optional<ClaimedChecksum>> claimed_checksum(const Call& call) {
  std::optional<ClaimedChecksum> claimed;
  for (const auto& [name, value] : call.request.headers.fields()) {
    if (name.size() <= kHeaderPrefix.size() ||
        !equals_ignoring_case(std::string_view{name}.substr(0, kHeaderPrefix.size()),
                              kHeaderPrefix)) {
      continue;
    }
    const std::string_view word = std::string_view{name}.substr(kHeaderPrefix.size());
    if (equals_ignoring_case(word, "algorithm") || equals_ignoring_case(word, "type") ||
        equals_ignoring_case(word, "mode")) {
      continue;
    }
    if (claimed) {
      return std::unexpected(
          invalid_request("Expecting a single x-amz-checksum- header. Multiple "
                          "checksum Types are not allowed."));
    }
    BR_TRY(algorithm, parse_algorithm(word));
    claimed = ClaimedChecksum{algorithm, value};
  }
  return claimed;
}

Result<std::unique_ptr<UploadBody>> UploadBody::open(const Call& call, ChecksumAlgorithm preferred,
                                                     bool with_claims) {
  std::unique_ptr<UploadBody> body{std::make_unique<UploadBody>(UploadBody{})};
  BR_TRY(body->read_length(call));
  body->algorithm_ = preferred;
  if (with_claims) BR_TRY(body->read_claims(call));
  body->chain(call);
  return body;
}

Result<void> UploadBody::read_length(const Call& call) {
  const io::HttpRequest& request = call.request;
  if (!wire::is_chunked(call.claim.payload)) {
    // S3 takes no body of unknown length, also not in HTTP's own chunks.
    if (!request.content_length) {
      return std::unexpected(
          s3_error("MissingContentLength", "You must provide the Content-Length HTTP header."));
    }
    expected_.size = request.content_length;
    return {};
  }
  const auto decoded = request.headers.get("x-amz-decoded-content-length");
  if (!decoded) {
    return std::unexpected(s3_error("MissingContentLength",
                                    "You must provide the Content-Length HTTP header.",
                                    "x-amz-decoded-content-length is missing"));
  }
  expected_.size = parse_u64(*decoded);
  if (!expected_.size) {
    return std::unexpected(s3_error("InvalidArgument", "Invalid x-amz-decoded-content-length"));
  }
  return {};
}

Result<void> UploadBody::read_claims(const Call& call) {
  BR_TRY(md5, content_md5(call));
  expected_.md5 = std::move(md5);
  BR_TRY(header, claimed_checksum(call));
  BR_TRY(names, trailer_names(call));
  trailers_ = std::move(names);
  if (header) {
    algorithm_ = header->algorithm;
    value_ = header->value;
    BR_TRY(check_form(algorithm_, value_));
    claimed_ = true;
  }
  if (!trailers_.empty()) {
    const std::string& name = trailers_.front();
    if (!wire::is_chunked(call.claim.payload) || !name.starts_with(kHeaderPrefix)) {
      return std::unexpected(
          invalid_request("The value specified in the x-amz-trailer header is not supported"));
    }
    if (header) {
      return std::unexpected(invalid_request("Expecting a single x-amz-checksum- header"));
    }
    BR_TRY(algorithm, parse_algorithm(std::string_view{name}.substr(kHeaderPrefix.size())));
    algorithm_ = algorithm;
    claimed_ = true;
  }
  const std::string_view announced = call.header("x-amz-sdk-checksum-algorithm");
  if (announced.empty()) return {};
  BR_TRY(algorithm, parse_algorithm(announced));
  if (!claimed_ && !expected_.md5) {
    return std::unexpected(
        invalid_request("x-amz-sdk-checksum-algorithm specified, but no corresponding "
                        "x-amz-checksum-* or x-amz-trailer headers were found."));
  }
  if (claimed_ && algorithm != algorithm_) {
    return std::unexpected(
        invalid_request("Value for x-amz-sdk-checksum-algorithm header is invalid."));
  }
  return {};
}

void UploadBody::chain(const Call& call) {
  source_ = call.request.body;
  if (source_ == nullptr) {
    nothing_ = std::make_unique<io::StringSource>("");
    source_ = nothing_.get();
  }
  if (wire::is_chunked(call.claim.payload)) {
    chunked_ = std::make_unique<wire::AwsChunkedSource>(
        *source_, wire::AwsChunkedSource::Options{expected_.size.value_or(0), call.claim,
                                                  call.verified, trailers_});
    source_ = chunked_.get();
  } else if (call.claim.payload == wire::PayloadMode::kSignedHash) {
    signed_ = std::make_unique<wire::SignedHashSource>(*source_, call.claim.payload_hash);
    source_ = signed_.get();
  }
  checksum_ = std::make_unique<ChecksumSource>(*source_, algorithm_);
  source_ = checksum_.get();
}

Result<std::string> UploadBody::finish() {
  std::string computed = checksum_->finish();
  std::string_view said = value_;
  if (!trailers_.empty()) said = chunked_->trailers().get_or(trailers_.front(), "");
  if (claimed_ && said != computed) {
    return std::unexpected(invalid("The " + std::string{wire_name(algorithm_)} +
                                       " you specified did not match the calculated checksum.",
                                   "computed " + computed)
                               .with_tag("BadDigest"));
  }
  return computed;
}

Result<std::string> read_document(const Call& call, size_t max_bytes, DocumentDigest digest) {
  BR_TRY(body,
         UploadBody::open(call, ChecksumAlgorithm::kCrc32, digest != DocumentDigest::kOfObject));
  if (digest == DocumentDigest::kRequired && !body->is_claimed() && !body->expected().md5) {
    return std::unexpected(
        invalid_request("Missing required header for this request: Content-MD5"));
  }
  BR_TRY(text, io::read_all(call.context, body->source(), max_bytes));
  BR_TRY(body->finish());
  if (body->expected().size && *body->expected().size != text.size()) {
    return std::unexpected(invalid("the body is not whole").with_tag("incomplete_body"));
  }
  if (body->expected().md5 && *body->expected().md5 != md5(text)) {
    return std::unexpected(
        s3_error("BadDigest", "The Content-MD5 you specified did not match what we received."));
  }
  return text;
}

}  // namespace beringia::protocol::s3

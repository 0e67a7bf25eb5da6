// POST Object: an upload by a browser's form. Its fields become the headers of a PutObject.
#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "protocol/s3/acls.h"
#include "protocol/s3/encryption_headers.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/post_form.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {
namespace {

constexpr uint64_t kMaxPostBytes = 5ull << 30;  // S3 API: as PutObject

Error too_large() {
  return s3_error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
}

/// Ends with an error once more than `most` bytes came.
class BoundedSource final : public io::ByteSource {
 public:
  BoundedSource(io::ByteSource& inner, uint64_t most) : inner_{inner}, most_{most} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    BR_TRY(n, inner_.read(context, buffer));
    count_ += n;
    if (count_ > most_) return std::unexpected(too_large());
    return n;
  }
  uint64_t count() const { return count_; }

 private:
  io::ByteSource& inner_;
  uint64_t most_;
  uint64_t count_ = 0;
};

/// Only what the form says counts, besides where it came from.
io::HttpHeaders headers_of(const io::HttpHeaders& sent, const wire::FormFields& fields) {
  io::HttpHeaders headers;
  for (const auto* name : {"host", "origin", "referer", "user-agent"}) {
    if (const auto value = sent.get(name)) headers.add(name, std::string{*value});
  }
  for (const auto& [name, value] : fields) {
    const bool kept = name.starts_with("x-amz-") || name.starts_with("content-") ||
                      name == "cache-control" || name == "expires";
    if (name == "acl") {
      headers.add("x-amz-acl", value);
    } else if (kept) {
      headers.add(name, value);
    }
  }
  return headers;
}

Result<std::string> key_of(const wire::PostForm& form) {
  std::string key{wire::field_of(form.fields, "key")};
  const bool named =
      std::ranges::any_of(form.fields, [](const auto& f) { return f.first == "key"; });
  if (!named || key.empty()) {
    return std::unexpected(
        s3_error("InvalidArgument",
                 "Bucket POST must contain a field named 'key'.  If it is specified, "
                 "please check the order of the fields."));
  }
  return key;
}

Result<core::WriteAttributes> attributes_of_form(Call& call, const wire::PostForm& form) {
  BR_TRY(attributes, attributes_of(call));
  if (const std::string_view tagging = wire::field_of(form.fields, "tagging"); !tagging.empty()) {
    BR_TRY(tags, wire::s3::parse_tagging(std::string{tagging}));
    BR_TRY(wire::s3::check_tags(tags));
    attributes.tags = meta::StringMap{tags.begin(), tags.end()};
    call.request_tags = attributes.tags;
  }
  return std::move(attributes);
}

/// S3 API, POST Object, "success_action_redirect" and "success_action_status".
io::HttpResponse answer(const Call& call, const wire::PostForm& form, const core::Entry& entry) {
  std::string_view redirect = wire::field_of(form.fields, "success_action_redirect");
  if (redirect.empty()) redirect = wire::field_of(form.fields, "redirect");
  const std::string etag = quoted_etag(entry.record);
  std::string location = call.request.is_tls ? "https://" : "http://";
  location += call.header("host");
  if (!call.route.bucket_in_host) location += "/" + call.route.bucket;
  location += "/" + percent_encode(call.route.key, true);
  io::HttpResponse response = empty_response(204);
  const bool usable = redirect.starts_with("http://") || redirect.starts_with("https://");
  if (usable && redirect.find_first_of("\r\n") == std::string_view::npos) {
    response.status = 303;
    const char joint = redirect.find('?') == std::string_view::npos ? '?' : '&';
    response.headers.add(
        "Location", std::string{redirect} + joint + "bucket=" + percent_encode(call.route.bucket) +
                        "&key=" + percent_encode(call.route.key) + "&etag=" + percent_encode(etag));
    return response;
  }
  const std::string_view status = wire::field_of(form.fields, "success_action_status");
  if (status == "201") {
    wire::s3::XmlWriter xml{"PostResponse", false};
    xml.text("Location", location).text("Bucket", call.route.bucket).text("Key", call.route.key);
    xml.text("ETag", etag);
    response = xml_response(201, xml.take());
  } else if (status == "200") {
    response.status = 200;
  }
  response.headers.add("Location", location);
  response.headers.add("ETag", etag);
  if (const auto stored = stored_checksum(entry.record)) {
    response.headers.add(header_name(stored->algorithm), stored->value);
    response.headers.add("x-amz-checksum-type", stored->type);
  }
  add_encryption_headers(response, entry.record.encryption);
  add_new_version_header(response, entry);
  return response;
}

}  // namespace

Result<io::HttpResponse> post_object(Call& call) {
  BR_TRY(form, wire::read_post_form(call.context, call.request.body, call.header("content-type")));
  BR_TRY(policy, authenticate_form(call, form));
  BR_TRY(key, key_of(form));
  call.route.key = std::move(key);
  call.request.headers = headers_of(call.request.headers, form.fields);
  BR_TRY(path, call.object_path());
  core::WriteRequest request;
  request.event = wire::EventKind::kPosted;
  BR_TRY(attributes, attributes_of_form(call, form));
  request.attributes = std::move(attributes);
  BR_TRY(claimed, claimed_checksum(call));
  if (claimed) BR_TRY(check_form(claimed->algorithm, claimed->value));
  const auto algorithm = claimed ? claimed->algorithm : ChecksumAlgorithm::kCrc64Nvme;
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(check_offered(call));
  BR_TRY(encryption, encryption_of(call));
  request.attributes.encryption = std::move(encryption);
  BR_TRY(acl, acl_for_write(call, *grant));
  request.attributes.acl = std::move(acl);
  BoundedSource bounded{form.reader->part(),
                        policy ? policy->most_bytes.value_or(kMaxPostBytes) : kMaxPostBytes};
  ChecksumSource body{bounded, algorithm};
  request.body = &body;
  request.at_end = [&]() -> Result<meta::StringMap> {
    if (policy && bounded.count() < policy->least_bytes) {
      return std::unexpected(s3_error("EntityTooSmall",
                                      "Your proposed upload is smaller than the minimum allowed "
                                      "size"));
    }
    std::string computed = body.finish();
    if (claimed && claimed->value != computed) {
      return std::unexpected(s3_error(
          "BadDigest", "The checksum you specified did not match the calculated checksum."));
    }
    return meta::StringMap{{name_of(algorithm), std::move(computed)},
                           {kTypeKey, std::string{kFullObject}}};
  };
  BR_TRY(entry, call.rooms.names.write(call.context, *grant, request));
  return answer(call, form, entry);
}

}  // namespace beringia::protocol::s3

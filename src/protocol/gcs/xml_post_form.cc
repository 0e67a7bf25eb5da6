// Uploads by a browser's form, which a policy document lets pass (XML API, "POST Object").
#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "protocol/gcs/acls.h"
#include "protocol/gcs/encryption_headers.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"
#include "protocol/gcs/xml_headers.h"
#include "protocol/gcs/xml_text.h"
#include "wire/post_form.h"
#include "wire/sigv2.h"
#include "wire/sigv4.h"

namespace beringia::protocol::gcs {
namespace {

constexpr uint64_t kMaxFormBytes = 5ull << 30;
/// Fields of Google's own; others of that prefix would say what nobody reads.
constexpr std::string_view kKnown[] = {"x-goog-algorithm",
                                       "x-goog-credential",
                                       "x-goog-date",
                                       "x-goog-signature",
                                       "x-goog-acl",
                                       "x-goog-storage-class",
                                       "x-goog-custom-time",
                                       "x-goog-encryption-kms-key-name",
                                       "x-goog-if-generation-match",
                                       "x-goog-if-metageneration-match"};

Error bad_signature() {
  return denied(
             "The request signature we calculated does not match the signature you provided. "
             "Check your Google secret key and signing method.")
      .with_tag("bad_signature");
}

/// Ends with an error once more than `most` bytes came.
class BoundedSource final : public io::ByteSource {
 public:
  BoundedSource(io::ByteSource& inner, uint64_t most) : inner_{inner}, most_{most} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    BR_TRY(n, inner_.read(context, buffer));
    count_ += n;
    if (count_ > most_) {
      return std::unexpected(
          invalid("Your proposed upload exceeds the maximum allowed object size."));
    }
    return n;
  }
  uint64_t count() const { return count_; }

 private:
  io::ByteSource& inner_;
  uint64_t most_;
  uint64_t count_ = 0;
};

/// "WHO/DATE/REGION/storage/goog4_request" into a claim.
Result<wire::SigV4Claim> claim_of(const wire::FormFields& fields) {
  wire::SigV4Claim claim;
  claim.dialect = &wire::kGoog4;
  const std::string_view credential = wire::field_of(fields, "x-goog-credential");
  size_t cut = credential.size();
  for (int i = 0; i < 4; ++i) {
    cut = cut == 0 ? std::string_view::npos : credential.rfind('/', cut - 1);
    if (cut == std::string_view::npos) {
      return std::unexpected(invalid("Invalid value for x-goog-credential"));
    }
  }
  claim.access_key = credential.substr(0, cut);
  claim.scope = credential.substr(cut + 1);
  const size_t first = claim.scope.find('/');
  const size_t second = claim.scope.find('/', first + 1);
  claim.date = claim.scope.substr(0, first);
  claim.region = claim.scope.substr(first + 1, second - first - 1);
  if (claim.scope.substr(second) != "/storage/goog4_request" || claim.date.size() != 8 ||
      !wire::field_of(fields, "x-goog-date").starts_with(claim.date)) {
    return std::unexpected(invalid("Invalid value for x-goog-credential"));
  }
  return claim;
}

/// Who signed the policy.
Result<identity::Principal> signer_of(Call& call, const wire::FormFields& fields,
                                      const std::string& policy) {
  auto& directory = call.rooms.directory;
  const std::string_view algorithm = wire::field_of(fields, "x-goog-algorithm");
  if (algorithm.empty()) {  // version 2
    const std::string who{wire::field_of(fields, "googleaccessid")};
    const std::string_view given = wire::field_of(fields, "signature");
    if (who.find('@') != std::string::npos) {
      auto signer =
          directory.verify_signed_text(call.context, who, policy, from_base64(given).value_or(""));
      if (!signer) return std::unexpected(bad_signature());
      return signer;
    }
    auto key = directory.find_access_key(call.context, who);
    if (!key || !equal_in_constant_time(wire::sign_v2(key->secret, policy), given)) {
      return std::unexpected(bad_signature());
    }
    return directory.principal_of(call.context, *key);
  }
  BR_TRY(claim, claim_of(fields));
  const std::string_view given = wire::field_of(fields, "x-goog-signature");
  if (algorithm == wire::kGoog4Rsa.algorithm) {
    auto signer = directory.verify_signed_text(call.context, claim.access_key, policy,
                                               from_hex(given).value_or(""));
    if (!signer) return std::unexpected(bad_signature());
    return signer;
  }
  if (algorithm != wire::kGoog4.algorithm) {
    return std::unexpected(invalid("Invalid value for x-goog-algorithm"));
  }
  auto key = directory.find_access_key(call.context, claim.access_key);
  if (!key || !equal_in_constant_time(
                  to_hex(wire::derive_signing_key(claim, key->secret).sign(policy)), given)) {
    return std::unexpected(bad_signature());
  }
  return directory.principal_of(call.context, *key);
}

Result<void> check_fields(const wire::FormFields& fields) {
  for (const auto& [name, value] : fields) {
    const std::string& field = name;
    if (!field.starts_with("x-goog-") || field.starts_with("x-goog-meta-")) continue;
    if (std::ranges::find(kKnown, field) != std::end(kKnown)) continue;
    return std::unexpected(invalid("Invalid form field", "there is no field " + field));
  }
  return {};
}

/// The policy, checked against the fields; sets the caller. A form without one is anonymous.
Result<std::optional<wire::PostPolicy>> authenticate_form(Call& call, const wire::PostForm& form) {
  const std::string encoded{wire::field_of(form.fields, "policy")};
  if (encoded.empty()) {
    const access::BucketView* view = call.view_of(call.route.bucket);
    if (view == nullptr ||
        !(view->access->policy || view->access->has_acls() || view->access->iam)) {
      return std::unexpected(denied("Anonymous caller does not have storage.objects.create access.",
                                    "the form has no policy")
                                 .with_tag("anonymous"));
    }
    call.principal = identity::Principal::anonymous();
    return std::optional<wire::PostPolicy>{};
  }
  BR_TRY(principal, signer_of(call, form.fields, encoded));
  call.principal = std::move(principal);
  const auto json = from_base64(encoded);
  if (!json) return std::unexpected(invalid("Invalid policy document", "it is not base64"));
  BR_TRY(policy, wire::parse_post_policy(*json));
  BR_TRY(wire::check_post_policy(policy, form.fields, call.route.bucket, call.rooms.clock.wall()));
  return std::optional{std::move(policy)};
}

/// Only what the form says counts.
io::HttpHeaders headers_of(const io::HttpHeaders& sent, const wire::FormFields& fields) {
  io::HttpHeaders headers;
  for (const auto* name : {"host", "origin"}) {
    if (const auto value = sent.get(name)) headers.add(name, std::string{*value});
  }
  for (const auto& [name, value] : fields) {
    if (name == "acl") {
      headers.add("x-goog-acl", value);
    } else if (name.starts_with("x-goog-") || name.starts_with("content-") ||
               name == "cache-control") {
      headers.add(name, value);
    }
  }
  return headers;
}

io::HttpResponse answer(const Call& call, const wire::PostForm& form, const core::Entry& entry) {
  const std::string etag = "\"" + entry.record.effective_etag() + "\"";
  const std::string location = call.base_url + "/" + percent_encode(call.route.bucket) + "/" +
                               percent_encode(call.route.object, true);
  io::HttpResponse response = empty_response(204);
  const std::string_view redirect = wire::field_of(form.fields, "success_action_redirect");
  const bool usable = redirect.starts_with("http://") || redirect.starts_with("https://");
  if (usable && redirect.find_first_of("\r\n") == std::string_view::npos) {
    response.status = 303;
    const char joint = redirect.find('?') == std::string_view::npos ? '?' : '&';
    response.headers.add("Location", std::string{redirect} + joint +
                                         "bucket=" + percent_encode(call.route.bucket) +
                                         "&key=" + percent_encode(call.route.object) +
                                         "&etag=" + percent_encode(etag));
    return response;
  }
  const std::string_view status = wire::field_of(form.fields, "success_action_status");
  if (status == "201") {
    std::string xml = "<?xml version='1.0' encoding='UTF-8'?><PostResponse>";
    append_xml(xml, "Location", location);
    append_xml(xml, "Bucket", call.route.bucket);
    append_xml(xml, "Key", call.route.object);
    append_xml(xml, "ETag", etag);
    response = xml_response(201, xml + "</PostResponse>");
  } else if (status == "200") {
    response.status = 200;
  }
  response.headers.add("Location", location);
  response.headers.add("ETag", etag);
  response.headers.add("x-goog-generation", std::to_string(entry.record.generation));
  return response;
}

}  // namespace

Result<io::HttpResponse> xml_post_form(Call& call) {
  if (call.request.headers.has("Authorization")) {
    return std::unexpected(invalid("Only one authentication mechanism is allowed"));
  }
  BR_TRY(form, wire::read_post_form(call.context, call.request.body, call.header("Content-Type")));
  BR_TRY(check_fields(form.fields));
  BR_TRY(policy, authenticate_form(call, form));
  call.route.object = wire::field_of(form.fields, "key");
  call.request.headers = headers_of(call.request.headers, form.fields);
  BR_TRY(path, call.new_object_path(call.route.bucket, call.route.object));
  core::WriteRequest request;
  BR_TRY(attributes, xml_attributes_of(call));
  request.attributes = std::move(attributes);
  BR_TRY(conditions, xml_conditions_of(call));
  request.conditions = std::move(conditions);
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(encryption, encryption_of(call, "kmsKeyName"));
  request.attributes.encryption = std::move(encryption);
  BR_TRY(acl, acl_of_new_object(call, call.route.bucket, xml_predefined_acl(call)));
  request.attributes.acl = std::move(acl);
  BoundedSource body{form.reader->part(),
                     policy ? policy->most_bytes.value_or(kMaxFormBytes) : kMaxFormBytes};
  request.body = &body;
  request.at_end = [&]() -> Result<meta::StringMap> {
    if (policy && body.count() < policy->least_bytes) {
      return std::unexpected(
          invalid("Your proposed upload is smaller than the minimum object size."));
    }
    return meta::StringMap{};
  };
  BR_TRY(entry, call.rooms.names.write(call.context, *grant, request));
  return answer(call, form, entry);
}

}  // namespace beringia::protocol::gcs

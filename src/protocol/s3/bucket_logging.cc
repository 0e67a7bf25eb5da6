// GetBucketLogging, PutBucketLogging.
#include <utility>

#include "core/encryption.h"
#include "protocol/s3/access_logs.h"
#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

constexpr size_t kMaxLoggingBytes = 64 << 10;

Error bad_target(std::string why) {
  return s3_error("InvalidArgument", "The target bucket cannot take access logs", std::move(why));
}
Error access_denied(std::string why) {
  return denied("Access Denied", std::move(why)).with_tag("AccessDenied");
}

/// Encrypted by default: nobody but the target's owner shall choose who reads a log.
Result<bool> has_default_encryption(const Call& call, const Path& target) {
  BR_TRY(grant, call.rooms.gate.admit(call.context, identity::Principal::internal("logging"),
                                      core::Action::kList, target, call.door()));
  BR_TRY(info, call.rooms.names.stat_directory(call.context, grant));
  return !attribute_of(info, core::kDefaultEncryption).empty();
}

/// @error as S3 and its public suite have them
Result<void> check_target(const Call& call, const BucketToChange& bucket,
                          const wire::BucketLogging& logging) {
  const auto absent = [] {
    return std::unexpected(not_found("the target bucket does not exist"));  // NoSuchKey
  };
  auto target = call.rooms.names.bucket_path(logging.target_bucket);
  if (!target) return absent();
  const Path& source = bucket.grant->path();
  BR_TRY(view, call.rooms.gate.look(*target));
  if (!view || target->directories().size() != 1) {
    // Whether it exists is for those who may make it.
    if (call.rooms.gate.may(*call.principal, core::Action::kCreateBucket, *target)) return absent();
    return std::unexpected(access_denied("the target bucket does not exist"));
  }
  if (*target == source) return std::unexpected(bad_target("it is the bucket itself"));
  if (view->access->logging) return std::unexpected(bad_target("its own requests are logged"));
  if (view->access->requester_pays) return std::unexpected(bad_target("its requesters pay"));
  BR_TRY(encrypted, has_default_encryption(call, *target));
  if (encrypted) return std::unexpected(bad_target("it has a default encryption"));
  // A policy names objects by their prefix; S3's own example ends it with "*".
  for (const char* sample : {"", "2000-01-01-00-00-00-0000000000000000"}) {
    BR_TRY(object, target->join(logging.target_prefix + sample));
    if (AccessLogs::may_deliver(call.rooms.gate, std::string{source.bucket()}, bucket.view.owner,
                                object)) {
      return {};
    }
  }
  return std::unexpected(access_denied(
      "the target's policy does not allow logging.s3.amazonaws.com to s3:PutObject there"));
}

}  // namespace

Result<io::HttpResponse> get_bucket_logging(Call& call) {
  BR_TRY(info, read_bucket(call));
  std::optional<wire::BucketLogging> logging;
  if (const std::string& text = attribute_of(info, access::kLoggingAttribute); !text.empty()) {
    BR_TRY(stored, wire::decode_bucket_logging(text));
    logging = std::move(stored);
  }
  return xml_response(200, wire::s3::render_bucket_logging(logging));
}

Result<io::HttpResponse> put_bucket_logging(Call& call) {
  BR_TRY(document, read_document(call, kMaxLoggingBytes));
  BR_TRY(logging, wire::s3::parse_bucket_logging(document));
  BR_TRY(bucket, open_bucket(call));
  // S3 user guide, "Enabling server access logging": the owner, whatever a policy allows.
  if (!call.rooms.gate.may(*call.principal, core::Action::kAdminister, bucket.grant->path())) {
    return std::unexpected(access_denied("only the owner of a bucket sets where its log goes"));
  }
  if (logging) BR_TRY(check_target(call, bucket, *logging));
  BR_TRY(set_attribute(call, bucket, access::kLoggingAttribute,
                       logging ? wire::encode(*logging) : std::string{}));
  return empty_response(200);
}

}  // namespace beringia::protocol::s3

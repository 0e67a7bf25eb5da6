// GetBucketLifecycleConfiguration, PutBucketLifecycleConfiguration, DeleteBucketLifecycle. The old
// forms of the same names have the same address and are read as well. Policy executes the rules.
#include <algorithm>
#include <utility>

#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

constexpr const char* kSmallHeader = "x-amz-transition-default-minimum-object-size";
constexpr std::string_view kKeepSmall = "all_storage_classes_128K";
constexpr std::string_view kAnySize = "varies_by_storage_class";

io::HttpResponse with_small(io::HttpResponse response, const wire::Lifecycle& lifecycle) {
  response.headers.add(kSmallHeader,
                       std::string{lifecycle.keeps_small_objects ? kKeepSmall : kAnySize});
  return response;
}

/// Replacing rules that the client was not shown could throw away what others rely on.
Result<void> check_all_told(const BucketToChange& bucket) {
  const auto& now = bucket.view.access->lifecycle;
  if (!now || std::ranges::all_of(now->rules, wire::s3::is_told_by_s3)) return {};
  return std::unexpected(
      s3_error("InvalidRequest", "The bucket has lifecycle rules that S3 has no form for",
               "they were set over the GCS API; delete the lifecycle configuration first"));
}

}  // namespace

Result<io::HttpResponse> get_bucket_lifecycle(Call& call) {
  BR_TRY(info, read_bucket(call));
  const std::string& text = attribute_of(info, access::kLifecycleAttribute);
  if (text.empty()) return std::unexpected(not_set(call));
  BR_TRY(lifecycle, wire::decode_lifecycle(text));
  if (std::ranges::none_of(lifecycle.rules, wire::s3::is_told_by_s3)) {
    return std::unexpected(not_set(call));
  }
  return with_small(xml_response(200, wire::s3::render_lifecycle(lifecycle)), lifecycle);
}

Result<io::HttpResponse> put_bucket_lifecycle(Call& call) {
  BR_TRY(document, read_document(call, wire::s3::kMaxXmlBytes));
  BR_TRY(lifecycle, wire::s3::parse_lifecycle(document));
  const std::string_view small = call.header(kSmallHeader);
  if (!small.empty() && small != kKeepSmall && small != kAnySize) {
    return std::unexpected(
        s3_error("InvalidRequest", std::string{kSmallHeader} + " is neither of its two words"));
  }
  lifecycle.keeps_small_objects = small == kKeepSmall;
  auto text = wire::encode(lifecycle);
  if (!text) return std::unexpected(std::move(text).error().with_tag("InvalidRequest"));
  BR_TRY(bucket, open_bucket(call));
  BR_TRY(check_all_told(bucket));
  BR_TRY(set_attribute(call, bucket, access::kLifecycleAttribute, std::move(*text)));
  return with_small(empty_response(200), lifecycle);
}

Result<io::HttpResponse> delete_bucket_lifecycle(Call& call) {
  BR_TRY(bucket, open_bucket(call));
  BR_TRY(set_attribute(call, bucket, access::kLifecycleAttribute, ""));
  return empty_response(204);
}

}  // namespace beringia::protocol::s3

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

constexpr uint64_t kMaxBuckets = 10'000;  // S3 API, ListBuckets: max-buckets 1..10000
constexpr size_t kPage = 1000;

}  // namespace

Result<io::HttpResponse> list_buckets(Call& call) {
  BR_TRY(limit, call.query.number("max-buckets", kMaxBuckets));
  if (limit < 1 || limit > kMaxBuckets) {
    return std::unexpected(
        s3_error("InvalidArgument", "Argument max-buckets must be an integer between 1 and 10000"));
  }
  const std::string& prefix = call.query.get("prefix");
  std::string after;
  if (const std::string& token = call.query.get("continuation-token"); !token.empty()) {
    auto position = from_base64url(token);
    if (!position || !is_utf8(*position)) {
      return std::unexpected(
          s3_error("InvalidArgument", "The continuation token provided is incorrect"));
    }
    after = std::move(*position);
  }
  BR_TRY(grant, call.admit_bucket_list());
  const bool sees_all = call.rooms.gate.may(*call.principal, core::Action::kList, Path{});
  std::vector<wire::s3::ListedBucket> buckets;
  bool truncated = false;
  for (bool more = true; more;) {
    BR_TRY(page, call.rooms.names.list_directories(call.context, *grant, after, kPage));
    more = page.size() == kPage;
    for (const core::DirectoryInfo& info : page) {
      std::string name{info.path.bucket()};
      const bool visible = sees_all || call.rooms.gate.shows(*call.principal, info.path);
      if (visible && name.starts_with(prefix)) {
        truncated = buckets.size() == limit;
        if (truncated) break;
        buckets.push_back({name, info.record.created, call.rooms.options.region});
      }
      after = std::move(name);
    }
    if (truncated) break;
  }
  return xml_response(200, wire::s3::render_buckets(call.self(), buckets, prefix,
                                                    truncated ? to_base64url(after) : ""));
}

}  // namespace beringia::protocol::s3

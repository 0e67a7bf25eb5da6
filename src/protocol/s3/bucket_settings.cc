#include "protocol/s3/bucket_settings.h"

#include <utility>

#include "protocol/s3/settings.h"

namespace beringia::protocol::s3 {

Result<core::DirectoryInfo> read_bucket(Call& call) {
  BR_TRY(path, call.bucket_path());
  BR_TRY(grant, call.admit(core::Action::kList, path));
  return call.rooms.names.stat_directory(call.context, *grant);
}

Result<BucketToChange> open_bucket(Call& call) {
  BR_TRY(path, call.bucket_path());
  BR_TRY(grant, call.admit(core::Action::kAdminister, path));
  BR_TRY(call.rooms.names.stat_directory(call.context, *grant));
  if (path.directories().size() != 1) {
    return std::unexpected(not_implemented("the name is an alias; set this on the bucket " +
                                           std::string{path.bucket()}));
  }
  BR_TRY(view, call.rooms.gate.look(path));
  if (!view) return std::unexpected(not_found("the bucket is gone").with_tag("no_bucket"));
  return BucketToChange{grant, std::move(*view)};
}

Result<void> set_attribute(Call& call, const BucketToChange& bucket, std::string_view name,
                           std::string value) {
  const meta::StringMap changed{{std::string{name}, std::move(value)}};
  BR_TRY(call.rooms.names.set_directory_attributes(call.context, *bucket.grant, changed));
  return {};
}

const std::string& attribute_of(const core::DirectoryInfo& info, std::string_view name) {
  static const std::string kNone;
  const auto found = info.record.attributes.find(std::string{name});
  return found == info.record.attributes.end() ? kNone : found->second;
}

Error not_set(const Call& call) {
  return not_found(std::string{call.route.setting->missing_message})
      .with_tag(std::string{call.route.setting->missing_code});
}

}  // namespace beringia::protocol::s3

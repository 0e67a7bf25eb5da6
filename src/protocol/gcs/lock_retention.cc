#include <algorithm>
#include <utility>

#include "base/json_writer.h"
#include "protocol/gcs/bucket_settings.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {

Result<io::HttpResponse> lock_retention(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(conditions, conditions_of(call.query));
  if (!conditions.metageneration_match) {
    return std::unexpected(invalid("Required parameter: ifMetagenerationMatch",
                                   "what is locked stays so: say which state is meant")
                               .with_tag("required"));
  }
  BR_TRY(grant, call.admit(core::Action::kAdminister, path));
  BR_TRY(before, call.rooms.names.stat_directory(call.context, *grant));
  if (*conditions.metageneration_match != std::max<uint64_t>(before.record.metageneration, 1)) {
    return std::unexpected(conflict("the metageneration is another one").with_tag("precondition"));
  }
  auto retention = core::retention_of(before.record);
  if (!retention) {
    return std::unexpected(invalid("The bucket has no retention policy to lock"));
  }
  retention->locked = true;
  BR_TRY(info, call.rooms.names.set_directory_attributes(
                   call.context, *grant,
                   {{std::string{core::kRetentionAttribute}, core::encode(*retention)}}));
  call.looked.reset();
  return bucket_response(call, call.route.bucket, info.record);
}

}  // namespace beringia::protocol::gcs

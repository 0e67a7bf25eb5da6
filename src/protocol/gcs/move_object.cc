#include <utility>

#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {

Result<io::HttpResponse> move_object(Call& call) {
  const Route& route = call.route;
  BR_TRY(source, call.object_path(route.bucket, route.object));
  BR_TRY(target, call.new_object_path(route.to_bucket, route.to_object));
  BR_TRY(source_conditions, source_conditions_of(call.query));
  BR_TRY(conditions, conditions_of(call.query));
  if (source == target) {
    return std::unexpected(invalid("The source and the destination are the same object"));
  }
  // A move takes the source away from those who could read it: both rights are asked for.
  BR_TRY(read, call.admit(core::Action::kRead, source));
  BR_TRY(from, call.admit(core::Action::kDelete, source));
  BR_TRY(to, call.admit(core::Action::kWrite, target));
  BR_TRY(call.rooms.names.rename(call.context, *from, *to, source_conditions, conditions));
  BR_TRY(entry, call.rooms.names.stat(call.context, *to));
  return object_response(call, route.to_bucket, route.to_object, entry.record);
}

}  // namespace beringia::protocol::gcs

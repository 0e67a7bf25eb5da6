#include <utility>

#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {
namespace {

template <class MakePatch>
Result<io::HttpResponse> change_attributes(Call& call, MakePatch make_patch) {
  BR_TRY(check_predefined_acl(call.query));
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  BR_TRY(body, call.read_body(wire::gcs::kMaxResourceBytes));
  BR_TRY(change, wire::gcs::parse_object_change(body.empty() ? "{}" : body));
  BR_TRY(conditions, conditions_of(call.query));
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(generation, named_generation(call.query, "generation"));
  BR_TRY(before, call.rooms.names.stat(call.context, *grant, generation));
  BR_TRY(patch, make_patch(change, before.record));
  patch.conditions = std::move(conditions);
  patch.generation = generation;
  BR_TRY(entry, call.rooms.names.set_attributes(call.context, *grant, patch));
  return object_response(call, call.route.bucket, call.route.object, entry);
}

}  // namespace

Result<io::HttpResponse> patch_object(Call& call) {
  return change_attributes(call, [](const wire::gcs::ObjectChange& change,
                                    const meta::EntryRecord&) { return patch_of(change); });
}

Result<io::HttpResponse> update_object(Call& call) {
  return change_attributes(
      call, [](const wire::gcs::ObjectChange& change, const meta::EntryRecord& record) {
        return replacement_of(change, record);
      });
}

}  // namespace beringia::protocol::gcs

#include <utility>

#include "protocol/gcs/acls.h"
#include "protocol/gcs/object_contexts.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {
namespace {

/// The list that the body or predefinedAcl asks for.
Result<void> add_list(Call& call, const Path& path, const wire::gcs::ObjectChange& change,
                      const meta::EntryRecord& before, core::AttributePatch& patch) {
  const std::string& predefined = call.query.get("predefinedAcl");
  if (!change.acl && predefined.empty()) return {};
  const access::BucketView* view = call.view_of(call.route.bucket);
  BR_TRY(check_lists_hold(view));
  if (view == nullptr) return {};
  BR_TRY(call.admit({core::Action::kAdminister, access::Right::kWriteObjectAcl}, path));
  BR_TRY(old, acl_of_entry(*view, before));
  auto acl = predefined.empty() ? acl_of(call, *change.acl, old.owner, AclOf::kObject)
                                : predefined_acl(predefined, old.owner, AclOf::kObject);
  if (!acl) return std::unexpected(std::move(acl).error());
  BR_TRY(check_not_public(*view->access, *acl));
  patch.acl = access::encode(*acl);
  return {};
}

/// GCS, "Object Retention Lock": weakening an unlocked retention is asked for, and is a right.
Result<void> check_retention(Call& call, const Path& path, const wire::gcs::ObjectChange& change,
                             core::AttributePatch& patch) {
  if (!change.has_retention) return {};
  if (patch.retention->first != meta::Lock::Mode::kNone &&
      patch.retention->second <= call.rooms.clock.wall()) {
    return std::unexpected(invalid("The retainUntilTime must be in the future"));
  }
  BR_TRY(overrides, call.query.flag("overrideUnlockedRetention", false));
  patch.bypasses_governance =
      overrides && call.may({core::Action::kAdminister, access::Right::kBypassGovernance}, path);
  return {};
}

constexpr int kMaxAttempts = 5;  // against others who change the same object

template <class MakePatch>
Result<io::HttpResponse> change_attributes(Call& call, MakePatch make_patch) {
  BR_TRY(path, call.object_path(call.route.bucket, call.route.object));
  BR_TRY(body, call.read_body(wire::gcs::kMaxResourceBytes));
  BR_TRY(change, wire::gcs::parse_object_change(body.empty() ? "{}" : body));
  BR_TRY(conditions, conditions_of(call.query));
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(generation, named_generation(call.query, "generation"));
  for (int attempt = 1;; ++attempt) {
    BR_TRY(before, call.rooms.names.stat(call.context, *grant, generation));
    BR_TRY(core::check_conditions(conditions, before.record, false));
    BR_TRY(patch, make_patch(change, before.record));
    BR_TRY(add_list(call, path, change, before.record, patch));
    BR_TRY(check_retention(call, path, change, patch));
    patch.conditions = conditions;
    patch.generation = generation;
    // Contexts are patched one by one, but kept as one text: that must be the one we saw.
    const bool pins = !conditions.metageneration_match && patch.http.contains(kContexts);
    if (pins) {
      patch.conditions.metageneration_match = before.record.metageneration;
      // The caller's own, if there is one, was met by this generation.
      if (!patch.generation) patch.conditions.generation_match = before.record.generation;
    }
    auto entry = call.rooms.names.set_attributes(call.context, *grant, patch);
    if (entry) return object_response(call, call.route.bucket, call.route.object, *entry);
    const bool lost = pins && attempt < kMaxAttempts && entry.error().tag() == "precondition";
    if (!lost) return std::unexpected(std::move(entry).error());
  }
}

}  // namespace

Result<io::HttpResponse> patch_object(Call& call) {
  return change_attributes(
      call, [&](const wire::gcs::ObjectChange& change, const meta::EntryRecord& record) {
        return patch_of(change, record, call.rooms.clock.wall());
      });
}

Result<io::HttpResponse> update_object(Call& call) {
  return change_attributes(
      call, [&](const wire::gcs::ObjectChange& change, const meta::EntryRecord& record) {
        return replacement_of(change, record, call.rooms.clock.wall());
      });
}

}  // namespace beringia::protocol::gcs

#include <algorithm>

#include "base/kill_point.h"
#include "core/native_claims.h"
#include "core/parts.h"
#include "core/publication.h"
#include "core/reconcile.h"
#include "core/settle.h"
#include "meta/journal.h"

namespace beringia::core {
namespace {

/// Where the files of a directory are natively now, per backend. A flat backend that has nothing
/// there is left out, else new files of the directory would be put under its old name.
std::map<meta::BackendId, std::string> native_bases(const io::Context& context,
                                                    const Mounts& mounts, const LiveMount& mount,
                                                    const meta::Location& directory) {
  std::map<meta::BackendId, std::string> bases;
  for (const auto& backend : mounts.estate().backends) {
    const auto place = mount.location_of(mounts.backend(backend.id));
    if (!place.backend) continue;
    std::string base = default_native_name(mount, place, directory);
    const bool flat = !place.backend->client->capabilities().native_directories;
    if (flat && !is_avoided(*place.backend)) {
      auto page = place.backend->client->list(context, {base, {}, false, 1, {}});
      if (page && page->items.empty()) continue;
    }
    bases[backend.id] = std::move(base);
  }
  return bases;
}

/// A write below `directory` was interrupted and nobody knows yet how it ended: its intent names
/// the path, so the path must stay. @error kUnavailable
Result<void> check_no_intents(const io::Context& context, Namespace::Parts& parts,
                              const Path& directory) {
  const std::string first = meta::intent_key(directory.text());
  std::string last = first;
  last.back() = static_cast<char>(last.back() + 1);  // the '/' at the end
  BR_TRY(rows, parts.store.scan(context, first, last, 1));
  if (rows.empty()) return {};
  ++parts.unsettled_intents;
  return std::unexpected(unavailable("cannot rename " + directory.text(),
                                     "an interrupted write below it is not settled yet"));
}

Error cannot(const Path& from, const Path& to, Code code, const char* why) {
  return {code, Retry::kNever, "cannot rename " + from.text() + " to " + to.text(), why};
}

}  // namespace

Result<void> Namespace::rename_directory(const io::Context& context, const Grant& from,
                                         const Grant& to) {
  from.note_target(to.path());
  if (!from.path().is_directory_form() || !to.path().is_directory_form()) {
    return std::unexpected(cannot(from.path(), to.path(), Code::kInvalid,
                                  "a directory needs a directory as its new name"));
  }
  const auto mounts = parts_.mounts.get();
  const LiveMount* mount = mounts->find(from.path());
  const bool holds_mount = std::any_of(
      mounts->all().begin(), mounts->all().end(),
      [&](const LiveMount& other) { return other.declaration.path.is_under(from.path()); });
  if (mount == nullptr || mount != mounts->find(to.path()) || holds_mount ||
      from.path().is_root()) {
    return std::unexpected(cannot(from.path(), to.path(), Code::kUnsupported,
                                  "both must lie in one mount, below its path"));
  }
  // The new name must be free natively too, else foreign files would appear in the directory.
  BR_TRY(sync_children(context, parts_, *mounts, from.path().directory(), "", SIZE_MAX));
  BR_TRY(sync_children(context, parts_, *mounts, to.path(), "", SIZE_MAX));
  // No write is between its look and its commit below either name until native names have followed.
  BR_TRY(freeze, parts_.locks.freeze(context, {from.path(), to.path()}));
  BR_TRY(check_no_intents(context, parts_, from.path()));
  const Timestamp now = parts_.clock.wall();
  for (int attempt = 1;; ++attempt) {
    BR_TRY(source, parts_.tree.resolve(context, from.path()));
    BR_TRY(target, parts_.tree.resolve(context, to.path()));
    if (!source.parent_exists) {
      return std::unexpected(not_found("there is no directory " + from.path().text()));
    }
    if (target.parent_exists) {
      return std::unexpected(already_exists("there is a directory " + to.path().text()));
    }
    kv::Batch batch;
    const auto bases = native_bases(context, *mounts, *mount, source);
    BR_TRY(parts_.tree.rename_directory(batch, source, target, bases, now));
    batch.put(settle_key(source.parent_id()), to.path().text());
    for (const auto& [backend, base] : bases) {
      claim_names(batch, backend, base, source.parent_id());
    }
    meta::append_feed(
        batch, {meta::FeedRecord::Kind::kRename, from.path().text(), to.path().text(), 0, now});
    batch.append(std::string{audit::kStream}, from.record_for_commit());
    ++parts_.claim_changes;
    auto committed = parts_.store.commit(context, batch, kv::Durability::kSync);
    ++parts_.claim_changes;
    parts_.tree.committed(batch);
    if (committed) {
      from.committed();
      BR_KILL_POINT("rename.committed");
      settle_directory(context, parts_, *mounts, source.parent_id());
      return {};
    }
    if (committed.error().code() != Code::kConflict || attempt == kMaxCommitAttempts) {
      return std::unexpected(std::move(committed).error());
    }
  }
}

}  // namespace beringia::core

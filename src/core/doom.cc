#include "core/doom.h"

#include "backend/backend.h"
#include "base/encoding.h"
#include "base/kill_point.h"
#include "core/reconcile.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace beringia::core {
namespace {

const observe::Counter kDoomedRemoved{"beringia_core_doomed_removed_total",
                                      "Native objects removed after their entry no longer needed "
                                      "them.",
                                      {"outcome"}};

// key: 'h' | backend 4 B | native name  ->  doomed version
std::string doomed_name_key(meta::BackendId backend, const std::string& native_name) {
  std::string key = "h";
  append_be32(key, backend);
  return key += native_name;
}

}  // namespace

void doom_copy(kv::Batch& batch, const meta::DoomedCopy& copy) {
  meta::doom(batch, copy);
  batch.put(doomed_name_key(copy.backend, copy.native_name), copy.version);
}

Result<std::optional<std::string>> doomed_version(const io::Context& context, kv::Store& store,
                                                  meta::BackendId backend,
                                                  const std::string& native_name) {
  return store.get(context, doomed_name_key(backend, native_name));
}

void execute_doomed(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                    const meta::DoomedCopy& copy) {
  const auto live = mounts.backend(copy.backend);
  if (!live || is_avoided(*live)) return;
  auto removed = live->client->remove(context, {copy.native_name, copy.version});
  if (!removed && removed.error().code() != Code::kNotFound &&
      removed.error().code() != Code::kConflict) {
    if (removed.error().code() == Code::kUnavailable) note_backend_failure(*live);
    kDoomedRemoved.add(1, {"postponed"});
    observe::log_debug("delete_postponed", "A native object could not be removed yet.",
                       {observe::field("backend", live->declaration.name),
                        observe::field("why", removed.error().to_string())});
    return;
  }
  kDoomedRemoved.add(1, {removed ? "removed" : "gone"});
  BR_KILL_POINT("doom.removed");
  kv::Batch batch;
  meta::forgive(batch, copy);
  // Only our own row: a newer doomed version under the same name keeps its guard.
  auto current = doomed_version(context, parts.store, copy.backend, copy.native_name);
  if (current && *current == copy.version) {
    batch.remove(doomed_name_key(copy.backend, copy.native_name));
  }
  auto committed = parts.store.commit(context, std::move(batch), kv::Durability::kBuffered);
  if (!committed) {
    observe::log_warn("doomed_row_kept", "A finished delayed delete could not be written off.",
                      {observe::field("why", committed.error().to_string())});
  }
}

}  // namespace beringia::core

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

constexpr std::string_view kReserved = "move ";

// key: 'h' | backend 4 B | native name  ->  doomed version, or "move " + mark
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

void reserve_name(kv::Batch& batch, const ReservedName& name) {
  std::string key = doomed_name_key(name.backend, name.native_name);
  batch.check(key, std::nullopt);
  batch.put(std::move(key), std::string{kReserved} + name.mark);
}

void release_name(kv::Batch& batch, const ReservedName& name) {
  std::string key = doomed_name_key(name.backend, name.native_name);
  batch.check(key, std::string{kReserved} + name.mark);
  batch.remove(std::move(key));
}

Result<bool> is_reserved(const io::Context& context, kv::Store& store, const ReservedName& name) {
  BR_TRY(row, store.get(context, doomed_name_key(name.backend, name.native_name)));
  return row && *row == std::string{kReserved} + name.mark;
}

namespace {

bool carries_mark(const std::string& row, const backend::CopyInfo& info) {
  const auto mark = info.attributes.find(std::string{kMoveMark});
  return mark != info.attributes.end() && mark->second == row.substr(kReserved.size());
}

}  // namespace

Result<bool> is_doomed(const io::Context& context, kv::Store& store, meta::BackendId backend,
                       const backend::CopyInfo& info) {
  BR_TRY(row, store.get(context, doomed_name_key(backend, info.name)));
  if (!row) return false;
  return row->starts_with(kReserved) ? carries_mark(*row, info) : *row == info.version;
}

Result<bool> is_unfinished_move(const io::Context& context, kv::Store& store,
                                meta::BackendId backend, const backend::CopyInfo& info) {
  BR_TRY(row, store.get(context, doomed_name_key(backend, info.name)));
  return row && row->starts_with(kReserved) && carries_mark(*row, info);
}

Result<bool> has_doomed_row(const io::Context& context, kv::Store& store, meta::BackendId backend,
                            const std::string& native_name) {
  BR_TRY(row, store.get(context, doomed_name_key(backend, native_name)));
  return row.has_value();
}

Result<bool> has_doomed_below(const io::Context& context, kv::Store& store, meta::BackendId backend,
                              const std::string& native_prefix) {
  const std::string first = doomed_name_key(backend, native_prefix);
  std::string last = first;
  last.back() = static_cast<char>(last.back() + 1);  // a directory's '/'
  BR_TRY(rows, store.scan(context, first, last, 1));
  return !rows.empty();
}

Result<bool> execute_doomed_below(const io::Context& context, Namespace::Parts& parts,
                                  const LiveBackend& live, const std::string& native_prefix) {
  constexpr size_t kPage = 256;
  std::string first = doomed_name_key(live.declaration.id, native_prefix);
  const size_t name_at = first.size() - native_prefix.size();
  std::string last = first;
  last.back() = static_cast<char>(last.back() + 1);  // a directory's '/'
  bool clear = true;
  for (;;) {
    BR_TRY(rows, parts.store.scan(context, first, last, kPage));
    kv::Batch batch;
    for (const auto& row : rows) {
      if (row.value.starts_with(kReserved)) {
        clear = false;
        continue;
      }
      auto removed = live.client->remove(context, {row.key.substr(name_at), row.value});
      if (!removed && removed.error().code() != Code::kNotFound &&
          removed.error().code() != Code::kConflict) {
        clear = false;
        continue;
      }
      // The reaper finds nothing there any more, and drops its own row.
      batch.check(row.key, row.value);
      batch.remove(row.key);
    }
    ++parts.native_removals;  // before the guards go
    BR_TRY(parts.store.commit(context, std::move(batch), kv::Durability::kBuffered));
    if (rows.size() < kPage) return clear;
    first = rows.back().key + '\0';
  }
}

std::optional<Error> execute_doomed(const io::Context& context, Namespace::Parts& parts,
                                    const Mounts& mounts, const meta::DoomedCopy& copy) {
  const auto live = mounts.backend(copy.backend);
  if (!live || is_avoided(*live)) return std::nullopt;
  // Without a version: whatever a name holds that is ours alone and never used twice.
  const bool any = copy.version.empty() && copy.native_name.starts_with(backend::kReservedPrefix);
  auto removed = live->client->remove(
      context, {copy.native_name, any ? std::nullopt : std::optional{copy.version}});
  if (!removed && removed.error().code() != Code::kNotFound &&
      removed.error().code() != Code::kConflict) {
    note_backend_failure(*live, removed.error());
    kDoomedRemoved.add(1, {"postponed"});
    observe::log_debug("delete_postponed", "A native object could not be removed yet.",
                       {observe::field("backend", live->declaration.name),
                        observe::field("why", removed.error().to_string())});
    if (removed.error().code() != Code::kDenied) return std::nullopt;
    return removed.error();
  }
  kDoomedRemoved.add(1, {removed ? "removed" : "gone"});
  BR_KILL_POINT("doom.removed");
  ++parts.native_removals;  // before the guard goes
  kv::Batch batch;
  meta::forgive(batch, copy);
  // Only our own row: a newer doomed version under the same name keeps its guard.
  const std::string guard = doomed_name_key(copy.backend, copy.native_name);
  auto current = parts.store.get(context, guard);
  if (current && *current == copy.version) batch.remove(guard);
  auto committed = parts.store.commit(context, std::move(batch), kv::Durability::kBuffered);
  if (!committed) {
    observe::log_warn("doomed_row_kept", "A finished delayed delete could not be written off.",
                      {observe::field("why", committed.error().to_string())});
  }
  return std::nullopt;
}

}  // namespace beringia::core

#include "meta/estate.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "meta/estate_rows.h"

namespace beringia::meta {
namespace {

constexpr size_t kMaxRows = 100'000;  // an estate is written by hand
constexpr std::string_view kStateRow = "mstate";

std::string row_key(char kind, std::string_view name) {
  std::string key{'m', kind};
  key += name;
  return key;
}

/// Rows of the estate as they are stored.
using Rows = std::map<std::string, std::string>;

struct Loaded {
  Estate estate;
  Rows rows;
  uint64_t revision = 0;  // grows with every save
};

template <class T>
void in_order(std::vector<std::pair<uint64_t, T>>& numbered, std::vector<T>& out) {
  std::sort(numbered.begin(), numbered.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [position, value] : numbered) out.push_back(std::move(value));
}

Result<Loaded> load(const io::Context& context, kv::Store& store) {
  BR_TRY(stored, store.scan(context, "m", "n", kMaxRows));
  Loaded loaded;
  std::vector<std::pair<uint64_t, BackendDeclaration>> backends;
  std::vector<std::pair<uint64_t, MountDeclaration>> mounts;
  std::vector<std::pair<uint64_t, AliasDeclaration>> aliases;
  std::vector<std::pair<uint64_t, PolicyDeclaration>> policies;
  std::vector<std::pair<uint64_t, IdentityProviderDeclaration>> providers;
  std::vector<std::pair<uint64_t, NotificationTargetDeclaration>> targets;
  for (auto& row : stored) {
    if (row.key == kStateRow) {
      BR_TRY(state, decode_state(row.value));
      loaded.estate.epoch = state.epoch;
      loaded.estate.last_backend_id = state.last_backend_id;
      loaded.estate.applied = state.applied;
      loaded.revision = state.revision;
    } else if (row.key.starts_with("mb")) {
      BR_TRY(value, decode_backend(row.value));
      backends.push_back(std::move(value));
    } else if (row.key.starts_with("mm")) {
      BR_TRY(value, decode_mount(row.value));
      mounts.push_back(std::move(value));
    } else if (row.key.starts_with("ma")) {
      BR_TRY(value, decode_alias(row.value));
      aliases.push_back(std::move(value));
    } else if (row.key.starts_with("mp")) {
      BR_TRY(value, decode_policy(row.value));
      policies.push_back(std::move(value));
    } else if (row.key.starts_with("mi")) {
      BR_TRY(value, decode_identity_provider(row.value));
      providers.push_back(std::move(value));
    } else if (row.key.starts_with("mn")) {
      BR_TRY(value, decode_notification_target(row.value));
      targets.push_back(std::move(value));
    } else {
      return std::unexpected(unsupported("cannot read the estate",
                                         "it holds a row of a kind this "
                                         "beringia does not know",
                                         "start the newer beringia that wrote it"));
    }
    loaded.rows.emplace(std::move(row.key), std::move(row.value));
  }
  in_order(backends, loaded.estate.backends);
  in_order(mounts, loaded.estate.mounts);
  in_order(aliases, loaded.estate.aliases);
  in_order(policies, loaded.estate.policies);
  in_order(providers, loaded.estate.identity_providers);
  in_order(targets, loaded.estate.notification_targets);
  return loaded;
}

Rows to_rows(const Estate& estate) {
  Rows rows;
  uint64_t position = 0;
  for (const auto& value : estate.backends) {
    rows[row_key('b', value.name)] = encode_row(++position, value);
  }
  for (const auto& value : estate.mounts) {
    rows[row_key('m', value.path.text())] = encode_row(++position, value);
  }
  for (const auto& value : estate.aliases) {
    rows[row_key('a', value.name)] = encode_row(++position, value);
  }
  for (const auto& value : estate.policies) {
    rows[row_key('p', value.name)] = encode_row(++position, value);
  }
  for (const auto& value : estate.identity_providers) {
    rows[row_key('i', value.name)] = encode_row(++position, value);
  }
  for (const auto& value : estate.notification_targets) {
    rows[row_key('n', value.name)] = encode_row(++position, value);
  }
  return rows;
}

bool same(const Estate& a, const Estate& b) {
  return a.epoch == b.epoch && a.last_backend_id == b.last_backend_id && a.applied == b.applied &&
         a.backends == b.backends && a.mounts == b.mounts && a.aliases == b.aliases &&
         a.policies == b.policies && a.identity_providers == b.identity_providers &&
         a.notification_targets == b.notification_targets;
}

Error changed_meanwhile() {
  return conflict("cannot change the estate", "somebody else changed it meanwhile",
                  "run beringia plan again, then apply");
}

}  // namespace

Result<Estate> load_estate(const io::Context& context, kv::Store& store) {
  auto loaded = load(context, store);
  if (!loaded) return std::unexpected(std::move(loaded).error().during("loading the estate"));
  return std::move(loaded->estate);
}

Result<void> save_estate(const io::Context& context, kv::Store& store, const Estate& before,
                         const Estate& after) {
  BR_TRY(now, load(context, store));
  if (!same(now.estate, before)) return std::unexpected(changed_meanwhile());
  const Rows wanted = to_rows(after);
  kv::Batch batch;
  // Every save changes this row, so two saves never both succeed from the same start.
  const std::string state_row{kStateRow};
  const auto state = now.rows.find(state_row);
  batch.check(state_row, state == now.rows.end() ? std::nullopt : std::optional{state->second});
  batch.put(state_row,
            encode_state({after.epoch, now.revision + 1, after.last_backend_id, after.applied}));
  for (const auto& [key, value] : now.rows) {
    if (key != kStateRow && !wanted.contains(key)) batch.remove(key);
  }
  for (const auto& [key, value] : wanted) {
    const auto stored = now.rows.find(key);
    if (stored == now.rows.end() || stored->second != value) batch.put(key, value);
  }
  auto committed = store.commit(context, std::move(batch), kv::Durability::kSync);
  if (committed) return {};
  if (committed.error().code() == Code::kConflict) return std::unexpected(changed_meanwhile());
  return std::unexpected(std::move(committed).error().during("saving the estate"));
}

}  // namespace beringia::meta

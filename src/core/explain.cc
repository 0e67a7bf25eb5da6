#include "core/parts.h"
#include "core/reconcile.h"

namespace beringia::core {

Result<Explanation> Namespace::explain(const io::Context& context, const Grant& grant) {
  const auto mounts = parts_.mounts.get();
  BR_TRY(location, locate(context, parts_, *mounts, grant.path(), Need::kRead));
  if (!location.entry) return std::unexpected(not_found("there is no " + grant.path().text()));
  const meta::EntryRecord& record = *location.entry;
  grant.note_generation(record.generation);
  Explanation explanation{Entry{grant.path(), record}, {}, {}, {}};
  const LiveMount* mount = mounts->find(grant.path());
  if (mount != nullptr) explanation.mount = mount->declaration.path.text();
  for (const auto& copy : record.copies) {
    const auto live = mounts->backend(copy.backend);
    Explanation::CopyLine line;
    line.backend = live ? live->declaration.name : "backend " + std::to_string(copy.backend);
    line.native_name = copy.native_name;
    if (live && mount != nullptr) {
      line.native_name = native_name_of(copy, *mount, mount->location_of(live), location);
    }
    line.storage_class = copy.storage_class;
    line.state = copy.state == meta::CopyState::kValid ? "valid" : "retiring";
    line.version = copy.version;
    explanation.copies.push_back(std::move(line));
  }
  if (!record.placed_by.empty()) {
    explanation.why = "moved by run " + std::string{meta::run_of(record.placed_by)};
  } else if (record.write_id.empty()) {
    explanation.why = "found in the backend";
  } else {
    explanation.why = "written here by " + record.owner;
  }
  return explanation;
}

}  // namespace beringia::core

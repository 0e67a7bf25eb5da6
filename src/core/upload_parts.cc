#include "core/upload_parts.h"

#include "core/reconcile.h"

namespace beringia::core {

std::string shared_part_name(const std::string& upload_id) {
  return std::string{backend::kReservedPrefix} + "uploads/" + upload_id + "/parts";
}

void remove_own_parts(const io::Context& context, const LiveBackend& live,
                      const std::vector<meta::PartRecord>& parts) {
  for (const auto& part : parts) {
    if (is_piece(part)) continue;
    if (is_avoided(live)) return;
    auto removed = live.client->remove(context, {part.native_name, part.version});
    if (!removed) note_backend_failure(live, removed.error());
  }
}

void remove_shared_parts(const io::Context& context, const LiveBackend& live,
                         const std::string& upload_id) {
  if (!live.client->capabilities().writes_pieces || is_avoided(live)) return;
  auto removed = live.client->remove(context, {shared_part_name(upload_id), {}});
  if (!removed && removed.error().code() != Code::kNotFound) {
    note_backend_failure(live, removed.error());
  }
}

}  // namespace beringia::core

#pragma once

#include <string>
#include <vector>

#include "core/mounts.h"
#include "io/context.h"
#include "meta/records.h"

namespace beringia::core {

/// The file that parts of one upload share (UploadSlots).
std::string shared_part_name(const std::string& upload_id);

/// It lies in that file, at PartRecord::offset; else it has a file of its own.
inline bool is_piece(const meta::PartRecord& part) { return part.version.empty(); }

/// Removes parts with files of their own that no row names any more.
void remove_own_parts(const io::Context& context, const LiveBackend& live,
                      const std::vector<meta::PartRecord>& parts);
/// Removes the shared file, if there is one. What cannot be reached now is swept later.
void remove_shared_parts(const io::Context& context, const LiveBackend& live,
                         const std::string& upload_id);

}  // namespace beringia::core

#pragma once

#include <string>
#include <vector>

#include "backend/backend.h"
#include "core/mounts.h"
#include "core/parts.h"
#include "meta/tree.h"

namespace beringia::core {

/// Makes the catalog follow what someone else did to one name in a backend. Used while the path's
/// lock is held; each verb is one commit with its feed and audit record. Short-lived.
class Adoption {
 public:
  Adoption(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
           const LiveMount& mount, meta::Location& location)
      : context_{context}, parts_{parts}, mounts_{mounts}, mount_{mount}, location_{location} {}

  /// A name the catalog did not have.
  [[nodiscard]] Result<void> insert(const LiveLocation& place, const backend::CopyInfo& info);
  /// New bytes under a known name: a new generation; owner and tags stay, other copies are doomed.
  [[nodiscard]] Result<void> overwrite(const LiveLocation& place, const backend::CopyInfo& info);
  /// All copies are gone: the entry goes too.
  [[nodiscard]] Result<void> forget();
  /// Some copies are gone, or are other versions of the same bytes.
  [[nodiscard]] Result<void> keep_only(std::vector<meta::Copy> copies);

 private:
  meta::Copy copy_at(const LiveLocation& place, const backend::CopyInfo& info) const;
  Result<void> commit(kv::Batch batch, const char* operation, Change change);
  Result<bool> keep_replaced(kv::Batch& batch, Timestamp now);

  const io::Context& context_;
  Namespace::Parts& parts_;
  const Mounts& mounts_;
  const LiveMount& mount_;
  meta::Location& location_;
};

}  // namespace beringia::core

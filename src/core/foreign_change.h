#pragma once

#include <cstdint>
#include <string>

#include "core/mounts.h"
#include "core/parts.h"

namespace beringia::core {

/// What somebody says has happened to an object in a backend.
struct ForeignChange {
  meta::BackendId backend = 0;
  std::string native_name;  ///< below the backend's root
  std::string version;      ///< of the object that was made, changed or removed; "" = not told
  bool removed = false;
};

/// What came of it.
enum class Followed {
  kKnown,      ///< the catalog agreed already, or knows something newer
  kChanged,    ///< the catalog has learnt something
  kUnchanged,  ///< the object was looked at, and nothing was new
  kElsewhere,  ///< no mount shows the object
};

/// Makes the catalog agree with the backend about one object. The message is only a hint: what
/// counts is what the backend shows now, so messages may come late, twice and in any order, and
/// what we have done ourselves is not looked at again. Takes the path's lock.
/// @error kUnavailable, kBusy, kCancelled: try again; others: this object cannot be followed
[[nodiscard]] Result<Followed> follow_foreign_change(const io::Context& context,
                                                     Namespace::Parts& parts,
                                                     const ForeignChange& change);

}  // namespace beringia::core

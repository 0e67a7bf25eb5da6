#pragma once

#include <memory>

#include "io/disk.h"
#include "io/disk_faults.h"

namespace beringia::io {

/// A disk of which chosen calls fail before they reach `inner`. Thread-safe. `inner` and `faults`
/// outlive it and its files.
///
///     DiskFaults faults;
///     faults.fail_always(DiskCall::kSync, EIO);
///     auto disk = make_faulty_disk(*posix, faults);
std::unique_ptr<Disk> make_faulty_disk(Disk& inner, DiskFaults& faults);

}  // namespace beringia::io

#pragma once

#include <optional>
#include <string>

#include "io/disk.h"

namespace beringia::io {

/// lstat(2) for loop threads: answered only if the kernel knows the answer already, without asking
/// a disk or another machine. nullopt: it does not, or nobody can tell (network and FUSE file
/// systems, old kernels); then ask on the blocking pool.
/// measured: a hop to the pool was half of the CPU time of a 4 KiB GET, perf, 2026-11.
std::optional<Result<FileStat>> try_stat_cached(const std::string& path);

/// lstat(2) of a directory, with `is_local` as try_stat_cached() has it. Blocks. @error as stat();
/// kInvalid: it is none
[[nodiscard]] Result<FileStat> stat_local_directory(const std::string& path);

/// One walk of the kernel from `root` to the directory that holds `path`, through directories only
/// (Linux 5.6). False also where the kernel cannot tell. Blocks.
bool is_plain_way(const std::string& root, const std::string& path);

}  // namespace beringia::io

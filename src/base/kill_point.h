#pragma once

namespace beringia {

/// Called at a named point of the write, delete and move protocols. Does nothing unless the process
/// was started with BERINGIA_CRASH_AT=name:n (the n-th pass kills the process at once, as kill -9
/// would) or a simulation has set a hook. Costs one load of a constant flag otherwise.
void kill_point(const char* name);

/// For simulation: `hook(name)` is called instead; null removes it. Not thread-safe.
void set_kill_hook(void (*hook)(const char* name, void* argument), void* argument);

}  // namespace beringia

#define BR_KILL_POINT(name) ::beringia::kill_point(name)

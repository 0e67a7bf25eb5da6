#pragma once

// BR_ASAN and BR_TSAN: which sanitizer this build has; fibers must tell it of each switch.

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BR_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define BR_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define BR_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define BR_TSAN 1
#endif
#ifdef BR_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef BR_TSAN
#include <sanitizer/tsan_interface.h>
#endif

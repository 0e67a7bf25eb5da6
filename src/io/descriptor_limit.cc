#include "io/descriptor_limit.h"

#include <sys/resource.h>

namespace beringia::io {
namespace {

constexpr size_t kUsualLimit = 1024;

}  // namespace

size_t descriptor_limit() {
  struct ::rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kUsualLimit;
  return limit.rlim_cur;
}

void raise_descriptor_limit() {
  struct ::rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

}  // namespace beringia::io

#include "app/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "base/time.h"

namespace beringia::app {
namespace {

constexpr int kWidth = 30;
constexpr int64_t kTerminalMs = 100;
constexpr int64_t kPlainMs = 5000;

}  // namespace

Progress::Progress() : terminal_{::isatty(STDERR_FILENO) == 1} {}

Progress::~Progress() {
  if (drawn_ && terminal_) std::fputc('\n', stderr);
}

void Progress::show(uint64_t done, uint64_t total, const std::string& words) {
  const int64_t now_ms = SystemClock{}.monotonic().nanos / 1'000'000;
  if (done < total && last_ms_ != 0 && now_ms - last_ms_ < (terminal_ ? kTerminalMs : kPlainMs)) {
    return;
  }
  last_ms_ = now_ms;
  const double share =
      total == 0 ? 1.0 : static_cast<double>(std::min(done, total)) / static_cast<double>(total);
  if (!terminal_) {
    std::fprintf(stderr, "%3.0f %%  %s\n", share * 100, words.c_str());
    return;
  }
  const auto filled = static_cast<size_t>(share * kWidth);
  const std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '.');
  std::fprintf(stderr, "\r[%s] %3.0f %%  %s\033[K", bar.c_str(), share * 100, words.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace beringia::app

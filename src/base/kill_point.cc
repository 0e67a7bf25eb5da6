#include "base/kill_point.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>

namespace beringia {
namespace {

struct CrashPlan {
  std::string name;
  long pass = 1;
};

CrashPlan read_plan() {
  const char* text = std::getenv("BERINGIA_CRASH_AT");
  if (text == nullptr) return {};
  const char* colon = std::strrchr(text, ':');
  if (colon == nullptr) return {text, 1};
  return {std::string{text, colon}, std::strtol(colon + 1, nullptr, 10)};
}

const CrashPlan kPlan = read_plan();
std::atomic<long> passes{0};
void (*kill_hook)(const char*, void*) = nullptr;
void* kill_hook_argument = nullptr;

}  // namespace

void kill_point(const char* name) {
  if (kill_hook != nullptr) kill_hook(name, kill_hook_argument);
  if (kPlan.name.empty() || kPlan.name != name) return;
  if (passes.fetch_add(1) + 1 == kPlan.pass) ::kill(::getpid(), SIGKILL);
}

void set_kill_hook(void (*hook)(const char*, void*), void* argument) {
  kill_hook = hook;
  kill_hook_argument = argument;
}

}  // namespace beringia

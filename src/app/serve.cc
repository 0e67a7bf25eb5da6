#include "app/serve.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "app/server.h"
#include "app/settings.h"
#include "io/descriptor_limit.h"
#include "observe/log.h"

namespace beringia::app {
namespace {

/// Signals are taken by one sigwait(), so that nothing runs inside a signal handler.
class StopSignals {
 public:
  /// Before any thread starts: all inherit the mask.
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    static_cast<void>(pthread_sigmask(SIG_BLOCK, &signals_, nullptr));
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  }
  int wait() const {
    int number = 0;
    while (sigwait(&signals_, &number) != 0) {
    }
    // A second signal ends the process at once.
    static_cast<void>(pthread_sigmask(SIG_UNBLOCK, &signals_, nullptr));
    return number;
  }

 private:
  sigset_t signals_{};
};

std::vector<std::string> environment() {
  std::vector<std::string> all;
  for (char** line = environ; line != nullptr && *line != nullptr; ++line) all.emplace_back(*line);
  return all;
}

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string{value};
}

Result<Settings> settings_of(const Invocation& invocation) {
  std::vector<std::vector<GivenSetting>> sources;
  if (invocation.has("--config")) {
    BR_TRY(file, read_settings_file(invocation.get("--config")));
    sources.push_back(std::move(file));
  }
  BR_TRY(from_environment, settings_of_environment(environment()));
  sources.push_back(std::move(from_environment));
  std::vector<GivenSetting> flags;
  for (const auto& declaration : setting_declarations()) {
    const auto found = invocation.flags.find(flag_of(declaration));
    if (found != invocation.flags.end()) {
      flags.push_back({declaration.name, found->second, found->first});
    }
  }
  sources.push_back(std::move(flags));
  return resolve_settings(sources);
}

void apply_log_settings(const Settings& settings) {
  using observe::Level;
  const std::string& level = settings.log_level;
  observe::set_log_level(level == "debug"   ? Level::kDebug
                         : level == "warn"  ? Level::kWarn
                         : level == "error" ? Level::kError
                                            : Level::kInfo);
  observe::set_log_format(settings.log_format == "json" ? observe::LogFormat::kJson
                                                        : observe::LogFormat::kText);
}

int run_server(const Settings& settings, const StopSignals& signals) {
  RootCredentials root{variable("BERINGIA_ROOT_ACCESS_KEY"), std::nullopt};
  if (auto secret = variable("BERINGIA_ROOT_SECRET_KEY")) root.secret_key = Secret{*secret};
  auto server = Server::start(settings, root);
  if (!server) return report(server.error());
  observe::log_info(
      "serving", "Beringia is ready.",
      {observe::field("version", kVersion), observe::field("at", (*server)->addresses())});
  const int number = signals.wait();
  observe::log_info("draining", "Running requests may end, new ones are refused.",
                    {observe::field("signal", number)});
  const auto stopped = (*server)->stop();
  server->reset();
  if (!stopped) return report(stopped.error());
  observe::log_info("stopped", "Beringia has stopped cleanly.");
  return kSucceeded;
}

}  // namespace

std::vector<FlagSpec> serve_flags() {
  std::vector<FlagSpec> flags = {
      {"--config", "FILE", "settings file (TOML); flags and environment win over it"}};
  for (const auto& declaration : setting_declarations()) {
    const char* value = declaration.kind == SettingKind::kAddress    ? "ADDR"
                        : declaration.kind == SettingKind::kDuration ? "TIME"
                        : declaration.kind == SettingKind::kBytes    ? "SIZE"
                        : declaration.kind == SettingKind::kRate     ? "RATE"
                        : declaration.kind == SettingKind::kCount    ? "N"
                        : declaration.kind == SettingKind::kChoice   ? "WORD"
                                                                     : "TEXT";
    std::string help = declaration.help;
    if (*declaration.fallback != '\0') help += std::string{" ["} + declaration.fallback + "]";
    flags.push_back({flag_of(declaration), value, std::move(help)});
  }
  return flags;
}

int serve(const Invocation& invocation) {
  io::raise_descriptor_limit();
  const StopSignals signals;
  const auto settings = settings_of(invocation);
  if (!settings) {
    report(settings.error());
    return kMisused;
  }
  apply_log_settings(*settings);
  try {
    return run_server(*settings, signals);
  } catch (const std::exception& error) {
    return report(internal("the server ended", error.what()));
  }
}

}  // namespace beringia::app

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace beringia::app {

/// Exit codes of every verb.
inline constexpr int kSucceeded = 0;
inline constexpr int kFailed = 1;
inline constexpr int kMisused = 2;

struct FlagSpec {
  std::string name;   // "--principal"
  std::string value;  // "NAME"; "" = a switch
  std::string help;
};

/// What was typed after the verb.
struct Invocation {
  std::vector<std::string> arguments;
  std::map<std::string, std::vector<std::string>> flags;  // by name; a switch has one "true"

  bool has(const std::string& flag) const { return flags.contains(flag); }
  std::string get(const std::string& flag, std::string fallback = {}) const;
  bool json() const { return has("--json"); }
};

/// One verb.
struct CommandSpec {
  std::string name;       // "keys create"
  std::string arguments;  // "FILE", "[PATH]"; words in brackets may be left out
  std::string summary;    // one line
  std::string details;    // further help; may be empty
  std::vector<FlagSpec> flags;
  int (*run)(const Invocation& invocation) = nullptr;
};

/// All verbs, in the order of the help text.
const std::vector<CommandSpec>& commands();

/// @error kInvalid: an unknown flag (with a suggestion), a missing value or argument
[[nodiscard]] Result<Invocation> parse_invocation(const CommandSpec& command,
                                                  const std::vector<std::string>& words);
/// Runs what `words` (without the program's name) say. @return the exit code
int run_command_line(const std::vector<std::string>& words);

std::string help_of(const CommandSpec& command);

/// Prints what / why / do on standard error. @return kFailed
int report(const Error& error);

}  // namespace beringia::app

#include "app/command_line.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>

#include "base/nearest_word.h"

namespace beringia::app {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

std::string general_help() {
  std::string text =
      "Beringia: one namespace over your own storage and Google Cloud Storage.\n\n"
      "usage: beringia COMMAND [ARGUMENTS] [--json]\n\ncommands:\n";
  for (const auto& command : commands()) {
    std::string head = command.name + (command.arguments.empty() ? "" : " " + command.arguments);
    head.resize(std::max<size_t>(head.size() + 2, 28), ' ');
    text += "  " + head + command.summary + "\n";
  }
  return text +
         "\nberingia COMMAND --help says more. Exit codes: 0 done, 1 failed, 2 wrong usage.\n"
         "Commands other than serve speak to a running server: BERINGIA_ADMIN (its admin URL,\n"
         "default http://127.0.0.1:9020), BERINGIA_ACCESS_KEY and BERINGIA_SECRET_KEY (else\n"
         "BERINGIA_ROOT_ACCESS_KEY and BERINGIA_ROOT_SECRET_KEY).\n";
}

/// The command whose name's words begin `words`; the longest such name.
const CommandSpec* find_command(const std::vector<std::string>& words, size_t& used) {
  const CommandSpec* best = nullptr;
  for (const auto& command : commands()) {
    const auto name = words_of(command.name);
    if (name.size() <= used || name.size() > words.size()) continue;
    if (!std::equal(name.begin(), name.end(), words.begin())) continue;
    best = &command;
    used = name.size();
  }
  return best;
}

int misuse(const Error& error, const std::string& command) {
  report(error);
  std::fprintf(stderr, "help: beringia %s--help\n", command.empty() ? "" : (command + " ").c_str());
  return kMisused;
}

int no_such_command(const std::vector<std::string>& words) {
  std::vector<std::string> first;
  std::string of_group;
  for (const auto& command : commands()) {
    const auto name = words_of(command.name);
    first.push_back(name.front());
    if (name.size() > 1 && name.front() == words.front()) {
      of_group += (of_group.empty() ? "" : ", ") + command.name;
    }
  }
  if (!of_group.empty()) {
    return misuse(invalid("cannot run \"" + words.front() + "\"", "it needs a second word",
                          "choose from: " + of_group),
                  "");
  }
  const std::string near = nearest_word(words.front(), first);
  return misuse(invalid("there is no command \"" + words.front() + "\"", "",
                        near.empty() ? "" : "did you mean \"" + near + "\"?"),
                "");
}

const FlagSpec* find_flag(const CommandSpec& command, const std::string& name) {
  const auto found =
      std::ranges::find_if(command.flags, [&](const FlagSpec& flag) { return flag.name == name; });
  return found == command.flags.end() ? nullptr : &*found;
}

Error unknown_flag(const CommandSpec& command, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& flag : command.flags) known.push_back(flag.name);
  const std::string near = nearest_word(name, known);
  return invalid("beringia " + command.name + " has no flag " + name, "",
                 near.empty() ? "" : "did you mean " + near + "?");
}

Result<void> check_arguments(const CommandSpec& command, const Invocation& invocation) {
  const auto wanted = words_of(command.arguments);
  size_t needed = 0;
  for (const auto& word : wanted) needed += word.starts_with('[') ? 0 : 1;
  const size_t given = invocation.arguments.size();
  if (given >= needed && given <= wanted.size()) return {};
  return std::unexpected(invalid(
      "cannot run beringia " + command.name,
      given < needed ? "an argument is missing"
                     : "there is an argument too many: \"" + invocation.arguments.back() + "\"",
      "usage: beringia " + command.name + " " + command.arguments));
}

}  // namespace

std::string Invocation::get(const std::string& flag, std::string fallback) const {
  const auto found = flags.find(flag);
  return found == flags.end() ? std::move(fallback) : found->second.back();
}

std::string help_of(const CommandSpec& command) {
  std::string text = "usage: beringia " + command.name;
  if (!command.arguments.empty()) text += " " + command.arguments;
  text += " [FLAGS]\n\n" + command.summary + "\n";
  if (!command.details.empty()) text += "\n" + command.details + "\n";
  if (!command.flags.empty()) text += "\nflags:\n";
  for (const auto& flag : command.flags) {
    std::string head = flag.name + (flag.value.empty() ? "" : " " + flag.value);
    head.resize(std::max<size_t>(head.size() + 2, 28), ' ');
    text += "  " + head + flag.help + "\n";
  }
  return text;
}

Result<Invocation> parse_invocation(const CommandSpec& command,
                                    const std::vector<std::string>& words) {
  Invocation invocation;
  bool only_arguments = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (only_arguments || !word.starts_with('-') || word == "-") {
      invocation.arguments.push_back(word);
      continue;
    }
    if (word == "--") {
      only_arguments = true;
      continue;
    }
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const FlagSpec* flag = find_flag(command, name);
    if (flag == nullptr) return std::unexpected(unknown_flag(command, name));
    std::string value = "true";
    if (!flag->value.empty()) {
      if (equals != std::string::npos) {
        value = word.substr(equals + 1);
      } else if (i + 1 < words.size()) {
        value = words[++i];
      } else {
        return std::unexpected(invalid(name + " needs a value", "", name + " " + flag->value));
      }
    } else if (equals != std::string::npos) {
      return std::unexpected(invalid(name + " takes no value"));
    }
    invocation.flags[name].push_back(std::move(value));
  }
  BR_TRY(check_arguments(command, invocation));
  return invocation;
}

int run_command_line(const std::vector<std::string>& words) {
  if (words.empty() || words.front() == "help" || words.front() == "--help" ||
      words.front() == "-h") {
    std::fputs(general_help().c_str(), words.empty() ? stderr : stdout);
    return words.empty() ? kMisused : kSucceeded;
  }
  std::vector<std::string> given = words;
  if (given.front() == "--version") given.front() = "version";
  size_t used = 0;
  const CommandSpec* command = find_command(given, used);
  if (command == nullptr) return no_such_command(given);
  const std::vector<std::string> rest{given.begin() + static_cast<ptrdiff_t>(used), given.end()};
  if (std::ranges::find(rest, "--help") != rest.end() ||
      std::ranges::find(rest, "-h") != rest.end()) {
    std::fputs(help_of(*command).c_str(), stdout);
    return kSucceeded;
  }
  const auto invocation = parse_invocation(*command, rest);
  if (!invocation) return misuse(invocation.error(), command->name);
  return command->run(*invocation);
}

int report(const Error& error) {
  std::string text = "what: " + error.what() + "\n";
  if (!error.why().empty()) text += "why:  " + error.why() + "\n";
  if (!error.hint().empty()) text += "do:   " + error.hint() + "\n";
  text += "id:   " + std::string{error.id()} + "\n";
  std::fputs(text.c_str(), stderr);
  return kFailed;
}

}  // namespace beringia::app

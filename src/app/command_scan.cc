#include <cstdio>

#include "app/commands.h"
#include "app/text_table.h"
#include "base/encoding.h"
#include "base/json_writer.h"

namespace beringia::app {
namespace {

struct Sum {
  uint64_t directories = 0, added = 0, changed = 0, gone = 0;
  double longest_unnoticed_s = 0;

  void add(const wire::Value& part) {
    const auto count = [&](const char* name) {
      const auto* found = part.find(name);
      return found == nullptr ? 0 : static_cast<uint64_t>(found->integer);
    };
    directories += count("directories");
    added += count("added");
    changed += count("changed");
    gone += count("gone");
    const auto* longest = part.find("longest_unnoticed_s");
    if (longest != nullptr) longest_unnoticed_s = std::max(longest_unnoticed_s, longest->number);
  }
};

std::string seconds_of(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", seconds);
  return text;
}

void print_changes(const wire::Value& part) {
  for (const auto& change : items_of(part, "changes")) {
    const auto* unnoticed = change.find("unnoticed_s");
    std::printf(
        "%-8s %s%s\n", text_of(change, "what").c_str(), text_of(change, "path").c_str(),
        unnoticed == nullptr ? "" : (", unnoticed for " + seconds_of(unnoticed->number)).c_str());
  }
}

void print_passes(const wire::Value& answer) {
  TextTable table{{"MOUNT", "STARTED", "ENDED", "DIRECTORIES", "ADDED", "CHANGED", "GONE",
                   "LONGEST UNNOTICED"}};
  for (const auto& pass : items_of(answer, "scans")) {
    const std::string ended = text_of(pass, "ended");
    const auto* longest = pass.find("longest_unnoticed_s");
    table.add({text_of(pass, "mount"), text_of(pass, "started"),
               ended.empty() ? "at " + text_of(pass, "after") : ended, text_of(pass, "directories"),
               text_of(pass, "added"), text_of(pass, "changed"), text_of(pass, "gone"),
               seconds_of(longest == nullptr ? 0 : longest->number)});
  }
  table.print();
}

}  // namespace

int mount_scan(const Invocation& invocation) {
  const auto client = AdminClient::make(invocation);
  if (!client) return report(client.error());
  const std::string target = "/v1/scans?path=" + percent_encode(invocation.arguments.front());
  Sum sum;
  std::string after;
  do {
    const auto part = client->call_json("POST", target + "&after=" + percent_encode(after));
    if (!part) return report(part.error());
    sum.add(*part);
    if (!invocation.json()) print_changes(*part);
    after = text_of(*part, "next");
  } while (!after.empty());
  if (invocation.json()) {
    JsonWriter json;
    json.begin_object().member("directories", sum.directories).member("added", sum.added);
    json.member("changed", sum.changed).member("gone", sum.gone);
    json.member("longest_unnoticed_s", sum.longest_unnoticed_s).end_object();
    std::printf("%s\n", json.text().c_str());
    return kSucceeded;
  }
  std::printf(
      "%llu directories: %llu added, %llu changed, %llu gone; longest unnoticed %s\n",
      static_cast<unsigned long long>(sum.directories), static_cast<unsigned long long>(sum.added),
      static_cast<unsigned long long>(sum.changed), static_cast<unsigned long long>(sum.gone),
      seconds_of(sum.longest_unnoticed_s).c_str());
  return kSucceeded;
}

int mount_scans(const Invocation& invocation) {
  return call_and_print(invocation, "GET", "/v1/scans", {}, print_passes);
}

}  // namespace beringia::app

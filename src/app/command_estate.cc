#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "app/commands.h"
#include "app/text_table.h"
#include "base/encoding.h"

namespace beringia::app {
namespace {

Result<std::string> read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::string text;
  text.assign(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
  if (file.bad() || !file.is_open()) {
    return std::unexpected(not_found("cannot read " + path, "it cannot be opened",
                                     "check the path and its permissions"));
  }
  return text;
}

std::string target_of(const std::string& verb, const std::string& path) {
  const std::string name = std::filesystem::path{path}.filename().string();
  return "/v1/estate/" + verb + "?name=" + percent_encode(name);
}

void print_change(const wire::Value& change) {
  const std::string kind = text_of(change, "change");
  const char* sign = kind == "add" ? "+" : kind == "remove" ? "-" : "~";
  std::printf("%s %s \"%s\"%s\n", sign, text_of(change, "section").c_str(),
              text_of(change, "name").c_str(),
              flag_in(change, "destructive") ? "   DESTRUCTIVE" : "");
  if (flag_in(change, "destructive")) {
    std::printf("    ! %s\n", text_of(change, "warning").c_str());
  }
  for (const auto& field : items_of(change, "fields")) {
    const std::string before = text_of(field, "before");
    const std::string after = text_of(field, "after");
    if (kind == "change") {
      std::printf("    %s: %s -> %s\n", text_of(field, "key").c_str(),
                  before.empty() ? "(default)" : before.c_str(),
                  after.empty() ? "(default)" : after.c_str());
    } else {
      std::printf("    %s = %s\n", text_of(field, "key").c_str(),
                  kind == "add" ? after.c_str() : before.c_str());
    }
  }
}

void print_plan(const wire::Value& plan) {
  const auto& changes = items_of(plan, "changes");
  size_t adds = 0;
  size_t removes = 0;
  for (const auto& change : changes) {
    print_change(change);
    adds += text_of(change, "change") == "add" ? 1 : 0;
    removes += text_of(change, "change") == "remove" ? 1 : 0;
  }
  if (changes.empty()) {
    std::printf("no changes: the estate is what the file says\n");
  } else {
    std::printf("%zu to add, %zu to change, %zu to remove\n", adds, changes.size() - adds - removes,
                removes);
  }
}

/// On a terminal, destructive changes want a word from the operator.
bool agreed(const wire::Value& plan, const Invocation& invocation) {
  if (invocation.has("--yes") || !flag_in(plan, "destructive") || ::isatty(STDIN_FILENO) == 0) {
    return true;
  }
  std::fprintf(stderr, "Apply these changes, some of them destructive? Type yes: ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "yes";
}

/// What the stores of the mounts have been set to do, each backend once.
void print_warnings(const wire::Value& answer) {
  std::set<std::string> seen;
  for (const auto& mount : items_of(answer, "mounts")) {
    for (const auto& location : items_of(mount, "locations")) {
      const std::string backend = text_of(location, "backend");
      if (!seen.insert(backend).second) continue;
      for (const auto& trait : items_of(location, "store")) {
        if (!flag_in(trait, "warns")) continue;
        std::printf("%s: %s %s: %s\n", backend.c_str(), text_of(trait, "name").c_str(),
                    text_of(trait, "value").c_str(), text_of(trait, "consequence").c_str());
      }
    }
  }
}

void print_store(const std::string& name, const wire::Value& answer) {
  std::printf("%s is reachable\n", name.c_str());
  const auto& traits = items_of(answer, "store");
  if (traits.empty()) return;
  TextTable table{{"", "PROPERTY", "VALUE", "CONSEQUENCE"}};
  for (const auto& trait : traits) {
    table.add({flag_in(trait, "warns") ? "!" : "", text_of(trait, "name"), text_of(trait, "value"),
               text_of(trait, "consequence")});
  }
  table.print();
}

}  // namespace

int estate_plan(const Invocation& invocation) {
  const std::string& path = invocation.arguments.front();
  const auto text = read_file(path);
  if (!text) return report(text.error());
  return call_and_print(invocation, "POST", target_of("plan", path), *text, print_plan);
}

int estate_apply(const Invocation& invocation) {
  const std::string& path = invocation.arguments.front();
  const auto text = read_file(path);
  if (!text) return report(text.error());
  const auto client = AdminClient::make(invocation);
  if (!client) return report(client.error());
  const auto plan = client->call_json("POST", target_of("plan", path), *text);
  if (!plan) return report(plan.error());
  if (!invocation.json()) print_plan(*plan);
  if (!agreed(*plan, invocation)) {
    return report(cancelled("nothing was applied", "the answer was not yes"));
  }
  const std::string target =
      target_of("apply", path) + "&token=" + percent_encode(text_of(*plan, "token"));
  return call_and_print(invocation, "POST", target, *text,
                        [](const wire::Value&) { std::printf("applied\n"); });
}

int estate_show(const Invocation& invocation) {
  const auto client = AdminClient::make(invocation);
  if (!client) return report(client.error());
  const auto answer =
      client->call("GET", invocation.json() ? "/v1/estate" : "/v1/estate?format=toml");
  if (!answer) return report(answer.error());
  std::printf("%s%s", answer->c_str(), answer->ends_with('\n') ? "" : "\n");
  return kSucceeded;
}

int mount_list(const Invocation& invocation) {
  return call_and_print(invocation, "GET", "/v1/mounts", {}, [](const wire::Value& answer) {
    TextTable table{{"PATH", "LOCATIONS", "FRESHNESS", "READ-ONLY", "CONTRACT"}};
    for (const auto& mount : items_of(answer, "mounts")) {
      std::string locations;
      for (const auto& location : items_of(mount, "locations")) {
        locations += (locations.empty() ? "" : ", ") + text_of(location, "backend");
        const std::string prefix = text_of(location, "prefix");
        if (!prefix.empty()) locations += ":" + prefix;
      }
      std::string freshness = text_of(mount, "freshness");
      if (freshness == "shared") freshness += " " + text_of(mount, "max_staleness");
      table.add({text_of(mount, "path"), locations, freshness, text_of(mount, "read_only"),
                 text_of(mount, "contract")});
    }
    table.print();
    print_warnings(answer);
    if (!flag_in(answer, "applied")) std::printf("(from the flags of serve)\n");
  });
}

int backend_list(const Invocation& invocation) {
  return call_and_print(invocation, "GET", "/v1/backends", {}, [](const wire::Value& answer) {
    TextTable table{{"BACKEND", "URL", "ENDPOINT", "SITE", "REGION"}};
    for (const auto& one : items_of(answer, "backends")) {
      table.add({text_of(one, "name"), text_of(one, "url"), text_of(one, "endpoint"),
                 text_of(one, "site"), text_of(one, "region")});
    }
    table.print();
  });
}

int backend_calls(const Invocation& invocation) {
  return call_and_print(invocation, "GET", "/v1/calls", {}, [](const wire::Value& answer) {
    TextTable table{{"BACKEND", "OF", "CLASS A", "CLASS B", "FREE", "USD"}};
    const auto row = [&](const std::string& backend, const std::string& of,
                         const wire::Value& count) {
      table.add({backend, of, text_of(count, "class_a_calls"), text_of(count, "class_b_calls"),
                 text_of(count, "free_calls"), text_of(count, "cost_usd")});
    };
    for (const auto& one : items_of(answer, "backends")) {
      const std::string name = text_of(one, "name");
      row(name, "all", one);
      for (const auto& work : items_of(one, "by_work")) row(name, text_of(work, "work"), work);
      for (const auto& mount : items_of(one, "by_mount")) {
        const std::string path = text_of(mount, "mount");
        row(name, path.empty() ? "no mount" : "mount " + path, mount);
      }
    }
    table.print();
    for (const auto& one : items_of(answer, "backends")) {
      const std::string second = text_of(one, "calls_per_second");
      const std::string day = text_of(one, "calls_per_day");
      std::printf("%s: %s billed today; budget %s a second, %s a day\n",
                  text_of(one, "name").c_str(), text_of(one, "billed_today").c_str(),
                  second == "0" ? "not limited" : second.c_str(),
                  day == "0" ? "not limited" : day.c_str());
    }
  });
}

int backend_check(const Invocation& invocation) {
  const std::string& name = invocation.arguments.front();
  return call_and_print(invocation, "POST", "/v1/backends/" + percent_encode(name) + "/check", {},
                        [&](const wire::Value& answer) { print_store(name, answer); });
}

}  // namespace beringia::app

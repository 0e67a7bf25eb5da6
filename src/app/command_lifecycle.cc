#include "app/command_lifecycle.h"

#include <cstdio>

#include "app/commands.h"
#include "app/text_table.h"
#include "base/encoding.h"
#include "base/quantity.h"

namespace beringia::app {
namespace {

void print_skipped(const wire::Value& outcome) {
  for (const auto& one : items_of(outcome, "skipped")) {
    std::printf("skipped  %s objects: %s (%s)\n", text_of(one, "objects").c_str(),
                text_of(one, "reason").c_str(), joined(one, "examples").c_str());
  }
}

std::string action_of(const wire::Value& one) {
  const std::string storage_class = text_of(one, "class");
  return text_of(one, "action") + (storage_class.empty() ? "" : " " + storage_class);
}

/// "expire 3 objects, 5 MiB"; "" when there was nothing to do.
std::string words_of(const wire::Value& outcome) {
  std::string words;
  for (const auto& one : items_of(outcome, "totals")) {
    if (!words.empty()) words += "; ";
    words += action_of(one) + " " + text_of(one, "objects") + " objects, " +
             approximate_bytes(number_of(one, "bytes"));
  }
  return words;
}

void print_plan(const wire::Value& plan) {
  const auto& rows = items_of(plan, "rows");
  uint64_t objects = 0;
  for (const auto& one : items_of(plan, "totals")) objects += number_of(one, "objects");
  if (!rows.empty()) {
    TextTable table{{"PATH", "SIZE", "ACTION", "DUE SINCE", "RULE"}};
    for (const auto& row : rows) {
      table.add({text_of(row, "path"), approximate_bytes(number_of(row, "size")), action_of(row),
                 text_of(row, "due"), text_of(row, "rule")});
    }
    table.print();
    if (objects > rows.size()) {
      std::printf("... %llu more\n", static_cast<unsigned long long>(objects - rows.size()));
    }
  }
  for (const auto& rule : items_of(plan, "rules")) {
    const std::string filter = text_of(rule, "filter");
    std::printf("rule     %s%s: %s (%s)\n", text_of(rule, "id").c_str(),
                flag_in(rule, "enabled") ? "" : " (disabled)", text_of(rule, "actions").c_str(),
                filter.empty() ? "everything" : filter.c_str());
  }
  const std::string words = words_of(plan);
  std::printf("due      at %s: %s\n", text_of(plan, "at").c_str(),
              words.empty() ? "nothing" : words.c_str());
  std::printf("scanned  %s objects\n", text_of(plan, "scanned").c_str());
  if (const std::string next = text_of(plan, "next"); !next.empty()) {
    std::printf("next     the first expiration that is not due yet: %s\n", next.c_str());
  }
}

}  // namespace

void print_lifecycles(const wire::Value& answer) {
  TextTable table{{"BUCKET", "RULES", "LAST PASS", "SCANNED", "DONE"}};
  for (const auto& one : items_of(answer, "lifecycles")) {
    const wire::Value none;
    const wire::Value* found = one.find("last");
    const wire::Value& last = found == nullptr ? none : *found;
    const std::string damage = text_of(one, "damage");
    const std::string error = text_of(last, "error");
    std::string done = words_of(last);
    if (!error.empty()) done += (done.empty() ? "" : "; ") + error;
    table.add({text_of(one, "bucket"),
               damage.empty() ? std::to_string(items_of(one, "rules").size()) : "damaged",
               found == nullptr ? "not yet" : text_of(last, "ended"), text_of(last, "scanned"),
               done.empty() ? "nothing" : done});
  }
  table.print();
  for (const auto& one : items_of(answer, "lifecycles")) {
    if (const wire::Value* last = one.find("last")) print_skipped(*last);
  }
}

int policy_lifecycle(const Invocation& invocation) {
  if (invocation.arguments.empty()) {
    return call_and_print(invocation, "GET", "/v1/policy/lifecycles", {}, print_lifecycles);
  }
  std::string bucket = invocation.arguments.front();
  if (bucket.starts_with('/')) bucket.erase(0, 1);
  if (bucket.ends_with('/')) bucket.pop_back();
  const std::string target = "/v1/policy/lifecycles/" + percent_encode(bucket) +
                             "?at=" + percent_encode(invocation.get("--at")) +
                             "&rows=" + percent_encode(invocation.get("--rows", "20"));
  return call_and_print(invocation, "GET", target, {}, print_plan);
}

}  // namespace beringia::app

#include <cstdio>
#include <fstream>
#include <iterator>

#include "app/command_lifecycle.h"
#include "app/commands.h"
#include "app/progress.h"
#include "app/text_table.h"
#include "base/encoding.h"
#include "base/json_writer.h"
#include "base/quantity.h"
#include "io/runtime.h"

namespace beringia::app {
namespace {

constexpr size_t kMaxPlanFile = 1 << 20;
constexpr Duration kPollEvery = std::chrono::milliseconds{200};

std::string money(double usd) {
  char text[48];
  std::snprintf(text, sizeof text, "%s%.4f USD", usd < 0 ? "-" : "", usd < 0 ? -usd : usd);
  return text;
}

std::string seconds_text(double seconds) {
  char text[48];
  if (seconds < 120) {
    std::snprintf(text, sizeof text, "%.0f s", seconds);
  } else if (seconds < 7200) {
    std::snprintf(text, sizeof text, "%.0f min", seconds / 60);
  } else {
    std::snprintf(text, sizeof text, "%.1f h", seconds / 3600);
  }
  return text;
}

void print_skipped(const wire::Value& answer, std::string_view name) {
  for (const auto& one : items_of(answer, name)) {
    std::printf("skipped  %s objects: %s (%s)\n", text_of(one, "objects").c_str(),
                text_of(one, "reason").c_str(), joined(one, "examples").c_str());
  }
}

void print_plan(const wire::Value& plan) {
  const auto& rows = items_of(plan, "rows");
  if (!rows.empty()) {
    TextTable table{{"PATH", "SIZE", "FROM", "TO", "POLICY"}};
    for (const auto& row : rows) {
      const std::string storage_class = text_of(row, "class");
      table.add({text_of(row, "path"), approximate_bytes(number_of(row, "size")),
                 text_of(row, "from"),
                 text_of(row, "to") + (storage_class.empty() ? "" : " " + storage_class),
                 text_of(row, "policy")});
    }
    table.print();
  }
  const wire::Value none;
  const wire::Value* found = plan.find("totals");
  const wire::Value& totals = found == nullptr ? none : *found;
  const uint64_t objects = number_of(totals, "objects");
  if (objects > rows.size()) {
    std::printf("... %llu more\n", static_cast<unsigned long long>(objects - rows.size()));
  }
  std::printf("plan     %s by %s, %s entries looked at, %s already in place\n",
              text_of(plan, "id").c_str(), text_of(plan, "principal").c_str(),
              text_of(plan, "scanned").c_str(), text_of(plan, "in_place").c_str());
  std::printf("moves    %llu objects, %s\n", static_cast<unsigned long long>(objects),
              approximate_bytes(number_of(totals, "bytes")).c_str());
  std::printf("calls    %s writes and lists, %s reads, %s deletes\n",
              text_of(totals, "class_a_calls").c_str(), text_of(totals, "class_b_calls").c_str(),
              text_of(totals, "deletes").c_str());
  std::printf("egress   %s\n", approximate_bytes(number_of(totals, "egress_bytes")).c_str());
  std::printf("cost     %s once, %s a month\n", money(real_of(totals, "cost_usd")).c_str(),
              money(real_of(totals, "cost_usd_per_month")).c_str());
  if (real_of(totals, "duration_s") > 0) {
    std::printf("lasts    %s at %s\n", seconds_text(real_of(totals, "duration_s")).c_str(),
                format_rate(number_of(plan, "bandwidth_bytes_per_s")).c_str());
  }
  print_skipped(plan, "skipped");
  if (objects > 0) std::printf("do it    beringia policy apply %s\n", text_of(plan, "id").c_str());
}

void print_run(const wire::Value& run) {
  std::printf("run      %s of plan %s by %s: %s\n", text_of(run, "id").c_str(),
              text_of(run, "plan").c_str(), text_of(run, "principal").c_str(),
              text_of(run, "state").c_str());
  std::printf("objects  %s of %s moved, %s skipped, %s failed, %s to be cleaned\n",
              text_of(run, "objects_done").c_str(), text_of(run, "objects").c_str(),
              text_of(run, "objects_skipped").c_str(), text_of(run, "objects_failed").c_str(),
              text_of(run, "objects_cleaning").c_str());
  std::printf("bytes    %s of %s\n", approximate_bytes(number_of(run, "bytes_done")).c_str(),
              approximate_bytes(number_of(run, "bytes")).c_str());
  std::printf("calls    %s writes and lists, %s reads, %s deletes: %s\n",
              text_of(run, "class_a_calls").c_str(), text_of(run, "class_b_calls").c_str(),
              text_of(run, "free_calls").c_str(), money(real_of(run, "calls_usd")).c_str());
  if (flag_in(run, "paused")) std::printf("paused   %s\n", text_of(run, "paused_why").c_str());
  print_skipped(run, "reasons");
  for (const auto& row : items_of(run, "problems")) {
    std::printf("problem  %s: %s, %s\n", text_of(row, "path").c_str(),
                text_of(row, "state").c_str(), text_of(row, "note").c_str());
  }
}

std::string words_of(const wire::Value& run) {
  std::string words = text_of(run, "objects_done") + "/" + text_of(run, "objects") + " objects, " +
                      approximate_bytes(number_of(run, "bytes_copied")) + " of " +
                      approximate_bytes(number_of(run, "bytes")) + ", " +
                      approximate_bytes(static_cast<uint64_t>(real_of(run, "rate_bytes_per_s"))) +
                      "/s";
  if (run.find("remaining_s") != nullptr) {
    words += ", " + seconds_text(real_of(run, "remaining_s")) + " left";
  }
  if (flag_in(run, "paused")) words = "paused: " + text_of(run, "paused_why");
  if (number_of(run, "objects_cleaning") > 0 &&
      number_of(run, "objects_done") == number_of(run, "objects")) {
    words += ", removing old copies: " + text_of(run, "objects_cleaning");
  }
  return words;
}

/// The plan's id: PLAN itself, or what the file of --out says.
Result<std::string> plan_id_of(const std::string& argument) {
  std::ifstream file{argument, std::ios::binary};
  if (!file.is_open()) return argument;
  std::string text;
  text.assign(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
  BR_TRY(plan, wire::parse_json(text, kMaxPlanFile, "the plan file " + argument));
  const std::string id = text_of(plan, "id");
  if (id.empty()) return std::unexpected(invalid("cannot use the plan file " + argument, "no id"));
  return id;
}

Result<wire::Value> follow(const AdminClient& client, const std::string& id, bool quiet) {
  Progress progress;
  for (;;) {
    BR_TRY(run, client.call_json("GET", "/v1/policy/runs/" + percent_encode(id)));
    const bool running = text_of(run, "state") == "running";
    const uint64_t total = number_of(run, "objects") * 2;
    const uint64_t left = number_of(run, "objects_cleaning");
    const uint64_t done = number_of(run, "objects_done") * 2 - std::min(left, total);
    if (!quiet) progress.show(running ? done : total, total, words_of(run));
    if (!running) return run;
    BR_TRY(io::sleep_for(io::Context{}, kPollEvery));
  }
}

int print_answer(const Invocation& invocation, const std::string& text,
                 void (*print)(const wire::Value&)) {
  if (invocation.json()) {
    std::printf("%s\n", text.c_str());
    return kSucceeded;
  }
  const auto value = wire::parse_json(text, SIZE_MAX, "the answer");
  if (!value) return report(value.error());
  print(*value);
  return kSucceeded;
}

}  // namespace

int policy_plan(const Invocation& invocation) {
  const auto client = AdminClient::make(invocation);
  if (!client) return report(client.error());
  JsonWriter json;
  json.begin_object().key("policies").begin_array();
  if (const auto named = invocation.flags.find("--policy"); named != invocation.flags.end()) {
    for (const auto& name : named->second) json.value(name);
  }
  json.end_array().member("prefix", invocation.get("--prefix"));
  json.member("bandwidth", invocation.get("--bandwidth", "0")).end_object();
  const auto made = client->call("POST", "/v1/policy/plans", json.text());
  if (!made) return report(made.error());
  const auto summary = wire::parse_json(*made, SIZE_MAX, "the plan");
  if (!summary) return report(summary.error());
  if (invocation.has("--out")) {
    std::ofstream file{invocation.get("--out"), std::ios::binary | std::ios::trunc};
    file << *made << "\n";
    if (!file.flush()) {
      return report(unavailable("cannot write " + invocation.get("--out"), "", "check the path"));
    }
  }
  const auto shown = client->call("GET", "/v1/policy/plans/" + text_of(*summary, "id") + "?limit=" +
                                             percent_encode(invocation.get("--rows", "20")));
  if (!shown) return report(shown.error());
  return print_answer(invocation, *shown, print_plan);
}

int policy_apply(const Invocation& invocation) {
  const auto client = AdminClient::make(invocation);
  if (!client) return report(client.error());
  const auto id = plan_id_of(invocation.arguments.front());
  if (!id) return report(id.error());
  JsonWriter json;
  json.begin_object().member("bandwidth", invocation.get("--bandwidth", "0"));
  json.member("refuse_changed_entries", invocation.has("--refuse-changed")).end_object();
  const auto started =
      client->call_json("POST", "/v1/policy/plans/" + percent_encode(*id) + "/apply", json.text());
  if (!started) return report(started.error());
  const std::string run = text_of(*started, "id");
  if (!invocation.has("--detach")) {
    const auto ended = follow(*client, run, invocation.json());
    if (!ended) return report(ended.error());
  }
  const auto status = client->call("GET", "/v1/policy/runs/" + percent_encode(run));
  if (!status) return report(status.error());
  print_answer(invocation, *status, print_run);
  const auto value = wire::parse_json(*status, SIZE_MAX, "the run");
  if (!value) return report(value.error());
  const std::string state = text_of(*value, "state");
  if (state != "done" && !(invocation.has("--detach") && state == "running")) return kFailed;
  return number_of(*value, "objects_failed") > 0 ? kFailed : kSucceeded;
}

int policy_status(const Invocation& invocation) {
  const auto client = AdminClient::make(invocation);
  if (!client) return report(client.error());
  std::string id = invocation.arguments.empty() ? "" : invocation.arguments.front();
  if (id.empty()) {
    bool has_lifecycles = false;
    if (!invocation.json()) {
      const auto lifecycles = client->call_json("GET", "/v1/policy/lifecycles");
      if (!lifecycles) return report(lifecycles.error());
      has_lifecycles = !items_of(*lifecycles, "lifecycles").empty();
      if (has_lifecycles) print_lifecycles(*lifecycles);
    }
    const auto runs = client->call_json("GET", "/v1/policy/runs");
    if (!runs) return report(runs.error());
    if (items_of(*runs, "runs").empty()) {
      if (has_lifecycles) return kSucceeded;
      return report(not_found("there has been no run yet", "", "beringia policy plan"));
    }
    id = text_of(items_of(*runs, "runs").front(), "id");
  }
  const auto status =
      client->call("GET", "/v1/policy/runs/" + percent_encode(id) +
                              (invocation.has("--problems") ? "?problems=true" : ""));
  if (!status) return report(status.error());
  return print_answer(invocation, *status, print_run);
}

int policy_runs(const Invocation& invocation) {
  return call_and_print(invocation, "GET", "/v1/policy/runs", {}, [](const wire::Value& answer) {
    TextTable table{{"RUN", "STATE", "STARTED", "BY", "OBJECTS", "BYTES", "FAILED"}};
    for (const auto& run : items_of(answer, "runs")) {
      table.add({text_of(run, "id"), text_of(run, "state"), text_of(run, "started"),
                 text_of(run, "principal"),
                 text_of(run, "objects_done") + "/" + text_of(run, "objects"),
                 approximate_bytes(number_of(run, "bytes_done")), text_of(run, "objects_failed")});
    }
    table.print();
  });
}

int policy_variables(const Invocation& invocation) {
  return call_and_print(
      invocation, "GET", "/v1/policy/variables", {}, [](const wire::Value& answer) {
        TextTable table{{"VARIABLE", "TYPE", "WHAT"}};
        for (const auto& one : items_of(answer, "variables")) {
          table.add({text_of(one, "name"), text_of(one, "type"), text_of(one, "help")});
        }
        table.print();
      });
}

int policy_cancel(const Invocation& invocation) {
  return call_and_print(
      invocation, "POST",
      "/v1/policy/runs/" + percent_encode(invocation.arguments.front()) + "/cancel", {}, print_run);
}

}  // namespace beringia::app

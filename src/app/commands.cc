#include "app/commands.h"

#include <cstdio>

#include "app/serve.h"
#include "app/server.h"
#include "app/settings.h"
#include "base/json_writer.h"

namespace beringia::app {
namespace {

int version(const Invocation& invocation) {
  if (invocation.json()) {
    JsonWriter json;
    json.begin_object().member("version", kVersion).end_object();
    std::printf("%s\n", json.text().c_str());
  } else {
    std::printf("beringia %s\n", kVersion);
  }
  return kSucceeded;
}

int settings(const Invocation& invocation) {
  if (!invocation.json()) {
    std::fputs(settings_page().c_str(), stdout);
    return kSucceeded;
  }
  JsonWriter json;
  json.begin_object().key("settings").begin_array();
  for (const auto& one : setting_declarations()) {
    json.begin_object().member("name", one.name).member("flag", flag_of(one));
    json.member("environment", environment_of(one)).member("default", one.fallback);
    json.member("range", one.range).member("help", one.help).member("who", one.who).end_object();
  }
  json.end_array().end_object();
  std::printf("%s\n", json.text().c_str());
  return kSucceeded;
}

std::vector<CommandSpec> server_commands() {
  return {
      {"serve", "", "Run the server until SIGTERM or SIGINT; then drain and end with 0.",
       "Mounts given by flags are the estate until one is applied (beringia apply): from then on\n"
       "the applied estate, stored in the data directory, holds and --mount is not used.\n"
       "Every flag can also be a line of the settings file or an environment variable:\n"
       "docs/settings.md.",
       serve_flags(), serve},
      {"settings",
       "",
       "Print all settings of serve, as the page docs/settings.md.",
       "",
       {{"--json", "", "print them as JSON"}},
       settings},
      {"version", "", "Print the version.", "", {{"--json", "", "print it as JSON"}}, version},
  };
}

std::vector<CommandSpec> estate_commands() {
  return {
      {"plan", "FILE", "Show what applying an estate file (lake.toml) would change.",
       "Sections that the file does not mention are left as they are; docs/estate.md.",
       with_client_flags({}), estate_plan},
      {"apply", "FILE", "Show the changes, then make exactly those, at once and durably.",
       "On a terminal it asks before destructive changes, unless --yes is given.",
       with_client_flags({{"--yes", "", "do not ask"}}), estate_apply},
      {"estate show", "", "Print the estate that holds, as the file that would make it.", "",
       with_client_flags({}), estate_show},
      {"mount ls", "", "List mounts with their locations and what they promise about freshness.",
       "", with_client_flags({}), mount_list},
      {"mount scan", "PATH",
       "Compare what lies below a path with its backends, and say what others have changed.",
       "The catalog then agrees. It costs one list call per directory and 1,000 names.",
       with_client_flags({}), mount_scan},
      {"mount scans", "", "Show the scans that the server makes by itself (scan_interval).", "",
       with_client_flags({}), mount_scans},
      {"backend ls", "", "List backends.", "", with_client_flags({}), backend_list},
      {"backend calls", "",
       "What was sent to backends that bill by call since the start, for whom, and its price.", "",
       with_client_flags({}), backend_calls},
      {"backend check", "NAME",
       "Is a backend reachable, are its credentials good, how is its bucket set?", "",
       with_client_flags({}), backend_check},
  };
}

std::vector<CommandSpec> entry_commands() {
  return {
      {"ls", "[PATH]", "List what is below a path.", "",
       with_client_flags({{"--recursive", "", "all names below, not only the next level"},
                          {"--limit", "N", "at most N names [all]"}}),
       list_path},
      {"stat", "PATH", "Show an entry, or a directory if PATH ends in '/'.", "",
       with_client_flags({}), stat_path},
      {"explain", "PATH", "Say where the bytes of an entry are, why, and what the policies want.",
       "", with_client_flags({}), explain_path},
  };
}

std::vector<CommandSpec> policy_commands() {
  return {
      {"policy plan", "", "Show what the policies would move, with totals and cost; save the plan.",
       "Nothing moves before: beringia policy apply PLAN.",
       with_client_flags({{"--policy", "NAME", "only this policy; repeatable [all]"},
                          {"--prefix", "PATH", "only entries below"},
                          {"--bandwidth", "RATE", "cap to compute the duration with: 400MiB/s"},
                          {"--rows", "N", "show the first N rows [20]"},
                          {"--out", "FILE", "also write the plan's description to a file"}}),
       policy_plan},
      {"policy apply", "PLAN", "Do what a plan says: PLAN is its id or the file of --out.",
       "It follows the run to its end; the run goes on in the server if this command is stopped.",
       with_client_flags({{"--bandwidth", "RATE", "cap of the whole run: 400MiB/s"},
                          {"--refuse-changed", "", "refuse if any entry has changed since"},
                          {"--detach", "", "start the run and do not wait for it"}}),
       policy_apply},
      {"policy status", "[RUN]", "Show a run (the latest, if none is named).", "",
       with_client_flags({{"--problems", "", "list entries that were skipped or failed"}}),
       policy_status},
      {"policy runs", "", "List runs, newest first.", "", with_client_flags({}), policy_runs},
      {"policy lifecycle", "[BUCKET]",
       "Show the lifecycle rules of buckets, or what those of one bucket would do.",
       "Rules are set over S3 or GCS and hold without being applied; nothing is changed here.",
       with_client_flags({{"--at", "TIME", "as if it were then: 2027-01-01 [now]"},
                          {"--rows", "N", "show the first N rows [20]"}}),
       policy_lifecycle},
      {"inventory run", "BUCKET ID", "Write an inventory of a bucket now.",
       "Inventories are set over S3 (PutBucketInventoryConfiguration) and written daily or weekly\n"
       "by themselves.",
       with_client_flags({}), inventory_run},
      {"policy variables", "", "List what a policy's condition may ask.", "", with_client_flags({}),
       policy_variables},
      {"policy cancel", "RUN", "Stop a run: what has moved stays moved.", "", with_client_flags({}),
       policy_cancel},
  };
}

std::vector<CommandSpec> identity_commands() {
  return {
      {"keys create", "", "Make a key for a principal; a new principal is made on the way.",
       "The secret is shown once. Kind service-account prints a key file for Google's client\n"
       "libraries on standard output.",
       with_client_flags(
           {{"--principal", "NAME", "whose key (required)"},
            {"--kind", "KIND", "s3 or service-account [s3]"},
            {"--token-uri", "URL", "where the key file says tokens are given [the GCS door]"}}),
       keys_create},
      {"keys ls", "", "List keys, without secrets.", "", with_client_flags({}), keys_list},
      {"keys disable", "KEY", "Make a key useless, with all tokens got by it.", "",
       with_client_flags({}), keys_disable},
      {"principals ls", "", "List principals.", "", with_client_flags({}), principals_list},
      {"principals create", "NAME", "Make a principal, or change its groups.", "",
       with_client_flags({{"--group", "NAME", "a group it is in; repeatable"},
                          {"--assumable-by", "NAME",
                           "who may take temporary credentials of it (STS); repeatable"},
                          {"--disabled", "", "its keys are refused"}}),
       principals_create},
      {"principals remove", "NAME", "Remove a principal and its keys.", "", with_client_flags({}),
       principals_remove},
      {"grants ls", "", "List grants.", "", with_client_flags({}), grants_list},
      {"grants add", "NAME", "Give (or with --deny, take) a role on a path and all below.", "",
       with_client_flags({{"--principal", "NAME", "who: a name, group:NAME or *; repeatable"},
                          {"--prefix", "PATH", "on what (required)"},
                          {"--role", "ROLE", "reader, writer or owner [reader]"},
                          {"--deny", "", "deny instead; wins over every other grant"}}),
       grants_add},
      {"grants remove", "NAME", "Remove a grant.", "", with_client_flags({}), grants_remove},
      {"audit verify", "[DIR]", "Check the audit log, offline; name the first damaged record.",
       "DIR is the log's directory (DATA/audit) or the data directory; without it the server is\n"
       "asked where its log is.",
       with_client_flags({{"--key", "TEXT", "verifier key [DIR/public-key]"}}), audit_verify},
      {"audit ingest", "FILE", "Take Google's audit logs of native accesses into the audit trail.",
       "FILE has the entries of Cloud Audit Logs as JSON lines (an export or a log sink); \"-\" "
       "is\n"
       "standard input. Entries of other services are passed over.",
       with_client_flags({{"--except", "EMAIL", "our own service account: what it did is there"}}),
       audit_ingest},
      {"iam plan", "BACKEND", "Show how a bucket's IAM policies differ from the grants here.", "",
       with_client_flags({{"--members", "FILE", "TOML, a table [members] of NAME = \"MEMBER\""}}),
       iam_plan},
      {"iam apply", "BACKEND", "Show the difference, then make exactly that in the bucket.", "",
       with_client_flags({{"--members", "FILE", "TOML, a table [members] of NAME = \"MEMBER\""}}),
       iam_apply},
  };
}

}  // namespace

const std::vector<CommandSpec>& commands() {
  static const std::vector<CommandSpec> kCommands = [] {
    std::vector<CommandSpec> all;
    for (const auto& group : {server_commands(), estate_commands(), entry_commands(),
                              policy_commands(), identity_commands()}) {
      all.insert(all.end(), group.begin(), group.end());
    }
    return all;
  }();
  return kCommands;
}

int call_and_print(const Invocation& invocation, const std::string& method,
                   const std::string& target, const std::string& body,
                   const std::function<void(const wire::Value& answer)>& print) {
  const auto client = AdminClient::make(invocation);
  if (!client) return report(client.error());
  if (invocation.json()) {
    const auto answer = client->call(method, target, body);
    if (!answer) return report(answer.error());
    std::printf("%s\n", answer->c_str());
    return kSucceeded;
  }
  const auto answer = client->call_json(method, target, body);
  if (!answer) return report(answer.error());
  print(*answer);
  return kSucceeded;
}

}  // namespace beringia::app

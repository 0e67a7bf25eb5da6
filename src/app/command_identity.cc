#include <cstdio>

#include "app/commands.h"
#include "app/text_table.h"
#include "base/encoding.h"
#include "base/json_writer.h"

namespace beringia::app {
namespace {

void write_texts(JsonWriter& json, std::string_view name, const Invocation& invocation,
                 const std::string& flag) {
  json.key(name).begin_array();
  if (const auto found = invocation.flags.find(flag); found != invocation.flags.end()) {
    for (const auto& text : found->second) json.value(text);
  }
  json.end_array();
}

int missing(const std::string& command, const std::string& flag) {
  report(invalid("cannot run beringia " + command, flag + " is missing"));
  return kMisused;
}

/// The answer's "key_file" member as it is: what Google's libraries read.
int print_key_file(const Invocation& invocation, const std::string& body) {
  const auto client = AdminClient::make(invocation);
  if (!client) return report(client.error());
  const auto answer = client->call("POST", "/v1/keys", body);
  if (!answer) return report(answer.error());
  constexpr std::string_view kMember = "\"key_file\":";
  const size_t at = answer->find(kMember);
  if (at == std::string::npos || !answer->ends_with('}')) {
    return report(internal("the server sent no key file"));
  }
  const size_t from = at + kMember.size();
  std::printf("%s\n", answer->substr(from, answer->size() - from - 1).c_str());
  return kSucceeded;
}

}  // namespace

int keys_create(const Invocation& invocation) {
  if (!invocation.has("--principal")) return missing("keys create", "--principal");
  const std::string kind = invocation.get("--kind", "s3");
  JsonWriter json;
  json.begin_object().member("principal", invocation.get("--principal")).member("kind", kind);
  if (invocation.has("--token-uri")) json.member("token_uri", invocation.get("--token-uri"));
  json.end_object();
  if (kind == "service-account" && !invocation.json()) {
    return print_key_file(invocation, json.text());
  }
  return call_and_print(invocation, "POST", "/v1/keys", json.text(), [](const wire::Value& answer) {
    std::printf("principal   %s\naccess key  %s\nsecret key  %s\n",
                text_of(answer, "principal").c_str(), text_of(answer, "access_key").c_str(),
                text_of(answer, "secret_key").c_str());
  });
}

int keys_list(const Invocation& invocation) {
  return call_and_print(invocation, "GET", "/v1/keys", {}, [](const wire::Value& answer) {
    TextTable table{{"KEY", "KIND", "PRINCIPAL", "CREATED", "DISABLED"}};
    for (const auto& key : items_of(answer, "keys")) {
      table.add({text_of(key, "id"), text_of(key, "kind"), text_of(key, "principal"),
                 text_of(key, "created"), text_of(key, "disabled")});
    }
    table.print();
  });
}

int keys_disable(const Invocation& invocation) {
  const std::string& id = invocation.arguments.front();
  return call_and_print(invocation, "POST", "/v1/keys/" + percent_encode(id) + "/disable", {},
                        [&](const wire::Value&) { std::printf("disabled %s\n", id.c_str()); });
}

int principals_list(const Invocation& invocation) {
  return call_and_print(invocation, "GET", "/v1/principals", {}, [](const wire::Value& answer) {
    TextTable table{{"PRINCIPAL", "DISABLED", "GROUPS"}};
    for (const auto& one : items_of(answer, "principals")) {
      table.add({text_of(one, "name"), text_of(one, "disabled"), joined(one, "groups")});
    }
    table.print();
  });
}

int principals_create(const Invocation& invocation) {
  const std::string& name = invocation.arguments.front();
  JsonWriter json;
  json.begin_object();
  write_texts(json, "groups", invocation, "--group");
  write_texts(json, "assumable_by", invocation, "--assumable-by");
  json.member("disabled", invocation.has("--disabled")).end_object();
  return call_and_print(invocation, "PUT", "/v1/principals/" + percent_encode(name), json.text(),
                        [&](const wire::Value&) { std::printf("principal %s\n", name.c_str()); });
}

int principals_remove(const Invocation& invocation) {
  const std::string& name = invocation.arguments.front();
  return call_and_print(invocation, "DELETE", "/v1/principals/" + percent_encode(name), {},
                        [&](const wire::Value&) { std::printf("removed %s\n", name.c_str()); });
}

int grants_list(const Invocation& invocation) {
  return call_and_print(invocation, "GET", "/v1/grants", {}, [](const wire::Value& answer) {
    TextTable table{{"GRANT", "", "ROLE", "PREFIX", "PRINCIPALS"}};
    for (const auto& one : items_of(answer, "grants")) {
      table.add({text_of(one, "name"), flag_in(one, "deny") ? "deny" : "allow",
                 text_of(one, "role"), text_of(one, "prefix"), joined(one, "principals")});
    }
    table.print();
  });
}

int grants_add(const Invocation& invocation) {
  if (!invocation.has("--principal")) return missing("grants add", "--principal");
  if (!invocation.has("--prefix")) return missing("grants add", "--prefix");
  const std::string& name = invocation.arguments.front();
  JsonWriter json;
  json.begin_object();
  write_texts(json, "principals", invocation, "--principal");
  json.member("prefix", invocation.get("--prefix"));
  json.member("role", invocation.get("--role", "reader"));
  json.member("deny", invocation.has("--deny")).end_object();
  return call_and_print(invocation, "PUT", "/v1/grants/" + percent_encode(name), json.text(),
                        [&](const wire::Value&) { std::printf("grant %s\n", name.c_str()); });
}

int grants_remove(const Invocation& invocation) {
  const std::string& name = invocation.arguments.front();
  return call_and_print(invocation, "DELETE", "/v1/grants/" + percent_encode(name), {},
                        [&](const wire::Value&) { std::printf("removed %s\n", name.c_str()); });
}

}  // namespace beringia::app

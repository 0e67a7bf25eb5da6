#include <cstdio>
#include <fstream>
#include <iterator>

#include "app/commands.h"
#include "app/text_table.h"
#include "base/encoding.h"
#include "base/json_writer.h"

namespace beringia::app {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

/// {"members": {...}} of a file with a table [members].
Result<std::string> members_of(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
  if (path.empty() || !file.is_open() || file.bad()) {
    return std::unexpected(
        not_found("cannot read the members file \"" + path + "\"", "",
                  "give --members FILE, a table [members] of NAME = \"MEMBER\""));
  }
  BR_TRY(document, wire::parse_toml(text, kMaxFileBytes, path));
  wire::TableReader reader{document, path};
  const wire::Value* members = reader.value("members");
  BR_TRY(reader.finish());
  JsonWriter json;
  json.begin_object();
  if (members != nullptr) {
    for (const auto& [name, value] : members->members) json.member(name, value.text);
  }
  json.end_object();
  return json.take();
}

void print_rows(const wire::Value& plan) {
  TextTable table{{"", "FOLDER", "ROLE", "MEMBER", "GRANT"}};
  for (const auto& row : items_of(plan, "rows")) {
    const std::string folder = text_of(row, "folder");
    table.add({text_of(row, "change") == "add" ? "+" : "-", folder.empty() ? "(bucket)" : folder,
               text_of(row, "role"), text_of(row, "member"), text_of(row, "grant")});
  }
  if (items_of(plan, "rows").empty()) {
    std::printf("no difference\n");
  } else {
    table.print();
  }
  for (const auto& note : items_of(plan, "notes")) std::printf("note: %s\n", note.text.c_str());
}

void append_rows(JsonWriter& json, const wire::Value& plan) {
  json.key("rows").begin_array();
  for (const auto& row : items_of(plan, "rows")) {
    json.begin_object();
    for (const char* name : {"change", "folder", "role", "member"}) {
      json.member(name, text_of(row, name));
    }
    json.end_object();
  }
  json.end_array();
}

struct Asked {
  std::string members;  // JSON
  std::string answer;   // JSON
  wire::Value plan;
};

Result<Asked> ask(const AdminClient& client, const Invocation& invocation) {
  Asked out;
  BR_TRY(members, members_of(invocation.get("--members")));
  out.members = std::move(members);
  BR_TRY(answer,
         client.call("POST", "/v1/iam/" + percent_encode(invocation.arguments.front()) + "/plan",
                     "{\"members\":" + out.members + "}"));
  out.answer = std::move(answer);
  BR_TRY(plan, wire::parse_json(out.answer, 64 << 20, "the plan"));
  out.plan = std::move(plan);
  return out;
}

}  // namespace

int iam_plan(const Invocation& invocation) {
  const auto client = AdminClient::make(invocation);
  if (!client) return report(client.error());
  const auto asked = ask(*client, invocation);
  if (!asked) return report(asked.error());
  if (invocation.json()) {
    std::printf("%s\n", asked->answer.c_str());
  } else {
    print_rows(asked->plan);
  }
  return kSucceeded;
}

int iam_apply(const Invocation& invocation) {
  const auto client = AdminClient::make(invocation);
  if (!client) return report(client.error());
  const auto asked = ask(*client, invocation);
  if (!asked) return report(asked.error());
  if (!invocation.json()) print_rows(asked->plan);
  JsonWriter json;
  json.begin_object().key("members").raw(asked->members);
  append_rows(json, asked->plan);
  json.end_object();
  const auto done = client->call(
      "POST", "/v1/iam/" + percent_encode(invocation.arguments.front()) + "/apply", json.text());
  if (!done) return report(done.error());
  if (invocation.json()) std::printf("%s\n", done->c_str());
  return kSucceeded;
}

}  // namespace beringia::app

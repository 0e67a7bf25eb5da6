#include <cstdio>

#include "app/commands.h"
#include "app/text_table.h"
#include "base/encoding.h"
#include "base/json_writer.h"
#include "base/quantity.h"

namespace beringia::app {
namespace {

constexpr uint64_t kPage = 1000;

/// Calls `visit` with each page of a listing until it returns false.
Result<void> each_page(const AdminClient& client, const std::string& target, uint64_t limit,
                       const std::function<void(const std::string&, const wire::Value&)>& visit) {
  std::string after;
  for (uint64_t left = limit; left > 0;) {
    const uint64_t size = std::min(left, kPage);
    BR_TRY(text, client.call("GET", target + "&limit=" + std::to_string(size) +
                                        "&after=" + percent_encode(after)));
    BR_TRY(page, wire::parse_json(text, SIZE_MAX, "the listing"));
    visit(text, page);
    const uint64_t got = items_of(page, "items").size() + items_of(page, "directories").size();
    if (!flag_in(page, "truncated") || got == 0) return {};
    left -= std::min(left, got);
    after = text_of(page, "last");
  }
  return {};
}

/// The inside of an array member of a JSON text made by our own server.
std::string inside_of(const wire::Value& page, const std::string& name) {
  JsonWriter json;
  json.begin_array();
  for (const auto& item : items_of(page, name)) {
    if (item.is(wire::Value::Kind::kText)) {
      json.value(item.text);
      continue;
    }
    json.begin_object();
    for (const auto& [key, value] : item.members) {
      if (value.is(wire::Value::Kind::kText)) json.member(key, value.text);
      if (value.is(wire::Value::Kind::kInteger)) json.member(key, value.integer);
      if (!value.is(wire::Value::Kind::kTable)) continue;
      json.key(key).begin_object();
      for (const auto& [name_inside, inside] : value.members) json.member(name_inside, inside.text);
      json.end_object();
    }
    json.end_object();
  }
  json.end_array();
  const std::string text = json.take();
  return text.substr(1, text.size() - 2);
}

void print_page(const wire::Value& page) {
  for (const auto& directory : items_of(page, "directories")) {
    std::printf("%12s  %-24s  %s\n", "-", "", directory.text.c_str());
  }
  for (const auto& item : items_of(page, "items")) {
    std::printf("%12s  %-24s  %s\n", text_of(item, "size").c_str(),
                text_of(item, "modified").c_str(), text_of(item, "path").c_str());
  }
}

void print_members(const wire::Value& answer, const std::string& indent) {
  size_t width = 0;
  for (const auto& member : answer.members) width = std::max(width, member.name.size());
  for (const auto& [name, value] : answer.members) {
    if (value.is(wire::Value::Kind::kTable)) {
      std::printf("%s%s\n", indent.c_str(), name.c_str());
      print_members(value, indent + "  ");
      continue;
    }
    const std::string text = text_of(answer, name);
    if (value.is(wire::Value::Kind::kArray) || text.empty()) continue;
    std::printf("%s%-*s  %s\n", indent.c_str(), static_cast<int>(width), name.c_str(),
                text.c_str());
  }
}

std::string query_of(const std::string& path) { return "?path=" + percent_encode(path); }

}  // namespace

int list_path(const Invocation& invocation) {
  const auto client = AdminClient::make(invocation);
  if (!client) return report(client.error());
  const std::string path = invocation.arguments.empty() ? "/" : invocation.arguments.front();
  const auto limit = parse_u64(invocation.get("--limit", std::to_string(UINT64_MAX)));
  if (!limit) {
    report(invalid("--limit is not a whole number"));
    return kMisused;
  }
  const std::string target =
      "/v1/list" + query_of(path) + (invocation.has("--recursive") ? "&recursive=true" : "");
  std::string items;
  std::string directories;
  const auto done = each_page(*client, target, *limit, [&](const auto&, const wire::Value& page) {
    if (!invocation.json()) return print_page(page);
    for (auto* all : {&items, &directories}) {
      const std::string more = inside_of(page, all == &items ? "items" : "directories");
      if (!more.empty()) *all += (all->empty() ? "" : ",") + more;
    }
  });
  if (!done) return report(done.error());
  if (invocation.json()) {
    std::printf("{\"items\":[%s],\"directories\":[%s]}\n", items.c_str(), directories.c_str());
  }
  return kSucceeded;
}

int stat_path(const Invocation& invocation) {
  return call_and_print(invocation, "GET", "/v1/stat" + query_of(invocation.arguments.front()), {},
                        [](const wire::Value& answer) { print_members(answer, ""); });
}

int explain_path(const Invocation& invocation) {
  return call_and_print(
      invocation, "GET", "/v1/explain" + query_of(invocation.arguments.front()), {},
      [](const wire::Value& answer) {
        std::printf("%s  %s, generation %s\n", text_of(answer, "path").c_str(),
                    approximate_bytes(number_of(answer, "size")).c_str(),
                    text_of(answer, "generation").c_str());
        std::printf("mount    %s\n", text_of(answer, "mount").c_str());
        for (const auto& copy : items_of(answer, "copies")) {
          const std::string storage_class = text_of(copy, "class");
          std::printf("copy     %s: %s%s%s (%s)\n", text_of(copy, "backend").c_str(),
                      text_of(copy, "native_name").c_str(), storage_class.empty() ? "" : ", ",
                      storage_class.c_str(), text_of(copy, "state").c_str());
        }
        std::printf("why      %s\n", text_of(answer, "why").c_str());
        if (!text_of(answer, "rule").empty()) {
          std::printf("policy   %s: %s\n", text_of(answer, "rule").c_str(),
                      text_of(answer, "condition").c_str());
        }
        if (!text_of(answer, "verdict").empty()) {
          std::printf("verdict  %s\n", text_of(answer, "verdict").c_str());
        }
        for (const auto& problem : items_of(answer, "problems")) {
          std::printf("problem  %s\n", problem.text.c_str());
        }
      });
}

}  // namespace beringia::app

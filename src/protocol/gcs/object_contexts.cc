#include "protocol/gcs/object_contexts.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "wire/document.h"

namespace beringia::protocol::gcs {
namespace {

/// The text is a native attribute, of which stores take a few KiB.
constexpr size_t kMaxTextBytes = 8 << 10;

struct Context {
  std::string value, created, updated;
};
using Contexts = std::map<std::string, Context>;

std::string text_in(const wire::Value& table, std::string_view member) {
  const wire::Value* value = table.find(member);
  return value == nullptr ? std::string{} : value->text;
}

/// What was kept; what cannot be read was somebody else's, and is none.
Contexts parse(const std::string& text) {
  Contexts contexts;
  if (text.empty()) return contexts;
  const auto document = wire::parse_json(text, kMaxTextBytes, "contexts");
  if (!document) return contexts;
  for (const auto& [key, payload] : document->members) {
    contexts[key] = {text_in(payload, "value"), text_in(payload, "createTime"),
                     text_in(payload, "updateTime")};
  }
  return contexts;
}

std::string render(const Contexts& contexts) {
  if (contexts.empty()) return {};
  JsonWriter json;
  json.begin_object();
  for (const auto& [key, context] : contexts) {
    json.key(key).begin_object().member("value", std::string_view{context.value});
    json.member("createTime", std::string_view{context.created});
    json.member("updateTime", std::string_view{context.updated}).end_object();
  }
  return json.end_object().take();
}

/// Google: 1 to 256 bytes, beginning with a letter or digit, without quotes, slashes, backslashes.
bool is_good(const std::string& text) {
  if (text.empty() || text.size() > kMaxContextBytes || !is_utf8(text)) return false;
  const auto first = static_cast<unsigned char>(text[0]);
  const bool begins = first >= 0x80 || (first >= '0' && first <= '9') ||
                      (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
  return begins && std::ranges::none_of(text, [](unsigned char c) {
           return c < ' ' || c == 0x7f || c == '\'' || c == '"' || c == '\\' || c == '/';
         });
}

Error bad_context(std::string_view what) {
  return invalid("Invalid object context",
                 "\"" + std::string{what.substr(0, 64)} +
                     "\": keys and values have 1 to 256 bytes, begin with a letter or digit, and "
                     "have no quotes, slashes or backslashes");
}

/// Takes what stands between quotes off the front. @return nullopt: it is none
std::optional<std::string> quoted(std::string_view& text) {
  if (!text.starts_with('"')) return std::nullopt;
  const size_t end = text.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  std::string inner{text.substr(1, end - 1)};
  text.remove_prefix(end + 1);
  return inner;
}

}  // namespace

Result<std::string> contexts_after(const std::string& before, const wire::gcs::ObjectChange& change,
                                   Timestamp now, bool replaces) {
  if (!change.has_contexts && !change.contexts_null && !replaces) return before;
  const Contexts old = parse(before);
  Contexts contexts = change.contexts_null || replaces ? Contexts{} : old;
  for (const auto& [key, value] : change.contexts) {
    if (!value) {
      contexts.erase(key);
      continue;
    }
    if (!is_good(key) || key.starts_with("goog")) return std::unexpected(bad_context(key));
    if (!is_good(*value)) return std::unexpected(bad_context(*value));
    const auto was = old.find(key);
    Context context{*value, to_iso8601(now), to_iso8601(now)};
    if (was != old.end()) {
      context.created = was->second.created;
      if (was->second.value == *value) context.updated = was->second.updated;
    }
    contexts[key] = std::move(context);
  }
  std::string text = render(contexts);
  if (contexts.size() > kMaxContexts || text.size() > kMaxTextBytes) {
    return std::unexpected(invalid("The object has too many contexts",
                                   "at most 50, and 8 KiB as they are shown, can be kept"));
  }
  return text;
}

Result<std::string> full_context_of(const meta::EntryRecord& record, const std::string& key) {
  const auto kept = record.http.find(kContexts);
  const Contexts contexts = parse(kept == record.http.end() ? std::string{} : kept->second);
  const auto found = contexts.find(key);
  if (found == contexts.end()) {
    return std::unexpected(
        not_found("The object has no such context.", key.substr(0, kMaxContextBytes))
            .with_tag("no_context"));
  }
  JsonWriter json;
  json.begin_object().member("kind", "storage#objectFullContext").member("key", key);
  json.member("type", "CUSTOM").member("value", std::string_view{found->second.value});
  json.member("createTime", std::string_view{found->second.created});
  json.member("updateTime", std::string_view{found->second.updated});
  return json.end_object().take();
}

Result<bool> drops_contexts(const Call& call) {
  const auto groups = call.query.all("dropContextGroups");
  for (const std::string_view group : groups) {
    if (group == "custom") continue;
    return std::unexpected(
        invalid("Invalid value for parameter dropContextGroups", "the only group is custom"));
  }
  return !groups.empty();
}

Result<ContextFilter> ContextFilter::parse(std::string_view text) {
  ContextFilter filter;
  if (text.empty()) return filter;
  const auto wrong = [&] {
    return std::unexpected(invalid("Invalid value for parameter filter",
                                   "it is one of contexts.\"KEY\":*, contexts.\"KEY\"=\"VALUE\", "
                                   "or one of these with a - before it"));
  };
  filter.negated_ = text.starts_with('-');
  if (filter.negated_) text.remove_prefix(1);
  constexpr std::string_view kMember = "contexts.";
  if (!text.starts_with(kMember)) return wrong();
  text.remove_prefix(kMember.size());
  auto key = quoted(text);
  if (!key || key->empty()) return wrong();
  filter.key_ = std::move(*key);
  filter.any_value_ = text == ":*";
  if (filter.any_value_) return filter;
  if (!text.starts_with('=')) return wrong();
  text.remove_prefix(1);
  auto value = quoted(text);
  if (!value || !text.empty()) return wrong();
  filter.value_ = std::move(*value);
  return filter;
}

bool ContextFilter::matches(const meta::EntryRecord& record) const {
  if (empty()) return true;
  const auto kept = record.http.find(kContexts);
  if (kept == record.http.end()) return negated_;
  const Contexts contexts = gcs::parse(kept->second);
  const auto found = contexts.find(key_);
  const bool has = found != contexts.end() && (any_value_ || found->second.value == value_);
  return has != negated_;
}

}  // namespace beringia::protocol::gcs

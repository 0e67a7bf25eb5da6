#include "protocol/admin/estate_sections.h"

#include <algorithm>
#include <map>

#include "base/json_writer.h"
#include "base/quantity.h"

namespace beringia::protocol::admin {
namespace {

using wire::Value;

Value text_value(std::string text) {
  Value value;
  value.kind = Value::Kind::kText;
  value.text = std::move(text);
  return value;
}
Value boolean_value(bool boolean) {
  Value value;
  value.kind = Value::Kind::kBoolean;
  value.boolean = boolean;
  return value;
}
Value integer_value(uint64_t integer) {
  Value value;
  value.kind = Value::Kind::kInteger;
  value.integer = static_cast<int64_t>(integer);
  return value;
}
Value number_value(double number) {
  Value value;
  value.kind = Value::Kind::kFloat;
  value.number = number;
  return value;
}
Value empty_value(Value::Kind kind) {
  Value value;
  value.kind = kind;
  return value;
}
Value texts_value(const std::vector<std::string>& texts) {
  Value value = empty_value(Value::Kind::kArray);
  for (const auto& text : texts) value.items.push_back(text_value(text));
  return value;
}

/// Collects fields; texts that are empty are defaults and left out.
class Fields {
 public:
  explicit Fields(Section& section) : section_{section} {}
  void add(std::string key, Value value) {
    section_.fields.push_back({std::move(key), std::move(value)});
  }
  void text(std::string key, const std::string& text) {
    if (!text.empty()) add(std::move(key), text_value(text));
  }
  void flag(std::string key, bool flag) {
    if (flag) add(std::move(key), boolean_value(flag));
  }

 private:
  Section& section_;
};

Section section_of(const meta::BackendDeclaration& backend) {
  Section section{"backend", backend.name, {}};
  Fields fields{section};
  fields.text("name", backend.name);
  fields.text("url", backend.url);
  fields.text("endpoint", backend.endpoint);
  fields.text("credentials", backend.credentials_file);
  fields.text("site", backend.site);
  fields.text("region", backend.region);
  if (backend.max_concurrency != meta::BackendDeclaration{}.max_concurrency) {
    fields.add("max_concurrency", integer_value(backend.max_concurrency));
  }
  fields.text("user_project", backend.user_project);
  fields.text("kms_key", backend.kms_key);
  if (backend.max_calls_per_hour != 0) {
    fields.add("max_calls_per_hour", integer_value(backend.max_calls_per_hour));
  }
  if (backend.calls_per_second != 0 || backend.calls_per_day != 0) {
    Value budget = empty_value(Value::Kind::kTable);
    const std::pair<const char*, uint64_t> both[] = {{"per_second", backend.calls_per_second},
                                                     {"per_day", backend.calls_per_day}};
    for (const auto& [key, calls] : both) {
      if (calls != 0) budget.members.push_back({key, integer_value(calls)});
    }
    fields.add("call_budget", std::move(budget));
  }
  fields.text("subscription", backend.subscription);
  fields.text("pubsub_endpoint", backend.pubsub_endpoint);
  if (backend.prices != meta::PriceList{}) {
    Value prices = empty_value(Value::Kind::kTable);
    const std::pair<const char*, double> all[] = {
        {"storage_gb_month", backend.prices.storage_gb_month},
        {"write_per_1000", backend.prices.write_per_1000},
        {"read_per_1000", backend.prices.read_per_1000},
        {"egress_gb", backend.prices.egress_gb},
        {"retrieval_gb", backend.prices.retrieval_gb}};
    for (const auto& [key, price] : all) {
      if (price != 0) prices.members.push_back({key, number_value(price)});
    }
    fields.add("prices", std::move(prices));
  }
  return section;
}

Section section_of(const meta::MountDeclaration& mount) {
  Section section{"mount", mount.path.text(), {}};
  Fields fields{section};
  fields.text("path", mount.path.text());
  Value locations = empty_value(Value::Kind::kArray);
  for (const auto& location : mount.locations) {
    if (location.prefix.empty()) {
      locations.items.push_back(text_value(location.backend));
      continue;
    }
    Value table = empty_value(Value::Kind::kTable);
    table.members.push_back({"backend", text_value(location.backend)});
    table.members.push_back({"prefix", text_value(location.prefix)});
    locations.items.push_back(std::move(table));
  }
  fields.add("locations", std::move(locations));
  fields.text("freshness", mount.freshness.exclusive ? "exclusive" : "shared");
  if (!mount.freshness.exclusive && mount.freshness.max_staleness.count() != 0) {
    fields.text("max_staleness", format_duration(mount.freshness.max_staleness));
  }
  fields.flag("read_only", mount.read_only);
  return section;
}

Section section_of(const meta::AliasDeclaration& alias) {
  Section section{"alias", alias.name, {}};
  Fields fields{section};
  fields.text("name", alias.name);
  fields.text("target", alias.target.text());
  return section;
}

Section section_of(const identity::PrincipalRecord& principal) {
  Section section{"principal", principal.name, {}};
  Fields fields{section};
  fields.text("name", principal.name);
  if (!principal.groups.empty()) fields.add("groups", texts_value(principal.groups));
  fields.flag("disabled", principal.disabled);
  if (!principal.assumable_by.empty()) {
    fields.add("assumable_by", texts_value(principal.assumable_by));
  }
  return section;
}

Section section_of(const meta::IdentityProviderDeclaration& provider) {
  Section section{"identity_provider", provider.name, {}};
  Fields fields{section};
  fields.text("name", provider.name);
  fields.text("issuer", provider.issuer);
  fields.add("audiences", texts_value(provider.audiences));
  fields.text("keys", provider.keys);
  fields.text("claim", provider.claim);
  return section;
}

Section section_of(const meta::NotificationTargetDeclaration& target) {
  Section section{"notification_target", target.name, {}};
  Fields fields{section};
  fields.text("name", target.name);
  if (target.kind != meta::NotificationTargetDeclaration{}.kind) fields.text("kind", target.kind);
  fields.text("url", target.url);
  fields.text("authorization_file", target.authorization_file);
  return section;
}

Section section_of(const access::GrantRule& rule) {
  Section section{"grant", rule.id, {}};
  Fields fields{section};
  fields.text("name", rule.id);
  fields.add("principals", texts_value(rule.principals));
  fields.text("prefix", rule.prefix);
  fields.text("role", std::string{access::to_string(rule.role)});
  fields.flag("deny", rule.deny);
  return section;
}

Section section_of(const meta::PolicyDeclaration& policy) {
  Section section{"policy", policy.name, {}};
  Fields fields{section};
  fields.text("name", policy.name);
  fields.text("when", policy.when);
  Value places = empty_value(Value::Kind::kArray);
  for (const auto& place : policy.place) {
    Value table = empty_value(Value::Kind::kTable);
    table.members.push_back({"backend", text_value(place.backend)});
    if (!place.storage_class.empty()) {
      table.members.push_back({"class", text_value(place.storage_class)});
    }
    places.items.push_back(std::move(table));
  }
  fields.add("place", std::move(places));
  if (policy.bandwidth_bytes_per_s != 0) {
    fields.text("bandwidth", format_rate(policy.bandwidth_bytes_per_s));
  }
  return section;
}

const Section* find_section(const std::vector<Section>& sections, const Section& like) {
  const auto found = std::ranges::find_if(
      sections, [&](const Section& one) { return one.kind == like.kind && one.name == like.name; });
  return found == sections.end() ? nullptr : &*found;
}

std::string field_text(const Section& section, const std::string& key) {
  for (const auto& field : section.fields) {
    if (field.name == key) return to_toml(field.value);
  }
  return {};
}

std::string warning_of_removal(const Section& section) {
  if (section.kind == "backend") return "copies in this backend can no longer be read";
  if (section.kind == "mount") return "what is below this path can no longer be reached";
  if (section.kind == "alias") return "clients that use this bucket name no longer find it";
  if (section.kind == "principal") return "its keys are deleted";
  if (section.kind == "identity_provider") return "its tokens, and the sessions they began, end";
  if (section.kind == "notification_target") return "what was not delivered to it yet waits for it";
  return {};
}

/// A location of `before` that `after` has not.
bool loses_a_location(const Section& before, const Section& after) {
  const auto places = [](const Section& section) {
    std::vector<std::string> texts;
    for (const auto& field : section.fields) {
      if (field.name != "locations") continue;
      for (const auto& item : field.value.items) texts.push_back(to_toml(item));
    }
    return texts;
  };
  const auto kept = places(after);
  return std::ranges::any_of(places(before), [&](const std::string& place) {
    return std::ranges::find(kept, place) == kept.end();
  });
}

std::string warning_of_change(const SectionChange& change) {
  for (const auto& field : change.fields) {
    if (change.section == "backend" && (field.key == "url" || field.key == "endpoint")) {
      return "copies that are not at the new place can no longer be read";
    }
    if (change.section == "principal" && field.key == "disabled") return "its keys change";
  }
  return {};
}

SectionChange change_of(const Section& before, const Section& after) {
  SectionChange change{SectionChange::Kind::kChange, after.kind, after.name, {}, {}};
  std::vector<std::string> keys;
  for (const auto* section : {&before, &after}) {
    for (const auto& field : section->fields) {
      if (std::ranges::find(keys, field.name) == keys.end()) keys.push_back(field.name);
    }
  }
  for (const auto& key : keys) {
    auto old_text = field_text(before, key);
    auto new_text = field_text(after, key);
    if (old_text != new_text) change.fields.push_back({key, old_text, new_text});
  }
  return change;
}

}  // namespace

std::vector<Section> sections_of(const DeclaredEstate& declared) {
  std::vector<Section> sections;
  for (const auto& one : declared.estate.backends) sections.push_back(section_of(one));
  for (const auto& one : declared.estate.mounts) sections.push_back(section_of(one));
  for (const auto& one : declared.estate.aliases) sections.push_back(section_of(one));
  for (const auto& one : declared.principals) {
    if (one.name != "root") sections.push_back(section_of(one));
  }
  for (const auto& one : declared.grants) sections.push_back(section_of(one));
  for (const auto& one : declared.estate.policies) sections.push_back(section_of(one));
  for (const auto& one : declared.estate.identity_providers) sections.push_back(section_of(one));
  for (const auto& one : declared.estate.notification_targets) sections.push_back(section_of(one));
  return sections;
}

std::string to_toml(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kText: {
      // A literal string where that is easier to read: conditions hold many quotation marks.
      const bool literal = value.text.find('"') != std::string::npos &&
                           std::ranges::all_of(value.text, [](unsigned char c) {
                             return c >= 0x20 && c != 0x7f && c != '\'';
                           });
      if (literal) return "'" + value.text + "'";
      // TOML's basic strings take all escapes that JSON's writer makes.
      std::string text = "\"";
      append_json_escaped(text, value.text);
      return text + '"';
    }
    case Value::Kind::kBoolean: return value.boolean ? "true" : "false";
    case Value::Kind::kInteger: return std::to_string(value.integer);
    case Value::Kind::kFloat: {
      JsonWriter json;
      json.value(value.number);
      std::string text = json.take();
      return text.find_first_of(".eE") == std::string::npos ? text + ".0" : text;
    }
    case Value::Kind::kArray: {
      std::string text = "[";
      for (const auto& item : value.items) text += (text.size() > 1 ? ", " : "") + to_toml(item);
      return text + "]";
    }
    case Value::Kind::kTable: {
      std::string text = "{ ";
      for (const auto& [name, member] : value.members) {
        text += (text.size() > 2 ? ", " : "") + name + " = " + to_toml(member);
      }
      return text + " }";
    }
    case Value::Kind::kNull: break;
  }
  return "\"\"";
}

std::string to_toml(const std::vector<Section>& sections) {
  std::string text;
  for (const auto& section : sections) {
    text += (text.empty() ? "[[" : "\n[[") + section.kind + "]]\n";
    for (const auto& [key, value] : section.fields) text += key + " = " + to_toml(value) + "\n";
  }
  return text;
}

std::string_view to_string(SectionChange::Kind kind) {
  switch (kind) {
    case SectionChange::Kind::kAdd: return "add";
    case SectionChange::Kind::kChange: return "change";
    case SectionChange::Kind::kRemove: return "remove";
  }
  return "change";
}

std::vector<SectionChange> changes_between(const std::vector<Section>& before,
                                           const std::vector<Section>& after) {
  std::vector<SectionChange> changes;
  for (const auto& section : after) {
    const Section* old = find_section(before, section);
    SectionChange change = change_of(old == nullptr ? Section{} : *old, section);
    if (old == nullptr) {
      change.kind = SectionChange::Kind::kAdd;
    } else if (change.fields.empty()) {
      continue;
    } else {
      change.warning = loses_a_location(*old, section)
                           ? "entries whose only copy is in a location that goes can no longer be "
                             "read"
                           : warning_of_change(change);
    }
    changes.push_back(std::move(change));
  }
  for (const auto& section : before) {
    if (find_section(after, section) != nullptr) continue;
    SectionChange change = change_of(section, Section{});
    change.kind = SectionChange::Kind::kRemove;
    change.section = section.kind;
    change.name = section.name;
    change.warning = warning_of_removal(section);
    changes.push_back(std::move(change));
  }
  return changes;
}

std::vector<SectionChange> changes_between(const DeclaredEstate& before,
                                           const DeclaredEstate& after) {
  std::map<std::string, std::string> new_names;
  for (const auto& old : before.estate.backends) {
    for (const auto& backend : after.estate.backends) {
      if (backend.id == old.id && backend.name != old.name) new_names[old.name] = backend.name;
    }
  }
  const auto rename = [&](std::string& name) {
    if (const auto found = new_names.find(name); found != new_names.end()) name = found->second;
  };
  DeclaredEstate renamed = before;
  for (auto& mount : renamed.estate.mounts) {
    for (auto& location : mount.locations) rename(location.backend);
  }
  for (auto& policy : renamed.estate.policies) {
    for (auto& place : policy.place) rename(place.backend);
  }
  auto sections = sections_of(renamed);
  for (auto& section : sections) {
    if (section.kind == "backend") rename(section.name);  // its field "name" keeps the old one
  }
  return changes_between(sections, sections_of(after));
}

}  // namespace beringia::protocol::admin

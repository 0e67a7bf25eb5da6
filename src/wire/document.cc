#include "wire/document.h"

#include <algorithm>

#include "base/nearest_word.h"

namespace beringia::wire {

const Value* Value::find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(members, [&](const Member& member) { return member.name == name; });
  return found == members.end() ? nullptr : &found->value;
}

TableReader::TableReader(const Value& table, std::string where)
    : table_{table}, where_{std::move(where)} {
  if (!table.is(Value::Kind::kTable)) {
    errors_.push_back(invalid("cannot read " + where_, "it is not a table" + place(table.line)));
  }
}

std::string TableReader::place(uint32_t line) const {
  return line == 0 ? std::string{} : ", line " + std::to_string(line);
}

const Value* TableReader::known(std::string_view key) {
  known_.emplace(key);
  return table_.find(key);
}

void TableReader::wrong(std::string_view key, const Value& value, std::string_view expected) {
  if (!errors_.empty()) return;
  errors_.push_back(
      invalid("cannot read " + where_,
              "\"" + std::string{key} + "\" is not " + std::string{expected} + place(value.line)));
}

void TableReader::fail(std::string_view key, const Error& error) {
  if (!errors_.empty()) return;
  const Value* value = table_.find(key);
  const std::string line = place(value == nullptr ? table_.line : value->line);
  const std::string why = error.why().empty() ? "" : ": " + error.why();
  errors_.push_back(invalid("cannot read " + where_,
                            "\"" + std::string{key} + "\"" + line + ": " + error.what() + why,
                            error.hint()));
}

std::string TableReader::text(std::string_view key, std::string fallback) {
  const Value* value = known(key);
  if (value == nullptr) return fallback;
  if (!value->is(Value::Kind::kText)) wrong(key, *value, "a text in quotes");
  return value->text;
}

std::string TableReader::required_text(std::string_view key) {
  std::string found = text(key);
  if (found.empty() && errors_.empty()) {
    errors_.push_back(invalid("cannot read " + where_,
                              "\"" + std::string{key} + "\" is missing" + place(table_.line)));
  }
  return found;
}

bool TableReader::boolean(std::string_view key, bool fallback) {
  const Value* value = known(key);
  if (value == nullptr) return fallback;
  if (!value->is(Value::Kind::kBoolean)) wrong(key, *value, "true or false");
  return value->boolean;
}

int64_t TableReader::integer(std::string_view key, int64_t fallback, int64_t least, int64_t most) {
  const Value* value = known(key);
  if (value == nullptr) return fallback;
  if (!value->is(Value::Kind::kInteger) || value->integer < least || value->integer > most) {
    wrong(key, *value,
          "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return fallback;
  }
  return value->integer;
}

double TableReader::number(std::string_view key, double fallback) {
  const Value* value = known(key);
  if (value == nullptr) return fallback;
  if (!value->is(Value::Kind::kInteger) && !value->is(Value::Kind::kFloat)) {
    wrong(key, *value, "a number");
    return fallback;
  }
  return value->number;
}

std::vector<std::string> TableReader::texts(std::string_view key) {
  std::vector<std::string> found;
  const Value* value = known(key);
  if (value == nullptr) return found;
  if (!value->is(Value::Kind::kArray)) wrong(key, *value, "an array of texts");
  for (const auto& item : value->items) {
    if (!item.is(Value::Kind::kText)) wrong(key, item, "an array of texts");
    found.push_back(item.text);
  }
  return found;
}

const Value* TableReader::value(std::string_view key) { return known(key); }

std::vector<const Value*> TableReader::tables(std::string_view key) {
  std::vector<const Value*> found;
  const Value* value = known(key);
  if (value == nullptr) return found;
  if (!value->is(Value::Kind::kArray)) wrong(key, *value, "an array of tables");
  for (const auto& item : value->items) {
    if (!item.is(Value::Kind::kTable)) wrong(key, item, "an array of tables");
    found.push_back(&item);
  }
  return found;
}

Result<void> TableReader::finish() {
  if (!errors_.empty()) return std::unexpected(errors_.front());
  for (const auto& [name, value] : table_.members) {
    if (known_.contains(name)) continue;
    const std::vector<std::string> keys{known_.begin(), known_.end()};
    const std::string near = nearest_word(name, keys);
    std::string all;
    for (const auto& key : keys) all += (all.empty() ? "" : ", ") + key;
    return std::unexpected(
        invalid("cannot read " + where_, "unknown key \"" + name + "\"" + place(value.line),
                near.empty() ? "known keys: " + all : "did you mean \"" + near + "\"?"));
  }
  return {};
}

}  // namespace beringia::wire

#include "app/text_table.h"

#include <algorithm>
#include <cstdio>

namespace beringia::app {

std::string TextTable::text() const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - row[i].size() + 2, ' ');
    }
    out += line + "\n";
  }
  return out;
}

void TextTable::print() const { std::fputs(text().c_str(), stdout); }

std::string text_of(const wire::Value& table, std::string_view name) {
  const wire::Value* value = table.find(name);
  if (value == nullptr) return {};
  switch (value->kind) {
    case wire::Value::Kind::kText: return value->text;
    case wire::Value::Kind::kInteger: return std::to_string(value->integer);
    case wire::Value::Kind::kBoolean: return value->boolean ? "yes" : "no";
    default: return {};
  }
}

uint64_t number_of(const wire::Value& table, std::string_view name) {
  const wire::Value* value = table.find(name);
  return value == nullptr ? 0 : static_cast<uint64_t>(value->integer);
}

double real_of(const wire::Value& table, std::string_view name) {
  const wire::Value* value = table.find(name);
  return value == nullptr ? 0 : value->number;
}

bool flag_in(const wire::Value& table, std::string_view name) {
  const wire::Value* value = table.find(name);
  return value != nullptr && value->boolean;
}

const std::vector<wire::Value>& items_of(const wire::Value& table, std::string_view name) {
  static const std::vector<wire::Value> kNone;
  const wire::Value* value = table.find(name);
  return value == nullptr ? kNone : value->items;
}

std::string joined(const wire::Value& table, std::string_view name) {
  std::string out;
  for (const auto& item : items_of(table, name)) out += (out.empty() ? "" : ", ") + item.text;
  return out;
}

}  // namespace beringia::app

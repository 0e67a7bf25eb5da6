#pragma once

#include <string>
#include <vector>

#include "wire/document.h"

namespace beringia::app {

/// Rows in columns of equal width, for people. The first row is the heading.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> heading) { add(std::move(heading)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;
  void print() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Members of an answer as people read them; "" (or 0) if there is none.
std::string text_of(const wire::Value& table, std::string_view name);
uint64_t number_of(const wire::Value& table, std::string_view name);
double real_of(const wire::Value& table, std::string_view name);
bool flag_in(const wire::Value& table, std::string_view name);
/// Elements of an array member; empty if there is none.
const std::vector<wire::Value>& items_of(const wire::Value& table, std::string_view name);
/// Texts of an array member, joined by ", ".
std::string joined(const wire::Value& table, std::string_view name);

}  // namespace beringia::app

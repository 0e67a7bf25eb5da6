#pragma once

#include <string>
#include <utility>
#include <vector>

#include "protocol/admin/estate_file.h"
#include "wire/document.h"

namespace beringia::protocol::admin {

/// One declaration as the file would have it: only what differs from the defaults, in a fixed
/// order.
struct Section {
  std::string kind;  // "backend", "mount", ...
  std::string name;  // what it is told apart by
  std::vector<wire::Value::Member> fields;
};

/// All declarations in the order of the file. Principal root is not declared.
std::vector<Section> sections_of(const DeclaredEstate& declared);

/// lake.toml of it: reading it back gives the same sections.
std::string to_toml(const std::vector<Section>& sections);
/// A value on one line.
std::string to_toml(const wire::Value& value);

/// What makes `after` of `before`.
struct SectionChange {
  enum class Kind { kAdd, kChange, kRemove } kind = Kind::kAdd;
  std::string section, name;
  struct Field {
    std::string key, before, after;  // "" = not there
  };
  std::vector<Field> fields;
  std::string warning;  // why it is destructive; "" = it is not
};
std::string_view to_string(SectionChange::Kind kind);
std::vector<SectionChange> changes_between(const std::vector<Section>& before,
                                           const std::vector<Section>& after);

/// Same for whole estates: a backend that only has another name (same id) is one change of it, and
/// no change of the mounts and policies that name it.
std::vector<SectionChange> changes_between(const DeclaredEstate& before,
                                           const DeclaredEstate& after);

}  // namespace beringia::protocol::admin

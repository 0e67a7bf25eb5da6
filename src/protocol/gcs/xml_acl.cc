#include "protocol/gcs/xml_acl.h"

#include <algorithm>
#include <array>
#include <pugixml.hpp>

#include "protocol/gcs/xml_text.h"

namespace beringia::protocol::gcs {
namespace {

using pugi::xml_node;
using wire::gcs::AccessControl;

constexpr size_t kMaxEntries = 1000;

struct Role {
  const char* json;
  const char* xml;
};
constexpr std::array<Role, 3> kRoles = {
    {{"READER", "READ"}, {"WRITER", "WRITE"}, {"OWNER", "FULL_CONTROL"}}};

/// A kind of scope: its type, the child that names who is meant, and what the entity begins with.
struct Scope {
  const char* type;
  const char* child;  // null: everybody of that kind
  const char* entity;
};
constexpr std::array<Scope, 7> kScopes = {{
    {"AllUsers", nullptr, "allUsers"},
    {"AllAuthenticatedUsers", nullptr, "allAuthenticatedUsers"},
    {"UserByEmail", "EmailAddress", "user-"},
    {"UserById", "ID", "user-"},
    {"GroupByEmail", "EmailAddress", "group-"},
    {"GroupById", "ID", "group-"},
    {"GroupByDomain", "Domain", "domain-"},
}};
/// The teams of a project are groups without an address.
constexpr std::string_view kTeam = "project-";

const Scope* scope_of(std::string_view entity) {
  const bool is_address = entity.find('@') != entity.npos;
  for (const Scope& scope : kScopes) {
    if (scope.child == nullptr ? entity == scope.entity : entity.starts_with(scope.entity)) {
      const bool wants_id = std::string_view{scope.type}.ends_with("ById");
      const bool wants_address = std::string_view{scope.type}.ends_with("ByEmail");
      if ((wants_id && is_address) || (wants_address && !is_address)) continue;
      return &scope;
    }
  }
  return nullptr;
}

void append_scope(std::string& xml, std::string_view entity) {
  const Scope* scope = scope_of(entity);
  const std::string_view type = scope == nullptr ? "GroupById" : scope->type;
  xml.append("<Scope type='").append(type).append("'>");
  if (scope == nullptr) {
    append_xml(xml, "ID", entity);
  } else if (scope->child != nullptr) {
    append_xml(xml, scope->child, entity.substr(std::string_view{scope->entity}.size()));
  }
  xml += "</Scope>";
}

Result<std::string> entity_in(const xml_node& node) {
  const std::string_view type = node.attribute("type").as_string();
  const auto* scope =
      std::ranges::find_if(kScopes, [&](const Scope& one) { return one.type == type; });
  if (scope == kScopes.end()) {
    return std::unexpected(
        malformed_xml("unknown scope \"" + std::string{type.substr(0, 64)} + "\""));
  }
  if (scope->child == nullptr) return std::string{scope->entity};
  const std::string_view name = node.child(scope->child).text().as_string();
  if (name.empty()) {
    return std::unexpected(
        malformed_xml("a scope of " + std::string{type} + " has no " + scope->child));
  }
  if (type == "GroupById" && name.starts_with(kTeam)) return std::string{name};
  return std::string{scope->entity} + std::string{name};
}

}  // namespace

std::string xml_of_controls(std::string_view owner, const std::vector<AccessControl>& controls) {
  std::string xml = "<?xml version='1.0' encoding='UTF-8'?><AccessControlList><Owner>";
  constexpr std::string_view kUser = "user-";
  append_xml(xml, "ID", owner.starts_with(kUser) ? owner.substr(kUser.size()) : owner);
  xml += "</Owner><Entries>";
  for (const AccessControl& control : controls) {
    const auto* role =
        std::ranges::find_if(kRoles, [&](const Role& one) { return one.json == control.role; });
    if (role == kRoles.end()) continue;
    xml += "<Entry>";
    append_scope(xml, control.entity);
    append_xml(xml, "Permission", role->xml);
    xml += "</Entry>";
  }
  return xml += "</Entries></AccessControlList>";
}

Result<std::vector<AccessControl>> controls_of_xml(const std::string& xml) {
  pugi::xml_document document;
  // pugixml knows no external entities and expands none that a document declares.
  if (!document.load_buffer(xml.data(), xml.size()))
    return std::unexpected(malformed_xml("no XML"));
  const xml_node root = document.child("AccessControlList");
  if (!root) return std::unexpected(malformed_xml("its root is not AccessControlList"));
  std::vector<AccessControl> controls;
  for (const xml_node entry : root.child("Entries").children("Entry")) {
    if (controls.size() == kMaxEntries) return std::unexpected(malformed_xml("too many entries"));
    AccessControl control;
    BR_TRY(entity, entity_in(entry.child("Scope")));
    control.entity = std::move(entity);
    const std::string_view permission = entry.child("Permission").text().as_string();
    const auto* role =
        std::ranges::find_if(kRoles, [&](const Role& one) { return one.xml == permission; });
    if (role == kRoles.end()) {
      return std::unexpected(
          malformed_xml("unknown permission \"" + std::string{permission.substr(0, 64)} + "\""));
    }
    control.role = role->json;
    controls.push_back(std::move(control));
  }
  return controls;
}

}  // namespace beringia::protocol::gcs

#include "protocol/admin/iam_plan.h"

#include <algorithm>
#include <optional>
#include <set>

namespace beringia::protocol::admin {
namespace {

constexpr std::string_view kReader = "roles/storage.objectViewer";
constexpr std::string_view kWriter = "roles/storage.objectUser";
constexpr std::string_view kOwner = "roles/storage.objectAdmin";

std::optional<std::string> role_of(access::Role role) {
  switch (role) {
    case access::Role::kReader: return std::string{kReader};
    case access::Role::kWriter: return std::string{kWriter};
    case access::Role::kOwner: return std::string{kOwner};
    case access::Role::kCreator: break;  // of buckets: not a right in one
  }
  return std::nullopt;
}

/// A grant's prefix in directory form: "/a" and "/a/" mean the same.
std::string directory_of(std::string prefix) {
  if (!prefix.ends_with('/')) prefix += '/';
  return prefix;
}

bool overlap(const std::string& one, const std::string& other) {
  return one.starts_with(other) || other.starts_with(one);
}

bool may_be_same(const std::string& one, const std::string& other) {
  const auto many = [](const std::string& name) {
    return name == "*" || name.starts_with("group:");
  };
  return one == other || many(one) || many(other);
}

/// The first deny that cuts into what the grant gives the principal.
const access::GrantRule* cut_by(const std::vector<access::GrantRule>& grants,
                                const access::GrantRule& grant, const std::string& principal) {
  for (const auto& other : grants) {
    if (!other.deny || !overlap(directory_of(grant.prefix), directory_of(other.prefix))) continue;
    if (std::ranges::any_of(other.principals, [&](const std::string& name) {
          return may_be_same(name, principal);
        })) {
      return &other;
    }
  }
  return nullptr;
}

/// "gs://bucket/lake" -> "lake/"; "gs://bucket" -> "".
std::string root_of(const meta::BackendDeclaration& backend) {
  const auto rest = std::string_view{backend.url}.substr(std::string_view{"gs://"}.size());
  const auto slash = rest.find('/');
  std::string root{slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1)};
  if (!root.empty() && !root.ends_with('/')) root += '/';
  return root;
}

/// The folders of the bucket in which objects below `prefix` lie.
std::set<std::string> folders_of(const meta::Estate& estate,
                                 const meta::BackendDeclaration& backend,
                                 const std::string& prefix) {
  std::set<std::string> out;
  for (const auto& mount : estate.mounts) {
    const std::string path = mount.path.text();
    for (const auto& location : mount.locations) {
      if (location.backend != backend.name) continue;
      const std::string root = root_of(backend) + location.prefix;
      if (path.starts_with(prefix)) {
        out.insert(root);
      } else if (prefix.starts_with(path)) {
        out.insert(root + prefix.substr(path.size()));
      }
    }
  }
  return out;
}

}  // namespace

Result<IamPlan> plan_iam(const meta::Estate& estate, const std::string& backend,
                         const std::vector<access::GrantRule>& grants, const IamMembers& members,
                         const std::vector<NativeRight>& there) {
  const auto found = std::ranges::find(estate.backends, backend, &meta::BackendDeclaration::name);
  if (found == estate.backends.end()) {
    return std::unexpected(not_found("there is no backend \"" + backend + "\"", "",
                                     "beringia backend ls lists all of them"));
  }
  if (!found->url.starts_with("gs://")) {
    return std::unexpected(invalid("backend \"" + backend + "\" has no IAM policy",
                                   "it is " + found->url + ", not a bucket"));
  }
  IamPlan plan;
  std::set<std::string> unknown;
  std::map<NativeRight, std::string> wanted;  // -> the grant
  for (const auto& grant : grants) {
    const auto role = role_of(grant.role);
    const auto folders = folders_of(estate, *found, directory_of(grant.prefix));
    if (grant.deny || !role || folders.empty()) continue;
    for (const auto& principal : grant.principals) {
      const auto member = members.find(principal);
      if (member == members.end()) {
        unknown.insert(principal);
        continue;
      }
      if (const auto* deny = cut_by(grants, grant, principal)) {
        plan.notes.push_back("grant " + grant.id + " is not given to " + member->second +
                             ": the deny " + deny->id + " cuts into it and has no equal there");
        continue;
      }
      for (const auto& folder : folders) {
        wanted.emplace(NativeRight{folder, *role, member->second}, grant.id);
      }
    }
  }
  for (const auto& principal : unknown) {
    plan.notes.push_back("principal " + principal + " has no Google member: name one in [members]");
  }
  const std::set<NativeRight> has{there.begin(), there.end()};
  for (const auto& [right, grant] : wanted) {
    if (!has.contains(right)) plan.rows.push_back({right, true, grant});
  }
  for (const auto& right : has) {
    const bool ours = std::ranges::any_of(
        members, [&](const auto& member) { return member.second == right.member; });
    const bool known = right.role == kReader || right.role == kWriter || right.role == kOwner;
    if (ours && known && !wanted.contains(right)) plan.rows.push_back({right, false, {}});
  }
  std::ranges::sort(plan.rows, {}, [](const IamRow& row) { return row.right; });
  return plan;
}

}  // namespace beringia::protocol::admin

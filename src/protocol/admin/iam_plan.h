#pragma once

#include <map>
#include <string>
#include <vector>

#include "access/access.h"
#include "meta/estate.h"
#include "protocol/admin/estate_host.h"

namespace beringia::protocol::admin {

/// Google's names of principals here: "etl" -> "serviceAccount:etl@acme.iam.gserviceaccount.com",
/// "group:analysts" -> "group:analysts@acme.com", "*" -> "domain:acme.com".
using IamMembers = std::map<std::string, std::string, std::less<>>;

/// One difference between what grants give here and what the bucket's policies give.
struct IamRow {
  NativeRight right;
  bool add = true;
  std::string grant;  ///< why it is added; "" for one that no grant gives
};

struct IamPlan {
  std::vector<IamRow> rows;
  std::vector<std::string> notes;  ///< what has no equal there, and what was left out because of it
};

/// Compares grants with the rights that are there. Only members of `members` and the roles
/// roles/storage.objectViewer, .objectUser and .objectAdmin without condition are looked at: all
/// others are somebody else's. A deny has no equal in a bucket's policy: allows that it cuts into
/// are left out, so that nobody has more rights there than here.
/// @error kNotFound: no such backend; kInvalid: not a bucket
[[nodiscard]] Result<IamPlan> plan_iam(const meta::Estate& estate, const std::string& backend,
                                       const std::vector<access::GrantRule>& grants,
                                       const IamMembers& members,
                                       const std::vector<NativeRight>& there);

}  // namespace beringia::protocol::admin

#include "identity/principal.h"

#include <utility>

#include "identity/principal_verifier.h"

namespace beringia::identity {

Principal Principal::internal(std::string name) {
  Principal principal;
  // Names of stored principals cannot hold ':', so nobody can be called like this.
  principal.name_ = name.starts_with("system:") ? std::move(name) : "system:" + name;
  principal.credential_ = "internal";
  principal.internal_ = true;
  return principal;
}

Principal Principal::service(const std::string& name) {
  Principal principal;
  principal.name_ = "service:" + name;  // nor like this
  principal.credential_ = "internal";
  principal.service_ = true;
  return principal;
}

Principal Principal::anonymous() {
  Principal principal;
  // Names of stored principals cannot hold parentheses.
  principal.name_ = "(anonymous)";
  principal.anonymous_ = true;
  return principal;
}

Principal PrincipalVerifier::verified(std::string name, std::vector<std::string> groups,
                                      std::string credential) {
  Principal principal;
  principal.root_ = name == "root";
  principal.name_ = std::move(name);
  principal.groups_ = std::move(groups);
  principal.credential_ = std::move(credential);
  return principal;
}

Principal PrincipalVerifier::session(std::string name, std::vector<std::string> groups,
                                     std::string credential,
                                     std::shared_ptr<const std::string> policy) {
  Principal principal = verified(std::move(name), std::move(groups), std::move(credential));
  principal.session_ = true;
  principal.session_policy_ = std::move(policy);
  return principal;
}

}  // namespace beringia::identity

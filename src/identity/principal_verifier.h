#pragma once

#include <memory>
#include <string>
#include <vector>

#include "identity/principal.h"

namespace beringia::identity {

/// The one maker of principals, for identity's verifiers (and tests of the rooms above). Whoever
/// calls it asserts that a credential was verified.
class PrincipalVerifier {
 public:
  static Principal verified(std::string name, std::vector<std::string> groups,
                            std::string credential);
  /// Of temporary credentials. `policy` as Principal::session_policy().
  static Principal session(std::string name, std::vector<std::string> groups,
                           std::string credential, std::shared_ptr<const std::string> policy);
};

}  // namespace beringia::identity

#pragma once

#include <memory>
#include <string>
#include <vector>

namespace beringia::identity {

class PrincipalVerifier;

/// Who asks. Only identity's verifiers (and the explicit internal maker) can make one, so holding a
/// Principal is proof that a credential was verified, unless it is_anonymous(). Immutable;
/// cheap to copy.
class Principal {
 public:
  const std::string& name() const { return name_; }  // "root", "etl", "system:policy/NAME"
  const std::vector<std::string>& groups() const { return groups_; }
  const std::string& credential() const {
    return credential_;
  }  // access key id, key id, "internal"
  bool is_root() const { return root_; }
  /// The server's own work, see internal().
  bool is_internal() const { return internal_; }

  /// Nobody proved anything: allowed only what is given to everyone, with or without a credential.
  bool is_anonymous() const { return anonymous_; }

  /// Temporary credentials: the policy that narrows what they may do, as JSON in S3's language.
  /// null: the principal's own rights, no less. Whoever decides must ask it, too.
  const std::shared_ptr<const std::string>& session_policy() const { return session_policy_; }
  bool is_session() const { return session_; }

  /// A part of this server that acts as one of Amazon's services and has no right but what a bucket
  /// gives to that service; see service().
  bool is_service() const { return service_; }

  /// Who came without a credential. Its name cannot be a stored principal's.
  static Principal anonymous();
  /// For work that the server itself does: "system:policy/<name>", "system:sync", ...
  static Principal internal(std::string name);
  /// For work on behalf of buckets: "logging.s3.amazonaws.com" is "service:logging.s3..."
  static Principal service(const std::string& name);

 private:
  friend class PrincipalVerifier;
  Principal() = default;
  std::string name_;
  std::vector<std::string> groups_;
  std::string credential_;
  std::shared_ptr<const std::string> session_policy_;  // owners: copies of this principal
  bool session_ = false;
  bool root_ = false;
  bool internal_ = false;
  bool anonymous_ = false;
  bool service_ = false;
};

}  // namespace beringia::identity

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/gcs/make_gcs.h"

namespace beringia::backend::gcs {

struct IamBinding {
  std::string role;
  std::vector<std::string> members;
  std::string condition;  ///< the condition's JSON as it came; "" = none
};

/// The IAM policy of a bucket or managed folder (Cloud Storage JSON API, "Policy").
struct IamPolicy {
  std::string etag;
  std::vector<IamBinding> bindings;
};

/// @error kInvalid: it is not a policy
[[nodiscard]] Result<IamPolicy> parse_iam_policy(std::string_view json);
/// Version 3, so that conditions stay. Bindings without members are left out.
std::string render_iam_policy(const IamPolicy& policy);

/// Gives a member a role without condition, or takes it away.
struct IamChange {
  std::string role;
  std::string member;
  bool add = true;
};
/// @return whether anything changed
bool change_policy(IamPolicy& policy, const std::vector<IamChange>& changes);

/// The IAM policies of one bucket and its managed folders. Thread-safe.
class BucketIam {
 public:
  virtual ~BucketIam() = default;
  /// @param folder below the bucket, ends in '/'; "" = the bucket itself
  /// @return nullopt: there is no such managed folder
  [[nodiscard]] virtual Result<std::optional<IamPolicy>> get(const io::Context& context,
                                                             const std::string& folder) = 0;
  /// The managed folders below a prefix. @error kInvalid: there are more than 1,000
  [[nodiscard]] virtual Result<std::vector<std::string>> folders(const io::Context& context,
                                                                 const std::string& prefix) = 0;
  /// Changes the policy that is there, by its etag: whoever changes it at the same time is not
  /// overwritten. Makes the managed folder if it is not there.
  /// @error kConflict: others change it all the time; kDenied: the right to do so is missing
  [[nodiscard]] virtual Result<void> change(const io::Context& context, const std::string& folder,
                                            const std::vector<IamChange>& changes) = 0;
};

/// For the bucket of the spec's URL, whatever its prefix. Its credentials need the right to read
/// and set policies (roles/storage.admin, or a role with storage.buckets.*IamPolicy and
/// storage.managedFolders.*). @error as make()
[[nodiscard]] Result<std::unique_ptr<BucketIam>> make_bucket_iam(const GcsSpec& spec, Rng& rng);

}  // namespace beringia::backend::gcs

// Rights in buckets, by the credentials of their backends.
#include <algorithm>

#include "app/live_estate.h"
#include "backend/gcs/bucket_iam.h"
#include "backend/gcs/location.h"

namespace beringia::app {
namespace {

using protocol::admin::NativeRight;

Result<meta::BackendDeclaration> bucket_of(const meta::Estate& estate, const std::string& name) {
  const auto found = std::ranges::find(estate.backends, name, &meta::BackendDeclaration::name);
  if (found == estate.backends.end()) {
    return std::unexpected(not_found("there is no backend \"" + name + "\"", "",
                                     "beringia backend ls lists all of them"));
  }
  if (!found->url.starts_with("gs://")) {
    return std::unexpected(invalid("backend \"" + name + "\" has no IAM policy",
                                   "it is " + found->url + ", not a bucket"));
  }
  return *found;
}

Result<std::unique_ptr<backend::gcs::BucketIam>> client_of(const meta::BackendDeclaration& backend,
                                                           Rng& rng) {
  backend::gcs::GcsSpec spec;
  spec.name = backend.name;
  spec.url = backend.url;
  spec.endpoint = backend.endpoint;
  spec.credentials = backend.credentials_file;
  spec.user_project = backend.user_project;
  return backend::gcs::make_bucket_iam(spec, rng);
}

}  // namespace

Result<std::vector<NativeRight>> LiveEstate::native_rights(const io::Context& context,
                                                           const std::string& name) const {
  BR_TRY(backend, bucket_of(current(), name));
  BR_TRY(client, client_of(backend, services_.rng));
  BR_TRY(location, backend::gcs::Location::parse(backend.url));
  const std::string& root = location.prefix();
  BR_TRY(folders, client->folders(context, root));
  if (std::ranges::find(folders, root) == folders.end()) folders.push_back(root);
  std::vector<NativeRight> out;
  for (const auto& folder : folders) {
    BR_TRY(policy, client->get(context, folder));
    if (!policy) continue;
    for (const auto& binding : policy->bindings) {
      if (!binding.condition.empty()) continue;
      for (const auto& member : binding.members) out.push_back({folder, binding.role, member});
    }
  }
  return out;
}

Result<void> LiveEstate::change_native_rights(const io::Context& context, const std::string& name,
                                              const std::vector<NativeRight>& add,
                                              const std::vector<NativeRight>& remove) const {
  if (add.empty() && remove.empty()) return {};
  BR_TRY(backend, bucket_of(current(), name));
  BR_TRY(client, client_of(backend, services_.rng));
  std::vector<backend::gcs::IamChange> changes;
  for (const auto& right : add) changes.push_back({right.role, right.member, true});
  for (const auto& right : remove) changes.push_back({right.role, right.member, false});
  return client->change(context, (add.empty() ? remove : add).front().folder, changes);
}

}  // namespace beringia::app

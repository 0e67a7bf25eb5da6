#include <algorithm>
#include <set>

#include "io/http.h"
#include "protocol/admin/estate_file.h"

namespace beringia::protocol::admin {
namespace {

constexpr size_t kMaxName = 63;
constexpr size_t kMaxLocations = 16;
constexpr size_t kMaxNotificationTargets = 64;

bool is_backend_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Error wrong(const std::string& what, std::string why, std::string hint = {}) {
  return invalid("cannot use " + what, std::move(why), std::move(hint));
}

/// Every name once.
class Names {
 public:
  explicit Names(std::string kind) : kind_{std::move(kind)} {}
  [[nodiscard]] Result<void> add(const std::string& name) {
    if (seen_.insert(name).second) return {};
    return std::unexpected(wrong(kind_ + " \"" + name + "\"", "it is declared twice"));
  }
  bool has(const std::string& name) const { return seen_.contains(name); }

 private:
  std::string kind_;
  std::set<std::string> seen_;
};

Result<void> check_mount(const meta::MountDeclaration& mount, const Names& backends) {
  const std::string what = "mount " + mount.path.text();
  if (mount.locations.empty() || mount.locations.size() > kMaxLocations) {
    return std::unexpected(
        wrong(what, "it has no location, or more than " + std::to_string(kMaxLocations)));
  }
  std::set<std::string> seen;
  for (const auto& location : mount.locations) {
    if (!backends.has(location.backend)) {
      return std::unexpected(wrong(what, "there is no backend \"" + location.backend + "\"",
                                   "declare it as a [[backend]]"));
    }
    if (!seen.insert(location.backend).second) {
      return std::unexpected(wrong(what, "backend \"" + location.backend + "\" is in it twice"));
    }
  }
  return {};
}

template <class T>
void take(std::optional<std::vector<T>>& from, std::vector<T>& to) {
  if (from) to = std::move(*from);
}

Result<void> check_provider(const meta::IdentityProviderDeclaration& provider) {
  const std::string what = "identity_provider \"" + provider.name + "\"";
  if (!is_backend_name(provider.name)) {
    return std::unexpected(wrong(what, "a name has 1 to 63 of a-z, 0-9 and '-'"));
  }
  if (provider.issuer.empty() || provider.audiences.empty() || provider.claim.empty()) {
    return std::unexpected(wrong(what, "issuer, audiences or claim is empty",
                                 "say which tokens are meant for this lake"));
  }
  const bool is_file = provider.keys.starts_with("file:///");
  if (!is_file && !io::Url::parse(provider.keys)) {
    return std::unexpected(wrong(what, "keys is no URL", "write https://..., or file:///..."));
  }
  return {};
}

Result<void> check_target(const meta::NotificationTargetDeclaration& target) {
  const std::string what = "notification_target \"" + target.name + "\"";
  if (target.name != meta::kAnyTarget && !is_backend_name(target.name)) {
    return std::unexpected(
        wrong(what, "a name has 1 to 63 of a-z, 0-9 and '-', or is \"*\": all other names"));
  }
  if (target.kind != "webhook" && target.kind != "pubsub") {
    return std::unexpected(wrong(what, "kind \"" + target.kind + "\" is not known",
                                 "choose \"webhook\" or \"pubsub\""));
  }
  const auto url = io::Url::parse(target.url);
  if (!url) {
    return std::unexpected(wrong(what, "url is no URL", "write https://HOST/PATH, or http://..."));
  }
  if (target.kind == "pubsub" && url->path.find("/topics/") == std::string::npos) {
    return std::unexpected(
        wrong(what, "url names no topic",
              "write https://pubsub.googleapis.com/v1/projects/PROJECT/topics/TOPIC"));
  }
  return {};
}

}  // namespace

Result<void> check_estate(const meta::Estate& estate) {
  Names backends{"backend"};
  for (const auto& backend : estate.backends) {
    if (!is_backend_name(backend.name)) {
      return std::unexpected(
          wrong("backend \"" + backend.name + "\"", "a name has 1 to 63 of a-z, 0-9 and '-'"));
    }
    BR_TRY(backends.add(backend.name));
  }
  Names mounts{"mount"};
  for (const auto& mount : estate.mounts) {
    BR_TRY(mounts.add(mount.path.text()));
    BR_TRY(check_mount(mount, backends));
  }
  Names aliases{"alias"};
  for (const auto& alias : estate.aliases) {
    BR_TRY(aliases.add(alias.name));
    if (!Path::from_bucket_key(alias.name, "") || alias.target.is_root()) {
      return std::unexpected(
          wrong("alias \"" + alias.name + "\"", "it is no bucket name, or it stands for \"/\""));
    }
  }
  Names policies{"policy"};
  for (const auto& policy : estate.policies) {
    BR_TRY(policies.add(policy.name));
    for (const auto& place : policy.place) {
      if (backends.has(place.backend)) continue;
      return std::unexpected(wrong("policy \"" + policy.name + "\"",
                                   "there is no backend \"" + place.backend + "\"",
                                   "declare it as a [[backend]]"));
    }
  }
  Names providers{"identity_provider"};
  for (const auto& provider : estate.identity_providers) {
    BR_TRY(providers.add(provider.name));
    BR_TRY(check_provider(provider));
  }
  Names targets{"notification_target"};
  for (const auto& target : estate.notification_targets) {
    BR_TRY(targets.add(target.name));
    BR_TRY(check_target(target));
  }
  if (estate.notification_targets.size() > kMaxNotificationTargets) {
    return std::unexpected(wrong("the notification targets", "there are more than 64"));
  }
  return {};
}

void assign_backend_ids(const meta::Estate& before, meta::Estate& after) {
  std::set<meta::BackendId> used;
  for (auto& backend : after.backends) {
    backend.id = 0;
    for (const auto& old : before.backends) {
      if (old.name == backend.name) backend.id = old.id;
    }
    used.insert(backend.id);
  }
  after.last_backend_id = before.last_backend_id;
  for (auto& backend : after.backends) {
    // A renamed backend holds the same bytes: its copies stay known.
    for (const auto& old : before.backends) {
      if (backend.id == 0 && old.url == backend.url && old.endpoint == backend.endpoint &&
          !used.contains(old.id)) {
        backend.id = old.id;
        used.insert(old.id);
      }
    }
    if (backend.id == 0) backend.id = ++after.last_backend_id;
  }
  const bool moved = before.backends != after.backends || before.mounts != after.mounts;
  after.epoch = before.epoch + (moved ? 1 : 0);
}

Result<DeclaredEstate> with_file(const DeclaredEstate& now, EstateFile file) {
  DeclaredEstate next = now;
  take(file.backends, next.estate.backends);
  take(file.mounts, next.estate.mounts);
  take(file.aliases, next.estate.aliases);
  take(file.policies, next.estate.policies);
  take(file.identity_providers, next.estate.identity_providers);
  take(file.notification_targets, next.estate.notification_targets);
  take(file.principals, next.principals);
  take(file.grants, next.grants);
  BR_TRY(check_estate(next.estate));
  Names principals{"principal"};
  for (const auto& principal : next.principals) BR_TRY(principals.add(principal.name));
  Names grants{"grant"};
  for (const auto& grant : next.grants) {
    BR_TRY(grants.add(grant.id));
    for (const auto& name : grant.principals) {
      if (name == "*" || name == "root" || name.starts_with("group:") || principals.has(name)) {
        continue;
      }
      return std::unexpected(wrong("grant \"" + grant.id + "\"",
                                   "there is no principal \"" + name + "\"",
                                   "declare it as a [[principal]], or run: beringia principals "
                                   "create " +
                                       name));
    }
  }
  assign_backend_ids(now.estate, next.estate);
  return next;
}

}  // namespace beringia::protocol::admin

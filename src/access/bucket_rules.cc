#include "access/bucket_rules.h"

#include <utility>

namespace beringia::access {
namespace {

constexpr std::string_view kExistingTag = "s3:existingobjecttag/";

/// Adds what the catalog knows of the object to what the request tells. Looks once, if at all.
class ObjectFacts final : public Facts {
 public:
  ObjectFacts(const OwnerLookup& lookup, const Path& path, const Ask& ask)
      : lookup_{lookup}, path_{path}, generation_{ask.generation}, more_{ask.facts} {}

  bool find(std::string_view key, std::vector<std::string>& values) const override {
    if (!key.starts_with(kExistingTag)) return more_ != nullptr && more_->find(key, values);
    const auto& entry = this->entry();
    if (!entry) {
      failed_ = true;  // it cannot be told, so nothing is decided on it
      return false;
    }
    if (!*entry) return false;
    const auto tag = (*entry)->tags.find(std::string{key.substr(kExistingTag.size())});
    if (tag == (*entry)->tags.end()) return false;
    values.push_back(tag->second);
    return true;
  }

  const Result<std::optional<EntryState>>& entry() const {
    if (!entry_) entry_ = lookup_.entry_of(path_, generation_);
    return *entry_;
  }
  bool failed() const { return failed_; }

 private:
  const OwnerLookup& lookup_;
  const Path& path_;
  const std::optional<uint64_t> generation_;
  const Facts* more_;
  mutable std::optional<Result<std::optional<EntryState>>> entry_;
  mutable bool failed_ = false;
};

/// As if the request listed the bucket from the key on.
class PrefixFacts final : public Facts {
 public:
  PrefixFacts(std::string_view key, const Facts& more) : key_{key}, more_{more} {}
  bool find(std::string_view key, std::vector<std::string>& values) const override {
    if (key != "s3:prefix") return more_.find(key, values);
    values.emplace_back(key_);
    return true;
  }

 private:
  std::string_view key_;
  const Facts& more_;
};

Decision unknown(const Error& error) {
  return {false, "unknown", "the bucket's settings cannot be read now: " + error.to_string()};
}

/// Reading and changing an object itself, not making or removing one.
bool is_of_objects_owner(Right right) {
  return is_of_object(right) && right != Right::kWriteObject && right != Right::kDeleteObject &&
         right != Right::kDeleteVersion && right != Right::kAbortUpload &&
         right != Right::kListParts;
}

bool is_about_policy(Right right) {
  return right == Right::kReadPolicy || right == Right::kWritePolicy ||
         right == Right::kDeletePolicy;
}

Decision by_list(std::string reason) {
  Decision decision{true, "acl", std::move(reason)};
  decision.by_bucket = true;
  return decision;
}

/// Whether something is there is for those who may list. What is not there is not opened to them:
/// it may come, and be private, before it is looked for.
std::optional<Decision> by_absence(const BucketAccess& access, const ObjectFacts& facts,
                                   const identity::Principal& principal, const Ask& ask,
                                   std::string_view key) {
  if (ask.action != Action::kRead || !is_of_object(ask.right)) return std::nullopt;
  const bool listed =
      access.has_acls() && access.acl.gives(principal, Right::kListBucket, false,
                                            access.block.ignore_acls, access.acl.owner);
  const bool shown =
      listed ||
      (access.policy &&
       access.policy->decide(principal, Right::kListBucket, "", PrefixFacts{key, facts}).allowed) ||
      (access.iam && access.iam->allows(principal, Right::kListBucket, "", PrefixFacts{key, facts},
                                        access.block.ignore_acls, access.acl.owner));
  if (!shown || !facts.entry() || *facts.entry()) return std::nullopt;
  return Decision{false, "no entry", "there is no such entry, and who asks may list"};
}

/// The role by which the bucket, or a managed folder above the object, gives it; "" = none does.
std::string role_of(const BucketAccess& access, const BucketState& state, const ObjectFacts& facts,
                    const identity::Principal& principal, Right right, std::string_view key) {
  const bool ignore_public = access.block.ignore_acls;
  std::string role;
  if (access.iam) {
    role = access.iam->role_for(principal, right, key, facts, ignore_public, state.owner);
  }
  if (!role.empty() || !is_of_object(right)) return role;
  for (const auto& [folder, policy] : access.folders) {
    if (!key.starts_with(folder)) continue;
    role = policy.role_for(principal, right, key, facts, ignore_public, state.owner);
    if (!role.empty()) return role;
  }
  return role;
}

/// Where lists hold: what the owner of the bucket, the owner of the object and the lists give.
std::optional<Decision> by_lists(const BucketAccess& access, const BucketState& state,
                                 const ObjectFacts& facts, const identity::Principal& principal,
                                 Right right) {
  const bool owns_bucket = !principal.is_anonymous() && principal.name() == state.owner;
  if (!is_of_objects_owner(right)) {
    if (owns_bucket) return Decision{true, "owner", principal.name() + " owns the bucket"};
    if (access.acl.gives(principal, right, false, access.block.ignore_acls, state.owner)) {
      return by_list("the bucket's access control list allows it");
    }
    return std::nullopt;
  }
  const auto& entry = facts.entry();
  if (!entry) return unknown(entry.error());
  if (!*entry) {
    // It may be there natively; then it is the bucket owner's.
    if (owns_bucket) return Decision{true, "owner", principal.name() + " owns the bucket"};
    return std::nullopt;
  }
  Acl acl = private_acl((*entry)->owner.empty() ? state.owner : (*entry)->owner);
  if (!(*entry)->acl.empty()) {
    auto parsed = parse_acl((*entry)->acl);
    if (!parsed) return unknown(parsed.error());
    acl = std::move(*parsed);
  }
  if (!principal.is_anonymous() && acl.owner == principal.name()) {
    return Decision{true, "owner", principal.name() + " owns the object"};
  }
  if (acl.gives(principal, right, true, access.block.ignore_acls, state.owner)) {
    return by_list("the object's access control list allows it");
  }
  return std::nullopt;
}

}  // namespace

Result<BucketRules::Compiled> BucketRules::compiled(const OwnerLookup& lookup, const Path& path,
                                                    BucketState& state) const {
  {
    const std::lock_guard lock{mutex_};
    const auto found = compiled_.find(state.directory);
    if (found != compiled_.end() && found->second.generation == state.generation &&
        found->second.metageneration == state.metageneration &&
        found->second.owner == state.owner) {
      return found->second.access;
    }
  }
  // The state may have moved on; what is read is kept under the state that it is of.
  BR_TRY(settings, lookup.settings_of(path, state));
  BR_TRY(access, compile_bucket_access(settings, state.owner));
  auto made = std::make_shared<const BucketAccess>(std::move(access));
  const std::lock_guard lock{mutex_};
  if (compiled_.size() >= kMaxCompiled) compiled_.clear();
  compiled_.insert_or_assign(state.directory,
                             Kept{state.generation, state.metageneration, state.owner, made});
  return made;
}

Result<std::optional<BucketView>> BucketRules::look(const OwnerLookup& lookup,
                                                    const Path& path) const {
  static const Compiled kNothingSet = std::make_shared<const BucketAccess>();
  BR_TRY(state, lookup.bucket_of(path));
  if (!state) return std::nullopt;
  if (!state->has_settings) return BucketView{state->owner, kNothingSet};
  BR_TRY(access, compiled(lookup, path, *state));
  return BucketView{state->owner, access};
}

std::optional<Decision> BucketRules::decide(const OwnerLookup& lookup,
                                            const identity::Principal& principal, const Ask& ask,
                                            const Path& path, bool granted) const {
  auto bucket = lookup.bucket_of(path);
  if (!bucket) return unknown(bucket.error());
  if (!*bucket) {
    if (granted || path.bucket().empty()) return std::nullopt;
    // What is not there belongs to nobody; see Decision::no_bucket.
    Decision decision{false, "default-deny", "there is no bucket " + std::string{path.bucket()}};
    decision.no_bucket = true;
    return decision;
  }
  BucketState& state = **bucket;
  const bool owns =
      !principal.is_anonymous() && !state.owner.empty() && principal.name() == state.owner;
  if (!state.has_settings) {
    if (granted || !owns) return std::nullopt;
    return Decision{true, "owner",
                    principal.name() + " owns the bucket " + std::string{path.bucket()}};
  }
  auto access = compiled(lookup, path, state);
  if (!access) return unknown(access.error());
  const ObjectFacts facts{lookup, path, ask};
  if ((*access)->policy) {
    const auto verdict = (*access)->policy->decide(principal, ask.right, path.key(), facts);
    if (facts.failed()) return unknown(facts.entry().error());
    // An owner cannot lock itself out for good: it may always put the policy right.
    if (verdict.denied && !(owns && is_about_policy(ask.right))) {
      return Decision{false, "policy:" + verdict.statement,
                      "the bucket's policy denies it by statement " + verdict.statement};
    }
    const bool restricted = (*access)->block.restrict_buckets && (*access)->policy->is_public();
    if (verdict.allowed && !granted && !(restricted && !owns)) {
      Decision decision{true, "policy:" + verdict.statement,
                        "the bucket's policy allows it by statement " + verdict.statement};
      // What the owner has anyway it has as the owner.
      decision.by_bucket = !owns;
      return decision;
    }
  }
  if (granted) return std::nullopt;
  const std::string role = role_of(**access, state, facts, principal, ask.right, path.key());
  if (!role.empty()) {
    Decision decision{true, "iam:" + role, "the bucket's IAM policy gives it by " + role};
    decision.by_bucket = !owns;
    return decision;
  }
  if ((*access)->has_acls()) {
    if (auto decided = by_lists(**access, state, facts, principal, ask.right)) return decided;
  } else if (owns) {
    return Decision{true, "owner",
                    principal.name() + " owns the bucket " + std::string{path.bucket()}};
  }
  return by_absence(**access, facts, principal, ask, path.key());
}

}  // namespace beringia::access

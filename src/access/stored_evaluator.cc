#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "access/access.h"
#include "access/bucket_rules.h"
#include "access/compiled_rules.h"
#include "access/rows.h"
#include "access/session_policy.h"
#include "io/runtime.h"
#include "io/sync.h"
#include "kv/store.h"

namespace beringia::access {
namespace {

constexpr size_t kRowsPerScan = 1000;

class NoFacts final : public Facts {
 public:
  bool find(std::string_view, std::vector<std::string>&) const override { return false; }
};

/// Evaluator over kv. `changes_` is held from the checks of a change to its publication; deciders
/// take `mutex_` for one pointer copy only.
class StoredEvaluator final : public Evaluator {
 public:
  explicit StoredEvaluator(kv::Store& store) : store_{store} {}

  Result<void> load(const io::Context& context) {
    std::string first{kGrantRows};
    for (;;) {
      BR_TRY(rows, store_.scan(context, first, kGrantRowsEnd, kRowsPerScan));
      for (const kv::KeyValue& row : rows) {
        BR_TRY(rule, decode_rule(row.key.substr(kGrantRows.size()), row.value));
        rules_.insert_or_assign(rule.id, std::move(rule));
      }
      if (rows.size() < kRowsPerScan) break;
      first = rows.back().key + '\0';
    }
    publish();
    return {};
  }

  Decision decide(const identity::Principal& principal, const Ask& ask,
                  const Path& path) const override {
    Decision decision = decide_for_principal(principal, ask, path);
    if (!decision.allowed || principal.session_policy() == nullptr) return decision;
    const auto policy = sessions_.get(*principal.session_policy());
    static const NoFacts nothing;
    if (policy->allows(principal, ask.right, path, ask.facts != nullptr ? *ask.facts : nothing)) {
      return decision;
    }
    return {false, "session-policy", "the policy of these temporary credentials does not allow it"};
  }

  Decision decide_for_principal(const identity::Principal& principal, const Ask& ask,
                                const Path& path) const {
    if (principal.is_internal()) return {true, "system", "the server's own work"};
    if (principal.is_root()) return {true, "root", "root may do everything"};
    const std::shared_ptr<const CompiledRules> compiled = current();
    // No grant names a service, and "*" is every principal that proved itself.
    const GrantRule* rule =
        principal.is_service() ? nullptr : compiled->decide(principal, ask.action, path);
    if (rule != nullptr && rule->deny) return by_grant(*rule);
    // "*" of a grant is every principal that proved itself.
    if (principal.is_anonymous()) rule = nullptr;
    const OwnerLookup* owners = owners_.load(std::memory_order_acquire);
    if (owners != nullptr) {
      if (auto decided = buckets_.decide(*owners, principal, ask, path, rule != nullptr)) {
        return std::move(*decided);
      }
    }
    if (rule != nullptr) return by_grant(*rule);
    return {false, "default-deny",
            "no grant gives " + principal.name() + " the right to " +
                std::string{to_string(ask.action)} + " " + path.text()};
  }

  Result<std::optional<BucketView>> look(const Path& path) const override {
    const OwnerLookup* owners = owners_.load(std::memory_order_acquire);
    if (owners == nullptr) return std::nullopt;
    return buckets_.look(*owners, path);
  }

  void set_owner_lookup(const OwnerLookup* lookup) override {
    owners_.store(lookup, std::memory_order_release);
  }

  Result<void> put(const io::Context& context, GrantRule rule) override {
    std::vector<GrantRule> rules;
    rules.push_back(std::move(rule));
    return change(context, std::move(rules), {});
  }

  Result<void> remove(const io::Context& context, const std::string& id) override {
    return change(context, {}, {id});
  }

  Result<void> change(const io::Context& context, std::vector<GrantRule> put,
                      std::vector<std::string> remove) override {
    for (GrantRule& rule : put) {
      BR_TRY(canonical, canonical_rule(std::move(rule)));
      rule = std::move(canonical);
    }
    BR_TRY(guard, io::MutexGuard::lock(context, changes_));
    CompiledRules::Rules next = rules_;
    kv::Batch batch;
    for (const std::string& id : remove) {
      if (next.erase(id) == 0) {
        return std::unexpected(not_found("removing grant " + id, "there is none of that id"));
      }
      batch.remove(grant_key(id));
    }
    for (GrantRule& rule : put) {
      batch.put(grant_key(rule.id), encode(rule));
      std::string id = rule.id;
      next.insert_or_assign(std::move(id), std::move(rule));
    }
    if (next.size() > kMaxRules) {
      return std::unexpected(busy("storing grants",
                                  "there would be more than " + std::to_string(kMaxRules),
                                  "grant to groups or to shorter prefixes"));
    }
    if (batch.empty()) return {};
    BR_TRY(store_.commit(context, std::move(batch), kv::Durability::kSync));
    {
      const std::unique_lock lock{mutex_};
      rules_.swap(next);
    }
    // 100,000 rules take some 100 ms to compile: not on the loop.
    io::blocking([&] { publish(); });
    return {};
  }

  std::vector<GrantRule> list() const override {
    const std::shared_lock lock{mutex_};
    std::vector<GrantRule> rules;
    rules.reserve(rules_.size());
    for (const auto& [id, rule] : rules_) rules.push_back(rule);
    return rules;
  }

 private:
  static Decision by_grant(const GrantRule& rule) {
    return {!rule.deny, rule.id,
            "grant \"" + rule.id + (rule.deny ? "\" denies " : "\" gives ") +
                std::string{to_string(rule.role)} + " on " + rule.prefix};
  }

  std::shared_ptr<const CompiledRules> current() const {
    const std::shared_lock lock{mutex_};
    return compiled_;
  }

  /// Caller holds `changes_` (or is alone), so rules_ stands still.
  void publish() {
    auto compiled = std::make_shared<const CompiledRules>(rules_);
    const std::unique_lock lock{mutex_};
    compiled_.swap(compiled);
  }

  kv::Store& store_;
  io::Mutex changes_;
  mutable std::shared_mutex mutex_;  // guards compiled_, and rules_ against list()
  CompiledRules::Rules rules_;
  // Owners: this evaluator and the decisions being made on it.
  std::shared_ptr<const CompiledRules> compiled_;
  std::atomic<const OwnerLookup*> owners_{nullptr};
  BucketRules buckets_;
  SessionPolicies sessions_;
};

}  // namespace

Result<std::unique_ptr<Evaluator>> Evaluator::open(kv::Store& store) {
  auto evaluator = std::make_unique<StoredEvaluator>(store);
  BR_TRY(evaluator->load(io::Context{}));
  return evaluator;
}

Result<std::optional<BucketState>> OwnerLookup::bucket_of(const Path& path) const {
  std::string owner = owner_of(path);
  if (owner.empty()) return std::nullopt;
  BucketState state;
  state.owner = std::move(owner);
  return state;
}

Result<std::map<std::string, std::string>> OwnerLookup::settings_of(const Path&,
                                                                    BucketState&) const {
  return std::map<std::string, std::string>{};
}

Result<std::optional<EntryState>> OwnerLookup::entry_of(const Path&,
                                                        std::optional<uint64_t>) const {
  return std::nullopt;
}

std::string_view to_string(Action action) {
  switch (action) {
    case Action::kRead: return "read";
    case Action::kWrite: return "write";
    case Action::kDelete: return "delete";
    case Action::kList: return "list";
    case Action::kAdminister: return "administer";
    case Action::kCreateBucket: return "create-bucket";
  }
  return "administer";
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kReader: return "reader";
    case Role::kWriter: return "writer";
    case Role::kOwner: return "owner";
    case Role::kCreator: return "creator";
  }
  return "owner";
}

std::optional<Role> parse_role(std::string_view text) {
  if (text == "reader") return Role::kReader;
  if (text == "writer") return Role::kWriter;
  if (text == "owner") return Role::kOwner;
  if (text == "creator") return Role::kCreator;
  return std::nullopt;
}

}  // namespace beringia::access

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/path.h"
#include "identity/principal.h"
#include "io/context.h"

namespace beringia::kv {
class Store;
}

namespace beringia::access {

/// What may be done, free of any protocol.
enum class Action {
  kRead,        ///< bytes and attributes of an entry
  kWrite,       ///< create or overwrite an entry
  kDelete,      ///< remove an entry
  kList,        ///< names below a directory
  kAdminister,  ///< buckets, grants, mounts, keys, policies
};
inline constexpr size_t kActionCount = 5;
std::string_view to_string(Action action);

/// Rights that a grant row gives; each includes the actions named.
enum class Role {
  kReader,  ///< read, list
  kWriter,  ///< read, list, write, delete
  kOwner,   ///< everything
};

std::string_view to_string(Role role);  // "reader", "writer", "owner"
std::optional<Role> parse_role(std::string_view text);

/// One explicit grant on a path prefix.
struct GrantRule {
  std::string id;  // unique, e.g. "etl-sales"
  std::vector<std::string>
      principals;      // principal names, "group:NAME", or "*" = every verified one
  std::string prefix;  // "/sales/": matches itself and all below, by component; "/" = all
  Role role = Role::kReader;
  bool deny = false;  // takes away what the role would give; wins over every allow but root's
  bool operator==(const GrantRule&) const = default;
};

// Bounds.
inline constexpr size_t kMaxRules = 100'000;
inline constexpr size_t kMaxPrincipalsPerRule = 1000;

struct Decision {
  bool allowed = false;
  std::string rule;    // id of the rule that decided, "root", "system", "owner", "default-deny"
  std::string reason;  // one sentence for people
};

/// Who owns the bucket (top-level directory) that holds a path. Implemented by core over the tree.
/// Thread-safe.
class OwnerLookup {
 public:
  virtual ~OwnerLookup() = default;
  /// Name of the owning principal; "" = no such bucket, no owner, or it cannot be told now. May
  /// park, but answers warm buckets at once: it is asked when no explicit rule decides.
  virtual std::string owner_of(const Path& path) const = 0;
};

/// The one evaluator. Thread-safe; decisions are made on an immutable compiled set and never read
/// the catalog.
///
/// Order: the server's own work and root are allowed; an explicit deny; an explicit allow; the
/// owner of the path's bucket; else deny. Of several matching rules the one with the longest prefix
/// is named, then the one with the smallest id.
class Evaluator {
 public:
  /// @error kCorrupt: a row is damaged; kUnavailable
  static Result<std::unique_ptr<Evaluator>> open(kv::Store& store);
  virtual ~Evaluator() = default;
  virtual Decision decide(const identity::Principal& principal, Action action,
                          const Path& path) const = 0;
  /// Whom to ask for owners; null = nobody owns anything. Set before serving; must outlive this.
  virtual void set_owner_lookup(const OwnerLookup* lookup) = 0;
  /// Creates or replaces the rule of that id. Durable first, then decisions use it.
  /// @error kInvalid: bad id, principal or prefix; kBusy: kMaxRules reached
  [[nodiscard]] virtual Result<void> put(const io::Context& context, GrantRule rule) = 0;
  /// @error kNotFound
  [[nodiscard]] virtual Result<void> remove(const io::Context& context, const std::string& id) = 0;
  /// Many changes, all or nothing: removes first. @error as put and remove
  [[nodiscard]] virtual Result<void> change(const io::Context& context, std::vector<GrantRule> put,
                                            std::vector<std::string> remove) = 0;
  /// All rules by id.
  virtual std::vector<GrantRule> list() const = 0;
};

}  // namespace beringia::access

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/facts.h"
#include "access/right.h"
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
  kRead,          ///< bytes and attributes of an entry
  kWrite,         ///< create or overwrite an entry
  kDelete,        ///< remove an entry
  kList,          ///< names below a directory
  kAdminister,    ///< buckets, grants, mounts, keys, policies
  kCreateBucket,  ///< make a bucket; who made it owns it
};
inline constexpr size_t kActionCount = 6;
std::string_view to_string(Action action);

/// Rights that a grant row gives; each includes the actions named.
enum class Role {
  kReader,   ///< read, list
  kWriter,   ///< read, list, write, delete
  kOwner,    ///< everything
  kCreator,  ///< make buckets, nothing else: what they made is theirs as its owners
};

std::string_view to_string(Role role);  // "reader", "writer", "owner", "creator"
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

/// What is asked of the evaluator: an action, and as much more as the front end knows.
struct Ask {
  Ask(Action what) : action{what}, right{right_of(what)} {}  // NOLINT: an action alone is enough
  Ask(Action what, Right finer, const Facts* about = nullptr)
      : action{what}, right{finer}, facts{about} {}
  Action action;
  Right right;
  const Facts* facts = nullptr;  // null: conditions find nothing
  /// Which generation of the entry it is about, as the catalog names them; absent: the current one.
  std::optional<uint64_t> generation;
};

struct Decision {
  bool allowed = false;
  // id of the rule that decided, "root", "system", "owner", "policy:SID", "acl", "default-deny"
  std::string rule;
  std::string reason;  // one sentence for people
  /// The bucket's own policy or list gives it. Such buckets are open, but not shown to whoever
  /// lists buckets.
  bool by_bucket = false;
  /// Nothing allows it, and the bucket does not exist. Who may make buckets may be told so.
  bool no_bucket = false;
};

/// A bucket as it stands now, without its settings.
struct BucketState {
  std::string owner;
  /// Together they name one state of the settings: the same again means the same settings.
  uint64_t directory = 0, generation = 0, metageneration = 0;
  bool has_settings = false;
};

/// What decisions need to know of an entry.
struct EntryState {
  std::string owner;
  std::string acl;  // as encode(Acl), "" = private
  std::map<std::string, std::string> tags;
};

/// Who owns the bucket (top-level directory) that holds a path, and what is set there about access.
/// Implemented by core over the tree. Thread-safe.
class OwnerLookup {
 public:
  virtual ~OwnerLookup() = default;
  /// Name of the owning principal; "" = no such bucket, no owner, or it cannot be told now. May
  /// park, but answers warm buckets at once: it is asked when no explicit rule decides.
  virtual std::string owner_of(const Path& path) const = 0;
  /// Of the bucket that holds a path; nullopt: there is none. Asked for each decision.
  /// @error it cannot be told now: then nothing is allowed
  [[nodiscard]] virtual Result<std::optional<BucketState>> bucket_of(const Path& path) const;
  /// Its attributes that begin with kAccessAttributes, and the state that they are of.
  [[nodiscard]] virtual Result<std::map<std::string, std::string>> settings_of(
      const Path& path, BucketState& state) const;
  /// nullopt: the catalog has no such entry, or not that generation of it. Asked where lists or
  /// tags decide.
  [[nodiscard]] virtual Result<std::optional<EntryState>> entry_of(
      const Path& path, std::optional<uint64_t> generation) const;
};

struct BucketAccess;

/// What a front end may know of the bucket that it serves: to say who owns what is written, to
/// refuse public lists, to answer browsers.
struct BucketView {
  std::string owner;
  std::shared_ptr<const BucketAccess> access;  // never null; owners: the evaluator and its callers
};

/// The one evaluator. Thread-safe; decisions are made on immutable compiled sets. The catalog is
/// read where an access control list, or a condition on an object's tags, has a say.
///
/// Order: the server's own work and root are allowed; an explicit deny, of a grant or of the
/// bucket's policy; an explicit allow, of either; the owner of the path's bucket (where lists hold:
/// of the object, for reading it); an access control list; else deny. Of several matching rules the
/// one with the longest prefix is named, then the one with the smallest id. Who has no credential
/// is allowed only what a policy or a list gives to everyone.
class Evaluator {
 public:
  /// @error kCorrupt: a row is damaged; kUnavailable
  static Result<std::unique_ptr<Evaluator>> open(kv::Store& store);
  virtual ~Evaluator() = default;
  virtual Decision decide(const identity::Principal& principal, const Ask& ask,
                          const Path& path) const = 0;
  /// The bucket that holds a path; nullopt: there is none. @error kUnavailable, kCorrupt
  [[nodiscard]] virtual Result<std::optional<BucketView>> look(const Path& path) const = 0;
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

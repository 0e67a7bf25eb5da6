#pragma once

#include <memory>
#include <string>
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
std::string_view to_string(Action action);

/// Rights that a grant row gives; each includes the actions named.
enum class Role {
  kReader,  ///< read, list
  kWriter,  ///< read, list, write, delete
  kOwner,   ///< everything
};

/// One explicit grant on a path prefix.
struct GrantRule {
  std::string id;  // unique, e.g. "etl-sales"
  std::vector<std::string>
      principals;      // principal names, "group:NAME", or "*" = every verified one
  std::string prefix;  // "/sales/": matches itself and all below, by component
  Role role = Role::kReader;
  bool deny = false;  // explicit deny wins over every allow but root's
};

struct Decision {
  bool allowed = false;
  std::string rule;    // id of the rule that decided, "root", "default-deny"
  std::string reason;  // one sentence for people
};

/// The one evaluator. Thread-safe; decisions are made on an immutable compiled set.
class Evaluator {
 public:
  static Result<std::unique_ptr<Evaluator>> open(kv::Store& store);
  virtual ~Evaluator() = default;
  virtual Decision decide(const identity::Principal& principal, Action action,
                          const Path& path) const = 0;
  [[nodiscard]] virtual Result<void> put(const io::Context& context, GrantRule rule) = 0;
  [[nodiscard]] virtual Result<void> remove(const io::Context& context, const std::string& id) = 0;
  virtual std::vector<GrantRule> list() const = 0;
};

}  // namespace beringia::access

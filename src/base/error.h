#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace beringia {

/// The kinds of failure, free of any protocol. Each front end has ONE table from Code to its
/// status.
enum class Code {
  kNotFound,       ///< the entry, bucket, upload, key ... does not exist
  kAlreadyExists,  ///< something is there that must not be
  kDenied,         ///< the principal may not do this (or could not be verified)
  kInvalid,        ///< the request itself is wrong; repeating it cannot help
  kConflict,       ///< a precondition failed or a race was lost
  kBusy,           ///< overload or a limit; come back later
  kUnavailable,    ///< a dependency (backend, network, disk) cannot serve now
  kCorrupt,        ///< bytes or records do not match their checksum
  kUnsupported,    ///< legal, but not offered here
  kCancelled,      ///< the caller went away or the deadline passed
  kInternal,       ///< our bug
};

/// May the same call be made again? kMaybeApplied: the write may have happened; re-read first.
enum class Retry { kNever, kSafe, kMaybeApplied };

/// What went wrong, why, and what the reader can do. One pointer wide; copies share the text.
/// Immutable, hence safe to share between threads.
class Error {
 public:
  /// @param what  subject and object, e.g. `cannot write /sales/q1.parquet`
  /// @param why   the fact we saw, e.g. `HTTP 403 from storage: ...` (may be empty)
  /// @param hint  a command or setting that helps (may be empty)
  Error(Code code, Retry retry, std::string what, std::string why = {}, std::string hint = {});

  Code code() const;
  Retry retry() const;
  const std::string& what() const;
  const std::string& why() const;
  const std::string& hint() const;
  /// Stable message number, documented in docs/errors.md: "BR-1001" ... one for each Code.
  std::string_view id() const;
  /// Front-end detail tag, e.g. "BadDigest"; empty when the Code says it all. See with_tag().
  const std::string& tag() const;

  /// Adds one outer step: "listing /sales: connecting to gcs-eu: ...".
  Error during(std::string_view step) &&;
  /// Refines the code by a stable word that front ends may map (e.g. "checksum_mismatch").
  Error with_tag(std::string tag) &&;
  /// One line: "what: why (do: hint)".
  std::string to_string() const;

 private:
  struct Detail;
  explicit Error(std::shared_ptr<const Detail> detail);
  std::shared_ptr<const Detail> detail_;  // shared: errors are copied to every waiter of one fetch
};

template <class T>
using Result = std::expected<T, Error>;

std::string_view to_string(Code code);

// Short makers; all Retry::kNever but busy() and unavailable(), which are kSafe.
Error not_found(std::string what, std::string why = {}, std::string hint = {});
Error already_exists(std::string what, std::string why = {}, std::string hint = {});
Error denied(std::string what, std::string why = {}, std::string hint = {});
Error invalid(std::string what, std::string why = {}, std::string hint = {});
Error conflict(std::string what, std::string why = {}, std::string hint = {});
Error busy(std::string what, std::string why = {}, std::string hint = {});
Error unavailable(std::string what, std::string why = {}, std::string hint = {});
Error corrupt(std::string what, std::string why = {}, std::string hint = {});
Error unsupported(std::string what, std::string why = {}, std::string hint = {});
Error cancelled(std::string what, std::string why = {}, std::string hint = {});
Error internal(std::string what, std::string why = {}, std::string hint = {});

/// Maps errno: ENOENT -> kNotFound, EEXIST/EISDIR/ENOTEMPTY -> kAlreadyExists, EACCES/EPERM/EROFS
/// -> kDenied, ENOSPC/EDQUOT/EIO/... -> kUnavailable (Retry::kNever; tag "no_space" for ENOSPC and
/// EDQUOT).
Error from_errno(int error_number, std::string what);

}  // namespace beringia

#define BR_CONCAT_INNER(a, b) a##b
#define BR_CONCAT(a, b) BR_CONCAT_INNER(a, b)
// A name of its own for each use: they nest when `expr` holds a lambda.
#define BR_TRY_ONE(expr) BR_TRY_ONE_AS(BR_CONCAT(br_result_, __COUNTER__), expr)
#define BR_TRY_ONE_AS(name, expr)                      \
  do {                                                 \
    if (auto name = (expr); !name) {                   \
      return std::unexpected(std::move(name).error()); \
    }                                                  \
  } while (false)
#define BR_TRY_VAR(var, ...)                                            \
  auto BR_CONCAT(var, _result) = (__VA_ARGS__);                         \
  if (!BR_CONCAT(var, _result)) {                                       \
    return std::unexpected(std::move(BR_CONCAT(var, _result)).error()); \
  }                                                                     \
  [[maybe_unused]] auto& var = *BR_CONCAT(var, _result)
#define BR_TRY_PICK(_1, _2, _3, _4, _5, _6, NAME, ...) NAME

/// BR_TRY(expr): returns the error of a Result<void> (or drops the value of a Result<T>).
/// BR_TRY(name, expr): declares `name` as a reference to the value, or returns the error.
#define BR_TRY(...)                                                                                \
  BR_TRY_PICK(__VA_ARGS__, BR_TRY_VAR, BR_TRY_VAR, BR_TRY_VAR, BR_TRY_VAR, BR_TRY_VAR, BR_TRY_ONE) \
  (__VA_ARGS__)

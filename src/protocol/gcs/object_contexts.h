#pragma once

#include <string>
#include <string_view>

#include "protocol/gcs/call.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {

// Contexts of objects: pairs of key and value by which lists can be filtered. They are kept beside
// the object's headers, as the JSON text that is shown, so that they are copied with the object and
// lie in its native attributes.

/// Name in EntryRecord::http.
inline constexpr const char* kContexts = "x-goog-contexts";
// Google: "Object contexts", limits.
inline constexpr size_t kMaxContexts = 50;
inline constexpr size_t kMaxContextBytes = 256;  // of a key, of a value

/// What is shown after the change; "" = none.
/// @param before  what is shown now. @param replaces  the whole resource is replaced
/// @error kInvalid
[[nodiscard]] Result<std::string> contexts_after(const std::string& before,
                                                 const wire::gcs::ObjectChange& change,
                                                 Timestamp now, bool replaces);

/// One context as storage#objectFullContext. @error kNotFound (tag "no_context")
[[nodiscard]] Result<std::string> full_context_of(const meta::EntryRecord& record,
                                                  const std::string& key);

/// The parameter dropContextGroups: the source's contexts are left behind. @error kInvalid
[[nodiscard]] Result<bool> drops_contexts(const Call& call);

/// The parameter "filter" of lists: `contexts."KEY":*`, `contexts."KEY"="VALUE"`, and both with a
/// '-' before them for what lacks it.
class ContextFilter {
 public:
  /// "" matches everything. @error kInvalid
  [[nodiscard]] static Result<ContextFilter> parse(std::string_view text);
  bool empty() const { return key_.empty(); }
  bool matches(const meta::EntryRecord& record) const;

 private:
  std::string key_, value_;
  bool any_value_ = false;
  bool negated_ = false;
};

}  // namespace beringia::protocol::gcs

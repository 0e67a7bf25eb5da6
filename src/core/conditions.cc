#include <algorithm>

#include "core/namespace.h"

namespace beringia::core {
namespace {

Error failed(const char* why, bool not_modified) {
  return conflict("the precondition does not hold", why)
      .with_tag(not_modified ? "not_modified" : "precondition");
}

bool names_etag(const std::vector<std::string>& etags, const meta::EntryRecord& entry) {
  const std::string etag = entry.effective_etag();
  return std::any_of(etags.begin(), etags.end(),
                     [&](const std::string& e) { return e == "*" || e == etag; });
}

/// HTTP dates have whole seconds.
int64_t seconds(Timestamp time) { return time.micros / 1'000'000; }

Result<void> check_generations(const Conditions& conditions,
                               const std::optional<meta::EntryRecord>& entry, bool is_read) {
  const uint64_t generation = entry ? entry->generation : 0;
  if (conditions.generation_match && *conditions.generation_match != generation) {
    return std::unexpected(failed("the generation is another one", false));
  }
  if (conditions.generation_not_match && *conditions.generation_not_match == generation) {
    return std::unexpected(failed("the generation is this one", is_read));
  }
  const uint64_t metageneration = entry ? entry->metageneration : 0;
  if (conditions.metageneration_match && *conditions.metageneration_match != metageneration) {
    return std::unexpected(failed("the metageneration is another one", false));
  }
  if (conditions.metageneration_not_match &&
      *conditions.metageneration_not_match == metageneration) {
    return std::unexpected(failed("the metageneration is this one", is_read));
  }
  return {};
}

}  // namespace

bool Conditions::empty() const {
  return !generation_match && !generation_not_match && !metageneration_match &&
         !metageneration_not_match && etag_match.empty() && etag_none_match.empty() &&
         !modified_since && !unmodified_since;
}

Result<void> check_conditions(const Conditions& conditions,
                              const std::optional<meta::EntryRecord>& entry, bool is_read) {
  if (conditions.empty()) return {};
  BR_TRY(check_generations(conditions, entry, is_read));
  if (!conditions.etag_match.empty()) {
    if (!entry) {
      return std::unexpected(not_found("the precondition does not hold", "there is no such entry"));
    }
    if (!names_etag(conditions.etag_match, *entry)) {
      return std::unexpected(failed("the ETag is another one", false));
    }
  } else if (conditions.unmodified_since && entry &&
             seconds(entry->created) > seconds(*conditions.unmodified_since)) {
    // RFC 9110 13.2.2: If-Unmodified-Since counts only without If-Match.
    return std::unexpected(failed("it was modified since", false));
  }
  if (!conditions.etag_none_match.empty()) {
    if (entry && names_etag(conditions.etag_none_match, *entry)) {
      return std::unexpected(failed("the ETag is this one", is_read));
    }
  } else if (conditions.modified_since && entry &&
             seconds(entry->created) <= seconds(*conditions.modified_since)) {
    return std::unexpected(failed("it was not modified since", is_read));
  }
  return {};
}

}  // namespace beringia::core

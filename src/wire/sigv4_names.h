#pragma once

#include <string_view>

#include "base/encoding.h"
#include "wire/sigv4.h"

namespace beringia::wire {

/// Whether a query's parameter is the dialect's of this suffix: "X-Amz-" + "Signature". Google
/// takes such names in any case (gsutil writes them in small letters), Amazon as they are written.
inline bool is_signature_parameter(std::string_view name, const SigV4Dialect& dialect,
                                   std::string_view suffix) {
  const std::string_view prefix = dialect.query_prefix;
  if (name.size() != prefix.size() + suffix.size()) return false;
  const std::string_view first = name.substr(0, prefix.size());
  const std::string_view rest = name.substr(prefix.size());
  if (prefix != kGoog4.query_prefix) return first == prefix && rest == suffix;
  return equals_ignoring_case(first, prefix) && equals_ignoring_case(rest, suffix);
}

}  // namespace beringia::wire

#pragma once

#include <string_view>

#include "protocol/s3/query.h"

namespace beringia::protocol::s3 {

/// A subresource of buckets or objects that Beringia does not offer to set, but that clients probe:
/// its reading tells the truth ("not configured"), its writing is refused.
struct Setting {
  std::string_view parameter;  // of the query: "policy"
  bool of_object = false;      // else of a bucket
  std::string_view get_name;   // operation names for the audit trail
  std::string_view put_name;
  std::string_view delete_name;
  std::string_view missing_code;  // what GET answers with 404; "" = the document
  std::string_view missing_message;
  std::string_view document;  // what GET answers with 200
};

/// The setting that a query names; nullptr if none. Known for the life of the process.
const Setting* find_setting(const Query& query, bool of_object);

}  // namespace beringia::protocol::s3

#pragma once

#include <string_view>

#include "access/right.h"
#include "base/error.h"
#include "io/http.h"
#include "protocol/s3/query.h"

namespace beringia::protocol::s3 {

struct Call;

/// A subresource of buckets or objects. What has no functions of its own is not offered, but
/// clients probe it: its reading tells the truth ("not configured"), its writing is refused.
struct Setting {
  std::string_view parameter;  // of the query: "policy"
  bool of_object = false;      // else of a bucket
  std::string_view get_name;   // operation names for the audit trail
  std::string_view put_name;
  std::string_view delete_name;
  std::string_view missing_code;  // what GET answers with 404; "" = the document
  std::string_view missing_message;
  std::string_view document;  // what GET answers with 200
  access::Right get_right = access::Right::kAdminister;
  access::Right put_right = access::Right::kAdminister;
  access::Right delete_right = access::Right::kAdminister;
  using Verb = Result<io::HttpResponse> (*)(Call& call);
  Verb get = nullptr;
  Verb put = nullptr;
  Verb remove = nullptr;
};

/// The setting that a query names; nullptr if none. Known for the life of the process.
const Setting* find_setting(const Query& query, bool of_object);

}  // namespace beringia::protocol::s3

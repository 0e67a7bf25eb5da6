#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "access/facts.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// What an S3 request tells conditions of policies: its parameters and headers by the names of the
/// Service Authorization Reference, "Condition keys for Amazon S3". The call outlives it.
class RequestFacts final : public access::Facts {
 public:
  explicit RequestFacts(const Call& call) : call_{call} {}
  bool find(std::string_view key, std::vector<std::string>& values) const override;

 private:
  bool find_signature(std::string_view key, std::vector<std::string>& values) const;
  bool find_tag(std::string_view name, std::vector<std::string>& values) const;

  const Call& call_;
};

}  // namespace beringia::protocol::s3

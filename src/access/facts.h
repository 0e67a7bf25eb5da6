#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace beringia::access {

/// What a request tells about itself, by the key that conditions name it with. Made by the gate and
/// by front ends; asked only when a condition looks. Lives as long as the decision.
class Facts {
 public:
  virtual ~Facts() = default;
  /// @param key  in lower case, e.g. "aws:sourceip", "s3:existingobjecttag/stage" (a tag's name
  ///             keeps its case)
  /// @return the request has it; its values are appended
  virtual bool find(std::string_view key, std::vector<std::string>& values) const = 0;
};

}  // namespace beringia::access

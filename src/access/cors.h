#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace beringia::access {

/// What lets a web page of `origin` read the answer: headers of the first rule of a CORS
/// configuration (S3's XML, BucketAccess::cors) that allows the method and each of the
/// comma-separated names of headers. nullopt: no rule does.
using CorsHeaders = std::vector<std::pair<std::string, std::string>>;
std::optional<CorsHeaders> cors_headers(const std::string& cors, std::string_view origin,
                                        std::string_view method, std::string_view wanted_headers);

}  // namespace beringia::access

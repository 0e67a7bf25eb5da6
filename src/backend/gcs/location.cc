#include "backend/gcs/location.h"

#include <algorithm>

#include "base/encoding.h"

namespace beringia::backend::gcs {

namespace {

std::string with_query(std::string target, const Query& query) {
  char separator = '?';
  for (const auto& [name, value] : query) {
    target += separator;
    target += name + "=" + percent_encode(value);
    separator = '&';
  }
  return target;
}

/// The query with the key that the call's result shall be encrypted with.
Query with_key(Query query, const char* parameter, const std::string& key) {
  if (!key.empty()) query.emplace_back(parameter, key);
  return query;
}

}  // namespace

Result<Location> Location::parse(std::string_view url) {
  constexpr std::string_view kScheme = "gs://";
  auto bad = [&](std::string why) {
    return std::unexpected(invalid("cannot use the backend URL " + std::string{url}, std::move(why),
                                   "write it as gs://bucket or gs://bucket/prefix"));
  };
  if (!url.starts_with(kScheme)) return bad("it does not begin with gs://");
  auto rest = url.substr(kScheme.size());
  auto slash = std::min(rest.find('/'), rest.size());
  Location location;
  location.bucket_ = std::string{rest.substr(0, slash)};
  const auto& bucket = location.bucket_;
  // Bucket naming rules of Cloud Storage: 3-63 characters (with dots up to 222).
  if (bucket.size() < 3 || bucket.size() > 222 || !std::ranges::all_of(bucket, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
      })) {
    return bad("\"" + bucket + "\" is not a bucket name");
  }
  if (slash < rest.size()) location.prefix_ = std::string{rest.substr(slash + 1)};
  if (!location.prefix_.empty() && !location.prefix_.ends_with('/')) location.prefix_ += '/';
  if (location.prefix_.starts_with('/')) return bad("the prefix begins with '/'");
  return location;
}

std::string Location::display(std::string_view name) const {
  return "gs://" + bucket_ + "/" + prefix_ + std::string{name};
}

std::string Location::object_target(std::string_view name, const Query& query) const {
  return with_query("/storage/v1/b/" + bucket_ + "/o/" + percent_encode(full_name(name)), query);
}

std::string Location::media_target(std::string_view name, const Query& query) const {
  Query all{{"alt", "media"}};
  all.insert(all.end(), query.begin(), query.end());
  return with_query("/download/storage/v1/b/" + bucket_ + "/o/" + percent_encode(full_name(name)),
                    all);
}

std::string Location::list_target(const Query& query) const {
  return with_query("/storage/v1/b/" + bucket_ + "/o", query);
}

std::string Location::upload_target(const Query& query) const {
  return with_query("/upload/storage/v1/b/" + bucket_ + "/o",
                    with_key(query, "kmsKeyName", kms_key_));
}

std::string Location::compose_target(std::string_view name, const Query& query) const {
  return with_query(
      "/storage/v1/b/" + bucket_ + "/o/" + percent_encode(full_name(name)) + "/compose",
      with_key(query, "kmsKeyName", kms_key_));
}

std::string Location::rewrite_target(std::string_view from, std::string_view to,
                                     const Query& query) const {
  return with_query("/storage/v1/b/" + bucket_ + "/o/" + percent_encode(full_name(from)) +
                        "/rewriteTo/b/" + bucket_ + "/o/" + percent_encode(full_name(to)),
                    with_key(query, "destinationKmsKeyName", kms_key_));
}

std::string target_of_url(std::string_view url) {
  auto scheme = url.find("://");
  if (scheme != std::string_view::npos && scheme < url.find_first_of("/?")) {
    auto path = url.find('/', scheme + 3);
    url = path == std::string_view::npos ? std::string_view{"/"} : url.substr(path);
  }
  return url.starts_with('/') ? std::string{url} : "/" + std::string{url};
}

}  // namespace beringia::backend::gcs

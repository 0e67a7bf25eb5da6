#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace beringia::backend::gcs {

/// Query parameters in order; values are escaped when rendered.
using Query = std::vector<std::pair<std::string, std::string>>;

/// A bucket and a prefix in it: the root of one backend. Builds request targets of the JSON API.
class Location {
 public:
  /// "gs://bucket" or "gs://bucket/prefix[/]"; the prefix is a directory: it gets a final '/'.
  /// @error kInvalid
  static Result<Location> parse(std::string_view url);

  /// Objects made here get this Cloud KMS key instead of the bucket's default; "" = that one.
  void set_kms_key(std::string key) { kms_key_ = std::move(key); }

  const std::string& kms_key() const { return kms_key_; }

  const std::string& bucket() const { return bucket_; }
  const std::string& prefix() const { return prefix_; }  // "" or ends in '/'
  /// prefix + name, as the service knows it.
  std::string full_name(std::string_view name) const { return prefix_ + std::string{name}; }
  /// "gs://bucket/prefix/name", for messages.
  std::string display(std::string_view name) const;

  std::string object_target(std::string_view name, const Query& query = {}) const;
  std::string media_target(std::string_view name, const Query& query = {}) const;
  std::string list_target(const Query& query) const;
  std::string upload_target(const Query& query) const;
  std::string compose_target(std::string_view name, const Query& query) const;
  std::string rewrite_target(std::string_view from, std::string_view to, const Query& query) const;

 private:
  std::string bucket_;
  std::string prefix_;
  std::string kms_key_;
};

/// Path and query of an absolute or relative URL: "http://h:1/a?b" -> "/a?b".
std::string target_of_url(std::string_view url);

}  // namespace beringia::backend::gcs

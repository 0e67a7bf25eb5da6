#pragma once

#include <string>
#include <string_view>

#include "protocol/gcs/grpc/grpc_call.h"
#include "protocol/gcs/grpc/storage.pb.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs::grpc {

namespace v2 = google::storage::v2;

/// "sales" of "projects/_/buckets/sales". @error kInvalidArgument
[[nodiscard]] Answer<std::string> bucket_of(std::string_view name);
std::string name_of(std::string_view bucket);
/// Addresses of the JSON API.
std::string bucket_path(std::string_view bucket);
std::string object_path(std::string_view bucket, std::string_view object);

/// The JSON API's resources as messages. @error kInternal: that is not one
[[nodiscard]] Answer<v2::Object> object_of(std::string_view json);
v2::Object object_of(const wire::gcs::ObjectResource& resource);
[[nodiscard]] Answer<v2::Bucket> bucket_message(std::string_view json);
/// What a client may say of an object, as the JSON API takes it.
[[nodiscard]] Answer<wire::gcs::ObjectChange> change_of(const v2::Object& object);

/// Keys of the customer, as the JSON API's headers. `prefix`: "x-goog-encryption-" or
/// "x-goog-copy-source-encryption-"
void add_key(io::HttpHeaders& headers, std::string_view prefix, std::string_view algorithm,
             std::string_view key, std::string_view sha256);
void add_key(io::HttpHeaders& headers, const v2::CommonObjectRequestParams& common);

/// Preconditions of a request as the JSON API's parameters.
template <class Request>
void add_bucket_conditions(const Request& request, Query& query) {
  if (request.has_if_metageneration_match()) {
    query.add("ifMetagenerationMatch", request.if_metageneration_match());
  }
  if (request.has_if_metageneration_not_match()) {
    query.add("ifMetagenerationNotMatch", request.if_metageneration_not_match());
  }
}
template <class Request>
void add_conditions(const Request& request, Query& query) {
  if (request.has_if_generation_match()) {
    query.add("ifGenerationMatch", request.if_generation_match());
  }
  if (request.has_if_generation_not_match()) {
    query.add("ifGenerationNotMatch", request.if_generation_not_match());
  }
  add_bucket_conditions(request, query);
}
template <class Request>
void add_source_conditions(const Request& request, Query& query) {
  if (request.has_if_source_generation_match()) {
    query.add("ifSourceGenerationMatch", request.if_source_generation_match());
  }
  if (request.has_if_source_generation_not_match()) {
    query.add("ifSourceGenerationNotMatch", request.if_source_generation_not_match());
  }
  if (request.has_if_source_metageneration_match()) {
    query.add("ifSourceMetagenerationMatch", request.if_source_metageneration_match());
  }
  if (request.has_if_source_metageneration_not_match()) {
    query.add("ifSourceMetagenerationNotMatch", request.if_source_metageneration_not_match());
  }
}

}  // namespace beringia::protocol::gcs::grpc

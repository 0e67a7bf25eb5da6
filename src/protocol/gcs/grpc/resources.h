#pragma once

#include <google/protobuf/util/field_mask_util.h>

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
/// Sets what only gRPC has by what JSON said.
void complete_from_json(v2::Bucket& bucket);
/// A bucket as the JSON API takes it. @error kInvalidArgument
[[nodiscard]] Answer<std::string> bucket_json(v2::Bucket bucket);
/// Likewise as a patch: what `mask` names and is not set goes. @error also kUnimplemented
[[nodiscard]] Answer<std::string> bucket_patch(v2::Bucket bucket,
                                               const google::protobuf::FieldMask& mask);
/// What a client may say of an object, as the JSON API takes it.
[[nodiscard]] Answer<wire::gcs::ObjectChange> change_of(const v2::Object& object);
/// The same of one that is to be made, with the checksums that its bytes shall have.
[[nodiscard]] Answer<wire::gcs::ObjectChange> new_object_change(const v2::Object& object,
                                                                const v2::ObjectChecksums& sums);
/// Likewise as a patch. @error also kInvalidArgument: the mask names what cannot be changed
[[nodiscard]] Answer<wire::gcs::ObjectChange> patch_of(const v2::Object& object,
                                                       const google::protobuf::FieldMask& mask);

/// Keys of the customer, as the JSON API's headers. `prefix`: "x-goog-encryption-" or
/// "x-goog-copy-source-encryption-"
void add_key(io::HttpHeaders& headers, std::string_view prefix, std::string_view algorithm,
             std::string_view key, std::string_view sha256);
void add_key(io::HttpHeaders& headers, const v2::CommonObjectRequestParams& common);

/// Of a read_mask: keeps what it names. Without one, or with "*", all stays.
template <class Request, class Message>
void trim(const Request& request, Message& message) {
  if (!request.has_read_mask()) return;
  for (const std::string& path : request.read_mask().paths()) {
    if (path == "*") return;
  }
  google::protobuf::util::FieldMaskUtil::TrimMessage(request.read_mask(), &message);
}

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

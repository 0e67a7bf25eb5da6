#pragma once

#include <string>
#include <string_view>

#include "core/namespace.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

/// What the headers of PutObject, CreateMultipartUpload and CopyObject (REPLACE) say about the
/// object.
/// @error kInvalid: tags MetadataTooLarge, InvalidStorageClass, InvalidTag, InvalidArgument.
/// Lists: acls.h
[[nodiscard]] Result<core::WriteAttributes> attributes_of(const Call& call);

/// Headers that ask for what is not offered (locks) are refused, never ignored; after
/// the gate was asked, so that a policy may deny them first.
/// @error kUnsupported
[[nodiscard]] Result<void> check_offered(const Call& call);

/// x-amz-tagging: "key=value&...", url-encoded. @error kInvalid (tags InvalidTag, InvalidArgument)
[[nodiscard]] Result<meta::StringMap> tags_of(std::string_view header);

/// Content-Type, ETag, Last-Modified, metadata ... of GET and HEAD.
void add_object_headers(io::HttpResponse& response, const meta::EntryRecord& record);

/// The checksum, when the client asked for it (x-amz-checksum-mode: ENABLED).
void add_checksum_headers(const Call& call, io::HttpResponse& response,
                          const meta::EntryRecord& record);

/// Likewise of one part (from 0), where it was kept.
void add_part_checksum_headers(const Call& call, io::HttpResponse& response,
                               const meta::EntryRecord& record, size_t index);

/// response-content-type and its siblings replace headers. @error kInvalid (tag InvalidArgument)
[[nodiscard]] Result<void> override_headers(const Call& call, io::HttpResponse& response);

/// "\"etag\"".
std::string quoted_etag(const meta::EntryRecord& record);

/// In S3's words; STANDARD when the client named none.
std::string storage_class_of(const std::string& stored);

/// What lists tell of an object's bytes: entity tag, size, class and checksum.
void describe_bytes(const meta::EntryRecord& record, wire::s3::ListedObject& object);

}  // namespace beringia::protocol::s3

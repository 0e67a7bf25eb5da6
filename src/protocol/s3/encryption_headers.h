#pragma once

#include <optional>

#include "base/secret.h"
#include "core/namespace.h"
#include "protocol/s3/call.h"

namespace beringia::protocol::s3 {

// Server-side encryption in headers (and in the fields of forms, which are headers by then). All
// are read after the gate was asked, so that a policy may deny them first. S3 User Guide, "Using
// server-side encryption with customer-provided keys".

/// Of PutObject, CreateMultipartUpload, CopyObject's target and forms.
/// @error kInvalid: tags InvalidArgument, InvalidRequest (customer's keys without TLS);
/// kUnsupported
[[nodiscard]] Result<core::EncryptionChoice> encryption_of(const Call& call);

/// The customer's key of a request about something that exists already: its readings, parts and
/// completion. Errors likewise.
[[nodiscard]] Result<std::optional<Secret>> customer_key_of(const Call& call);
/// As customer_key_of; refuses methods, which GET and HEAD have no use for.
[[nodiscard]] Result<std::optional<Secret>> reader_key_of(const Call& call);
/// x-amz-copy-source-server-side-encryption-customer-*. Errors likewise.
[[nodiscard]] Result<std::optional<Secret>> source_key_of(const Call& call);

/// What answers tell of an object's or upload's encryption.
void add_encryption_headers(io::HttpResponse& response, const meta::Encryption& encryption);

/// S3's word for the method.
std::string_view algorithm_of(meta::Encryption::Method method);

}  // namespace beringia::protocol::s3

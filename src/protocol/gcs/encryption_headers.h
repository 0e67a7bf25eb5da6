#pragma once

#include <optional>
#include <string_view>

#include "base/secret.h"
#include "core/namespace.h"
#include "protocol/gcs/call.h"

namespace beringia::protocol::gcs {

// Encryption in requests: customer-supplied keys (x-goog-encryption-*) and names of keys.
// Cloud Storage, "Customer-supplied encryption keys": the same headers in both APIs.

/// Of an object that is made. @param parameter  of the query that may name a key: "kmsKeyName";
/// the XML API has x-goog-encryption-kms-key-name instead.
/// @error kInvalid: tags kBadAlgorithm, kBadKey, kBadDigest; without TLS
[[nodiscard]] Result<core::EncryptionChoice> encryption_of(const Call& call,
                                                           std::string_view parameter);
/// The customer's key of a request about something that exists. Errors likewise.
[[nodiscard]] Result<std::optional<Secret>> customer_key_of(const Call& call);
/// x-goog-copy-source-encryption-*. Errors likewise.
[[nodiscard]] Result<std::optional<Secret>> source_key_of(const Call& call);

/// What answers without a resource tell of an object's encryption.
void add_encryption_headers(io::HttpResponse& response, const meta::Encryption& encryption);

/// Checksums of what a customer's key encrypts are told to whoever sent a key: the right one, or
/// the request has failed.
bool shows_checksums(const Call& call, const meta::Encryption& encryption);

// Tags: Google's reasons.
inline constexpr const char* kBadAlgorithm = "customerEncryptionAlgorithmIsInvalid";
inline constexpr const char* kBadKey = "customerEncryptionKeyFormatIsInvalid";
inline constexpr const char* kBadDigest = "customerEncryptionKeySha256IsInvalid";

}  // namespace beringia::protocol::gcs

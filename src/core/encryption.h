#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "core/encrypted_source.h"
#include "core/namespace.h"
#include "core/parts.h"
#include "meta/tree.h"

namespace beringia::core {

// Encryption of entries in the backends. Every entry has a data key of its own; the record keeps it
// wrapped under a key of the server, a named one, or the customer's. docs/semantics.md,
// docs/formats/encrypted-objects.md.

/// Attribute of a bucket's directory: how entries are encrypted whose writer does not say.
inline constexpr const char* kDefaultEncryption = "encryption";
/// Attribute of a bucket's directory: by which methods new entries may not be encrypted, and since
/// when: "unnamed=TIME named=TIME customer=TIME"; "open" in place of a time refuses nothing.
/// unnamed: not encrypted, or by a key of the server.
inline constexpr const char* kRefusedEncryption = "refused-encryption";
/// Customer's keys cannot be a default. As parse_default_encryption() reads it.
std::string encode_default_encryption(const EncryptionChoice& choice);
/// nullopt: "" or nothing that was encoded.
std::optional<EncryptionChoice> parse_default_encryption(std::string_view text);

/// What a write at `location` is encrypted with: `choice`, else its bucket's default, else nothing;
/// the key's id is the one that records keep. @error kInvalid (tag "no_key"), kUnsupported; kDenied
/// (tag "encryption_refused"): the bucket does not take that method
[[nodiscard]] Result<EncryptionChoice> resolve_encryption(const io::Context& context,
                                                          Namespace::Parts& parts,
                                                          EncryptionChoice choice,
                                                          const meta::Location& location);

/// A new data key, and the same as it goes into records.
struct NewKey {
  meta::Encryption encryption;
  Secret data_key;
};
/// `choice` as resolved, not kNone.
[[nodiscard]] Result<NewKey> make_data_key(const io::Context& context, Namespace::Parts& parts,
                                           const EncryptionChoice& choice);

/// The data key. @param customer_key  as ReadRequest::customer_key; errors likewise
/// @error kInvalid (tag "no_key"), kCorrupt, kUnavailable, kUnsupported
[[nodiscard]] Result<Secret> data_key_of(const io::Context& context, Namespace::Parts& parts,
                                         const meta::Encryption& encryption,
                                         const std::optional<Secret>& customer_key);

/// For looks that read no bytes: is it the key of this entry, if it needs one? Errors as
/// ReadRequest::customer_key.
[[nodiscard]] Result<void> check_customer_key(const meta::Encryption& encryption,
                                              const std::optional<Secret>& customer_key);

/// Is what is encrypted so also encrypted as `choice` (resolved) wants it? Then its stored bytes
/// may be copied as they are.
bool is_encrypted_as(const meta::Encryption& encryption, const EncryptionChoice& choice);

/// The bytes of a write as they go to the backend: encrypted, or as they are.
class StoredBody {
 public:
  /// `plain` outlives it. `choice` as resolved. @error as make_data_key
  [[nodiscard]] static Result<StoredBody> make(const io::Context& context, Namespace::Parts& parts,
                                               io::ByteSource& plain,
                                               const EncryptionChoice& choice);
  /// Of a part: under the data key that its upload has. Not encrypted: as they are.
  [[nodiscard]] static Result<StoredBody> of_part(const io::Context& context,
                                                  Namespace::Parts& parts, io::ByteSource& plain,
                                                  const meta::Encryption& upload,
                                                  const std::optional<Secret>& customer_key);
  io::ByteSource& source() { return sealed_ ? *sealed_ : *plain_; }
  std::optional<uint64_t> size_of(std::optional<uint64_t> plain_bytes) const;
  // After the end.
  std::optional<uint32_t> crc32c() const;
  /// Puts into the record of the plain bytes how they are stored.
  void describe(meta::EntryRecord& record) const;

 private:
  io::ByteSource* plain_ = nullptr;
  std::unique_ptr<EncryptingSource> sealed_;
  meta::Encryption encryption_;
};

/// The MD5 of bytes that only a key opens is not kept: it would tell what they are.
bool keeps_md5(const meta::Encryption& encryption);

/// Native attribute that lets an encrypted object describe itself, and back.
/// docs/formats/encrypted-objects.md. What is not in it: salt, checksums of bytes that are secret.
inline constexpr const char* kEncryptionAttribute = "beringia-encryption";
std::string encode_encryption_attribute(const meta::EntryRecord& record);
/// Sets encryption, size and checksums of `record`. False: nothing is set, because it is not
/// well-formed, or does not describe `stored_size` bytes.
bool take_encryption_attribute(std::string_view text, uint64_t stored_size,
                               std::optional<uint32_t> stored_crc32c, meta::EntryRecord& record);

}  // namespace beringia::core

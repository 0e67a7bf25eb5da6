#include "core/encryption.h"

#include <utility>

#include "identity/sealer.h"

namespace beringia::core {
namespace {

using Method = meta::Encryption::Method;

constexpr std::string_view kBinding = "beringia data key";

/// What a wrapped data key is bound to, besides its wrapping key.
std::string bound_to(const meta::Encryption& encryption) {
  std::string text{kBinding};
  text += '\0';
  text += static_cast<char>('0' + static_cast<int>(encryption.method));
  text += '\0';
  text += encryption.context;
  return text;
}

Result<identity::KeyService*> service_of(Namespace::Parts& parts, Method method) {
  auto* service = method == Method::kServer ? parts.server_keys : parts.named_keys;
  if (service != nullptr) return service;
  return std::unexpected(
      unsupported("cannot encrypt or decrypt here", "this process has no encryption keys"));
}

/// Opens a data key with the key that its customer brought.
Result<Secret> open_for_customer(const meta::Encryption& encryption, const Secret& key, Rng& rng) {
  auto opened = identity::Sealer{key, rng}.unseal(bound_to(encryption), encryption.wrapped_key);
  if (opened) return opened;
  return std::unexpected(denied("the key is not the one that the object was written with",
                                "only the key of then opens it")
                             .with_tag("customer_key_wrong"));
}

}  // namespace

std::string encode_default_encryption(const EncryptionChoice& choice) {
  if (choice.method == Method::kServer) return "server";
  if (choice.method != Method::kNamed) return {};
  return (choice.reuses_key ? "named-reused " : "named ") + choice.key_id;
}

std::optional<EncryptionChoice> parse_default_encryption(std::string_view text) {
  EncryptionChoice choice;
  if (text == "server") {
    choice.method = Method::kServer;
    return choice;
  }
  for (const std::string_view word : {"named ", "named-reused "}) {
    if (!text.starts_with(word)) continue;
    choice.method = Method::kNamed;
    choice.key_id = text.substr(word.size());
    choice.reuses_key = word != "named ";
    return choice;
  }
  return std::nullopt;
}

namespace {

const std::string& attribute_of_bucket(const meta::Location& location, const char* name) {
  static const std::string kNone;
  if (location.directories.size() < 2 || !location.directories[1].entry) return kNone;
  const auto& attributes = location.directories[1].entry->attributes;
  const auto found = attributes.find(name);
  return found == attributes.end() ? kNone : found->second;
}

Result<void> check_not_refused(Method method, const meta::Location& location) {
  const std::string& refused = attribute_of_bucket(location, kRefusedEncryption);
  if (refused.empty()) return {};
  const char* word = method == Method::kNamed      ? "named="
                     : method == Method::kCustomer ? "customer="
                                                   : "unnamed=";
  const std::string text = " " + refused;
  const size_t at = text.find(std::string{" "} + word);
  if (at == std::string::npos || text.substr(at + 1).starts_with(std::string{word} + "open")) {
    return {};
  }
  return std::unexpected(denied("cannot write " + location.path.text(),
                                "its bucket does not take this method of encryption",
                                "encrypt it as the bucket's settings demand")
                             .with_tag("encryption_refused"));
}

}  // namespace

Result<EncryptionChoice> resolve_encryption(const io::Context& context, Namespace::Parts& parts,
                                            EncryptionChoice choice,
                                            const meta::Location& location) {
  if (choice.method == Method::kNone) {
    choice = parse_default_encryption(attribute_of_bucket(location, kDefaultEncryption))
                 .value_or(choice);
  }
  BR_TRY(check_not_refused(choice.method, location));
  if (choice.method == Method::kServer) choice.key_id.clear();
  if (choice.method == Method::kServer || choice.method == Method::kNamed) {
    BR_TRY(service, service_of(parts, choice.method));
    BR_TRY(id, service->resolve(context, choice.key_id));
    choice.key_id = std::move(id);
  }
  return choice;
}

Result<void> Namespace::check_encryption(const io::Context& context,
                                         const EncryptionChoice& choice) {
  BR_TRY(resolve_encryption(context, parts_, choice, {}));
  return {};
}

Result<NewKey> make_data_key(const io::Context& context, Namespace::Parts& parts,
                             const EncryptionChoice& choice) {
  std::string bytes(wire::kDataKeyBytes, '\0');
  parts.rng.fill(std::span{bytes});
  NewKey made{{}, Secret{std::move(bytes)}};
  meta::Encryption& encryption = made.encryption;
  encryption.method = choice.method;
  encryption.context = choice.context;
  encryption.reuses_key = choice.reuses_key;
  if (choice.method == Method::kCustomer) {
    const std::string& key = choice.customer_key.reveal();
    encryption.key_md5 = md5(key);
    encryption.key_sha256 = sha256(key);
    BR_TRY(wrapped, identity::Sealer{choice.customer_key, parts.rng}.seal(bound_to(encryption),
                                                                          made.data_key));
    encryption.wrapped_key = std::move(wrapped);
    return made;
  }
  encryption.key_id = choice.key_id;
  BR_TRY(service, service_of(parts, choice.method));
  BR_TRY(wrapped, service->wrap(context, choice.key_id, bound_to(encryption), made.data_key));
  encryption.wrapped_key = std::move(wrapped);
  return made;
}

Result<void> check_customer_key(const meta::Encryption& encryption,
                                const std::optional<Secret>& customer_key) {
  if (encryption.method != Method::kCustomer) {
    if (!customer_key) return {};
    return std::unexpected(invalid("The encryption parameters are not applicable to this object.",
                                   "it is not encrypted under a key of its customer")
                               .with_tag("customer_key_unneeded"));
  }
  if (!customer_key) {
    return std::unexpected(
        invalid("The object was stored using a form of Server Side Encryption. The correct "
                "parameters must be provided to retrieve the object.",
                "it is encrypted under a key of its customer")
            .with_tag("customer_key_needed"));
  }
  SystemRng unused;  // opening draws nothing
  BR_TRY(open_for_customer(encryption, *customer_key, unused));
  return {};
}

Result<Secret> data_key_of(const io::Context& context, Namespace::Parts& parts,
                           const meta::Encryption& encryption,
                           const std::optional<Secret>& customer_key) {
  if (encryption.method == Method::kCustomer && customer_key) {
    return open_for_customer(encryption, *customer_key, parts.rng);
  }
  BR_TRY(check_customer_key(encryption, customer_key));
  BR_TRY(service, service_of(parts, encryption.method));
  return service->unwrap(context, encryption.key_id, bound_to(encryption), encryption.wrapped_key);
}

bool is_encrypted_as(const meta::Encryption& encryption, const EncryptionChoice& choice) {
  if (encryption.method != choice.method) return false;
  switch (choice.method) {
    case Method::kNone: return true;
    case Method::kServer: return encryption.key_id == choice.key_id;
    case Method::kNamed:
      return encryption.key_id == choice.key_id && encryption.context == choice.context &&
             encryption.reuses_key == choice.reuses_key;
    case Method::kCustomer: return encryption.key_sha256 == sha256(choice.customer_key.reveal());
  }
  return false;
}

bool keeps_md5(const meta::Encryption& encryption) {
  return encryption.method == Method::kNone || encryption.method == Method::kServer;
}

Result<StoredBody> StoredBody::make(const io::Context& context, Namespace::Parts& parts,
                                    io::ByteSource& plain, const EncryptionChoice& choice) {
  StoredBody body;
  body.plain_ = &plain;
  if (choice.method == Method::kNone) return body;
  BR_TRY(made, make_data_key(context, parts, choice));
  BR_TRY(sealed, EncryptingSource::make(plain, made.data_key, parts.rng));
  body.sealed_ = std::move(sealed);
  body.encryption_ = std::move(made.encryption);
  body.encryption_.salt = body.sealed_->salt();
  return body;
}

Result<StoredBody> StoredBody::of_part(const io::Context& context, Namespace::Parts& parts,
                                       io::ByteSource& plain, const meta::Encryption& upload,
                                       const std::optional<Secret>& customer_key) {
  StoredBody body;
  body.plain_ = &plain;
  if (!upload) {
    BR_TRY(check_customer_key(upload, customer_key));
    return body;
  }
  BR_TRY(key, data_key_of(context, parts, upload, customer_key));
  BR_TRY(sealed, EncryptingSource::make(plain, key, parts.rng));
  body.sealed_ = std::move(sealed);
  return body;
}

std::optional<uint64_t> StoredBody::size_of(std::optional<uint64_t> plain_bytes) const {
  if (!sealed_ || !plain_bytes || *plain_bytes > wire::kMaxPlainBytes) return plain_bytes;
  return wire::stored_bytes_of(*plain_bytes);
}

std::optional<uint32_t> StoredBody::crc32c() const {
  return sealed_ ? std::optional{sealed_->crc32c()} : std::nullopt;
}

void StoredBody::describe(meta::EntryRecord& record) const {
  if (!sealed_) return;
  record.encryption = encryption_;
  record.encryption.stored_crc32c = sealed_->crc32c();
  if (!keeps_md5(encryption_)) record.md5.reset();
}

}  // namespace beringia::core

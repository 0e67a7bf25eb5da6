#include "audit/note.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "base/checksum.h"
#include "base/encoding.h"

namespace beringia::audit {
namespace {

constexpr std::string_view kPrivatePrefix = "PRIVATE+KEY+";
constexpr char kEd25519 = '\x01';
constexpr size_t kKeyBytes = 32;
constexpr size_t kSignatureBytes = 64;
constexpr size_t kMaxNoteBytes = 64 << 10;
constexpr size_t kMaxNameBytes = 256;
constexpr std::string_view kDash = "\xE2\x80\x94 ";  // "— ", before each signature

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeKey>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// C2SP signed-note: not empty, no spaces, no '+'.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && is_utf8(name) &&
         std::ranges::none_of(name, [](char c) {
           return static_cast<unsigned char>(c) <= 0x20 || c == '+' || c == '\x7f';
         });
}

uint32_t key_id(const std::string& name, const std::string& public_key) {
  return read_be32(sha256(name + "\n" + kEd25519 + public_key));
}

std::string hex_id(uint32_t id) {
  std::string bytes;
  append_be32(bytes, id);
  return to_hex(bytes);
}

/// "name+hash+base64(0x01 | key)" -> name and key. The name holds no '+', base64 may.
struct NamedKey {
  std::string name;
  std::string hash;
  std::string key;
};
std::optional<NamedKey> split_key(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  const size_t first = text.find('+');
  if (first == std::string_view::npos) return std::nullopt;
  const size_t second = text.find('+', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  NamedKey named{std::string{text.substr(0, first)},
                 std::string{text.substr(first + 1, second - first - 1)},
                 {}};
  auto key = from_base64(text.substr(second + 1));
  if (!is_name(named.name) || !key || key->size() != 1 + kKeyBytes || key->front() != kEd25519) {
    return std::nullopt;
  }
  named.key = key->substr(1);
  return named;
}

std::optional<std::string> public_key_of(std::string_view seed) {
  const Key key{
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(seed), seed.size())};
  std::string out(kKeyBytes, '\0');
  size_t length = out.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(out.data()),
                                          &length) != 1) {
    return std::nullopt;
  }
  return out;
}

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

Error no_checkpoint(std::string why) {
  return invalid("cannot read the checkpoint", std::move(why));
}

/// "— name base64(id | signature)": is it ours, and right?
bool is_signed_by(std::string_view line, std::string_view text, const Verifier& verifier) {
  line.remove_prefix(kDash.size());
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || line.substr(0, space) != verifier.name()) return false;
  const auto signature = from_base64(line.substr(space + 1));
  return signature && signature->size() == 4 + kSignatureBytes &&
         read_be32(*signature) == verifier.id() &&
         verifier.verify(text, std::string_view{*signature}.substr(4));
}

Result<Checkpoint> parse_text(std::string_view text) {
  Checkpoint checkpoint;
  checkpoint.origin = take_line(text);
  const std::string_view size = take_line(text);
  const auto number = parse_u64(size);
  // Other spellings of a number would be other texts of the same tree.
  if (!number || std::to_string(*number) != size) {
    return std::unexpected(no_checkpoint("the second line is not a size"));
  }
  const auto root = from_base64(take_line(text));
  if (!root || root->size() != kHashBytes) {
    return std::unexpected(no_checkpoint("the third line is not a hash"));
  }
  checkpoint.size = *number;
  std::memcpy(checkpoint.root.data(), root->data(), kHashBytes);
  return checkpoint;
}

}  // namespace

std::string to_text(const Checkpoint& checkpoint) {
  return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" +
         to_base64(view(checkpoint.root)) + "\n";
}

Verifier::Verifier(std::string name, std::string public_key)
    : name_{std::move(name)}, public_key_{std::move(public_key)}, id_{key_id(name_, public_key_)} {}

Result<Verifier> Verifier::parse(std::string_view text) {
  const Error bad = invalid("cannot read the verifier key", "it is not of the form name+hash+key");
  if (text.size() > kMaxNoteBytes) return std::unexpected(bad);
  auto named = split_key(text);
  if (!named) return std::unexpected(bad);
  Verifier verifier{std::move(named->name), std::move(named->key)};
  if (hex_id(verifier.id_) != named->hash) {
    return std::unexpected(
        invalid("cannot read the verifier key", "its hash does not fit name and key"));
  }
  return verifier;
}

std::string Verifier::to_string() const {
  return name_ + "+" + hex_id(id_) + "+" + to_base64(kEd25519 + public_key_);
}

bool Verifier::verify(std::string_view text, std::string_view signature) const {
  const Key key{EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(public_key_),
                                            public_key_.size())};
  const DigestContext context{EVP_MD_CTX_new()};
  return key && context && signature.size() == kSignatureBytes &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text),
                          text.size()) == 1;
}

Signer::Signer(Secret seed, Verifier verifier)
    : seed_{std::move(seed)}, verifier_{std::move(verifier)} {}

Result<Signer> Signer::from_seed(const std::string& name, std::string seed) {
  Secret secret{std::move(seed)};
  auto public_key = public_key_of(secret.reveal());
  if (!public_key) return std::unexpected(internal("cannot make an Ed25519 key"));
  return Signer{std::move(secret), Verifier{name, std::move(*public_key)}};
}

Result<Signer> Signer::generate(const std::string& name, Rng& rng) {
  if (!is_name(name)) {
    return std::unexpected(invalid("cannot sign as \"" + name + "\"",
                                   "the name of a log holds neither spaces nor '+'"));
  }
  std::string seed(kKeyBytes, '\0');
  rng.fill(std::span{seed});
  return from_seed(name, std::move(seed));
}

Result<Signer> Signer::parse(const Secret& text) {
  const Error bad =
      invalid("cannot read the signing key", "it is not of the form PRIVATE+KEY+name+hash+key",
              "restore the file from its backup");
  std::string_view rest = text.reveal();
  if (!rest.starts_with(kPrivatePrefix)) return std::unexpected(bad);
  rest.remove_prefix(kPrivatePrefix.size());
  auto named = split_key(rest);
  if (!named) return std::unexpected(bad);
  BR_TRY(signer, from_seed(named->name, std::move(named->key)));
  if (hex_id(signer.verifier().id()) != named->hash) return std::unexpected(bad);
  return std::move(signer);
}

Secret Signer::to_secret() const {
  return Secret{std::string{kPrivatePrefix} + verifier_.name() + "+" + hex_id(verifier_.id()) +
                "+" + to_base64(kEd25519 + seed_.reveal()) + "\n"};
}

Result<std::string> Signer::sign(std::string_view text) const {
  const Key key{EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes_of(seed_.reveal()),
                                             seed_.reveal().size())};
  const DigestContext context{EVP_MD_CTX_new()};
  std::string blob;
  append_be32(blob, verifier_.id());
  blob.resize(4 + kSignatureBytes);
  size_t length = kSignatureBytes;
  if (!key || !context ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(blob.data() + 4), &length,
                     bytes_of(text), text.size()) != 1) {
    return std::unexpected(internal("cannot sign a checkpoint"));
  }
  return std::string{text} + "\n" + std::string{kDash} + verifier_.name() + " " + to_base64(blob) +
         "\n";
}

Result<Checkpoint> open_checkpoint(std::string_view note, const Verifier& verifier) {
  if (note.size() > kMaxNoteBytes) return std::unexpected(no_checkpoint("it is too large"));
  const size_t blank = note.rfind("\n\n");
  if (blank == std::string_view::npos || !note.ends_with('\n')) {
    return std::unexpected(no_checkpoint("it is not a signed note"));
  }
  const std::string_view text = note.substr(0, blank + 1);
  std::string_view signatures = note.substr(blank + 2);
  bool ours = false;
  while (!signatures.empty()) {
    const std::string_view line = take_line(signatures);
    if (!line.starts_with(kDash)) {
      return std::unexpected(no_checkpoint("a line among the signatures is none"));
    }
    ours = ours || is_signed_by(line, text, verifier);
  }
  if (!ours) {
    return std::unexpected(denied("the checkpoint is not to be trusted",
                                  "it bears no valid signature of " + verifier.to_string()));
  }
  BR_TRY(checkpoint, parse_text(text));
  if (checkpoint.origin != verifier.name()) {
    return std::unexpected(
        denied("the checkpoint is not to be trusted", "it is of the log " + checkpoint.origin));
  }
  return std::move(checkpoint);
}

}  // namespace beringia::audit

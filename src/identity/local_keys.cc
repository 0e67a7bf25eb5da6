#include "identity/local_keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/checksum.h"
#include "base/encoding.h"
#include "identity/sealer.h"
#include "wire/segments.h"

namespace beringia::identity {
namespace {

constexpr size_t kMaxKeyFileBytes = 1 << 20;
constexpr size_t kMaxIdBytes = 256;
constexpr std::string_view kServerKeyInfo = "beringia server encryption key";

bool is_id(std::string_view id) {
  if (id.empty() || id.size() > kMaxIdBytes) return false;
  return std::ranges::all_of(id, [](char c) { return c > ' ' && c < 0x7f; });
}

Error bad_line(const std::string& name, size_t line, std::string why) {
  return invalid("cannot read the key file " + name + ", line " + std::to_string(line),
                 std::move(why), "write lines of the form: ID BASE64-OF-32-BYTES");
}

bool has(const std::vector<NamedKey>& keys, std::string_view id) {
  return std::ranges::any_of(keys, [&](const NamedKey& key) { return key.id == id; });
}

Result<void> take_line(std::string_view line, const std::string& name, size_t number,
                       EncryptionKeys& keys) {
  const size_t space = line.find(' ');
  if (space == line.npos) return std::unexpected(bad_line(name, number, "it has no key"));
  const std::string_view id = line.substr(0, space);
  const std::string_view text =
      line.substr(std::min(line.find_first_not_of(' ', space), line.size()));
  if (!is_id(id)) {
    return std::unexpected(bad_line(name, number, "the id has other than printable characters"));
  }
  auto bytes = from_base64(text);
  if (!bytes || bytes->size() != Sealer::kKeyBytes) {
    return std::unexpected(bad_line(name, number, "the key is not 32 bytes in base64"));
  }
  auto& kind = id.starts_with(kServerKeyPrefix) ? keys.server : keys.named;
  if (has(kind, id)) return std::unexpected(bad_line(name, number, "the id was there before"));
  kind.push_back({std::string{id}, Secret{std::move(*bytes)}});
  return {};
}

/// The bytes of a file that only its owner may read.
Result<Secret> read_private_file(const std::string& path) {
  const std::string what = "cannot read the key file " + path;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(from_errno(errno, what));
  struct stat status{};
  const bool known = ::fstat(fd, &status) == 0;
  std::string bytes(kMaxKeyFileBytes + 1, '\0');
  size_t have = 0;
  ssize_t got = 0;
  while (known && have < bytes.size()) {
    got = ::read(fd, bytes.data() + have, bytes.size() - have);
    if (got <= 0) break;
    have += static_cast<size_t>(got);
  }
  const int failure = errno;
  ::close(fd);
  if (!known || got < 0) return std::unexpected(from_errno(failure, what));
  bytes.resize(have);
  Secret text{std::move(bytes)};
  if ((status.st_mode & 077) != 0) {
    return std::unexpected(denied(what, "others than its owner may read it",
                                  "chmod 600 " + path + ", and replace the keys if they leaked"));
  }
  if (have > kMaxKeyFileBytes) return std::unexpected(invalid(what, "it has more than 1 MiB"));
  return text;
}

/// "arn:aws:kms:REGION:ACCOUNT:key/ID", "projects/P/.../cryptoKeys/ID" -> "ID".
std::string_view last_name(std::string_view name) {
  for (const std::string_view mark : {":key/", ":alias/", "/cryptoKeys/"}) {
    const size_t at = name.rfind(mark);
    if (at != name.npos) return name.substr(at + mark.size());
  }
  return name;
}

}  // namespace

Result<EncryptionKeys> parse_key_file(std::string_view text, const std::string& name) {
  EncryptionKeys keys;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == line.npos || line[first] == '#') continue;
    line = line.substr(first, line.find_last_not_of(" \t\r") + 1 - first);
    BR_TRY(take_line(line, name, number, keys));
  }
  return keys;
}

Result<EncryptionKeys> load_encryption_keys(const std::string& path, const Secret& sealing_key) {
  EncryptionKeys keys;
  if (!path.empty()) {
    BR_TRY(text, read_private_file(path));
    BR_TRY(parsed, parse_key_file(text.reveal(), path));
    keys = std::move(parsed);
  }
  BR_TRY(own, wire::derive_key(sealing_key, "", kServerKeyInfo));
  // The id names the key without telling it: another sealing key is noticed at once.
  const std::string id = std::string{kServerKeyPrefix} + to_hex(sha256(own.reveal())).substr(0, 16);
  if (!has(keys.server, id)) keys.server.insert(keys.server.begin(), NamedKey{id, own});
  return keys;
}

Result<const NamedKey*> LocalKeys::find(std::string_view id) const {
  const auto found = std::ranges::find_if(keys_, [&](const NamedKey& key) { return key.id == id; });
  if (found != keys_.end()) return &*found;
  return std::unexpected(invalid("there is no encryption key " + std::string{id},
                                 "the key file and the data directory do not have it",
                                 "put it into the file of the setting encryption_keys")
                             .with_tag("no_key"));
}

Result<std::string> LocalKeys::resolve(const io::Context& /*context*/, std::string_view name) {
  if (name.empty() && default_ == Default::kLast && !keys_.empty()) return keys_.back().id;
  if (name.empty()) name = kDefaultKey;
  auto exact = find(name);
  if (!exact) exact = find(last_name(name));
  if (!exact) return std::unexpected(std::move(exact).error());
  return (*exact)->id;
}

Result<std::string> LocalKeys::wrap(const io::Context& /*context*/, const std::string& key_id,
                                    std::string_view bound_to, const Secret& plain) {
  BR_TRY(key, find(key_id));
  return Sealer{key->key, rng_}.seal(bound_to, plain);
}

Result<Secret> LocalKeys::unwrap(const io::Context& /*context*/, const std::string& key_id,
                                 std::string_view bound_to, std::string_view wrapped) {
  BR_TRY(key, find(key_id));
  auto plain = Sealer{key->key, rng_}.unseal(bound_to, wrapped);
  if (plain) return plain;
  return std::unexpected(corrupt("cannot unwrap the key of an encrypted object",
                                 "it is damaged, or key " + key_id + " is another key now",
                                 "restore the key of that id"));
}

}  // namespace beringia::identity

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/segments.h"

namespace beringia::meta {

/// How the bytes of an entry are encrypted in the backends (docs/formats/encrypted-objects.md).
/// Holds no secret: the data key in it is wrapped.
struct Encryption {
  enum class Method : uint8_t {
    kNone = 0,
    kServer = 1,    ///< under a key of this server
    kNamed = 2,     ///< under a key that clients name
    kCustomer = 3,  ///< under a key that clients bring with every request
  };
  Method method = Method::kNone;
  std::string key_id;          ///< kServer, kNamed
  std::string wrapped_key;     ///< the data key, sealed under that key
  std::string key_md5;         ///< kCustomer: 16 raw bytes, as S3 shows it
  std::string key_sha256;      ///< kCustomer: 32 raw bytes, as GCS shows it
  std::string context;         ///< kNamed: what the client bound the key to, as it gave it
  bool reuses_key = false;     ///< kNamed: the client asked for bucket keys; shown again
  std::string salt;            ///< of the only stream; "" = to be read from the header
  std::vector<uint64_t> runs;  ///< plain bytes, count, plain bytes, count ...; empty = one stream
  std::optional<uint32_t> stored_crc32c;  ///< of the stored bytes
  bool operator==(const Encryption&) const = default;

  explicit operator bool() const { return method != Method::kNone; }
  /// `plain_bytes`: the entry's size.
  wire::StreamLayout layout(uint64_t plain_bytes) const;
};

/// "server", "named", "customer"; "" for none.
std::string_view to_string(Encryption::Method method);

/// Appends a stream of `plain_bytes` to runs.
void append_stream(std::vector<uint64_t>& runs, uint64_t plain_bytes);

}  // namespace beringia::meta

#pragma once

#include <array>
#include <cstdint>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/checksum.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"
#include "io/http.h"
#include "wire/ecdsa.h"

namespace beringia::wire {

// AWS Signature Version 4 as S3 has it, and Google's twin of it (HMAC keys, "GOOG4"). Errors carry
// S3's error code as their tag ("SignatureDoesNotMatch", "AuthorizationHeaderMalformed" ...).

/// The words in which the two families differ.
struct SigV4Dialect {
  std::string_view algorithm;      // "AWS4-HMAC-SHA256"
  std::string_view key_prefix;     // "AWS4"
  std::string_view terminator;     // "aws4_request"
  std::string_view header_prefix;  // "x-amz-": all such headers must be signed
  std::string_view query_prefix;   // "X-Amz-"
  std::string_view service;        // "s3"
  /// The hash of the body comes in a header. Else parse_sigv4 leaves payload_hash empty, and the
  /// caller fills it from the body before verify_sigv4.
  bool payload_header = true;
  /// SigV4A: signatures by a key pair, for a set of regions that is no part of the scope.
  bool asymmetric = false;
};
inline constexpr SigV4Dialect kAws4{"AWS4-HMAC-SHA256", "AWS4",   "aws4_request",
                                    "x-amz-",           "X-Amz-", "s3"};
/// SigV4A, as SDKs use it where a name may lead to any of several regions.
inline constexpr SigV4Dialect kAws4a{
    "AWS4-ECDSA-P256-SHA256", "AWS4A", "aws4_request", "x-amz-", "X-Amz-", "s3", true, true};
/// The admin API: as AWS, but signatures made for S3 are none for it, nor the other way round.
inline constexpr SigV4Dialect kAdmin4{"AWS4-HMAC-SHA256", "AWS4",   "aws4_request",
                                      "x-amz-",           "X-Amz-", "beringia"};
/// STS, whose signatures are those of all of AWS but S3.
inline constexpr SigV4Dialect kSts4{"AWS4-HMAC-SHA256", "AWS4", "aws4_request", "x-amz-",
                                    "X-Amz-",           "sts",  false};
inline constexpr SigV4Dialect kGoog4{"GOOG4-HMAC-SHA256", "GOOG4",   "goog4_request",
                                     "x-goog-",           "X-Goog-", "storage"};

/// As kGoog4, signed with a service account's RSA key.
inline constexpr SigV4Dialect kGoog4Rsa{"GOOG4-RSA-SHA256", "",        "goog4_request",
                                        "x-goog-",          "X-Goog-", "storage"};

/// What the signature says about the body (x-amz-content-sha256).
enum class PayloadMode {
  kSignedHash,             ///< the body's SHA-256 is signed
  kUnsigned,               ///< UNSIGNED-PAYLOAD
  kChunkedSigned,          ///< STREAMING-AWS4-HMAC-SHA256-PAYLOAD; SigV4A: -ECDSA-P256-
  kChunkedSignedTrailer,   ///< STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER; as before
  kChunkedUnsignedTrailer  ///< STREAMING-UNSIGNED-PAYLOAD-TRAILER
};
bool is_chunked(PayloadMode mode);

// Bounds. S3 API: clocks may differ by 15 minutes, presigned URLs live up to 7 days.
inline constexpr Duration kMaxClockSkew = std::chrono::minutes{15};
inline constexpr int64_t kMaxPresignSeconds = 7 * 24 * 3600;
inline constexpr size_t kMaxSignedHeaders = 200;

/// A request as the verifier sees it: nothing is decoded.
struct SigV4Request {
  std::string_view method;
  std::string_view path;   // escaped
  std::string_view query;  // escaped, without '?'
  const io::HttpHeaders& headers;
};

/// What a request says about itself; nothing of it is proven.
struct SigV4Claim {
  const SigV4Dialect* dialect = &kAws4;
  bool presigned = false;
  std::string access_key;
  std::string date;       // YYYYMMDD of the scope
  std::string region;     // SigV4A: the set of regions, as sent
  std::string scope;      // date/region/service/terminator; SigV4A: without the region
  std::string time_text;  // as signed
  Timestamp time;
  int64_t expires_s = 0;                    // presigned: lifetime
  std::vector<std::string> signed_headers;  // lower case, in the order of the claim
  std::string signature;                    // lower-case hex digits
  PayloadMode payload = PayloadMode::kUnsigned;
  std::string payload_hash;  // the last line of the canonical request
  std::string token;  // X-Amz-Security-Token, under the signature; "" = permanent credentials
};

/// Reads the Authorization header or the presigned query and checks everything that needs no key:
/// form, one mechanism only, scope, Host and every x-amz-* header signed, no header twice, clock
/// and lifetime.
/// @error kDenied or kInvalid, tags: AccessDenied (no credentials, unsigned headers, expired),
///        AuthorizationHeaderMalformed, AuthorizationQueryParametersError, RequestTimeTooSkewed,
///        InvalidArgument, InvalidRequest (SigV2)
/// @param aws  the AWS dialect of this door: another service name for the admin API
[[nodiscard]] Result<SigV4Claim> parse_sigv4(const SigV4Request& request, Timestamp now,
                                             const SigV4Dialect& aws = kAws4);

/// It carries no signature, not even a broken or a foreign one.
bool is_unsigned(const SigV4Request& request);

/// x-amz-content-sha256, into payload and payload_hash. @error kInvalid (tag InvalidArgument),
/// kUnsupported
[[nodiscard]] Result<void> read_payload(std::string_view value, SigV4Claim& claim);

/// The key id a request claims, for the audit record of a refusal; "" if there is none.
std::string claimed_access_key(const SigV4Request& request);

/// Signing keys of (secret, date, region, service), remembered. Bounded; thread-safe.
class SigningKeys {
 public:
  /// Entries held at most (about 300 B each); a full shard is emptied.
  static constexpr size_t kShards = 16;
  static constexpr size_t kMaxPerShard = 256;

  HmacSha256 get(const SigV4Claim& claim, const Secret& secret);
  /// Of a SigV4A claim. @error kInternal
  [[nodiscard]] Result<EcdsaKey> get_pair(const SigV4Claim& claim, const Secret& secret);

 private:
  struct Entry {
    Secret secret;  // a replaced secret must not find its predecessor's key
    std::variant<HmacSha256, EcdsaKey> key;
  };
  struct Shard {
    std::shared_mutex mutex;
    std::unordered_map<std::string, Entry> keys;  // access key '/' scope
  };
  template <class Key, class Derive>
  Result<Key> find_or_make(const SigV4Claim& claim, const Secret& secret, const Derive& derive);

  std::array<Shard, kShards> shards_;
};

/// Proof of a good signature, with what the body's chunks are checked against.
struct SigV4Verified {
  std::variant<HmacSha256, EcdsaKey> signing_key;  // SigV4A: the pair
  std::string seed_signature;
};
/// @error kDenied, tag SignatureDoesNotMatch (why: the canonical request, which holds no secret)
[[nodiscard]] Result<SigV4Verified> verify_sigv4(const SigV4Request& request,
                                                 const SigV4Claim& claim, const Secret& secret,
                                                 SigningKeys& keys);

/// What is signed: the algorithm, the time, the scope and the hash of the canonical request. For
/// signatures that are no HMAC (kGoog4Rsa). @error as canonical_request
[[nodiscard]] Result<std::string> string_to_sign(const SigV4Request& request,
                                                 const SigV4Claim& claim);

/// The canonical request, as the client must have hashed it. @error kInvalid, tag InvalidURI
[[nodiscard]] Result<std::string> canonical_request(const SigV4Request& request,
                                                    const SigV4Claim& claim);

/// AWS4 key chain without a cache.
HmacSha256 derive_signing_key(const SigV4Claim& claim, const Secret& secret);

/// The form in which the next chunk's signature builds on this one: SigV4A pads those of chunks to
/// 144 characters with '*' (Amazon: "Signature calculations ... SigV4A").
std::string_view without_padding(std::string_view signature);

/// True if `signature` is one of a chunk, or of the trailer, with this hash, behind `previous`.
bool proves_chunk(const SigV4Claim& claim, const SigV4Verified& verified, std::string_view previous,
                  std::string_view chunk_sha256_hex, std::string_view signature);
bool proves_trailer(const SigV4Claim& claim, const SigV4Verified& verified,
                    std::string_view previous, std::string_view trailer_sha256_hex,
                    std::string_view signature);

// ---- signing (clients, tests, benchmarks) -------------------------------------------------------

struct SigV4Signer {
  std::string access_key;
  Secret secret;
  std::string region = "us-east-1";
  const SigV4Dialect* dialect = &kAws4;

  /// Adds the date, the payload hash and Authorization to `headers`, which must hold Host. Signs
  /// all headers but those that proxies change. @return the claim, for chunk signatures
  [[nodiscard]] Result<SigV4Claim> sign(std::string_view method, std::string_view target,
                                        io::HttpHeaders& headers, std::string payload_hash,
                                        Timestamp now) const;
  /// @return the target ("/path?query") with the signature's parameters; signs Host and `headers`
  [[nodiscard]] Result<std::string> presign(std::string_view method, std::string_view target,
                                            const io::HttpHeaders& headers, int64_t expires_s,
                                            Timestamp now) const;
};

/// String to sign of a chunk or of the trailer, and its signature as hex.
std::string sign_chunk(const SigV4Claim& claim, const HmacSha256& key, std::string_view previous,
                       std::string_view chunk_sha256_hex);
std::string sign_trailer(const SigV4Claim& claim, const HmacSha256& key, std::string_view previous,
                         std::string_view trailer_sha256_hex);

}  // namespace beringia::wire

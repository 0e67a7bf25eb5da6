#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "io/byte_source.h"
#include "io/context.h"

namespace beringia::backend {

/// What a backend can do. Callers ask this instead of trying.
struct Capabilities {
  std::string kind;                  ///< "file", "gcs", "memory"
  bool compare_and_swap = false;     ///< conditional writes and deletes are exact under races
  bool native_directories = false;   ///< directories exist by themselves (file)
  bool native_rename = false;        ///< rename() is atomic and cheap
  bool renames_directories = false;  ///< rename() takes names that end in '/'
  bool is_unsure = false;            ///< the above is not known before a probe() has succeeded
  bool server_side_compose = false;  ///< compose() moves no bytes through us
  bool zero_copy_read = false;       ///< read() yields file regions
  bool writes_pieces = false;        ///< write() takes WriteRequest::offset
  bool ordered_listing = false;      ///< list() pages are in byte order over the whole prefix
  size_t max_name_bytes = 1024;
  uint64_t max_object_bytes = 5ULL << 40;
};

/// Identity of one version of the bytes under one native name, opaque to callers:
/// gcs: generation; file: "inode-mtime_ns-size"; memory: counter. Equal tokens = same bytes.
using Version = std::string;

/// Attributes stored natively beside the bytes (xattr user.beringia.*, GCS custom metadata), so
/// that objects are self-describing. Keys are lower case.
using Attributes = std::map<std::string, std::string>;

/// One native object as the backend knows it.
struct CopyInfo {
  std::string name;  ///< native name relative to the backend's root, no leading '/'
  uint64_t size = 0;
  Version version;
  Timestamp modified;
  std::optional<uint32_t> crc32c;
  std::optional<std::string> md5;  ///< 16 raw bytes
  std::string content_type;
  std::string storage_class;
  Attributes attributes;
};

struct StatRequest {
  std::string name;
};

struct ReadRequest {
  std::string name;
  io::ByteRange range;             ///< must lie inside the object; length 0 allowed
  std::optional<Version> version;  ///< kConflict if the object is another version now
  /// CRC32C that exactly these bytes must have, where the caller knows it: the source then ends in
  /// kCorrupt instead of its end (VerifyingBackend). File regions are handed on unread.
  std::optional<uint32_t> crc32c = std::nullopt;
  /// Others may overwrite the object in place (file): the source ends in kConflict instead of its
  /// end if that happened. Waits first until the last change is `settled` ago.
  bool watched = false;
  Duration settled{0};
};

/// The precondition on the native object at publication.
struct Expectation {
  enum class Kind { kAny, kAbsent, kVersion } kind = Kind::kAny;
  Version version;
  static Expectation any() { return {}; }
  static Expectation absent() { return {Kind::kAbsent, {}}; }
  static Expectation at(Version v) { return {Kind::kVersion, std::move(v)}; }
  bool operator==(const Expectation&) const = default;
};

/// What is stored with the bytes once the body has ended and before the object is visible.
struct Seal {
  uint64_t size = 0;
  uint32_t crc32c = 0;
  std::optional<std::string> md5;  ///< 16 raw bytes
  std::string content_type;
  Attributes attributes;
  /// Replaces WriteRequest::expectation when set: the caller looked again under its lock. A backend
  /// that had to fix the precondition at the start of the body fails with kConflict if it differs.
  std::optional<Expectation> expectation;
};

struct WriteRequest {
  std::string name;
  io::ByteSource* body = nullptr;
  std::optional<uint64_t> size;  ///< hint
  Expectation expectation;
  std::string storage_class;  ///< "" = the backend's default
  std::string content_type;   ///< backends that need it before the body
  Attributes attributes;      ///< known before the body; seal() may add more
  /// Only if capabilities().writes_pieces: the body, of exactly `size` bytes, becomes a piece at
  /// this offset of `name`, a reserved name that is made if it is not there; other pieces stay.
  /// Durable when it returns; after an error the piece is undefined. The expectation is not looked
  /// at, the answer has no version. compose() makes an object of the pieces; no piece may be
  /// written from then on.
  std::optional<uint64_t> offset = std::nullopt;
  /// Called once, after the body's end and before publication; an error aborts the write with
  /// nothing visible. May be empty.
  std::function<Result<Seal>()> seal;
};

struct ListRequest {
  std::string prefix;
  std::string start_after;    ///< names > this only
  bool by_directory = false;  ///< stop at '/', names below come as `directories`
  size_t max_items = 1000;
  std::string page_token;  ///< from the previous page
  /// Nobody else can tell: a store that is slow is waited for (GuardedBackend).
  bool worth_waiting = false;
};

struct CopyPage {
  std::vector<CopyInfo> items;           ///< attributes and checksums only if cheap to have
  std::vector<std::string> directories;  ///< full native prefixes that end in '/'
  std::string next_page_token;           ///< empty: complete
};

struct RemoveRequest {
  std::string name;
  std::optional<Version> version;  ///< kConflict if the object is another version
};

struct ComposeRequest {
  std::string name;
  std::vector<std::string> sources;  ///< native names here, in order; at least one
  /// Empty, or one per source: kConflict if one differs. Of pieces: empty.
  std::vector<Version> source_versions;
  /// Empty, or one per source: only these bytes. Needs capabilities().writes_pieces.
  std::vector<io::ByteRange> source_ranges = {};
  Expectation expectation;
  std::string storage_class;
  Seal seal;  ///< size and crc32c are verified against the result
  bool remove_sources = false;
};

struct RenameRequest {
  std::string from;
  std::string to;
  std::optional<Version> version;
  Expectation expectation;  ///< of `to`
  /// The old name stays, too: one file with two names where the store has that, else a copy inside
  /// the store. Of objects only ("a/" is one, too); in every backend, whatever native_rename says.
  /// Neither name may be written in place afterwards.
  bool keep_source = false;
  /// With keep_source: what the new name carries instead of the old one's. A store in which both
  /// names are one file may change the old one's as well.
  std::optional<Attributes> attributes = std::nullopt;
};

struct UpdateRequest {
  std::string name;
  std::optional<Version> version;
  Attributes attributes;  ///< replaces all
  std::string content_type;
  std::string storage_class;  ///< "" = unchanged; else rewrite in place where possible
};

/// A property of a store that an operator should know of, and what follows from it.
struct StoreTrait {
  std::string name;         ///< "soft_delete"
  std::string value;        ///< "7 days"
  std::string consequence;  ///< "" = none
  bool warns = false;       ///< it costs money, or makes something fail that otherwise would not
  bool operator==(const StoreTrait&) const = default;
};
using StoreReport = std::vector<StoreTrait>;

/// Bytes in one store. Implementations: file, gcs, memory (and wrappers). Thread-safe, stateless
/// but for pools and caches. Every call may park. Errors: kNotFound, kConflict (expectation or
/// version), kDenied (credentials), kUnavailable, kBusy (throttled), kCorrupt; their Retry says
/// whether the same call may be repeated.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual const Capabilities& capabilities() const = 0;
  [[nodiscard]] virtual Result<CopyInfo> stat(const io::Context& context,
                                              const StatRequest& request) = 0;
  /// The source yields exactly range.length bytes of ONE version, or fails.
  [[nodiscard]] virtual Result<std::unique_ptr<io::ByteSource>> read(
      const io::Context& context, const ReadRequest& request) = 0;
  /// Durable when it returns. @error as above; after kMaybeApplied, stat() tells (write id).
  [[nodiscard]] virtual Result<CopyInfo> write(const io::Context& context,
                                               const WriteRequest& request) = 0;
  [[nodiscard]] virtual Result<CopyPage> list(const io::Context& context,
                                              const ListRequest& request) = 0;
  [[nodiscard]] virtual Result<void> remove(const io::Context& context,
                                            const RemoveRequest& request) = 0;
  [[nodiscard]] virtual Result<CopyInfo> compose(const io::Context& context,
                                                 const ComposeRequest& request) = 0;
  /// Only if capabilities().native_rename, or with keep_source. Names that end in '/' (only if
  /// capabilities().renames_directories) rename a native directory with all below it (version and
  /// expectation are then not used; kAlreadyExists if something lies below the target's name; empty
  /// directories there are replaced; onto itself: kNotFound if it is not there).
  [[nodiscard]] virtual Result<CopyInfo> rename(const io::Context& context,
                                                const RenameRequest& request) = 0;
  [[nodiscard]] virtual Result<CopyInfo> update(const io::Context& context,
                                                const UpdateRequest& request) = 0;
  /// Only if capabilities().native_directories; else a no-op that succeeds. Parents are made.
  /// `name` ends in '/'. Durable when it returns.
  [[nodiscard]] virtual Result<void> make_directory(const io::Context& context,
                                                    const std::string& name) = 0;
  /// Removes it if empty (kAlreadyExists when not empty); no-op without native directories.
  [[nodiscard]] virtual Result<void> remove_directory(const io::Context& context,
                                                      const std::string& name) = 0;
  /// Removes what crashed writers left behind (temporary files older than `age`). @return how many
  [[nodiscard]] virtual Result<uint64_t> sweep(const io::Context& context, Duration age) = 0;
  /// Reachable and allowed? Cheap. What it finds out about the store it also heeds from then on.
  /// @return what the store says of itself; stores without settings say nothing
  /// @error says what is wrong and what to do
  [[nodiscard]] virtual Result<StoreReport> probe(const io::Context& context) = 0;
};

/// Names below this are ours (uploads, staging): list() never shows them, all other calls take them
/// as they are (no escaping). The namespace refuses user keys whose native name would begin so.
inline constexpr std::string_view kReservedPrefix = ".beringia/";

/// Tag of a kUnavailable that was answered without asking: the backend was away a moment ago.
inline constexpr std::string_view kAway = "away";

}  // namespace beringia::backend

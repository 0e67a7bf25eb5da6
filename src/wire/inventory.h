#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "wire/parquet.h"

/// Inventories of buckets, as S3 writes them: what is configured, the columns, the manifest.
namespace beringia::wire {

/// Attribute of a bucket's directory that holds its configurations, as encode() makes it.
inline constexpr std::string_view kInventoryAttribute = "inventory";
inline constexpr size_t kMaxInventories = 100;  // of a bucket
inline constexpr size_t kMaxInventoryBytes = 64 << 10;

struct InventoryConfiguration {
  enum class Format : uint8_t { kCsv, kParquet };
  std::string id;
  bool enabled = true;
  bool weekly = false;
  bool all_versions = false;
  std::string prefix;  // of the keys that are listed
  std::string target_account;
  std::string target_bucket;  // name
  std::string target_prefix;
  Format format = Format::kCsv;
  std::vector<std::string> fields;  // S3's names: "Size"
  bool encrypted = false;           // the report: by the server's key, or by this one
  std::string key_id;
  bool operator==(const InventoryConfiguration&) const = default;
};

/// Whether S3 has an optional field of that name.
bool is_inventory_field(std::string_view name);

/// JSON. @error (encode) kInvalid, tag TooManyConfigurations; (decode) kCorrupt
[[nodiscard]] Result<std::string> encode(const std::vector<InventoryConfiguration>& all);
[[nodiscard]] Result<std::vector<InventoryConfiguration>> decode_inventories(std::string_view text);

/// One generation of one object, or a mark of a deletion.
struct InventoryRow {
  std::string_view bucket;
  std::string_view key;
  std::optional<std::string> version_id;
  std::optional<bool> is_latest, is_delete_marker;
  // nullopt: does not apply.
  std::optional<uint64_t> size;
  std::optional<Timestamp> modified;
  std::optional<std::string> etag, storage_class;
  std::optional<bool> is_multipart;
  std::optional<std::string> encryption_status, lock_mode, legal_hold;
  std::optional<Timestamp> retain_until;
  std::optional<std::string> bucket_key_status, checksum_algorithm, acl, owner;
};

/// A report: rows in, bytes out, bounded. Implementations: Parquet, and CSV in gzip.
class InventoryEncoder {
 public:
  virtual ~InventoryEncoder() = default;
  virtual void add(const InventoryRow& row) = 0;
  /// What goes into the file next; `last`: with the file's end. @error kInternal
  [[nodiscard]] virtual Result<std::string> take(bool last) = 0;
  /// Bytes of rows that were added and not taken.
  virtual size_t pending_bytes() const = 0;
  virtual std::string schema() const = 0;  // as the manifest tells it
};
[[nodiscard]] Result<std::unique_ptr<InventoryEncoder>> make_inventory_encoder(
    const InventoryConfiguration& configuration);

struct InventoryFile {
  std::string key;
  uint64_t size = 0;
  std::string md5;  // hex
};
/// S3 user guide, "Inventory manifest".
std::string render_manifest(const InventoryConfiguration& configuration, std::string_view bucket,
                            Timestamp created, const std::string& schema,
                            const std::vector<InventoryFile>& files);

namespace s3 {

/// InventoryConfiguration. @error kInvalid, tags MalformedXML, InvalidArgument
[[nodiscard]] Result<InventoryConfiguration> parse_inventory(const std::string& xml);
std::string render_inventory(const InventoryConfiguration& configuration);
std::string render_inventories(const std::vector<InventoryConfiguration>& all);

}  // namespace s3

}  // namespace beringia::wire

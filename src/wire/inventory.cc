#include "wire/inventory.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "wire/document.h"

namespace beringia::wire {
namespace {

using Format = InventoryConfiguration::Format;
using Type = ParquetColumn::Type;

constexpr int kGzipWindow = 15 + 16;  // zlib: a gzip member

/// S3 user guide, "Inventory list": what each optional field is called, and how a row fills it.
struct Field {
  std::string_view name;    // in configurations and CSV
  std::string_view column;  // in Parquet
  Type type;
};
constexpr Field kFields[] = {
    {"Size", "size", Type::kInteger},
    {"LastModifiedDate", "last_modified_date", Type::kTime},
    {"ETag", "e_tag", Type::kText},
    {"StorageClass", "storage_class", Type::kText},
    {"IsMultipartUploaded", "is_multipart_uploaded", Type::kBoolean},
    {"ReplicationStatus", "replication_status", Type::kText},
    {"EncryptionStatus", "encryption_status", Type::kText},
    {"ObjectLockRetainUntilDate", "object_lock_retain_until_date", Type::kTime},
    {"ObjectLockMode", "object_lock_mode", Type::kText},
    {"ObjectLockLegalHoldStatus", "object_lock_legal_hold_status", Type::kText},
    {"IntelligentTieringAccessTier", "intelligent_tiering_access_tier", Type::kText},
    {"BucketKeyStatus", "bucket_key_status", Type::kText},
    {"ChecksumAlgorithm", "checksum_algorithm", Type::kText},
    {"ObjectAccessControlList", "object_access_control_list", Type::kText},
    {"ObjectOwner", "object_owner", Type::kText},
};

bool has(const InventoryConfiguration& configuration, std::string_view field) {
  return std::ranges::find(configuration.fields, field) != configuration.fields.end();
}

const std::optional<std::string>* text_of(const InventoryRow& row, std::string_view field) {
  if (field == "ETag") return &row.etag;
  if (field == "StorageClass") return &row.storage_class;
  if (field == "EncryptionStatus") return &row.encryption_status;
  if (field == "ObjectLockMode") return &row.lock_mode;
  if (field == "ObjectLockLegalHoldStatus") return &row.legal_hold;
  if (field == "BucketKeyStatus") return &row.bucket_key_status;
  if (field == "ChecksumAlgorithm") return &row.checksum_algorithm;
  if (field == "ObjectAccessControlList") return &row.acl;
  if (field == "ObjectOwner") return &row.owner;
  return nullptr;  // replication and tiers: there are none
}

const std::optional<Timestamp>& time_of(const InventoryRow& row, std::string_view field) {
  return field == "LastModifiedDate" ? row.modified : row.retain_until;
}

class ParquetEncoder final : public InventoryEncoder {
 public:
  explicit ParquetEncoder(const InventoryConfiguration& configuration)
      : all_versions_{configuration.all_versions},
        fields_{fields_of(configuration)},
        writer_{columns_of(configuration)} {}

  void add(const InventoryRow& row) override {
    writer_.text(row.bucket);
    writer_.text(row.key);
    if (all_versions_) {
      writer_.text(row.version_id ? std::optional<std::string_view>{*row.version_id}
                                  : std::nullopt);
      writer_.boolean(row.is_latest);
      writer_.boolean(row.is_delete_marker);
    }
    for (const Field& field : fields_) {
      switch (field.type) {
        case Type::kInteger: writer_.integer(row.size); break;
        case Type::kBoolean: writer_.boolean(row.is_multipart); break;
        case Type::kTime: writer_.time(time_of(row, field.name)); break;
        case Type::kText: {
          const auto* text = text_of(row, field.name);
          writer_.text(text != nullptr && *text ? std::optional<std::string_view>{**text}
                                                : std::nullopt);
          break;
        }
      }
    }
  }
  Result<std::string> take(bool last) override {
    BR_TRY(bytes, writer_.take_group());
    return last ? bytes + writer_.take_footer() : std::move(bytes);
  }
  size_t pending_bytes() const override { return writer_.pending_bytes(); }
  std::string schema() const override { return writer_.schema_text("s3.inventory"); }

 private:
  static std::vector<Field> fields_of(const InventoryConfiguration& configuration) {
    std::vector<Field> fields;
    for (const Field& field : kFields) {
      if (has(configuration, field.name)) fields.push_back(field);
    }
    return fields;
  }
  static std::vector<ParquetColumn> columns_of(const InventoryConfiguration& configuration) {
    std::vector<ParquetColumn> columns{{"bucket", Type::kText, false}, {"key", Type::kText, false}};
    if (configuration.all_versions) {
      columns.push_back({"version_id", Type::kText, true});
      columns.push_back({"is_latest", Type::kBoolean, true});
      columns.push_back({"is_delete_marker", Type::kBoolean, true});
    }
    for (const Field& field : fields_of(configuration)) {
      columns.push_back({std::string{field.column}, field.type, true});
    }
    return columns;
  }

  const bool all_versions_;
  const std::vector<Field> fields_;
  ParquetWriter writer_;
};

/// S3 user guide: every value in quotes, keys url-encoded, no header.
class CsvEncoder final : public InventoryEncoder {
 public:
  explicit CsvEncoder(const InventoryConfiguration& configuration)
      : configuration_{configuration} {}
  ~CsvEncoder() override { deflateEnd(&stream_); }
  CsvEncoder(const CsvEncoder&) = delete;
  CsvEncoder& operator=(const CsvEncoder&) = delete;

  [[nodiscard]] bool begin() {
    return deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, MAX_MEM_LEVEL,
                        Z_DEFAULT_STRATEGY) == Z_OK;
  }

  void add(const InventoryRow& row) override {
    value(row.bucket, true);
    value(percent_encode(row.key, true));
    if (configuration_.all_versions) {
      value(row.version_id.value_or(""));
      value(word(row.is_latest));
      value(word(row.is_delete_marker));
    }
    for (const Field& field : kFields) {
      if (!has(configuration_, field.name)) continue;
      switch (field.type) {
        case Type::kInteger: value(row.size ? std::to_string(*row.size) : ""); break;
        case Type::kBoolean: value(word(row.is_multipart)); break;
        case Type::kTime: {
          const auto& time = time_of(row, field.name);
          value(time ? to_iso8601(*time) : "");
          break;
        }
        case Type::kText: {
          const auto* text = text_of(row, field.name);
          value(text != nullptr ? text->value_or("") : "");
          break;
        }
      }
    }
    pending_ += '\n';
  }
  Result<std::string> take(bool last) override {
    const std::string plain = std::exchange(pending_, {});
    std::string out(deflateBound(&stream_, static_cast<uLong>(plain.size())) + 64, '\0');
    // zlib reads what it calls not const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    stream_.avail_in = static_cast<uInt>(plain.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int ended = deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
    if (ended != (last ? Z_STREAM_END : Z_OK) && !(ended == Z_BUF_ERROR && plain.empty())) {
      return std::unexpected(internal("cannot compress an inventory", "zlib"));
    }
    out.resize(out.size() - stream_.avail_out);
    return out;
  }
  size_t pending_bytes() const override { return pending_.size(); }
  std::string schema() const override {
    std::string schema = "Bucket, Key";
    if (configuration_.all_versions) schema += ", VersionId, IsLatest, IsDeleteMarker";
    for (const Field& field : kFields) {
      if (has(configuration_, field.name)) schema.append(", ").append(field.name);
    }
    return schema;
  }

 private:
  static std::string word(std::optional<bool> flag) {
    return flag ? (*flag ? "true" : "false") : "";
  }
  void value(std::string_view text, bool is_first = false) {
    if (!is_first) pending_ += ',';
    pending_ += '"';
    for (const char c : text) {
      if (c == '"') pending_ += '"';
      pending_ += c;
    }
    pending_ += '"';
  }

  const InventoryConfiguration configuration_;
  z_stream stream_{};
  std::string pending_;
};

Error damaged(const std::string& why) {
  return corrupt("reading the inventories of a bucket", why, "put them again");
}

Result<InventoryConfiguration> read_one(const Value& table) {
  TableReader reader{table, "an inventory"};
  InventoryConfiguration one;
  one.id = reader.required_text("id");
  one.enabled = reader.boolean("enabled", true);
  one.weekly = reader.boolean("weekly", false);
  one.all_versions = reader.boolean("all_versions", false);
  one.prefix = reader.text("prefix");
  one.target_account = reader.text("target_account");
  one.target_bucket = reader.required_text("target_bucket");
  one.target_prefix = reader.text("target_prefix");
  one.format = reader.boolean("parquet", false) ? Format::kParquet : Format::kCsv;
  one.fields = reader.texts("fields");
  one.encrypted = reader.boolean("encrypted", false);
  one.key_id = reader.text("key_id");
  if (auto whole = reader.finish(); !whole) return std::unexpected(damaged(whole.error().why()));
  return one;
}

}  // namespace

bool is_inventory_field(std::string_view name) {
  return std::ranges::any_of(kFields, [&](const Field& field) { return field.name == name; });
}

Result<std::string> encode(const std::vector<InventoryConfiguration>& all) {
  JsonWriter json;
  json.begin_object().key("inventories").begin_array();
  for (const InventoryConfiguration& one : all) {
    json.begin_object().member("id", one.id).member("enabled", one.enabled);
    json.member("weekly", one.weekly).member("all_versions", one.all_versions);
    json.member("prefix", one.prefix).member("target_account", one.target_account);
    json.member("target_bucket", one.target_bucket).member("target_prefix", one.target_prefix);
    json.member("parquet", one.format == Format::kParquet).key("fields").begin_array();
    for (const std::string& field : one.fields) json.value(field);
    json.end_array().member("encrypted", one.encrypted).member("key_id", one.key_id).end_object();
  }
  json.end_array().end_object();
  std::string text = json.take();
  if (all.size() <= kMaxInventories && text.size() <= kMaxInventoryBytes) return text;
  return std::unexpected(
      invalid(
          "You are attempting to create a new configuration but have already reached the limit.",
          "100 inventories of a bucket, and 64 KiB as stored, are the most")
          .with_tag("TooManyConfigurations"));
}

Result<std::vector<InventoryConfiguration>> decode_inventories(std::string_view text) {
  std::vector<InventoryConfiguration> all;
  if (text.empty()) return all;
  auto root = parse_json(text, kMaxInventoryBytes, "inventories");
  if (!root) return std::unexpected(damaged(root.error().why()));
  TableReader reader{*root, "inventories"};
  for (const Value* table : reader.tables("inventories")) {
    BR_TRY(one, read_one(*table));
    all.push_back(std::move(one));
  }
  if (auto whole = reader.finish(); !whole) return std::unexpected(damaged(whole.error().why()));
  return all;
}

Result<std::unique_ptr<InventoryEncoder>> make_inventory_encoder(
    const InventoryConfiguration& configuration) {
  if (configuration.format == Format::kParquet) {
    return std::make_unique<ParquetEncoder>(configuration);
  }
  auto csv = std::make_unique<CsvEncoder>(configuration);
  if (!csv->begin()) return std::unexpected(internal("cannot compress an inventory", "zlib"));
  return csv;
}

std::string render_manifest(const InventoryConfiguration& configuration, std::string_view bucket,
                            Timestamp created, const std::string& schema,
                            const std::vector<InventoryFile>& files) {
  JsonWriter json;
  json.begin_object().member("sourceBucket", bucket);
  json.member("destinationBucket", "arn:aws:s3:::" + configuration.target_bucket);
  json.member("version", "2016-11-30");
  json.member("creationTimestamp", std::to_string(created.micros / 1000));
  json.member("fileFormat", configuration.format == Format::kParquet ? "Parquet" : "CSV");
  json.member("fileSchema", schema).key("files").begin_array();
  for (const InventoryFile& file : files) {
    json.begin_object().member("key", file.key).member("size", file.size);
    json.member("MD5checksum", file.md5).end_object();
  }
  json.end_array().end_object();
  return json.take();
}

}  // namespace beringia::wire

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace beringia::wire {

/// One flat column of a Parquet file.
struct ParquetColumn {
  enum class Type : uint8_t { kText, kInteger, kBoolean, kTime };  // kTime: UTC, milliseconds
  std::string name;
  Type type = Type::kText;
  bool optional = true;
};

/// Writes a Parquet file with flat columns, row group by row group: plain encoding, gzip, a
/// checksum for each page. Memory holds one row group. Not thread-safe.
///
/// Source: the Apache Parquet format, 2.10 (data pages V1, thrift compact protocol).
class ParquetWriter {
 public:
  explicit ParquetWriter(std::vector<ParquetColumn> columns);

  // One value for each column, in their order; nullopt only for optional ones.
  void text(std::optional<std::string_view> value);
  void integer(std::optional<uint64_t> value);
  void boolean(std::optional<bool> value);
  void time(std::optional<Timestamp> value);

  uint64_t rows() const { return rows_; }
  /// Of the row group that is being filled, before compression.
  size_t pending_bytes() const { return pending_bytes_; }

  /// What goes into the file next: the rows since the last call as a row group; "" without any.
  /// @error kInternal: zlib failed
  [[nodiscard]] Result<std::string> take_group();
  /// After the last group: the end of the file.
  [[nodiscard]] std::string take_footer();
  /// The schema as text, as S3's manifests have it.
  std::string schema_text(std::string_view name) const;

 private:
  struct Filling {
    std::string values;            // plain encoded
    std::vector<uint8_t> present;  // one for each row; optional columns only
    std::vector<bool> bits;        // booleans
  };
  struct Chunk {
    uint64_t offset = 0, compressed = 0, uncompressed = 0;
  };
  struct Group {
    std::vector<Chunk> chunks;
    uint64_t rows = 0, bytes = 0;
  };
  Filling* next(bool present);
  Result<std::string> page_of(const ParquetColumn& column, Filling& filling, uint64_t rows,
                              Chunk& chunk) const;

  const std::vector<ParquetColumn> columns_;
  std::vector<Filling> filling_;
  size_t at_ = 0;  // the column that comes next
  uint64_t rows_ = 0;
  uint64_t group_rows_ = 0;
  size_t pending_bytes_ = 0;
  uint64_t offset_ = 0;  // bytes taken so far
  std::vector<Group> groups_;
};

}  // namespace beringia::wire

#include "wire/parquet.h"

#include <zlib.h>

#include <cassert>
#include <utility>

#include "wire/thrift_compact.h"

namespace beringia::wire {
namespace {

using Type = ParquetColumn::Type;

constexpr std::string_view kMagic = "PAR1";
// parquet.thrift: Type, ConvertedType, Encoding, CompressionCodec, PageType.
constexpr int kTypeBoolean = 0;
constexpr int kTypeInt64 = 2;
constexpr int kTypeByteArray = 6;
constexpr int kConvertedUtf8 = 0;
constexpr int kConvertedTimestampMillis = 9;
constexpr int kEncodingPlain = 0;
constexpr int kEncodingRle = 3;
constexpr int kCodecGzip = 2;
constexpr int kDataPage = 0;
constexpr int kListI32 = 5;
constexpr int kListBinary = 8;
constexpr int kListStruct = 12;
constexpr int kGzipWindow = 15 + 16;  // zlib: a gzip member
constexpr int kFast = 1;

int physical(Type type) {
  switch (type) {
    case Type::kText: return kTypeByteArray;
    case Type::kInteger:
    case Type::kTime: return kTypeInt64;
    case Type::kBoolean: return kTypeBoolean;
  }
  return kTypeByteArray;
}

void append_le32(std::string& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift);
}
void append_le64(std::string& out, uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>(value >> shift);
}

/// Booleans, and definition levels of one bit: eight in a byte, the first one lowest.
template <class Bits>
std::string packed(const Bits& bits) {
  std::string out((bits.size() + 7) / 8, '\0');
  for (size_t i = 0; i < bits.size(); ++i) {
    if (bits[i]) out[i / 8] = static_cast<char>(out[i / 8] | (1 << (i % 8)));
  }
  return out;
}

/// RLE hybrid, one bit-packed run; with its length in front, as pages V1 have it.
std::string definition_levels(const std::vector<uint8_t>& present) {
  std::string run;
  append_varint(run, (((present.size() + 7) / 8) << 1) | 1);
  run += packed(present);
  std::string out;
  append_le32(out, static_cast<uint32_t>(run.size()));
  return out + run;
}

Result<std::string> gzip(const std::string& bytes) {
  z_stream stream{};
  const auto failed = [] { return std::unexpected(internal("cannot compress a page", "zlib")); };
  if (deflateInit2(&stream, kFast, Z_DEFLATED, kGzipWindow, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return failed();
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  // zlib reads what it calls not const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (ended != Z_STREAM_END) return failed();
  return out;
}

void write_schema(ThriftCompactWriter& out, const std::vector<ParquetColumn>& columns) {
  out.begin_list(2, columns.size() + 1, kListStruct);
  out.begin_element();
  out.binary(4, "schema");
  out.integer(5, static_cast<int64_t>(columns.size()), false);
  out.end_struct();
  for (const ParquetColumn& column : columns) {
    out.begin_element();
    out.integer(1, physical(column.type), false);
    out.integer(3, column.optional ? 1 : 0, false);
    out.binary(4, column.name);
    if (column.type == Type::kText) out.integer(6, kConvertedUtf8, false);
    if (column.type == Type::kTime) out.integer(6, kConvertedTimestampMillis, false);
    if (column.type == Type::kText || column.type == Type::kTime) {
      out.begin_struct(10);  // LogicalType
      if (column.type == Type::kText) {
        out.begin_struct(1);  // StringType
      } else {
        out.begin_struct(8);  // TimestampType
        out.boolean(1, true);
        out.begin_struct(2);  // TimeUnit
        out.begin_struct(1);  // MilliSeconds
        out.end_struct();
        out.end_struct();
      }
      out.end_struct();
      out.end_struct();
    }
    out.end_struct();
  }
}

}  // namespace

ParquetWriter::ParquetWriter(std::vector<ParquetColumn> columns)
    : columns_{std::move(columns)}, filling_(columns_.size()) {}

/// The column whose turn it is; null: it is told that it has no value here.
ParquetWriter::Filling* ParquetWriter::next(bool present) {
  const ParquetColumn& column = columns_[at_];
  Filling& filling = filling_[at_];
  assert((present || column.optional) && "a required column needs a value");
  if (column.optional) filling.present.push_back(present ? 1 : 0);
  if (++at_ == columns_.size()) {
    at_ = 0;
    ++rows_;
    ++group_rows_;
  }
  pending_bytes_ += 1;
  return present ? &filling : nullptr;
}

void ParquetWriter::text(std::optional<std::string_view> value) {
  assert(columns_[at_].type == Type::kText);
  Filling* filling = next(value.has_value());
  if (filling == nullptr) return;
  append_le32(filling->values, static_cast<uint32_t>(value->size()));
  filling->values += *value;
  pending_bytes_ += value->size() + 4;
}

void ParquetWriter::integer(std::optional<uint64_t> value) {
  assert(columns_[at_].type == Type::kInteger);
  Filling* filling = next(value.has_value());
  if (filling == nullptr) return;
  append_le64(filling->values, *value);
  pending_bytes_ += 8;
}

void ParquetWriter::boolean(std::optional<bool> value) {
  assert(columns_[at_].type == Type::kBoolean);
  Filling* filling = next(value.has_value());
  if (filling != nullptr) filling->bits.push_back(*value);
}

void ParquetWriter::time(std::optional<Timestamp> value) {
  assert(columns_[at_].type == Type::kTime);
  Filling* filling = next(value.has_value());
  if (filling == nullptr) return;
  append_le64(filling->values, static_cast<uint64_t>(value->micros / 1000));
  pending_bytes_ += 8;
}

Result<std::string> ParquetWriter::page_of(const ParquetColumn& column, Filling& filling,
                                           uint64_t rows, Chunk& chunk) const {
  std::string page = column.optional ? definition_levels(filling.present) : std::string{};
  page += column.type == Type::kBoolean ? packed(filling.bits) : filling.values;
  BR_TRY(stored, gzip(page));
  ThriftCompactWriter head;
  head.begin_element();
  head.integer(1, kDataPage, false);
  head.integer(2, static_cast<int64_t>(page.size()), false);
  head.integer(3, static_cast<int64_t>(stored.size()), false);
  const auto sum =
      crc32(0, reinterpret_cast<const Bytef*>(stored.data()), static_cast<uInt>(stored.size()));
  head.integer(4, static_cast<int32_t>(sum), false);
  head.begin_struct(5);  // DataPageHeader
  head.integer(1, static_cast<int64_t>(rows), false);
  head.integer(2, kEncodingPlain, false);
  head.integer(3, kEncodingRle, false);  // of definition levels
  head.integer(4, kEncodingRle, false);  // of repetition levels, of which there are none
  head.end_struct();
  head.end_struct();
  std::string out = head.take();
  chunk.uncompressed = out.size() + page.size();
  out += stored;
  chunk.compressed = out.size();
  return out;
}

Result<std::string> ParquetWriter::take_group() {
  assert(at_ == 0 && "a row is not complete");
  std::string out;
  if (group_rows_ == 0) return out;
  if (offset_ == 0) out = kMagic;
  Group group;
  group.rows = group_rows_;
  for (size_t i = 0; i < columns_.size(); ++i) {
    Chunk chunk;
    chunk.offset = offset_ + out.size();
    BR_TRY(page, page_of(columns_[i], filling_[i], group_rows_, chunk));
    out += page;
    group.bytes += chunk.uncompressed;
    group.chunks.push_back(chunk);
    filling_[i] = {};
  }
  groups_.push_back(std::move(group));
  offset_ += out.size();
  group_rows_ = 0;
  pending_bytes_ = 0;
  return out;
}

std::string ParquetWriter::take_footer() {
  assert(group_rows_ == 0 && "take_group() first");
  ThriftCompactWriter out;
  out.begin_element();
  out.integer(1, 1, false);  // version
  write_schema(out, columns_);
  out.integer(3, static_cast<int64_t>(rows_), true);
  out.begin_list(4, groups_.size(), kListStruct);
  for (const Group& group : groups_) {
    out.begin_element();
    out.begin_list(1, group.chunks.size(), kListStruct);
    for (size_t i = 0; i < columns_.size(); ++i) {
      const Chunk& chunk = group.chunks[i];
      out.begin_element();
      out.integer(2, static_cast<int64_t>(chunk.offset), true);
      out.begin_struct(3);  // ColumnMetaData
      out.integer(1, physical(columns_[i].type), false);
      out.begin_list(2, 2, kListI32);
      out.element(int64_t{kEncodingPlain});
      out.element(int64_t{kEncodingRle});
      out.begin_list(3, 1, kListBinary);
      out.element(std::string_view{columns_[i].name});
      out.integer(4, kCodecGzip, false);
      out.integer(5, static_cast<int64_t>(group.rows), true);
      out.integer(6, static_cast<int64_t>(chunk.uncompressed), true);
      out.integer(7, static_cast<int64_t>(chunk.compressed), true);
      out.integer(9, static_cast<int64_t>(chunk.offset), true);
      out.end_struct();
      out.end_struct();
    }
    out.integer(2, static_cast<int64_t>(group.bytes), true);
    out.integer(3, static_cast<int64_t>(group.rows), true);
    out.end_struct();
  }
  out.binary(6, "beringia");
  out.end_struct();
  const std::string meta = out.take();
  std::string end = offset_ == 0 ? std::string{kMagic} : std::string{};
  end += meta;
  append_le32(end, static_cast<uint32_t>(meta.size()));
  return end += kMagic;
}

std::string ParquetWriter::schema_text(std::string_view name) const {
  std::string text = "message " + std::string{name} + " {";
  for (const ParquetColumn& column : columns_) {
    text += column.optional ? "  optional " : "  required ";
    switch (column.type) {
      case Type::kText: text += "binary " + column.name + " (UTF8);"; break;
      case Type::kInteger: text += "int64 " + column.name + ";"; break;
      case Type::kBoolean: text += "boolean " + column.name + ";"; break;
      case Type::kTime: text += "int64 " + column.name + " (TIMESTAMP_MILLIS);"; break;
    }
  }
  return text + "}";
}

}  // namespace beringia::wire

#include "wire/inventory.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace beringia::wire {
namespace {

std::string document(const std::string& more = {}, const std::string& format = "Parquet") {
  return "<InventoryConfiguration><Destination><S3BucketDestination><Bucket>arn:aws:s3:::t</Bucket>"
         "<Format>" +
         format +
         "</Format></S3BucketDestination></Destination><IsEnabled>true"
         "</IsEnabled><Id>daily</Id><IncludedObjectVersions>All</IncludedObjectVersions><Schedule>"
         "<Frequency>Daily</Frequency></Schedule>" +
         more + "</InventoryConfiguration>";
}
std::string tag_of(const std::string& xml) {
  const auto one = s3::parse_inventory(xml);
  return one ? "taken" : one.error().tag();
}

std::string gunzip(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(Inventory, is_read_back_as_it_was_put) {
  const auto one = s3::parse_inventory(
      document("<Filter><Prefix>logs/</Prefix></Filter><OptionalFields><Field>Size</Field><Field>"
               "ETag</Field></OptionalFields>"));
  ASSERT_TRUE(one) << one.error().to_string();
  EXPECT_EQ(one->fields, (std::vector<std::string>{"Size", "ETag"}));
  const auto stored = decode_inventories(encode(std::vector{*one, *one}).value());
  ASSERT_TRUE(stored) << stored.error().to_string();
  ASSERT_EQ(stored->size(), 2u);
  EXPECT_EQ(stored->front(), *one);
  EXPECT_EQ(s3::parse_inventory(s3::render_inventory(*one)).value(), *one);
}

TEST(Inventory, is_refused_with_amazons_codes) {
  EXPECT_EQ(tag_of(document()), "taken");
  EXPECT_EQ(tag_of(document({}, "ORC")), "NotImplemented");
  EXPECT_EQ(tag_of(document({}, "XLS")), "MalformedXML");
  EXPECT_EQ(tag_of("<InventoryConfiguration/>"), "MalformedXML");
  EXPECT_EQ(tag_of(document("<Other/>")), "MalformedXML");
  EXPECT_EQ(tag_of(document("<OptionalFields><Field>Weight</Field></OptionalFields>")),
            "MalformedXML");
  EXPECT_EQ(tag_of(document("<Id>a b</Id>")), "InvalidArgument");
  EXPECT_EQ(decode_inventories("{").error().code(), Code::kCorrupt);
  EXPECT_EQ(encode(std::vector<InventoryConfiguration>(kMaxInventories + 1)).error().tag(),
            "TooManyConfigurations");
}

TEST(Inventory, in_csv_keeps_values_apart) {
  InventoryConfiguration configuration;
  configuration.fields = {"Size", "ETag", "IsMultipartUploaded"};
  auto encoder = make_inventory_encoder(configuration).value();
  InventoryRow row;
  row.bucket = "b";
  row.key = "a\"b,\nc/d";
  row.size = 7;
  row.etag = "e\"t";
  encoder->add(row);
  std::string bytes = encoder->take(false).value();
  encoder->add(row);
  bytes += encoder->take(false).value();
  EXPECT_EQ(encoder->pending_bytes(), 0u);
  bytes += encoder->take(true).value();
  const std::string line = "\"b\",\"a%22b%2C%0Ac/d\",\"7\",\"e\"\"t\",\"\"\n";
  EXPECT_EQ(gunzip(bytes), line + line);
  EXPECT_EQ(encoder->schema(), "Bucket, Key, Size, ETag, IsMultipartUploaded");
}

TEST(Inventory, of_a_million_rows_is_held_in_pieces) {
  constexpr int kRows = 1'000'000;
  constexpr size_t kPiece = 4 << 20;
  InventoryConfiguration configuration;
  configuration.format = InventoryConfiguration::Format::kParquet;
  configuration.fields = {"Size", "ETag"};
  auto encoder = make_inventory_encoder(configuration).value();
  InventoryRow row;
  row.bucket = "bucket";
  row.etag = "d41d8cd98f00b204e9800998ecf8427e";
  size_t largest = 0;
  size_t total = 0;
  size_t pieces = 0;
  for (int i = 0; i < kRows; ++i) {
    const std::string key = "logs/2026/11/" + std::to_string(i);
    row.key = key;
    row.size = static_cast<uint64_t>(i);
    encoder->add(row);
    if (encoder->pending_bytes() < kPiece) continue;
    const std::string piece = encoder->take(false).value();
    largest = std::max(largest, piece.size());
    total += piece.size();
    ++pieces;
  }
  const std::string last = encoder->take(true).value();
  EXPECT_LE(largest, kPiece);
  EXPECT_LE(last.size(), kPiece);
  EXPECT_GT(pieces, 10u);
  EXPECT_LT(total, 40u << 20);
}

/// pyarrow and DuckDB read the files in tests/protocol/s3/test_inventory.py.
TEST(Parquet, has_groups_between_its_marks) {
  ParquetWriter writer{{{"k", ParquetColumn::Type::kText, false},
                        {"n", ParquetColumn::Type::kInteger, true},
                        {"t", ParquetColumn::Type::kTime, true},
                        {"b", ParquetColumn::Type::kBoolean, true}}};
  std::string file;
  for (int group = 0; group < 3; ++group) {
    for (int i = 0; i < 100; ++i) {
      writer.text("key");
      writer.integer(i % 3 == 0 ? std::nullopt : std::optional<uint64_t>{1});
      writer.time(Timestamp{1'000'000});
      writer.boolean(i % 2 == 0);
    }
    EXPECT_GT(writer.pending_bytes(), 0u);
    file += writer.take_group().value();
    EXPECT_EQ(writer.pending_bytes(), 0u);
  }
  EXPECT_EQ(writer.take_group().value(), "");
  file += writer.take_footer();
  EXPECT_EQ(writer.rows(), 300u);
  EXPECT_TRUE(file.starts_with("PAR1"));
  EXPECT_TRUE(file.ends_with("PAR1"));
  EXPECT_EQ(writer.schema_text("s"),
            "message s {  required binary k (UTF8);  optional int64 n;  optional int64 t "
            "(TIMESTAMP_MILLIS);  optional boolean b;}");
}

}  // namespace
}  // namespace beringia::wire

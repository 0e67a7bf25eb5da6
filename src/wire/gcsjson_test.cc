#include "wire/gcsjson.h"

#include <gtest/gtest.h>

namespace beringia::wire::gcs {
namespace {

ObjectResource sample() {
  ObjectResource object;
  object.bucket = "sales";
  object.name = "2026/q1 \"x\".parquet";
  object.id = "sales/2026/q1 \"x\".parquet/1700000000000001";
  object.generation = 1700000000000001;
  object.metageneration = 3;
  object.size = 5ULL << 40;
  object.crc32c = 0x01020304;
  object.md5 = std::string(16, '\x7f');
  object.etag = "CKih16GjycICEAE=";
  object.content_type = "application/vnd.apache.parquet";
  object.content_encoding = "gzip";
  object.cache_control = "no-store";
  object.content_disposition = "attachment";
  object.content_language = "en";
  object.storage_class = "NEARLINE";
  object.time_created = parse_rfc3339("2026-01-02T03:04:05.678Z");
  object.updated = parse_rfc3339("2026-01-02T03:04:06.678Z");
  object.time_storage_class_updated = parse_rfc3339("2026-01-02T03:04:07.678Z");
  object.custom_time = "2020-01-02T03:04:07.678901Z";
  object.component_count = 3;
  object.temporary_hold = true;
  object.metadata = {{"beringia-write-id", "abc"}, {"owner", "Zoë"}};
  return object;
}

TEST(ObjectResource, survives_rendering_and_parsing) {
  auto parsed = parse_object(render(sample()));
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_EQ(*parsed, sample());
}

TEST(ObjectResource, shows_integers_as_texts_and_crc32c_big_endian) {
  auto json = render(sample());
  EXPECT_NE(json.find(R"("generation":"1700000000000001")"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("size":"5497558138880")"), std::string::npos);
  EXPECT_NE(json.find(R"("crc32c":"AQIDBA==")"), std::string::npos);
}

TEST(ObjectResource, is_read_from_googles_form_with_unknown_members) {
  auto parsed = parse_object(R"({"kind":"storage#object","id":"b/n/1","name":"n","bucket":"b",
    "generation":"1","metageneration":"1","size":"0","owner":{"entity":"x"},"acl":[1,2],
    "retention":null,"metadata":{"a":"b"}, "timeCreated":"2026-11-24T15:04:05.123Z"})");
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_EQ(parsed->generation, 1u);
  EXPECT_EQ(parsed->metadata.at("a"), "b");
  EXPECT_EQ(to_iso8601(parsed->time_created), "2026-11-24T15:04:05.123Z");
}

TEST(ObjectResource, with_members_of_the_wrong_type_is_refused) {
  for (const char* bad :
       {"", "[]", "nul", "{", R"({"size":"-1"})", R"({"size":1.5})", R"({"name":3})",
        R"({"crc32c":"AQID"})", R"({"md5Hash":"AQID"})", R"({"metadata":{"a":1}})",
        R"({"generation":"18446744073709551616"})", R"({"updated":"yesterday"})"}) {
    auto parsed = parse_object(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code(), Code::kInvalid) << bad;
  }
}

TEST(ObjectResource, that_nests_too_deep_or_is_too_large_is_refused) {
  std::string deep = R"({"x":)" + std::string(100000, '[') + std::string(100000, ']') + "}";
  EXPECT_FALSE(parse_object(deep));
  std::string large = R"({"name":")" + std::string(kMaxResourceBytes, 'x') + "\"}";
  EXPECT_FALSE(parse_object_change(large));
}

TEST(ObjectChange, tells_absent_null_and_text_apart) {
  auto change = parse_object_change(
      R"({"contentType":"text/csv","cacheControl":null,"metadata":{"a":"1","b":null}})");
  ASSERT_TRUE(change) << change.error().to_string();
  EXPECT_EQ(change->content_type.value(), "text/csv");
  EXPECT_EQ(change->cache_control.kind, FieldChange::Kind::kNull);
  EXPECT_FALSE(change->content_encoding.present());
  EXPECT_TRUE(change->has_metadata);
  EXPECT_EQ(change->metadata.at("a"), "1");
  EXPECT_EQ(change->metadata.at("b"), std::nullopt);
  EXPECT_EQ(render(*change),
            R"({"contentType":"text/csv","cacheControl":null,"metadata":{"a":"1","b":null}})");
  auto removal = parse_object_change(R"({"metadata":null})");
  ASSERT_TRUE(removal);
  EXPECT_TRUE(removal->metadata_null);
}

TEST(ObjectList, survives_rendering_and_parsing) {
  ObjectList list;
  list.items = {sample(), sample()};
  list.prefixes = {"a/", "b/"};
  list.next_page_token = "t";
  auto parsed = parse_object_list(render(list));
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_EQ(parsed->items, list.items);
  EXPECT_EQ(parsed->prefixes, list.prefixes);
  EXPECT_EQ(parsed->next_page_token, "t");
  EXPECT_EQ(render(ObjectList{}), R"({"kind":"storage#objects"})");
}

TEST(BucketResource, survives_rendering_and_parsing) {
  BucketResource bucket;
  bucket.name = bucket.id = "sales";
  bucket.location = "US";
  bucket.project_number = "42";
  bucket.storage_class = "STANDARD";
  bucket.versioning = false;
  bucket.labels = {{"team", "etl"}};
  auto parsed = parse_bucket(render(bucket));
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  EXPECT_EQ(*parsed, bucket);
  auto list = parse_bucket_list(render(BucketList{{bucket}, "n"}));
  ASSERT_TRUE(list);
  EXPECT_EQ(list->items.size(), 1u);
}

TEST(ComposeBody, survives_rendering_and_parsing) {
  ComposeBody body;
  body.sources = {{"a", 7, std::nullopt}, {"b", std::nullopt, 8}};
  body.destination.content_type = {FieldChange::Kind::kText, "text/csv"};
  body.delete_sources = true;
  auto parsed = parse_compose(render(body));
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  ASSERT_EQ(parsed->sources.size(), 2u);
  EXPECT_EQ(parsed->sources[0].generation, 7u);
  EXPECT_EQ(parsed->sources[1].if_generation_match, 8u);
  EXPECT_TRUE(parsed->delete_sources);
  EXPECT_FALSE(parse_compose(R"({"sourceObjects":[{}]})"));
}

TEST(RewriteAnswer, survives_rendering_and_parsing) {
  auto running = parse_rewrite(render(RewriteAnswer{5, 10, false, "token", std::nullopt}));
  ASSERT_TRUE(running);
  EXPECT_EQ(running->rewrite_token, "token");
  EXPECT_FALSE(running->done);
  auto done = parse_rewrite(render(RewriteAnswer{10, 10, true, "", sample()}));
  ASSERT_TRUE(done);
  EXPECT_EQ(*done->resource, sample());
}

TEST(ErrorBody, is_read_from_googles_form) {
  auto error = parse_error(
      R"({"error":{"code":412,"message":"At least one of the pre-conditions you specified did
 not hold.","errors":[{"message":"m","domain":"global","reason":"conditionNotMet",
 "locationType":"header","location":"If-Match"}]}})",
      412);
  EXPECT_EQ(error.code, 412);  // the raw newline above makes it foreign text
  auto good = parse_error(
      R"({"error":{"code":404,"message":"No such object: b/n","errors":[{"message":"m",
      "domain":"global","reason":"notFound"}]}})",
      500);
  EXPECT_EQ(good.code, 404);
  EXPECT_EQ(good.message, "No such object: b/n");
  EXPECT_EQ(good.reason, "notFound");
  EXPECT_EQ(parse_error(render(good), 404).reason, "notFound");
}

TEST(ErrorBody, keeps_the_beginning_of_foreign_text) {
  EXPECT_EQ(parse_error("Not Found\n", 404).message, "Not Found");
  EXPECT_EQ(parse_error(std::string(4096, 'x'), 500).message.size(), 512u);
  EXPECT_EQ(parse_error(R"({"error":"invalid_grant"})", 400).code, 400);
}

TEST(SelectFields, keeps_only_what_is_named) {
  const std::string json =
      R"({"kind":"k","nextPageToken":"t","items":[{"name":"a","size":"1","metadata":{"x":"1",)"
      R"("y":"2"}},{"name":"b","n":3,"f":true,"z":null}]})";
  auto select = [&](std::string_view fields) {
    return select_fields(json, fields).value_or("error");
  };
  EXPECT_EQ(select(""), json);
  EXPECT_EQ(select("nextPageToken,items(name)"),
            R"({"nextPageToken":"t","items":[{"name":"a"},{"name":"b"}]})");
  EXPECT_EQ(select("items/metadata/x"), R"({"items":[{"metadata":{"x":"1"}},{}]})");
  EXPECT_EQ(select("items(name, n,f,z)"),
            R"({"items":[{"name":"a"},{"name":"b","n":3,"f":true,"z":null}]})");
  EXPECT_EQ(select("*/name"), R"({"kind":"k","nextPageToken":"t","items":[{"name":"a"},)"
                              R"({"name":"b"}]})");
  for (const char* bad : {"items(", "items)", ",", "a//b", "items(name))", "()"}) {
    EXPECT_FALSE(select_fields(json, bad)) << bad;
  }
}

TEST(Hashes, are_read_from_one_or_two_headers) {
  Hashes hashes;
  ASSERT_TRUE(add_hash_header(hashes, "crc32c=AQIDBA==, md5=f39/f39/f39/f39/f39/fw=="));
  EXPECT_EQ(hashes.crc32c, 0x01020304u);
  EXPECT_EQ(hashes.md5, std::string(16, '\x7f'));
  EXPECT_EQ(hash_header(hashes.crc32c, hashes.md5), "crc32c=AQIDBA==,md5=f39/f39/f39/f39/f39/fw==");
  Hashes second;
  ASSERT_TRUE(add_hash_header(second, "crc32c=AQIDBA=="));
  ASSERT_TRUE(add_hash_header(second, "md5=f39/f39/f39/f39/f39/fw=="));
  EXPECT_TRUE(second.md5 && second.crc32c);
  EXPECT_FALSE(add_hash_header(second, "crc32c=AQID"));
}

TEST(TokenAnswer, survives_rendering_and_parsing) {
  auto token = parse_token(render(TokenAnswer{"ya29.x", "Bearer", 3599}));
  ASSERT_TRUE(token);
  EXPECT_EQ(token->access_token, "ya29.x");
  EXPECT_EQ(token->expires_in_s, 3599);
  EXPECT_FALSE(parse_token("{}"));
  auto error = parse_token_error(render(TokenError{"invalid_grant", "expired"}));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->error, "invalid_grant");
}

TEST(BucketResource, null_labels_are_told_apart_from_absent_ones) {
  const auto bucket = parse_bucket(R"({"name":"b","labels":{"keep":"1","drop":null}})").value();
  EXPECT_EQ(bucket.labels, (StringMap{{"keep", "1"}}));
  EXPECT_EQ(bucket.removed_labels, std::vector<std::string>{"drop"});
  EXPECT_TRUE(parse_bucket(R"({"labels":null})")->removed_labels.empty());
  EXPECT_FALSE(parse_bucket(R"({"labels":{"a":1}})"));
}

TEST(ObjectChange, null_says_nothing_as_gos_libraries_send_it) {
  EXPECT_TRUE(parse_object_change("null\n"));
  EXPECT_FALSE(parse_object_change("null null"));
  EXPECT_FALSE(parse_object_change("nil"));
}

}  // namespace
}  // namespace beringia::wire::gcs

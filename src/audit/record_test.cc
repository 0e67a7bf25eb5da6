#include <gtest/gtest.h>

#include "audit/audit.h"
#include "audit/leaf.h"
#include "audit/merkle.h"

namespace beringia::audit {
namespace {

Record a_record() {
  Record record;
  record.time = {1'790'000'000'123'456};
  record.principal = "alice";
  record.credential = "AKID";
  record.source_ip = "127.0.0.1";
  record.door = "s3";
  record.operation = "GetObject";
  record.action = "read";
  record.path = "/sales/q1.parquet";
  record.generation = 1'790'000'000'000'001;
  record.allowed = true;
  record.rule = "grant analysts-read";
  record.status = 200;
  record.bytes = 4096;
  record.backend = "disk";
  record.latency = std::chrono::microseconds{350};
  record.request_id = "7f3a9c";
  return record;
}

TEST(Record, is_rendered_as_documented) {
  EXPECT_EQ(with_sequence(to_canonical_json(a_record()), 17),
            R"({"activity_id":2,)"
            R"("actor":{"authorizations":[{"decision":"allow",)"
            R"("policy":{"name":"grant analysts-read"}}],)"
            R"("user":{"credential_uid":"AKID","name":"alice"}},)"
            R"("api":{"operation":"GetObject","request":{"uid":"7f3a9c"},)"
            R"("response":{"code":200},"service":{"name":"s3"}},)"
            R"("category_uid":6,"class_uid":6003,)"
            R"("metadata":{"product":{"name":"Beringia"},"version":"1.3.0"},)"
            R"("resources":[{"name":"/sales/q1.parquet","type":"entry",)"
            R"("version":"1790000000000001"}],"seq":17,"severity_id":1,)"
            R"("src_endpoint":{"ip":"127.0.0.1"},"status_id":1,)"
            R"("time":1790000000123,"type_uid":600302,)"
            R"("unmapped":{"action":"read","backend":"disk","bytes":4096,"latency_us":350}})");
}

TEST(Record, is_canonical_whatever_it_holds) {
  const std::string texts[] = {"",
                               "\"\\\b\f\n\r\t\x01\x1f\x7f",
                               "\xff\xfe broken",
                               "größe/数据/😀",
                               std::string("a\0b", 3),
                               std::string(100'000, '\x01'),
                               std::string(100'000, '\xc3')};
  for (const auto& text : texts) {
    for (const bool allowed : {true, false}) {
      Record record;
      record.principal = record.credential = record.source_ip = record.door = text;
      record.operation = record.action = record.path = record.target_path = text;
      record.rule = record.error = record.backend = record.request_id = text;
      record.generation = record.bytes = UINT64_MAX;
      record.latency = Duration{-5};
      record.time = {-1};
      record.allowed = allowed;
      const std::string leaf = with_sequence(to_canonical_json(record), 5);
      EXPECT_LE(leaf.size(), kMaxEntryBytes);
      EXPECT_EQ(leaf.find("unreadable"), std::string::npos);
      const auto sequence = read_leaf(leaf);
      ASSERT_TRUE(sequence) << leaf.substr(0, 500);
      EXPECT_EQ(*sequence, 5u);
    }
  }
  EXPECT_TRUE(read_leaf(with_sequence(to_canonical_json(Record{}), 0)));
}

TEST(Record, tells_success_from_failure) {
  Record record = a_record();
  const auto failed = [&] {
    return to_canonical_json(record).find(R"("status_id":2)") != std::string::npos;
  };
  EXPECT_FALSE(failed());
  record.status = 404;
  EXPECT_TRUE(failed());
  record.status = 0;
  record.error = "not_found";
  EXPECT_TRUE(failed());
  record.error.clear();
  record.allowed = false;
  EXPECT_TRUE(failed());
}

TEST(Leaf, holds_its_number_at_its_place) {
  EXPECT_EQ(with_sequence("{}", 1), R"({"seq":1})");
  EXPECT_EQ(with_sequence(R"({"a":1})", 2), R"({"a":1,"seq":2})");
  EXPECT_EQ(with_sequence(R"({"z":[1,{"b":"}"}]})", 3), R"({"seq":3,"z":[1,{"b":"}"}]})");
  EXPECT_EQ(with_sequence(R"({"a":"\",\"t\":","t":0})", 4), R"({"a":"\",\"t\":","seq":4,"t":0})");
}

TEST(Leaf, keeps_what_is_no_record) {
  const auto is_kept = [](std::string_view text) {
    const std::string leaf = with_sequence(text, 9);
    return leaf.find("unreadable") != std::string::npos && leaf.size() <= kMaxEntryBytes &&
           read_leaf(leaf).value_or(0) == 9;
  };
  for (const char* text : {"", "{", "[]", "text", R"({"seq":1})", R"({"a")", "{a:1}"}) {
    EXPECT_TRUE(is_kept(text)) << text << " -> " << with_sequence(text, 9);
  }
  EXPECT_TRUE(is_kept("{\"a\":\"" + std::string(70'000, 'x') + "\"}"));
}

TEST(Leaf, accepts_canonical_json_only) {
  EXPECT_EQ(read_leaf(R"({"a":[true,false,null,-5,[],{}],"b":"\u0001\n\"é","seq":7})").value(), 7u);
  for (const char* text : {"",
                           "7",
                           "[]",
                           "{}",
                           R"({"seq":"7"})",
                           R"({"seq":-7})",
                           R"({"seq":07})",
                           R"({"seq":7.0})",
                           R"({"seq":7e0})",
                           R"({ "seq":7})",
                           R"({"seq":7} )",
                           R"({"seq":7,"a":1})",
                           R"({"seq":7,"seq":8})",
                           R"({"a":"\u0041","seq":7})",
                           R"({"a":"\u001F","seq":7})",
                           R"({"a":"\u000a","seq":7})",
                           R"({"a":"\/","seq":7})",
                           R"({"a":-0,"seq":7})",
                           R"({"a":9007199254740993,"seq":7})",
                           R"({"seq":7)",
                           R"({"a":tru,"seq":7})",
                           R"({"a":[1,],"seq":7})",
                           R"({"a":{"seq":7}})",
                           "{\"a\":\"\x01\",\"seq\":7}",
                           "{\"a\":\"\xff\",\"seq\":7}"}) {
    EXPECT_FALSE(read_leaf(text)) << text;
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += R"({"a":)";
  EXPECT_FALSE(read_leaf(deep));
}

}  // namespace
}  // namespace beringia::audit

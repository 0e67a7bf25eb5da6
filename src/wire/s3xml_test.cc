#include "wire/s3xml.h"

#include <gtest/gtest.h>

#include <pugixml.hpp>

namespace beringia::wire::s3 {
namespace {

TEST(S3Xml, reads_complete_multipart_upload) {
  const auto parts = parse_complete_upload(
      "<?xml version='1.0'?><CompleteMultipartUpload "
      "xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>"
      "<Part><ETag>&quot;abc&quot;</ETag><PartNumber>1</PartNumber>"
      "<ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>"
      "<Part><PartNumber> 7 </PartNumber><ETag>def</ETag></Part></CompleteMultipartUpload>");
  ASSERT_TRUE(parts) << parts.error().to_string();
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].etag, "abc");
  EXPECT_EQ((*parts)[0].checksums[0].first, "crc32");
  EXPECT_EQ((*parts)[1].number, 7U);
}

TEST(S3Xml, keeps_keys_as_they_are) {
  const auto request = parse_delete(
      "<Delete><Quiet>true</Quiet><Object><Key> a &amp;&#x1F600;</Key></Object>"
      "<Object><Key>&#13;x<![CDATA[<]]></Key><VersionId>null</VersionId></Object>"
      "<Object><Key> </Key></Object></Delete>");
  ASSERT_TRUE(request) << request.error().to_string();
  EXPECT_TRUE(request->quiet);
  EXPECT_EQ(request->keys[0].key, " a &\xF0\x9F\x98\x80");
  EXPECT_EQ(request->keys[1].key, "\rx<");
  EXPECT_EQ(request->keys[1].version_id, "null");
  EXPECT_EQ(request->keys[2].key, " ");
}

TEST(S3Xml, refuses_malformed_documents) {
  std::string deep = "<Delete>";
  for (int i = 0; i < 5000; ++i) deep += "<a>";
  std::string many = "<Delete>";
  for (int i = 0; i < 1001; ++i) many += "<Object><Key>k</Key></Object>";
  const std::string bad[] = {
      "",
      "not xml",
      "<Delete>",
      "<Delete></Delete>",
      "<Delete><Object></Object></Delete>",
      "<Delete><Object><Key></Key></Object></Delete>",
      "<Delete><Object><Key><b/></Key></Object></Delete>",
      "<Other><Object><Key>k</Key></Object></Other>",
      "<!DOCTYPE Delete [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><Delete><Object><Key>&x;</Key>"
      "</Object></Delete>",
      "<Delete><Object><Key>\xff</Key></Object></Delete>",
      std::string{"<Delete><Object><Key>a\0b</Key></Object></Delete>", 47},
      deep,
      many + "</Delete>",
      std::string(kMaxXmlBytes + 1, ' ')};
  for (const auto& xml : bad) {
    const auto parsed = parse_delete(xml);
    ASSERT_FALSE(parsed) << xml.substr(0, 80);
    EXPECT_EQ(parsed.error().tag(), "MalformedXML");
  }
}

TEST(S3Xml, refuses_text_behind_the_root) {
  const std::string whole = "<Delete><Object><Key>a</Key></Object></Delete>";
  EXPECT_TRUE(parse_delete(whole + " \n"));
  EXPECT_FALSE(parse_delete(whole + "more"));
  EXPECT_FALSE(parse_delete(whole + whole));
}

TEST(S3Xml, reads_the_location_of_a_new_bucket) {
  EXPECT_EQ(parse_create_bucket(""), "");
  EXPECT_EQ(parse_create_bucket("<CreateBucketConfiguration><LocationConstraint>eu-west-1"
                                "</LocationConstraint></CreateBucketConfiguration>"),
            "eu-west-1");
  EXPECT_FALSE(parse_create_bucket("<Nonsense/>"));
}

TEST(S3Xml, checks_tag_sets) {
  const auto tags =
      parse_tagging("<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>");
  ASSERT_TRUE(tags);
  EXPECT_EQ(*tags, (Tags{{"a", "1"}}));
  EXPECT_TRUE(check_tags(*tags));
  EXPECT_EQ(check_tags({{"a", "1"}, {"a", "2"}}).error().tag(), "InvalidTag");
  EXPECT_EQ(check_tags({{"", "1"}}).error().tag(), "InvalidTag");
  EXPECT_EQ(check_tags({{std::string(129, 'k'), "1"}}).error().tag(), "InvalidTag");
  EXPECT_EQ(check_tags(Tags(11, {"a", "1"})).error().tag(), "BadRequest");
}

TEST(XmlWriter, writes_well_formed_text_for_any_key) {
  std::string every;
  for (int c = 1; c < 128; ++c) every += static_cast<char>(c);
  every += "\xEF\xBF\xBE\xEF\xBF\xBF\xE2\x82\xAC";
  XmlWriter xml{"R"};
  xml.text("Key", every);
  const std::string text = xml.take();
  pugi::xml_document document;
  ASSERT_TRUE(document.load_buffer(text.data(), text.size()));
  const std::string back = document.child("R").child_value("Key");
  EXPECT_NE(back.find("\t\n"), std::string::npos);
  EXPECT_NE(back.find("<=>"), std::string::npos);
  for (const char c : text) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n');
  EXPECT_TRUE(text.ends_with("\xE2\x82\xAC</Key></R>"));
}

TEST(S3Xml, encodes_keys_in_lists_as_url_when_asked) {
  ObjectList list;
  list.bucket = "b";
  list.prefix = "a b/";
  list.url_encoded = true;
  list.objects.push_back({"a b/\x01+%", {0}, "e", 3, "STANDARD", {}, {}, {}});
  list.prefixes = {"a b/c/"};
  const std::string text = render(list);
  EXPECT_NE(text.find("<Key>a%20b/%01%2B%25</Key>"), std::string::npos) << text;
  EXPECT_NE(text.find("<Prefix>a%20b/c/</Prefix>"), std::string::npos);
  EXPECT_NE(text.find("<KeyCount>2</KeyCount>"), std::string::npos);
  EXPECT_NE(text.find("<EncodingType>url</EncodingType>"), std::string::npos);
}

}  // namespace
}  // namespace beringia::wire::s3

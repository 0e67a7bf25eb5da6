#include <gtest/gtest.h>

#include "wire/s3xml.h"

namespace beringia::wire::s3 {
namespace {

std::string document(const std::string& rules) {
  return "<LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" + rules +
         "</LifecycleConfiguration>";
}
std::string rule(const std::string& members) {
  return "<Rule><Status>Enabled</Status>" + members + "</Rule>";
}
const std::string kAll = "<Filter><Prefix></Prefix></Filter>";

/// The code with which it is refused; "" = it is taken.
std::string code_of(const std::string& rules) {
  const auto parsed = parse_lifecycle(document(rules));
  return parsed ? "" : parsed.error().tag();
}

TEST(S3Lifecycle, reads_back_as_it_was_put) {
  const std::string rules =
      "<Rule><ID>old</ID><Prefix>test1/</Prefix><Status>Disabled</Status>"
      "<Expiration><Date>2030-01-01T00:00:00.000Z</Date></Expiration></Rule>"
      "<Rule><ID>and</ID><Filter><And><Prefix>a/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag>"
      "<ObjectSizeGreaterThan>1</ObjectSizeGreaterThan><ObjectSizeLessThan>9</ObjectSizeLessThan>"
      "</And></Filter><Status>Enabled</Status><Expiration><Days>400</Days></Expiration>"
      "<Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition>"
      "<Transition><Days>90</Days><StorageClass>GLACIER</StorageClass></Transition>"
      "<NoncurrentVersionTransition><NoncurrentDays>1</NoncurrentDays>"
      "<NewerNoncurrentVersions>2</NewerNoncurrentVersions><StorageClass>GLACIER_IR</StorageClass>"
      "</NoncurrentVersionTransition>"
      "<NoncurrentVersionExpiration><NoncurrentDays>5</NoncurrentDays>"
      "<NewerNoncurrentVersions>3</NewerNoncurrentVersions></NoncurrentVersionExpiration></Rule>"
      "<Rule><ID>up</ID><Filter></Filter><Status>Enabled</Status>"
      "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"
      "<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation>"
      "</AbortIncompleteMultipartUpload></Rule>";
  const auto parsed = parse_lifecycle(document(rules));
  ASSERT_TRUE(parsed) << parsed.error().to_string();
  const std::string text = render_lifecycle(*parsed);
  const auto again = parse_lifecycle(text);
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(*again, *parsed);
  EXPECT_NE(text.find("<Prefix>test1/</Prefix><Status>Disabled</Status>"), std::string::npos);
  EXPECT_NE(text.find("<Filter><And><Prefix>a/</Prefix><Tag>"), std::string::npos);
}

TEST(S3Lifecycle, gives_ids_to_rules_that_have_none) {
  const std::string one = rule(kAll + "<Expiration><Days>1</Days></Expiration>");
  const auto parsed = parse_lifecycle(document(one + one));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->rules[0].id.size(), 48U);
  EXPECT_NE(parsed->rules[0].id, parsed->rules[1].id);
}

TEST(S3Lifecycle, refuses_what_is_not_of_its_form) {
  const std::string days = "<Expiration><Days>1</Days></Expiration>";
  EXPECT_EQ(code_of(""), "MalformedXML");
  EXPECT_EQ(code_of("<Other/>"), "MalformedXML");
  EXPECT_EQ(code_of("<Rule>" + kAll + days + "</Rule>"), "MalformedXML");  // no Status
  EXPECT_EQ(code_of("<Rule><Status>enabled</Status>" + kAll + days + "</Rule>"), "MalformedXML");
  EXPECT_EQ(code_of(rule(days)), "MalformedXML");  // no Filter
  EXPECT_EQ(code_of(rule(kAll + "<Prefix>a</Prefix>" + days)), "MalformedXML");
  EXPECT_EQ(code_of(rule(kAll + days + days)), "MalformedXML");
  EXPECT_EQ(code_of(rule(kAll + "<Surprise/>" + days)), "MalformedXML");
  EXPECT_EQ(code_of(rule("<Filter><Prefix>a</Prefix><Tag><Key>k</Key><Value>v</Value></Tag>"
                         "</Filter>" +
                         days)),
            "MalformedXML");
  EXPECT_EQ(code_of(rule(kAll + "<Expiration></Expiration>")), "MalformedXML");
  EXPECT_EQ(code_of(rule(kAll + "<Expiration><Days>1</Days><Date>2030-01-01</Date></Expiration>")),
            "MalformedXML");
  EXPECT_EQ(code_of(rule(kAll + "<Expiration><Days>1.5</Days></Expiration>")), "MalformedXML");
  EXPECT_EQ(code_of(rule(kAll + "<Expiration><Date>tomorrow</Date></Expiration>")), "MalformedXML");
  EXPECT_EQ(code_of(rule(kAll + "<Transition><Days>1</Days><StorageClass>STANDARD</StorageClass>"
                                "</Transition>")),
            "MalformedXML");
  EXPECT_EQ(code_of(rule(kAll + "<NoncurrentVersionExpiration><NewerNoncurrentVersions>3"
                                "</NewerNoncurrentVersions></NoncurrentVersionExpiration>")),
            "MalformedXML");
}

TEST(S3Lifecycle, refuses_values_that_amazon_refuses) {
  const std::string days = "<Expiration><Days>1</Days></Expiration>";
  const std::string id(256, 'a');
  EXPECT_EQ(code_of(rule("<ID>" + id + "</ID>" + kAll + days)), "InvalidArgument");
  EXPECT_EQ(code_of(rule("<ID>" + id.substr(1) + "</ID>" + kAll + days)), "");
  const std::string same = rule("<ID>a</ID>" + kAll + days);
  EXPECT_EQ(code_of(same + same), "InvalidArgument");
  EXPECT_EQ(code_of(rule(kAll + "<Expiration><Days>0</Days></Expiration>")), "InvalidArgument");
  EXPECT_EQ(code_of(rule(kAll + "<Expiration><Days>-1</Days></Expiration>")), "InvalidArgument");
  EXPECT_EQ(code_of(rule(kAll + "<Expiration><Date>2030-01-01T00:00:01Z</Date></Expiration>")),
            "InvalidArgument");
  EXPECT_EQ(code_of(rule(kAll + "<Expiration><Date>2017-09-27</Date></Expiration>")), "");
  EXPECT_EQ(code_of(rule(kAll)), "InvalidRequest");  // no action
  EXPECT_EQ(code_of(rule(kAll + "<NoncurrentVersionExpiration><NoncurrentDays>0</NoncurrentDays>"
                                "</NoncurrentVersionExpiration>")),
            "InvalidArgument");
  EXPECT_EQ(code_of(rule(kAll + "<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>"
                                "<NewerNoncurrentVersions>101</NewerNoncurrentVersions>"
                                "</NoncurrentVersionExpiration>")),
            "InvalidArgument");
  const std::string tag = "<Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter>";
  EXPECT_EQ(code_of(rule(tag + "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1"
                               "</DaysAfterInitiation></AbortIncompleteMultipartUpload>")),
            "InvalidRequest");
  EXPECT_EQ(code_of(rule(tag + "<Expiration><ExpiredObjectDeleteMarker>true"
                               "</ExpiredObjectDeleteMarker></Expiration>")),
            "InvalidRequest");
  EXPECT_EQ(code_of(rule("<Filter><And><ObjectSizeGreaterThan>9</ObjectSizeGreaterThan>"
                         "<ObjectSizeLessThan>9</ObjectSizeLessThan></And></Filter>" +
                         days)),
            "InvalidRequest");
  EXPECT_EQ(code_of(rule("<Prefix>" + std::string(1025, 'p') + "</Prefix>" + days)),
            "InvalidRequest");
}

std::string transition(const std::string& when, const std::string& storage_class) {
  return "<Transition>" + when + "<StorageClass>" + storage_class + "</StorageClass></Transition>";
}

TEST(S3Lifecycle, transitions_go_down_in_time) {
  const auto days = [](int number) { return "<Days>" + std::to_string(number) + "</Days>"; };
  EXPECT_EQ(code_of(rule(kAll + transition(days(0), "GLACIER"))), "");
  EXPECT_EQ(code_of(rule(kAll + transition(days(29), "STANDARD_IA"))), "InvalidArgument");
  EXPECT_EQ(
      code_of(rule(kAll + transition(days(30), "STANDARD_IA") + transition(days(59), "GLACIER"))),
      "InvalidArgument");
  EXPECT_EQ(
      code_of(rule(kAll + transition(days(9), "DEEP_ARCHIVE") + transition(days(9), "GLACIER"))),
      "InvalidArgument");
  EXPECT_EQ(code_of(rule(kAll + transition(days(1), "GLACIER") + transition(days(9), "GLACIER"))),
            "InvalidRequest");
  EXPECT_EQ(code_of(rule(kAll + transition(days(5), "GLACIER") +
                         "<Expiration><Days>5</Days></Expiration>")),
            "InvalidArgument");
  EXPECT_EQ(code_of(rule(kAll + transition(days(5), "GLACIER") +
                         "<Expiration><Date>2030-01-01</Date></Expiration>")),
            "InvalidRequest");
}

TEST(S3Lifecycle, does_not_show_what_it_has_no_form_for) {
  Lifecycle lifecycle;
  LifecycleRule plain;
  plain.id = "plain";
  plain.expiration.days = 3;
  LifecycleRule suffix = plain;
  suffix.id = "suffix";
  suffix.filter.suffixes = {".tmp"};
  lifecycle.rules = {plain, suffix};
  EXPECT_TRUE(is_told_by_s3(plain));
  EXPECT_FALSE(is_told_by_s3(suffix));
  const std::string text = render_lifecycle(lifecycle);
  EXPECT_NE(text.find("<ID>plain</ID>"), std::string::npos);
  EXPECT_EQ(text.find("<ID>suffix</ID>"), std::string::npos);
}

}  // namespace
}  // namespace beringia::wire::s3

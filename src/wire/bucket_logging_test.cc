#include "wire/bucket_logging.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace beringia::wire {
namespace {

using Naming = BucketLogging::Naming;

std::string document(const std::string& inner) {
  return "<BucketLoggingStatus>" + inner + "</BucketLoggingStatus>";
}
std::string enabled(const std::string& more) {
  return document("<LoggingEnabled><TargetBucket>logs</TargetBucket>" + more + "</LoggingEnabled>");
}

TEST(BucketLogging, is_read_back_as_it_was_put) {
  for (const Naming naming : {Naming::kSimple, Naming::kByEventTime, Naming::kByDeliveryTime}) {
    const BucketLogging logging{"logs", "log/ \"x\"", naming};
    const auto stored = decode_bucket_logging(encode(logging));
    ASSERT_TRUE(stored) << stored.error().to_string();
    EXPECT_EQ(*stored, logging);
    const auto shown = s3::parse_bucket_logging(s3::render_bucket_logging(logging));
    ASSERT_TRUE(shown) << shown.error().to_string();
    EXPECT_EQ(**shown, logging);
  }
  EXPECT_FALSE(decode_bucket_logging("{}"));
  EXPECT_FALSE(decode_bucket_logging(R"({"bucket":"a","naming":"other","prefix":""})"));
}

TEST(BucketLogging, is_off_when_the_document_is_empty) {
  const auto off = s3::parse_bucket_logging(document(""));
  ASSERT_TRUE(off);
  EXPECT_FALSE(*off);
  EXPECT_EQ(s3::render_bucket_logging(std::nullopt).find("LoggingEnabled"), std::string::npos);
}

TEST(BucketLogging, takes_grants_and_partitions_by_delivery_unless_told) {
  const auto grants =
      s3::parse_bucket_logging(enabled("<TargetPrefix/><TargetGrants><Grant/></TargetGrants>"));
  ASSERT_TRUE(grants && *grants);
  EXPECT_EQ((*grants)->target_prefix, "");
  const auto partitioned =
      s3::parse_bucket_logging(enabled("<TargetPrefix>a</TargetPrefix><TargetObjectKeyFormat>"
                                       "<PartitionedPrefix/></TargetObjectKeyFormat>"));
  ASSERT_TRUE(partitioned && *partitioned);
  EXPECT_EQ((*partitioned)->naming, Naming::kByDeliveryTime);
}

TEST(BucketLogging, refuses_what_is_not_of_its_form) {
  for (const std::string& bad :
       {enabled(""), enabled("<TargetPrefix/><LoggingType>Journal</LoggingType>"),
        enabled("<TargetPrefix/><TargetObjectKeyFormat/>"),
        enabled("<TargetPrefix/><TargetObjectKeyFormat><PartitionedPrefix><PartitionDateSource>x"
                "</PartitionDateSource></PartitionedPrefix></TargetObjectKeyFormat>"),
        document("<LoggingEnabled><TargetPrefix/></LoggingEnabled>"), document("<Other/>")}) {
    const auto parsed = s3::parse_bucket_logging(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().tag(), "MalformedXML");
  }
}

TEST(AccessLog, has_the_fields_of_s3_in_its_order) {
  AccessLogLine line;
  line.bucket_owner = "ann";
  line.bucket = "sales";
  line.time = parse_rfc3339("2026-11-26T18:20:47Z");
  line.remote_ip = "192.0.2.3";
  line.requester = "etl";
  line.request_id = "7f3a";
  line.operation = "REST.GET.OBJECT";
  line.key = "a b/\u00fc";
  line.request_uri = "GET /sales/a%20b HTTP/1.1";
  line.status = 200;
  line.bytes_sent = 5;
  line.object_size = 9;
  line.total_time = std::chrono::milliseconds{12};
  line.turn_around = std::chrono::milliseconds{7};
  line.user_agent = "curl/8";
  line.host_id = "7f3a";
  line.signature_version = "SigV4";
  line.auth_type = "AuthHeader";
  line.host = "localhost:9000";
  EXPECT_EQ(render(line),
            "ann sales [26/Nov/2026:18:20:47 +0000] 192.0.2.3 etl 7f3a REST.GET.OBJECT "
            "a%20b/%C3%BC \"GET /sales/a%20b HTTP/1.1\" 200 - 5 9 12 7 \"-\" \"curl/8\" - 7f3a "
            "SigV4 - AuthHeader localhost:9000 - - -\n");
}

TEST(AccessLog, cannot_be_broken_by_what_clients_send) {
  AccessLogLine line;
  line.user_agent = "x\" 200 -\nann sales \\";
  line.referer = std::string(5000, 'r');
  line.key = "line\nbreak";
  line.host = "a b";
  const std::string text = render(line);
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_NE(text.find("\"x%22 200 -%0Aann sales %5C\""), std::string::npos) << text;
  EXPECT_NE(text.find("line%0Abreak"), std::string::npos);
  EXPECT_LT(text.size(), 2000U);
}

TEST(AccessLog, objects_are_named_as_their_bucket_wants_it) {
  const Timestamp event = parse_rfc3339("2026-11-25T23:59:59Z");
  const Timestamp delivery = parse_rfc3339("2026-11-26T00:05:07Z");
  const auto name = [&](Naming naming) {
    return log_object_name({"logs", "p/", naming}, "ann", "us-east-1", "sales", event, delivery,
                           "AB");
  };
  EXPECT_EQ(name(Naming::kSimple), "p/2026-11-26-00-05-07-AB");
  EXPECT_EQ(name(Naming::kByDeliveryTime),
            "p/ann/us-east-1/sales/2026/11/26/2026-11-26-00-05-07-AB");
  EXPECT_EQ(name(Naming::kByEventTime), "p/ann/us-east-1/sales/2026/11/25/2026-11-25-00-00-00-AB");
}

}  // namespace
}  // namespace beringia::wire

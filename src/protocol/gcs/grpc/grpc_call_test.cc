#include "protocol/gcs/grpc/grpc_call.h"

#include <gtest/gtest.h>

#include "protocol/gcs/grpc/fake_exchange.h"
#include "protocol/gcs/grpc/grpc_service.h"
#include "protocol/gcs/grpc/storage.pb.h"
#include "protocol/gcs/test_service.h"

namespace beringia::protocol::gcs {
namespace {

using namespace std::chrono_literals;
using grpc::FakeExchange;
using grpc::frame_of;

class Grpc : public test::ServiceTest {
 protected:
  FakeExchange call(const std::string& method, std::string body, const std::string& token) {
    FakeExchange exchange{"/google.storage.v2.Storage/" + method, std::move(body)};
    if (!token.empty()) exchange.request().headers.add("authorization", "Bearer " + token);
    http2_handler (*service_)(world_.context, exchange);
    return exchange;
  }
};

TEST(GrpcTimeout, is_read_in_all_its_units) {
  EXPECT_EQ(grpc::parse_timeout("5S"), 5s);
  EXPECT_EQ(grpc::parse_timeout("100m"), 100ms);
  EXPECT_EQ(grpc::parse_timeout("2M"), 2min);
  EXPECT_EQ(grpc::parse_timeout("3H"), 3h);
  EXPECT_EQ(grpc::parse_timeout("99999999u"), 99'999'999us);
  EXPECT_EQ(grpc::parse_timeout("7n"), 7ns);
  for (const char* text : {"", "S", "5", "5s", "-5S", "123456789S", " 5S", "5 S"}) {
    EXPECT_FALSE(grpc::parse_timeout(text)) << text;
  }
}

TEST(GrpcMessage, is_escaped) {
  EXPECT_EQ(grpc::encode_message("50 % of \xC3\xA9\n"), "50 %25 of %C3%A9%0A");
}

TEST_F(Grpc, a_call_without_or_with_half_a_message_is_refused) {
  google::storage::v2::GetBucketRequest request;
  request.set_name("projects/_/buckets/none");
  const std::string whole = frame_of(request.SerializeAsString());
  EXPECT_EQ(call("GetBucket", whole, token_).status(), "5");
  EXPECT_EQ(call("GetBucket", "", token_).status(), "3");
  for (const size_t n : {1, 4, 5, 12}) {
    EXPECT_EQ(call("GetBucket", whole.substr(0, n), token_).status(), "3") << n;
  }
  std::string packed = whole;
  packed[0] = 1;
  EXPECT_EQ(call("GetBucket", packed, token_).status(), "12");
  EXPECT_EQ(call("GetBucket", whole, "").status(), "16");
}

TEST_F(Grpc, fields_that_are_not_offered_are_named) {
  google::storage::v2::GetBucketRequest request;
  request.set_name("projects/_/buckets/none");
  const auto refused =
      call("GetBucket", frame_of(request.SerializeAsString() + "\x98\x06\x01"), token_);
  EXPECT_EQ(refused.status(), "12");
  EXPECT_EQ(refused.trailers.get_or("grpc-message", ""),
            "GetBucketRequest field 99 is not offered");
}

TEST_F(Grpc, what_is_no_bucket_name_is_refused) {
  for (const char* name :
       {"", "b", "projects/_/buckets/", "projects/p/buckets/b", "projects/_/buckets/a/b"}) {
    google::storage::v2::GetBucketRequest request;
    request.set_name(name);
    EXPECT_EQ(call("GetBucket", frame_of(request.SerializeAsString()), token_).status(), "3")
        << name;
  }
}

TEST_F(Grpc, other_requests_are_answered_as_over_http1) {
  FakeExchange exchange{"/storage/v1/b/none", ""};
  exchange.request().method = "GET";
  exchange.request().headers.set("content-type", "application/json");
  exchange.request().headers.add("authorization", "Bearer " + token_);
  http2_handler (*service_)(world_.context, exchange);
  EXPECT_EQ(exchange.http_status, 404);
  EXPECT_EQ(test::value_at(exchange.body, "/error/code"), "404");
}

}  // namespace
}  // namespace beringia::protocol::gcs

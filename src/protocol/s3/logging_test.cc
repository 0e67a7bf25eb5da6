// Access logs of buckets: where they may go, what they say, how they get there.
#include <gtest/gtest.h>

#include "protocol/s3/access_logs.h"
#include "protocol/s3/test_client.h"

namespace beringia::protocol::s3 {
namespace {

using test::Answer;
using test::Client;

std::string enabled(const std::string& target, const std::string& more = "") {
  return "<BucketLoggingStatus><LoggingEnabled><TargetBucket>" + target +
         "</TargetBucket><TargetPrefix>log/</TargetPrefix>" + more +
         "</LoggingEnabled></BucketLoggingStatus>";
}

/// What Amazon documents: the service may put logs of one source below the prefix.
std::string policy(const std::string& source, const std::string& account = "root") {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":)"
         R"("logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":)"
         R"("arn:aws:s3:::logs/log/*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::)" +
         source + R"("},"StringEquals":{"aws:SourceAccount":")" + account + R"("}}}]})";
}

class Logging : public testing::Test {
 protected:
  Logging() : runtime_{io::Runtime::make_simulated(3)} {
    for (const char* name : {"sales", "logs"}) client_.bucket(name);
  }
  /// With a service that collects lines.
  void in(const std::function<void()>& body) {
    runtime_->run([&] {
      logs_ = std::make_unique<AccessLogs>(*runtime_, client_.world->names(), client_.world->gate(),
                                           AccessLogs::Options{std::chrono::minutes{5}, "here-1"});
      client_.restart_service({}, logs_.get());
      body();
      logs_.reset();
    });
  }
  void allow(const std::string& text) {
    EXPECT_EQ(client_.send("PUT", "/logs?policy", text).status, 204);
  }
  Answer put(const std::string& document) {
    return client_.send("PUT", "/sales?logging", document);
  }
  std::vector<std::string> log_objects() {
    return client_.send("GET", "/logs?prefix=log/").elements("Key");
  }
  std::string all_lines() {
    std::string text;
    for (const auto& key : log_objects()) text += client_.send("GET", "/logs/" + key).body;
    return text;
  }
  void deliver() { core::test::must(logs_->deliver(client_.world->context, true)); }

  std::unique_ptr<io::Runtime> runtime_;
  Client client_;
  std::unique_ptr<AccessLogs> logs_;
};

TEST_F(Logging, is_set_shown_and_taken_away) {
  EXPECT_EQ(client_.send("GET", "/sales?logging").element("TargetBucket"), "(none)");
  allow(policy("sales"));
  EXPECT_EQ(put(enabled("logs")).status, 200);
  const Answer shown = client_.send("GET", "/sales?logging");
  EXPECT_EQ(shown.element("TargetBucket"), "logs");
  EXPECT_EQ(shown.element("TargetPrefix"), "log/");
  EXPECT_NE(shown.body.find("<SimplePrefix"), std::string::npos);
  EXPECT_EQ(put("<BucketLoggingStatus/>").status, 200);
  EXPECT_EQ(client_.send("GET", "/sales?logging").element("TargetBucket"), "(none)");
}

TEST_F(Logging, goes_only_where_the_target_allows_it_to_the_service) {
  EXPECT_EQ(put(enabled("logs")).code(), "AccessDenied");
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {R"({"Service":"logging.s3.amazonaws.com"})", R"({"AWS":"*"})"},
           {R"({"Service":"logging.s3.amazonaws.com"})", R"("*")"},
           {"logging.s3.amazonaws.com", "logging.s3.amazonaws.community"},
           {"s3:PutObject", "s3:GetObject"},
           {"log/*", "other/*"},
           {"arn:aws:s3:::sales", "arn:aws:s3:::other"},
           {R"("root")", R"("ann")"}}) {
    std::string text = policy("sales");
    text.replace(text.find(from), from.size(), to);
    allow(text);
    EXPECT_EQ(put(enabled("logs")).code(), "AccessDenied") << text;
  }
  allow(policy("sales"));
  EXPECT_EQ(put(enabled("logs")).status, 200);
}

TEST_F(Logging, refuses_targets_that_cannot_take_it) {
  allow(policy("*"));
  EXPECT_EQ(put(enabled("nowhere")).code(), "NoSuchKey");
  EXPECT_EQ(put(enabled("sales")).code(), "InvalidArgument");
  EXPECT_EQ(client_.send("PUT", "/nowhere?logging", enabled("logs")).code(), "NoSuchBucket");
  EXPECT_EQ(client_
                .send("PUT", "/logs?requestPayment",
                      "<RequestPaymentConfiguration><Payer>Requester</Payer>"
                      "</RequestPaymentConfiguration>")
                .status,
            200);
  EXPECT_EQ(put(enabled("logs")).code(), "InvalidArgument");
}

TEST_F(Logging, is_set_by_the_owner_only_whatever_the_policy_says) {
  allow(policy("*", "*"));
  EXPECT_EQ(client_
                .send("PUT", "/sales?policy",
                      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",)"
                      R"("Action":"s3:PutBucketLogging","Resource":"arn:aws:s3:::sales"}]})")
                .status,
            204);
  client_.use("ann");
  EXPECT_EQ(put(enabled("logs")).code(), "AccessDenied");
  EXPECT_EQ(put("<BucketLoggingStatus/>").code(), "AccessDenied");
}

TEST_F(Logging, delivers_a_line_for_each_request_of_the_bucket) {
  in([&] {
    allow(policy("sales"));
    ASSERT_EQ(put(enabled("logs")).status, 200);
    EXPECT_EQ(client_.send("PUT", "/sales/a%20b", "12345", {{"User-Agent", "agent/1"}}).status,
              200);
    EXPECT_EQ(client_.send("GET", "/sales/a%20b").status, 200);
    EXPECT_EQ(client_.send("GET", "/sales/none").status, 404);
    EXPECT_EQ(client_.send("GET", "/sales?lifecycle").status, 404);
    EXPECT_EQ(client_.send("PUT", "/logs/other", "x").status, 200);
    deliver();
    ASSERT_EQ(log_objects().size(), 1U);
    const std::string text = all_lines();
    EXPECT_NE(text.find(" REST.PUT.OBJECT a%20b \"PUT /sales/a%20b HTTP/1.1\" 200 - - 5 "),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("\"agent/1\""), std::string::npos);
    EXPECT_NE(text.find(" REST.GET.OBJECT a%20b \"GET /sales/a%20b HTTP/1.1\" 200 - 5 5 "),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("404 NoSuchKey"), std::string::npos);
    EXPECT_NE(text.find(" REST.GET.LIFECYCLE - "), std::string::npos);
    EXPECT_NE(text.find(" root request-"), std::string::npos);
    EXPECT_EQ(text.find("other"), std::string::npos);
    EXPECT_EQ(std::ranges::count(text, '\n'), 5);  // with the request that set it
    const Answer object = client_.send("HEAD", "/logs/" + log_objects()[0]);
    EXPECT_EQ(object.header("content-type"), "text/plain");
  });
}

TEST_F(Logging, does_not_show_what_would_let_others_send_the_request_again) {
  in([&] {
    allow(policy("sales"));
    ASSERT_EQ(put(enabled("logs")).status, 200);
    client_.send_raw("GET", "/sales/a?X-Amz-Signature=0123abcd&prefix=x&X-Amz-Security-Token=tok");
    deliver();
    const std::string text = all_lines();
    EXPECT_EQ(text.find("0123abcd"), std::string::npos);
    EXPECT_EQ(text.find("tok "), std::string::npos);
    EXPECT_NE(text.find("X-Amz-Signature=REDACTED&prefix=x&X-Amz-Security-Token=REDACTED"),
              std::string::npos)
        << text;
  });
}

TEST_F(Logging, is_delivered_after_a_while_and_at_the_end) {
  in([&] {
    allow(policy("sales"));
    ASSERT_EQ(put(enabled("logs")).status, 200);
    client_.send("GET", "/sales/a");
    core::test::must(io::sleep_for(io::Context{}, std::chrono::minutes{4}));
    EXPECT_TRUE(log_objects().empty());
    core::test::must(io::sleep_for(io::Context{}, std::chrono::minutes{2}));
    EXPECT_EQ(log_objects().size(), 1U);
    client_.send("GET", "/sales/a");
    logs_->stop();
    EXPECT_EQ(log_objects().size(), 2U);
  });
}

TEST_F(Logging, is_not_delivered_when_the_policy_was_taken_away) {
  in([&] {
    allow(policy("sales"));
    ASSERT_EQ(put(enabled("logs")).status, 200);
    client_.send("GET", "/sales/a");
    ASSERT_EQ(client_.send("DELETE", "/logs?policy").status, 204);
    deliver();
    EXPECT_TRUE(log_objects().empty());
    allow(policy("sales"));
    deliver();
    EXPECT_TRUE(log_objects().empty());  // what was refused is gone
  });
}

TEST_F(Logging, names_its_objects_by_source_and_day_if_asked) {
  in([&] {
    allow(policy("sales"));
    ASSERT_EQ(put(enabled("logs",
                          "<TargetObjectKeyFormat><PartitionedPrefix><PartitionDateSource>"
                          "EventTime</PartitionDateSource></PartitionedPrefix>"
                          "</TargetObjectKeyFormat>"))
                  .status,
              200);
    client_.send("GET", "/sales/a");
    deliver();
    ASSERT_EQ(log_objects().size(), 1U);
    EXPECT_TRUE(log_objects()[0].starts_with("log/root/here-1/sales/")) << log_objects()[0];
    EXPECT_NE(log_objects()[0].find("-00-00-00-"), std::string::npos);
  });
}

TEST(RequesterPays, asks_those_who_are_not_the_owner_to_say_so) {
  Client client;
  client.bucket();
  core::test::must(client.world->evaluator().put(
      client.world->context, {"rule", {"ann"}, "/b/", access::Role::kReader, false}));
  ASSERT_EQ(client.send("PUT", "/b/k", "x").status, 200);
  client.use("ann");
  EXPECT_EQ(client.send("GET", "/b/k").status, 200);
  client.use("root");
  EXPECT_EQ(client.send("GET", "/b?requestPayment").element("Payer"), "BucketOwner");
  EXPECT_EQ(client
                .send("PUT", "/b?requestPayment",
                      "<RequestPaymentConfiguration><Payer>x</Payer>"
                      "</RequestPaymentConfiguration>")
                .code(),
            "MalformedXML");
  ASSERT_EQ(client
                .send("PUT", "/b?requestPayment",
                      "<RequestPaymentConfiguration><Payer>Requester</Payer>"
                      "</RequestPaymentConfiguration>")
                .status,
            200);
  EXPECT_EQ(client.send("GET", "/b?requestPayment").element("Payer"), "Requester");
  client.use("ann");
  EXPECT_EQ(client.send("GET", "/b/k").code(), "AccessDenied");
  EXPECT_EQ(client.send("GET", "/b/k", "", {{"x-amz-request-payer", "requester"}}).status, 200);
}

}  // namespace
}  // namespace beringia::protocol::s3

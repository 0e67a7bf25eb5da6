#include "wire/notification.h"

#include <gtest/gtest.h>

namespace beringia::wire {
namespace {

using Form = NotificationRule::Form;

std::string queue(const std::string& inner,
                  const std::string& arn = "arn:beringia:sqs::t:webhook") {
  return "<QueueConfiguration><Queue>" + arn + "</Queue>" + inner + "</QueueConfiguration>";
}
std::string document(const std::string& inner) {
  return "<NotificationConfiguration>" + inner + "</NotificationConfiguration>";
}
std::string event(const std::string& name) { return "<Event>" + name + "</Event>"; }
std::string filter(const std::string& name, const std::string& value) {
  return "<Filter><S3Key><FilterRule><Name>" + name + "</Name><Value>" + value +
         "</Value></FilterRule></S3Key></Filter>";
}
std::string tag_of(const std::string& xml) {
  const auto rules = s3::parse_notifications(xml, "id");
  return rules ? "taken" : rules.error().tag();
}

TEST(Notifications, are_read_back_as_they_were_put) {
  const auto rules = s3::parse_notifications(
      document(queue("<Id>a</Id>" + event("s3:ObjectCreated:*") + filter("prefix", "in/")) +
               "<TopicConfiguration><Topic>arn:beringia:sns::u:webhook</Topic>" +
               event("s3:ObjectRemoved:Delete") + "</TopicConfiguration>"),
      "unique");
  ASSERT_TRUE(rules) << rules.error().to_string();
  ASSERT_EQ(rules->size(), 2u);
  EXPECT_EQ(rules->at(1).id, "unique-2");
  EXPECT_EQ(rules->at(1).target, "u");
  Notifications all{*rules, 7};
  all.rules.push_back({"7",
                       Form::kGoogle,
                       "g",
                       "//pubsub.googleapis.com/projects/p/topics/g",
                       {},
                       "x",
                       "",
                       false,
                       {{"k", "v"}},
                       0});
  const auto stored = decode_notifications(encode(all).value());
  ASSERT_TRUE(stored) << stored.error().to_string();
  EXPECT_EQ(stored->last_google_id, 7u);
  EXPECT_EQ(stored->rules[0], rules->at(0));
  EXPECT_EQ(stored->rules[2].attributes, all.rules[2].attributes);
  EXPECT_FALSE(stored->rules[2].has_payload);
  // S3 is shown what it has a form for.
  const auto shown = s3::parse_notifications(s3::render_notifications(*stored), "");
  ASSERT_TRUE(shown) << shown.error().to_string();
  EXPECT_EQ(shown->size(), 2u);
}

TEST(Notifications, match_events_and_the_ends_of_names) {
  const auto rules = s3::parse_notifications(
      document(queue(event("s3:ObjectCreated:Put") + event("s3:LifecycleTransition") +
                     "<Filter><S3Key><FilterRule><Name>Prefix</Name><Value>a/</Value></FilterRule>"
                     "<FilterRule><Name>suffix</Name><Value>.x</Value></FilterRule></S3Key>"
                     "</Filter>")),
      "id");
  ASSERT_TRUE(rules) << rules.error().to_string();
  const NotificationRule& rule = rules->front();
  EXPECT_TRUE(rule.wants(EventKind::kWritten, "a/b.x"));
  EXPECT_TRUE(rule.wants(EventKind::kTransitioned, "a/b.x"));
  EXPECT_FALSE(rule.wants(EventKind::kWritten, "a/b.y"));
  EXPECT_FALSE(rule.wants(EventKind::kWritten, "b/a/b.x"));
  EXPECT_FALSE(rule.wants(EventKind::kCopied, "a/b.x"));
}

TEST(Notifications, are_refused_with_amazons_codes) {
  const std::string put = event("s3:ObjectCreated:Put");
  EXPECT_EQ(tag_of(document("")), "taken");
  EXPECT_EQ(tag_of("<Other/>"), "MalformedXML");
  EXPECT_EQ(tag_of(document("<Rule/>")), "MalformedXML");
  EXPECT_EQ(tag_of(document(queue(""))), "MalformedXML");
  EXPECT_EQ(tag_of(document(queue(put, ""))), "MalformedXML");
  EXPECT_EQ(tag_of(document(queue(put, "t"))), "InvalidArgument");
  EXPECT_EQ(tag_of(document(queue(put, "arn:beringia:sns::t:webhook"))), "InvalidArgument");
  EXPECT_EQ(tag_of(document(queue(event("s3:ObjectRestore:Post")))), "InvalidArgument");
  EXPECT_EQ(tag_of(document(queue(put + filter("middle", "a")))), "InvalidArgument");
  EXPECT_EQ(tag_of(document(queue(put + filter("prefix", std::string(1025, 'a'))))),
            "InvalidArgument");
  EXPECT_EQ(tag_of(document(queue("<Id>" + std::string(256, 'i') + "</Id>" + put))),
            "InvalidArgument");
  EXPECT_EQ(tag_of(document("<EventBridgeConfiguration/>")), "NotImplemented");
  std::string many;
  for (int i = 0; i < 101; ++i) many += queue(put + filter("prefix", std::to_string(1000 + i)));
  EXPECT_EQ(tag_of(document(many)), "InvalidArgument");
}

TEST(Notifications, of_one_event_do_not_go_to_two_places) {
  const auto two = [](const std::string& a, const std::string& b) {
    return tag_of(document(queue(a) + queue(b)));
  };
  const std::string put = event("s3:ObjectCreated:Put");
  EXPECT_EQ(two(put, event("s3:ObjectCreated:*")), "InvalidArgument");
  EXPECT_EQ(two(put, event("s3:ObjectCreated:Copy")), "taken");
  EXPECT_EQ(two(put + filter("prefix", "a"), put + filter("prefix", "ab")), "InvalidArgument");
  EXPECT_EQ(two(put + filter("prefix", "a"), put + filter("prefix", "b")), "taken");
  EXPECT_EQ(two(put + filter("prefix", "a"), put + filter("suffix", "b")), "InvalidArgument");
  EXPECT_EQ(two(put + filter("suffix", "xa"), put + filter("suffix", "a")), "InvalidArgument");
}

TEST(Notifications, name_their_target_in_arns_and_topics) {
  EXPECT_EQ(target_of_arn("arn:beringia:sqs::hook:webhook", Form::kQueue), "hook");
  EXPECT_EQ(target_of_arn("arn:minio:sqs::hook:webhook", Form::kTopic), "hook");
  EXPECT_EQ(target_of_arn("arn:aws:sns:us-east-1:123456789012:hook", Form::kTopic), "hook");
  EXPECT_EQ(target_of_arn("arn:aws:lambda:us-east-1:1:function:hook", Form::kFunction), "hook");
  EXPECT_EQ(target_of_arn("arn:aws:sqs:us-east-1:1:hook", Form::kTopic), "");
  EXPECT_EQ(target_of_arn("arn:aws:sqs", Form::kQueue), "");
  EXPECT_EQ(target_of_topic("//pubsub.googleapis.com/projects/p/topics/t"), "t");
  EXPECT_EQ(target_of_topic("projects/p/topics/t"), "t");
  EXPECT_EQ(target_of_topic("projects//topics/t"), "");
  EXPECT_EQ(target_of_topic("//example.com/projects/p/topics/t"), "");
  EXPECT_EQ(target_of_topic("projects/p/topics/t/u"), "");
}

TEST(Notifications, of_google_are_all_events_unless_some_are_named) {
  const auto all =
      gcs::parse_notification(R"({"topic":"projects/p/topics/t","payload_format":"JSON_API_V1"})");
  ASSERT_TRUE(all) << all.error().to_string();
  EXPECT_TRUE(all->wants(EventKind::kReplaced, "x"));
  EXPECT_TRUE(all->wants(EventKind::kTagged, "x"));
  EXPECT_FALSE(all->wants(EventKind::kConfigured, "x"));
  EXPECT_EQ(all->address, "//pubsub.googleapis.com/projects/p/topics/t");
  for (const char* bad :
       {R"({"topic":"t","payload_format":"NONE"})", R"({"topic":"projects/p/topics/t"})",
        R"({"topic":"projects/p/topics/t","payload_format":"NONE","event_types":["X"]})",
        R"({"topic":"projects/p/topics/t","payload_format":"NONE","custom_attributes":{"a":1}})",
        R"({"topic":1,"payload_format":"NONE"})", "[]"}) {
    const auto refused = gcs::parse_notification(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code(), Code::kInvalid) << bad;
  }
}

TEST(Notifications, that_are_damaged_or_too_many_are_refused) {
  EXPECT_EQ(decode_notifications("{").error().code(), Code::kCorrupt);
  EXPECT_EQ(decode_notifications(R"({"rules":[{"form":"x","target":"t"}]})").error().code(),
            Code::kCorrupt);
  Notifications many;
  many.rules.resize(kMaxNotificationRules + 1);
  EXPECT_EQ(encode(many).error().tag(), "InvalidArgument");
}

}  // namespace
}  // namespace beringia::wire

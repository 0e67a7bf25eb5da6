#include "backend/gcs/change_feed.h"

#include <simdjson.h>

#include "backend/gcs/api_client.h"
#include "backend/gcs/connection.h"
#include "backend/gcs/location.h"
#include "base/encoding.h"
#include "base/json_writer.h"
#include "io/runtime.h"

namespace beringia::backend::gcs {
namespace {

constexpr std::string_view kGoogle = "https://pubsub.googleapis.com";
constexpr std::string_view kScope = "https://www.googleapis.com/auth/pubsub";
constexpr Duration kLongestPull = std::chrono::seconds{30};
constexpr uint64_t kMaxMessages = 256;  // of one pull; the service allows 1,000

std::string text_of(simdjson::dom::object from, std::string_view name) {
  std::string_view text;
  if (from[name].get(text) != simdjson::SUCCESS) return {};
  return std::string{text};
}

/// Fills in what the attributes say, if they are of our part of the bucket.
void read_attributes(simdjson::dom::object attributes, const std::string& bucket,
                     const std::string& prefix, ObjectChange& change) {
  const std::string object = text_of(attributes, "objectId");
  if (text_of(attributes, "bucketId") != bucket || !object.starts_with(prefix)) return;
  change.name = object.substr(prefix.size());
  change.generation = parse_u64(text_of(attributes, "objectGeneration")).value_or(0);
  const std::string type = text_of(attributes, "eventType");
  change.removed = type == "OBJECT_DELETE" || type == "OBJECT_ARCHIVE";
  change.time = parse_rfc3339(text_of(attributes, "eventTime"));
}

class PubSubFeed final : public ChangeFeed {
 public:
  PubSubFeed(const Location& location, std::string subscription, Connection connection,
             const GcsSpec& spec, Rng& rng)
      : bucket_{location.bucket()},
        prefix_{location.prefix()},
        subscription_{std::move(subscription)},
        http_{std::move(connection.http)},
        credentials_{std::move(connection.credentials)},
        pace_{spec.name + "/pubsub", PaceLimits{}},
        api_{*http_, *credentials_, pace_, spec.retry, {}, rng} {}

  Result<std::vector<ObjectChange>> pull(const io::Context& context) override {
    JsonWriter json;
    json.begin_object().member("maxMessages", kMaxMessages).end_object();
    const auto patient = context.with_deadline(io::now() + kLongestPull);
    auto body = call(patient, "pull", json.take());
    if (body) return parse_pulled(*body, bucket_, prefix_);
    // Our own patience: there is nothing. What was sent into the closed connection comes again.
    const bool nothing = body.error().code() == Code::kCancelled && context.check(io::now());
    if (nothing) return std::vector<ObjectChange>{};
    return std::unexpected(std::move(body).error());
  }

  Result<void> acknowledge(const io::Context& context,
                           const std::vector<ObjectChange>& changes) override {
    if (changes.empty()) return {};
    JsonWriter json;
    json.begin_object().key("ackIds").begin_array();
    for (const auto& change : changes) json.value(change.ack);
    json.end_array().end_object();
    BR_TRY(call(context, "acknowledge", json.take()));
    return {};
  }

 private:
  /// Both may be repeated: a message that was pulled and lost comes again.
  Result<std::string> call(const io::Context& context, const std::string& verb,
                           std::string body) const {
    ApiRequest request;
    request.method = "POST";
    request.target = "/v1/" + percent_encode(subscription_, true) + ":" + verb;
    request.headers.set("Content-Type", "application/json; charset=UTF-8");
    request.body = std::move(body);
    request.what = verb + " messages of " + subscription_;
    request.cost = CallClass::kFree;
    BR_TRY(answer, api_.call(context, request));
    if (answer.ok()) return std::move(answer.body);
    return std::unexpected(error_of(answer, request.what));
  }

  const std::string bucket_;
  const std::string prefix_;
  const std::string subscription_;
  const std::unique_ptr<io::HttpClient> http_;
  const std::unique_ptr<Credentials> credentials_;
  mutable Pace pace_;
  const ApiClient api_;
};

}  // namespace

Result<std::vector<ObjectChange>> parse_pulled(std::string_view json, const std::string& bucket,
                                               const std::string& prefix) {
  const auto bad = [](std::string why) {
    return std::unexpected(invalid("cannot read an answer of Pub/Sub", std::move(why)));
  };
  simdjson::dom::parser parser;
  simdjson::dom::object root;
  if (parser.parse(json.data(), json.size(), true).get(root) != simdjson::SUCCESS) {
    return bad("it is not a JSON object");
  }
  std::vector<ObjectChange> changes;
  simdjson::dom::array received;
  if (root["receivedMessages"].get(received) != simdjson::SUCCESS) return changes;  // none
  for (const auto element : received) {
    simdjson::dom::object one;
    if (element.get(one) != simdjson::SUCCESS) return bad("a message is no object");
    ObjectChange change;
    change.ack = text_of(one, "ackId");
    if (change.ack.empty()) return bad("a message has no ackId");
    simdjson::dom::object message;
    simdjson::dom::object attributes;
    if (one["message"].get(message) == simdjson::SUCCESS &&
        message["attributes"].get(attributes) == simdjson::SUCCESS) {
      read_attributes(attributes, bucket, prefix, change);
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

Result<std::unique_ptr<ChangeFeed>> make_change_feed(const GcsSpec& spec,
                                                     const std::string& subscription,
                                                     const std::string& endpoint, Rng& rng) {
  BR_TRY(location, Location::parse(spec.url));
  GcsSpec pubsub = spec;
  pubsub.endpoint = endpoint.empty() ? std::string{kGoogle} : endpoint;
  // A pull parks while there is nothing: beside it one connection for acknowledgements.
  pubsub.max_connections = 2;
  BR_TRY(connection, connect(pubsub, std::string{kScope}, rng));
  return std::unique_ptr<ChangeFeed>{
      std::make_unique<PubSubFeed>(location, subscription, std::move(connection), spec, rng)};
}

}  // namespace beringia::backend::gcs

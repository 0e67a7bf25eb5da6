#include "backend/gcs/bucket_properties.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "backend/gcs/fake_service.h"
#include "backend/gcs/gcs_backend.h"

namespace beringia::backend::gcs {
namespace {

// As the service writes it: numbers as texts.
constexpr const char* kBucket = R"({"kind": "storage#bucket", "location": "US-CENTRAL1",
  "locationType": "region", "storageClass": "NEARLINE", "versioning": {"enabled": true},
  "softDeletePolicy": {"retentionDurationSeconds": "604800"},
  "retentionPolicy": {"retentionPeriod": "3600", "isLocked": true},
  "objectRetention": {"mode": "Enabled"}, "defaultEventBasedHold": true,
  "billing": {"requesterPays": true}, "autoclass": {"enabled": false},
  "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": true}},
  "hierarchicalNamespace": {"enabled": true}, "encryption": {"defaultKmsKeyName": "k"},
  "lifecycle": {"rule": [{"action": {"type": "SetStorageClass"}, "condition": {"age": 1}},
                         {"action": {"type": "Delete"}, "condition": {"age": 9}}]}})";

const StoreTrait* trait(const StoreReport& report, std::string_view name) {
  const auto found = std::ranges::find(report, name, &StoreTrait::name);
  return found == report.end() ? nullptr : &*found;
}

TEST(BucketProperties, are_read_from_the_bucket) {
  const auto bucket = parse_bucket_properties(kBucket, true);
  ASSERT_TRUE(bucket);
  BucketProperties wanted;
  wanted.complete = true;
  wanted.location = "US-CENTRAL1";
  wanted.location_type = "region";
  wanted.storage_class = "NEARLINE";
  wanted.default_kms_key = "k";
  wanted.soft_delete_seconds = 604800;
  wanted.retention_seconds = 3600;
  wanted.retention_locked = wanted.object_retention = wanted.event_hold = true;
  wanted.versioning = wanted.requester_pays = wanted.uniform_access = true;
  wanted.hierarchical = wanted.deletes_by_itself = true;
  EXPECT_EQ(*bucket, wanted);
  EXPECT_EQ(parse_bucket_properties("[]", true).error().code(), Code::kInvalid);
}

TEST(BucketProperties, rules_for_noncurrent_generations_delete_nothing_of_ours) {
  constexpr std::string_view kRule =
      R"({"action": {"type": "Delete"}, "condition": {"isLive": false}})";
  const auto bucket =
      parse_bucket_properties(R"({"lifecycle": {"rule": [)" + std::string{kRule} + "]}}", true);
  ASSERT_TRUE(bucket);
  EXPECT_FALSE(bucket->deletes_by_itself);
}

TEST(BucketProperties, are_reported_with_what_follows) {
  const auto report = report_of(parse_bucket_properties(kBucket, true).value(), "billing-7", "");
  for (const char* name : {"storage_class", "soft_delete", "versioning", "retention",
                           "default_event_hold", "lifecycle"}) {
    ASSERT_NE(trait(report, name), nullptr) << name;
    EXPECT_TRUE(trait(report, name)->warns) << name;
    EXPECT_FALSE(trait(report, name)->consequence.empty()) << name;
  }
  EXPECT_EQ(trait(report, "soft_delete")->value, "7 days");
  EXPECT_EQ(trait(report, "retention")->value, "1 hour, locked");
  EXPECT_NE(trait(report, "storage_class")->consequence.find("30 days"), std::string::npos);
  EXPECT_NE(trait(report, "requester_pays")->consequence.find("billing-7"), std::string::npos);
  EXPECT_EQ(trait(report, "encryption")->value, "k");
  EXPECT_EQ(trait(report, "namespace")->value, "hierarchical");
  const auto plain = report_of(parse_bucket_properties("{}", true).value(), "", "own-key");
  EXPECT_TRUE(std::ranges::none_of(plain, &StoreTrait::warns));
  EXPECT_EQ(trait(plain, "encryption")->value, "own-key");
}

struct World {
  World() {
    auto http = std::make_unique<FakeService>();
    service = http.get();
    service->other = [this](const FakeService::Request& request) {
      return answer(request.target.substr(0, request.target.find('?')));
    };
    GcsOptions options;
    options.location = Location::parse("gs://bucket/root").value();
    options.retry.initial_delay = Duration::zero();
    options.upload.chunk_bytes = 256 << 10;
    options.upload.parts_from_bytes = 1 << 20;
    backend = std::make_unique<GcsBackend>(std::move(options), std::move(http),
                                           make_no_credentials(), rng);
  }
  std::optional<std::pair<int, std::string>> answer(const std::string& path) const {
    if (path == "/storage/v1/b/bucket") {
      return bucket.empty() ? std::pair{403, std::string{"{}"}} : std::pair{200, bucket};
    }
    if (path == "/storage/v1/b/bucket/storageLayout") return std::pair{layout_status, layout};
    return std::nullopt;
  }
  Result<CopyInfo> write(const std::string& name, const std::string& body, Expectation expected,
                         std::function<Result<Seal>()> seal = {}) {
    io::StringSource source{body};
    WriteRequest request;
    request.name = name;
    request.body = &source;
    request.expectation = std::move(expected);
    request.seal = std::move(seal);
    return backend->write(context, request);
  }
  size_t temporaries() const {
    return service->count("POST", "beringia%2F") + service->count("POST", ".beringia/");
  }

  io::Context context;
  SeededRng rng{5};
  FakeService* service = nullptr;
  std::string bucket;  // "" = it may not be read
  std::string layout = R"({"location": "EU", "hierarchicalNamespace": {"enabled": true}})";
  int layout_status = 200;
  std::unique_ptr<GcsBackend> backend;
};

TEST(BucketPropertiesOfABackend, fall_back_to_the_layout) {
  World world;
  EXPECT_TRUE(world.backend->capabilities().is_unsure);
  const auto report = world.backend->probe(world.context);
  ASSERT_TRUE(report) << report.error().to_string();
  EXPECT_EQ(trait(*report, "location")->value, "EU");
  EXPECT_TRUE(trait(*report, "properties")->warns);
  EXPECT_TRUE(world.backend->capabilities().renames_directories);
  EXPECT_FALSE(world.backend->capabilities().is_unsure);
  world.layout_status = 404;
  const auto nothing = world.backend->probe(world.context);
  ASSERT_TRUE(nothing) << nothing.error().to_string();
  EXPECT_EQ(trait(*nothing, "location"), nullptr);
  EXPECT_TRUE(trait(*nothing, "properties")->warns);
  // The bucket is still what it was.
  EXPECT_TRUE(world.backend->capabilities().renames_directories);
}

TEST(BucketPropertiesOfABackend, that_cannot_be_read_mean_a_flat_bucket) {
  World world;
  world.layout_status = 404;
  ASSERT_TRUE(world.backend->probe(world.context));
  EXPECT_FALSE(world.backend->capabilities().renames_directories);
  EXPECT_FALSE(world.backend->capabilities().is_unsure);
}

Seal seal_of(const std::string& body) {
  return {body.size(), Crc32c::of(body), {}, "a/b", {{"owner", "x"}}, {}};
}

TEST(RetainedBucket, takes_long_bodies_without_temporary_objects) {
  World world;
  world.bucket = R"({"retentionPolicy": {"retentionPeriod": "3600"}})";
  world.service->retains = true;
  ASSERT_TRUE(world.backend->probe(world.context));
  for (const size_t size : {size_t{600} << 10, size_t{3} << 20}) {
    const std::string body(size, 'x');
    const auto name = "n" + std::to_string(size);
    const auto info = world.write(name, body, Expectation::absent(), [&] { return seal_of(body); });
    ASSERT_TRUE(info) << info.error().to_string();
    const auto& object = world.service->objects.at("root/" + name);
    EXPECT_EQ(object.metadata.at("owner"), "x");
    EXPECT_EQ(object.content_type, "a/b");
    EXPECT_EQ(info->version, std::to_string(object.generation));
    EXPECT_EQ(world.service->bytes.at("root/" + name), body);
  }
  EXPECT_EQ(world.service->objects.size(), 2u) << "something was left behind";
}

TEST(RetainedBucket, refuses_to_replace_without_a_second_attempt) {
  World world;
  world.bucket = R"({"retentionPolicy": {"retentionPeriod": "3600"}})";
  ASSERT_TRUE(world.backend->probe(world.context));
  const auto generation = world.service->put("root/n", "first");
  world.service->retains = true;
  for (const size_t size : {size_t{10}, size_t{600} << 10}) {
    const std::string body(size, 'y');
    const auto refused = world.write("n", body, Expectation::at(std::to_string(generation)),
                                     [&] { return seal_of(body); });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kDenied) << refused.error().to_string();
    EXPECT_EQ(refused.error().tag(), kKept);
    EXPECT_EQ(refused.error().retry(), Retry::kNever);
  }
  EXPECT_EQ(world.service->bytes.at("root/n"), "first");
  EXPECT_EQ(world.service->count("POST", "uploadType=multipart"), 1u);
  const auto removed = world.backend->remove(world.context, {"n", std::to_string(generation)});
  EXPECT_EQ(removed.error().tag(), kKept);
  EXPECT_EQ(world.service->count("DELETE", "/o/root%2Fn"), 1u);
}

TEST(RetainedBucket, publishes_nothing_when_the_seal_refuses) {
  World world;
  world.bucket = R"({"defaultEventBasedHold": true})";
  ASSERT_TRUE(world.backend->probe(world.context));
  const std::string body(600 << 10, 'z');
  const auto refused = world.write("n", body, Expectation::absent(), []() -> Result<Seal> {
    return std::unexpected(conflict("somebody was faster"));
  });
  EXPECT_EQ(refused.error().code(), Code::kConflict);
  // The lock's second look says something else than what the session was begun with.
  const auto other = world.write("n", body, Expectation::absent(), [&]() -> Result<Seal> {
    auto seal = seal_of(body);
    seal.expectation = Expectation::at("5");
    return seal;
  });
  EXPECT_EQ(other.error().code(), Code::kConflict);
  EXPECT_TRUE(world.service->objects.empty());
}

TEST(RequesterPays, is_told_with_what_to_do) {
  World world;
  world.service->deny_status = 400;
  world.service->deny_message = "Bucket is a requester pays bucket but no user project provided.";
  const auto refused = world.backend->stat(world.context, {"n"});
  EXPECT_EQ(refused.error().code(), Code::kDenied);
  EXPECT_NE(refused.error().hint().find("user_project"), std::string::npos);
}

}  // namespace
}  // namespace beringia::backend::gcs

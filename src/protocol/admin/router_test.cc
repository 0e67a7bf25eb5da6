#include "protocol/admin/router.h"

#include <gtest/gtest.h>

namespace beringia::protocol::admin {
namespace {

TEST(AdminRouter, finds_a_verb_and_its_argument) {
  const auto keys = find_route("GET", "/v1/keys");
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->route->operation, "keys.list");
  const auto disable = find_route("POST", "/v1/keys/BR%2F1/disable");
  ASSERT_TRUE(disable);
  EXPECT_EQ(disable->route->operation, "keys.disable");
  EXPECT_EQ(disable->argument, "BR%2F1");
  EXPECT_EQ(find_route("PUT", "/v1/grants/a%20b")->argument, "a%20b");
  EXPECT_EQ(find_route("HEAD", "/health")->route->operation, "health.get");
}

TEST(AdminRouter, only_liveness_and_metrics_are_open) {
  for (const char* path : {"/health", "/health/live", "/health/ready", "/metrics"}) {
    EXPECT_TRUE(find_route("GET", path)->route->open) << path;
  }
  for (const char* path : {"/v1/version", "/v1/keys", "/v1/estate", "/v1/list", "/v1/audit"}) {
    EXPECT_FALSE(find_route("GET", path)->route->open) << path;
  }
}

TEST(AdminRouter, what_is_not_there_is_refused) {
  for (const char* path : {"", "/", "/v1", "/v1/key", "/v1/keys/", "/v1/keys/a",
                           "/v1/keys//disable", "/v1/keys/a/disable/b", "//v1/keys", "health"}) {
    const auto found = find_route("GET", path);
    EXPECT_FALSE(found) << path;
  }
  EXPECT_EQ(find_route("DELETE", "/v1/keys").error().code(), Code::kUnsupported);
  EXPECT_EQ(find_route("GET", "/v1/nothing").error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace beringia::protocol::admin

#include "protocol/admin/cloud_audit.h"

#include <gtest/gtest.h>

namespace beringia::protocol::admin {
namespace {

constexpr std::string_view kRead =
    R"({"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog",)"
    R"("status":{},"authenticationInfo":{"principalEmail":"bq@acme.iam.gserviceaccount.com"},)"
    R"("requestMetadata":{"callerIp":"10.1.2.3"},"serviceName":"storage.googleapis.com",)"
    R"("methodName":"storage.objects.get",)"
    R"("authorizationInfo":[{"permission":"storage.objects.get","granted":true}],)"
    R"("resourceName":"projects/_/buckets/archive/objects/lake/sales/q1.parquet"},)"
    R"("insertId":"abc123","timestamp":"2026-03-04T05:06:07.89Z","severity":"INFO"})";

meta::Estate estate() {
  meta::Estate out;
  meta::BackendDeclaration backend;
  backend.name = "gcs";
  backend.url = "gs://archive/lake";
  out.backends.push_back(backend);
  meta::MountDeclaration mount;
  mount.path = Path::parse("/cold/").value();
  mount.locations.push_back({"gcs", "sales/"});
  out.mounts.push_back(mount);
  return out;
}

std::string with(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos);
  return text.replace(at, what.size(), by);
}

TEST(CloudAudit, a_native_read_becomes_a_record_of_the_path_here) {
  const auto record = parse_cloud_audit(kRead, estate());
  ASSERT_TRUE(record && *record) << record.error().to_string();
  EXPECT_EQ((*record)->path, "/cold/q1.parquet");
  EXPECT_EQ((*record)->backend, "gcs");
  EXPECT_EQ((*record)->principal, "bq@acme.iam.gserviceaccount.com");
  EXPECT_EQ((*record)->source_ip, "10.1.2.3");
  EXPECT_EQ((*record)->door, kNativeDoor);
  EXPECT_EQ((*record)->operation, "storage.objects.get");
  EXPECT_EQ((*record)->action, "read");
  EXPECT_EQ((*record)->request_id, "abc123");
  EXPECT_EQ((*record)->status, 200);
  EXPECT_TRUE((*record)->allowed);
  EXPECT_EQ((*record)->time.micros, parse_rfc3339("2026-03-04T05:06:07.89Z").micros);
}

TEST(CloudAudit, what_no_mount_shows_keeps_its_native_name) {
  const auto other = with(std::string{kRead}, "lake/sales", "lake/other");
  EXPECT_EQ((**parse_cloud_audit(other, estate())).path, "gs://archive/lake/other/q1.parquet");
  const auto bucket = with(std::string{kRead}, "/objects/lake/sales/q1.parquet", "");
  EXPECT_EQ((**parse_cloud_audit(bucket, estate())).path, "gs://archive/");
}

TEST(CloudAudit, a_refusal_is_one) {
  auto refused = with(std::string{kRead}, R"("status":{})", R"("status":{"code":7})");
  EXPECT_EQ((**parse_cloud_audit(refused, estate())).status, 403);
  EXPECT_EQ((**parse_cloud_audit(refused, estate())).error, "denied");
  EXPECT_FALSE((**parse_cloud_audit(refused, estate())).allowed);
  refused = with(std::string{kRead}, R"("granted":true)", R"("granted":false)");
  EXPECT_FALSE((**parse_cloud_audit(refused, estate())).allowed);
}

TEST(CloudAudit, entries_of_other_services_are_passed_over_and_damage_is_told) {
  const auto other = with(std::string{kRead}, "storage.googleapis.com", "compute.googleapis.com");
  const auto passed = parse_cloud_audit(other, estate());
  ASSERT_TRUE(passed);
  EXPECT_FALSE(*passed);
  EXPECT_FALSE(*parse_cloud_audit(R"({"textPayload":"x"})", estate()));
  EXPECT_FALSE(parse_cloud_audit("not json", estate()));
  EXPECT_FALSE(parse_cloud_audit(with(std::string{kRead}, "2026-03-04", "yesterday"), estate()));
  EXPECT_FALSE(parse_cloud_audit(with(std::string{kRead}, "methodName", "noName"), estate()));
}

}  // namespace
}  // namespace beringia::protocol::admin

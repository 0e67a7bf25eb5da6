#include "backend/factory.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "backend/test_directory.h"
#include "wire/jwt.h"

namespace beringia::backend {
namespace {

class FactoryTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Backend>> make_url(std::string url, std::string credentials = "none",
                                            std::string endpoint = "http://127.0.0.1:1") {
    return make({"test", std::move(url), std::move(endpoint), std::move(credentials), 4},
                {*disk, rng});
  }

  std::unique_ptr<io::Disk> disk = io::make_posix_disk();
  SystemRng rng;
};

TEST_F(FactoryTest, makes_the_kind_that_the_url_names) {
  EXPECT_EQ((*make_url("file:///tmp/x%20y/"))->capabilities().kind, "file");
  EXPECT_EQ((*make_url("gs://some-bucket/prefix"))->capabilities().kind, "gcs");
  EXPECT_EQ((*make_url("memory:"))->capabilities().kind, "memory");
}

TEST_F(FactoryTest, refuses_what_it_cannot_understand) {
  for (const char* url : {"", "s3://x", "file://relative", "file:///%zz", "gs://", "/plain/path"}) {
    auto made = make_url(url);
    ASSERT_FALSE(made) << url;
    EXPECT_EQ(made.error().code(), Code::kInvalid) << url;
    EXPECT_FALSE(made.error().hint().empty()) << url;
  }
  EXPECT_FALSE(make_url("gs://some-bucket", "none", "ftp://x"));
  EXPECT_FALSE(make_url("gs://some-bucket", "none", "http://127.0.0.1:1/path"));
}

TEST_F(FactoryTest, reads_credentials_files_and_never_shows_them) {
  auto missing = make_url("gs://some-bucket", "/no/such/file.json");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  TestDirectory directory;
  const auto path = directory.path() + "/key.json";
  std::ofstream{path} << R"({"type":"service_account","private_key":"topsecret"})";
  auto broken = make_url("gs://some-bucket", path);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().to_string().find("topsecret"), std::string::npos);
  wire::ServiceAccountKey key;
  key.client_email = "etl@x";
  key.token_uri = "http://127.0.0.1:1/token";
  key.private_key_pem = wire::RsaPrivateKey::generate()->to_pem();
  std::ofstream{path} << wire::render_service_account_key(key).reveal();
  EXPECT_TRUE(make_url("gs://some-bucket", path));
}

TEST_F(FactoryTest, reaches_no_service_when_making) {
  auto made = make_url("gs://some-bucket");
  ASSERT_TRUE(made);
}

}  // namespace
}  // namespace beringia::backend

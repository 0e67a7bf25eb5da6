#include "backend/gcs/api_client.h"

#include <gtest/gtest.h>

namespace beringia::backend::gcs {
namespace {

TEST(GcsErrors, an_object_that_the_bucket_keeps_says_so) {
  for (const char* message :
       {"Object 'bucket/a' is subject to bucket's retention policy or object retention and cannot "
        "be deleted or overwritten until 2027-01-01T00:00:00Z",
        "Object 'bucket/a' is under active Temporary hold and cannot be deleted"}) {
    const auto error = error_of(403, {403, message, "forbidden"}, "delete gs://bucket/a");
    EXPECT_EQ(error.code(), Code::kDenied);
    EXPECT_EQ(error.tag(), kKept);
    EXPECT_EQ(error.retry(), Retry::kNever);
    EXPECT_NE(error.hint().find("release the hold"), std::string::npos);
  }
  const auto other =
      error_of(403, {403, "x@y does not have storage.objects.delete access", "forbidden"},
               "delete gs://bucket/a");
  EXPECT_EQ(other.tag(), "");
  EXPECT_NE(other.hint().find("storage.objects.delete"), std::string::npos);
}

}  // namespace
}  // namespace beringia::backend::gcs

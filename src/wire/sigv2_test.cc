#include "wire/sigv2.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace beringia::wire {
namespace {

// The examples of the S3 Developer Guide, "Signing and authenticating REST requests".
const Secret kSecret{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
const std::string kKey = "AKIAIOSFODNN7EXAMPLE";
const Timestamp kThen = parse_http_date("Tue, 27 Mar 2007 19:36:42 GMT");

io::HttpHeaders headers(std::initializer_list<std::pair<const char*, const char*>> fields) {
  io::HttpHeaders made;
  for (const auto& [name, value] : fields) made.add(name, value);
  return made;
}

std::string verdict(const SigV4Request& request, Timestamp now, std::string_view bucket = {}) {
  const auto claim = parse_sigv2(request, now);
  if (!claim) return claim.error().tag();
  const auto verified = verify_sigv2(request, *claim, bucket, kSecret);
  return verified ? "ok" : verified.error().tag();
}

TEST(SigV2, takes_amazons_examples) {
  const auto get =
      headers({{"Host", "johnsmith.s3.amazonaws.com"},
               {"Date", "Tue, 27 Mar 2007 19:36:42 +0000"},
               {"Authorization", "AWS AKIAIOSFODNN7EXAMPLE:bWq2s1WEIj+Ydj0vQ697zp+IXMU="}});
  // Our clocks read GMT only; the text that is signed is the same.
  const SigV4Request request{"GET", "/photos/puppy.jpg", "", get};
  SigV2Claim claim;
  claim.date = "Tue, 27 Mar 2007 19:36:42 +0000";
  claim.signature = "bWq2s1WEIj+Ydj0vQ697zp+IXMU=";
  EXPECT_TRUE(verify_sigv2(request, claim, "johnsmith", kSecret));
  EXPECT_FALSE(verify_sigv2(request, claim, "other", kSecret));

  const auto put = headers({{"Content-Type", "image/jpeg"}});
  claim.date = "Tue, 27 Mar 2007 21:15:45 +0000";
  claim.signature = "MyyxeRY7whkBe+bq8fHCL/2kKUg=";
  EXPECT_TRUE(verify_sigv2({"PUT", "/photos/puppy.jpg", "", put}, claim, "johnsmith", kSecret));

  const io::HttpHeaders none;
  claim.date = "Tue, 27 Mar 2007 19:42:41 +0000";
  claim.signature = "htDYFYduRNen8P9ZfE/s9SuKy0U=";
  EXPECT_TRUE(verify_sigv2({"GET", "/", "prefix=photos&max-keys=50&marker=puppy", none}, claim,
                           "johnsmith", kSecret));
  claim.date = "Tue, 27 Mar 2007 19:44:46 +0000";
  claim.signature = "c2WLPFtWHVgbEmeEG93a4cG37dM=";
  EXPECT_TRUE(verify_sigv2({"GET", "/", "acl", none}, claim, "johnsmith", kSecret));
}

TEST(SigV2, repeated_amz_headers_are_joined_in_order) {
  const auto upload = headers({{"x-amz-meta-b", " two "},
                               {"X-Amz-Acl", "public-read"},
                               {"x-amz-meta-a", "1"},
                               {"x-amz-meta-a", "2"}});
  EXPECT_EQ(string_to_sign_v2({"PUT", "/b/k", "", upload}, {}, ""),
            "PUT\n\n\n\nx-amz-acl:public-read\nx-amz-meta-a:1,2\nx-amz-meta-b:two\n/b/k");
}

TEST(SigV2, headers_and_queries_hold_for_their_time_only) {
  SigV2Claim claim;
  claim.date = "Tue, 27 Mar 2007 19:36:42 GMT";
  const io::HttpHeaders none;
  const std::string signature =
      sign_v2(kSecret, string_to_sign_v2({"GET", "/b/k", "", none}, claim, ""));
  auto own = headers({{"Date", claim.date.c_str()}});
  own.add("Authorization", "AWS " + kKey + ":" + signature);
  const SigV4Request request{"GET", "/b/k", "", own};
  ASSERT_TRUE(is_sigv2(request));
  EXPECT_EQ(verdict(request, kThen), "ok");
  EXPECT_EQ(verdict({"PUT", "/b/k", "", own}, kThen), "SignatureDoesNotMatch");
  EXPECT_EQ(verdict({"GET", "/b/k", "acl", own}, kThen), "SignatureDoesNotMatch");
  EXPECT_EQ(verdict(request, Timestamp{kThen.micros + 16LL * 60 * 1'000'000}),
            "RequestTimeTooSkewed");
  EXPECT_EQ(verdict({"GET", "/b/k", "AWSAccessKeyId=x", own}, kThen), "InvalidArgument");

  const std::string end = std::to_string(kThen.micros / 1'000'000 + 60);
  claim.date = end;
  const std::string query =
      "AWSAccessKeyId=" + kKey + "&Expires=" + end + "&Signature=" +
      percent_encode(sign_v2(kSecret, string_to_sign_v2({"GET", "/b/k", "", none}, claim, "")));
  const SigV4Request presigned{"GET", "/b/k", query, none};
  ASSERT_TRUE(is_sigv2(presigned));
  EXPECT_EQ(verdict(presigned, kThen), "ok");
  EXPECT_EQ(verdict(presigned, Timestamp{kThen.micros + 61'000'000}), "AccessDenied");
  const std::string later = query + "&response-content-type=a";
  EXPECT_EQ(verdict({"GET", "/b/k", later, none}, kThen), "SignatureDoesNotMatch");
  EXPECT_EQ(verdict({"GET", "/b/k", "AWSAccessKeyId=a&Signature=b", none}, kThen), "AccessDenied");
  EXPECT_EQ(
      verdict({"GET", "/b/k", "AWSAccessKeyId=a&Signature=b&Expires=99999999999", none}, kThen),
      "AccessDenied");
}

TEST(SigV2, malformed_credentials_are_refused) {
  for (const char* text : {"AWS ", "AWS x", "AWS :y", "AWS x:", "AWS"}) {
    const auto own = headers({{"Date", "Tue, 27 Mar 2007 19:36:42 GMT"}, {"Authorization", text}});
    EXPECT_FALSE(parse_sigv2({"GET", "/", "", own}, kThen)) << text;
  }
  const auto no_date = headers({{"Authorization", "AWS x:y"}});
  EXPECT_EQ(verdict({"GET", "/", "", no_date}, kThen), "AccessDenied");
}

}  // namespace
}  // namespace beringia::wire

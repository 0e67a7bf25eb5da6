#include "wire/sigv4.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/encoding.h"
#include "wire/aws_chunked.h"

namespace beringia::wire {
namespace {

// Examples of the S3 API reference, "Authenticating Requests (AWS Signature Version 4)".
constexpr char kKey[] = "AKIAIOSFODNN7EXAMPLE";
const Secret kSecret{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
const Timestamp kThen = parse_basic_iso8601("20130524T000000Z");
constexpr char kEmpty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string authorization(const std::string& headers, const std::string& signature) {
  return "AWS4-HMAC-SHA256 Credential=" + std::string{kKey} +
         "/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + headers + ",Signature=" + signature;
}

io::HttpHeaders example_headers(const char* payload_hash = kEmpty) {
  io::HttpHeaders headers;
  headers.add("Host", "examplebucket.s3.amazonaws.com");
  headers.add("x-amz-content-sha256", payload_hash);
  headers.add("x-amz-date", "20130524T000000Z");
  return headers;
}

Result<SigV4Claim> check(const SigV4Request& request, Timestamp now = kThen) {
  SigningKeys keys;
  BR_TRY(claim, parse_sigv4(request, now));
  BR_TRY(verify_sigv4(request, claim, kSecret, keys));
  return std::move(claim);
}

std::string tag_of(const Result<SigV4Claim>& result) {
  return result ? "ok" : result.error().tag();
}

TEST(SigV4, accepts_the_published_get_object_example) {
  auto headers = example_headers();
  headers.add("Range", "bytes=0-9");
  headers.add("Authorization",
              authorization("host;range;x-amz-content-sha256;x-amz-date",
                            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
  const auto claim = check({"GET", "/test.txt", "", headers});
  ASSERT_TRUE(claim) << claim.error().to_string();
  EXPECT_EQ(claim->access_key, kKey);
  EXPECT_EQ(claim->payload, PayloadMode::kSignedHash);
}

TEST(SigV4, accepts_the_published_put_object_example) {
  io::HttpHeaders headers =
      example_headers("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
  headers.add("Date", "Fri, 24 May 2013 00:00:00 GMT");
  headers.add("x-amz-storage-class", "REDUCED_REDUNDANCY");
  headers.add("Authorization",
              authorization("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
  const auto claim = check({"PUT", "/test%24file.text", "", headers});
  EXPECT_EQ(tag_of(claim), "ok");
}

TEST(SigV4, accepts_the_published_query_examples) {
  auto headers = example_headers();
  headers.add("Authorization",
              authorization("host;x-amz-content-sha256;x-amz-date",
                            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
  EXPECT_EQ(tag_of(check({"GET", "/", "lifecycle", headers})), "ok");
  headers.set("Authorization",
              authorization("host;x-amz-content-sha256;x-amz-date",
                            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
  EXPECT_EQ(tag_of(check({"GET", "/", "max-keys=2&prefix=J", headers})), "ok");
  EXPECT_EQ(tag_of(check({"GET", "/", "prefix=J&max-keys=2", headers})), "ok");  // order is ours
  EXPECT_EQ(tag_of(check({"GET", "/", "max-keys=3&prefix=J", headers})), "SignatureDoesNotMatch");
}

constexpr char kPresigned[] =
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
    "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
    "X-Amz-SignedHeaders=host&X-Amz-Signature="
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

TEST(SigV4, accepts_the_published_presigned_example_until_it_expires) {
  io::HttpHeaders headers;
  headers.add("Host", "examplebucket.s3.amazonaws.com");
  const SigV4Request request{"GET", "/test.txt", kPresigned, headers};
  EXPECT_EQ(tag_of(check(request)), "ok");
  EXPECT_EQ(tag_of(check(request, {kThen.micros + 86'399'000'000})), "ok");
  const auto late = check(request, {kThen.micros + 86'401'000'000});
  EXPECT_EQ(tag_of(late), "AccessDenied");
  EXPECT_EQ(late.error().what(), "Request has expired");
  EXPECT_EQ(tag_of(check({"PUT", "/test.txt", kPresigned, headers})), "SignatureDoesNotMatch");
}

TEST(SigV4, refuses_presigned_lives_over_seven_days) {
  io::HttpHeaders headers;
  headers.add("Host", "h");
  std::string query{kPresigned};
  query.replace(query.find("86400"), 5, "604801");
  EXPECT_EQ(tag_of(check({"GET", "/test.txt", query, headers})),
            "AuthorizationQueryParametersError");
}

TEST(SigV4, refuses_headers_that_are_not_signed) {
  auto headers = example_headers();
  headers.add("Range", "bytes=0-9");
  headers.add("x-amz-copy-source", "/secret/key");
  headers.add("Authorization",
              authorization("host;range;x-amz-content-sha256;x-amz-date",
                            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
  const auto refused = check({"GET", "/test.txt", "", headers});
  EXPECT_EQ(tag_of(refused), "AccessDenied");
  EXPECT_EQ(refused.error().why(), "x-amz-copy-source");
  auto hostless = example_headers();
  hostless.add("Authorization",
               authorization("x-amz-content-sha256;x-amz-date", std::string(64, 'a')));
  EXPECT_EQ(tag_of(check({"GET", "/", "", hostless})), "AccessDenied");
}

TEST(SigV4, refuses_what_is_given_twice) {
  auto headers = example_headers();
  headers.add("x-amz-date", "20130524T000000Z");
  headers.add("Authorization",
              authorization("host;x-amz-content-sha256;x-amz-date", std::string(64, 'a')));
  EXPECT_EQ(tag_of(check({"GET", "/", "", headers})), "InvalidRequest");
  auto twice = example_headers();
  twice.add("Authorization",
            authorization("host;host;x-amz-content-sha256;x-amz-date", std::string(64, 'a')));
  EXPECT_EQ(tag_of(check({"GET", "/", "", twice})), "AuthorizationHeaderMalformed");
  io::HttpHeaders plain;
  plain.add("Host", "h");
  EXPECT_EQ(
      tag_of(check({"GET", "/", std::string{kPresigned} + "&X-Amz-Date=20130524T000000Z", plain})),
      "AuthorizationQueryParametersError");
  plain.add("Authorization", "AWS4-HMAC-SHA256 Credential=x");
  EXPECT_EQ(tag_of(check({"GET", "/", kPresigned, plain})), "InvalidArgument");
}

TEST(SigV4, tells_each_malformed_credential_apart) {
  struct Case {
    std::string authorization, tag;
  };
  const std::string good =
      "Credential=K/20130524/us-east-1/s3/aws4_request,SignedHeaders=host,"
      "Signature=" +
      std::string(64, 'a');
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = "AWS4-HMAC-SHA256 " + good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  const Case cases[] = {
      {"", "AccessDenied"},
      {"AWS key:signature", "InvalidRequest"},
      {"Bearer token", "InvalidArgument"},
      {"AWS4-ECDSA-P256-SHA256 Credential=x", "AuthorizationHeaderMalformed"},
      {"AWS4-HMAC-SHA256 nonsense", "AuthorizationHeaderMalformed"},
      {with("/s3/", "/ec2/"), "AuthorizationHeaderMalformed"},
      {with("aws4_request", "aws5_request"), "AuthorizationHeaderMalformed"},
      {with("K/20130524", "K/2013"), "AuthorizationHeaderMalformed"},
      {with("Signature=a", "Signature=A"), "AuthorizationHeaderMalformed"},
      {with("K/20130524", "K/20130525"), "AccessDenied"},  // unsigned x-amz headers come first
  };
  for (const auto& [text, tag] : cases) {
    auto headers = example_headers();
    if (!text.empty()) headers.add("Authorization", text);
    EXPECT_EQ(tag_of(check({"GET", "/", "", headers})), tag) << text;
  }
}

TEST(SigV4, takes_a_scope_without_a_region) {
  // As DuckDB signs gs:// paths.
  io::HttpHeaders headers;
  headers.add("Host", "h");
  const SigV4Signer signer{kKey, kSecret, ""};
  ASSERT_TRUE(signer.sign("GET", "/b/k", headers, kEmpty, kThen));
  EXPECT_NE(headers.get_or("Authorization", "").find("/20130524//s3/"), std::string_view::npos);
  EXPECT_EQ(tag_of(check({"GET", "/b/k", "", headers})), "ok");
  EXPECT_EQ(tag_of(check({"GET", "/b/other", "", headers})), "SignatureDoesNotMatch");
}

TEST(SigV4, refuses_clocks_that_differ_by_more_than_fifteen_minutes) {
  io::HttpHeaders headers;
  headers.add("Host", "h");
  const SigV4Signer signer{kKey, kSecret};
  ASSERT_TRUE(signer.sign("GET", "/b/k", headers, kEmpty, kThen));
  const SigV4Request request{"GET", "/b/k", "", headers};
  EXPECT_EQ(tag_of(check(request)), "ok");
  EXPECT_EQ(tag_of(check(request, {kThen.micros + 899'000'000})), "ok");
  EXPECT_EQ(tag_of(check(request, {kThen.micros + 901'000'000})), "RequestTimeTooSkewed");
  EXPECT_EQ(tag_of(check(request, {kThen.micros - 901'000'000})), "RequestTimeTooSkewed");
}

TEST(SigV4, encodes_the_path_once_and_the_query_in_canonical_form) {
  for (const char* target : {"/b/a%2Fb%20c+d%e2%82%ac", "/b//x/../y", "/b/k?prefix=a%2fb&x&y=1+2",
                             "/b?delete", "/b/%E4%BD%A0?versionId=null&a=%7E"}) {
    io::HttpHeaders headers;
    headers.add("Host", "h");
    headers.add("x-amz-meta-note", "  two   blanks\tand a tab ");
    const SigV4Signer signer{kKey, kSecret};
    ASSERT_TRUE(signer.sign("PUT", target, headers, "UNSIGNED-PAYLOAD", kThen));
    const std::string text{target};
    const size_t at = text.find('?');
    const std::string path = text.substr(0, at);
    const std::string query = at == std::string::npos ? "" : text.substr(at + 1);
    EXPECT_EQ(tag_of(check({"PUT", path, query, headers})), "ok") << target;
    headers.set("x-amz-meta-note", "two blanks and a tab");
    EXPECT_EQ(tag_of(check({"PUT", path, query, headers})), "ok") << target;
  }
}

TEST(SigV4, presigns_what_it_accepts) {
  io::HttpHeaders headers;
  headers.add("Host", "h:9000");
  for (const SigV4Dialect* dialect : {&kAws4, &kGoog4}) {
    const SigV4Signer signer{kKey, kSecret, "auto", dialect};
    const auto target =
        signer.presign("GET", "/b/k%20x?response-content-type=a%2Fb", headers, 60, kThen);
    ASSERT_TRUE(target);
    const size_t at = target->find('?');
    EXPECT_EQ(tag_of(check({"GET", target->substr(0, at), target->substr(at + 1), headers})), "ok");
    EXPECT_EQ(tag_of(check({"GET", "/b/other", target->substr(at + 1), headers})),
              "SignatureDoesNotMatch");
  }
}

TEST(SigV4, takes_session_tokens_only_under_the_signature) {
  auto headers = example_headers();
  headers.add("x-amz-security-token", "t");
  EXPECT_EQ(tag_of(check({"GET", "/", "", headers})), "InvalidToken");  // beside nothing
  headers.add("Authorization", authorization("host", std::string(64, 'a')));
  EXPECT_EQ(tag_of(check({"GET", "/", "", headers})), "AccessDenied");  // not signed
  EXPECT_EQ(tag_of(check({"GET", "/", "X-Amz-Security-Token=t", example_headers()})),
            "AccessDenied");

  io::HttpHeaders own;
  own.add("Host", "h");
  own.add("x-amz-security-token", "t");
  const SigV4Signer signer{kKey, kSecret, "auto", &kAws4};
  ASSERT_TRUE(signer.sign("GET", "/b/k", own, "UNSIGNED-PAYLOAD", kThen));
  const auto claim = parse_sigv4({"GET", "/b/k", "", own}, kThen);
  ASSERT_TRUE(claim) << claim.error().to_string();
  EXPECT_EQ(claim->token, "t");
}

TEST(SigV4, sts_signs_the_body_without_a_header_that_says_so) {
  io::HttpHeaders headers;
  headers.add("Host", "h");
  SigV4Signer signer{kKey, kSecret, "us-east-1", &kSts4};
  ASSERT_TRUE(signer.sign("POST", "/", headers, std::string(64, '0'), kThen));
  const auto with_header = parse_sigv4({"POST", "/", "", headers}, kThen, kSts4);
  ASSERT_TRUE(with_header);
  EXPECT_EQ(with_header->payload_hash, std::string(64, '0'));
  EXPECT_EQ(tag_of(check({"POST", "/", "", headers})), "AuthorizationHeaderMalformed");
}

TEST(SigV4, finds_the_claimed_key_of_a_refused_request) {
  io::HttpHeaders headers;
  headers.add("Authorization", authorization("host", "x"));
  EXPECT_EQ(claimed_access_key({"GET", "/", "", headers}), kKey);
  EXPECT_EQ(claimed_access_key({"GET", "/", kPresigned, io::HttpHeaders{}}), kKey);
  EXPECT_EQ(claimed_access_key({"GET", "/", "", io::HttpHeaders{}}), "");
}

TEST(SigningKeys, forgets_the_key_of_a_replaced_secret) {
  SigningKeys keys;
  SigV4Claim claim;
  claim.access_key = "K";
  claim.scope = "20130524/us-east-1/s3/aws4_request";
  claim.date = "20130524";
  claim.region = "us-east-1";
  const std::string first = keys.get(claim, Secret{"one"}).sign("x");
  EXPECT_EQ(keys.get(claim, Secret{"one"}).sign("x"), first);
  EXPECT_NE(keys.get(claim, Secret{"two"}).sign("x"), first);
  EXPECT_EQ(keys.get(claim, Secret{"one"}).sign("x"), first);
}

TEST(SigV4, verifies_a_signed_get_in_a_few_microseconds) {
  io::HttpHeaders headers;
  headers.add("Host", "127.0.0.1:9000");
  headers.add("User-Agent", "Boto3/1.44");
  headers.add("amz-sdk-invocation-id", "0f2c7d54-aaaa-bbbb-cccc-0123456789ab");
  headers.add("amz-sdk-request", "attempt=1");
  const SigV4Signer signer{kKey, kSecret};
  ASSERT_TRUE(signer.sign("GET", "/bucket/some/key", headers, kEmpty, kThen));
  const SigV4Request request{"GET", "/bucket/some/key", "", headers};
  SigningKeys keys;
  const auto begin = std::chrono::steady_clock::now();
  constexpr int kTurns = 2000;
  for (int i = 0; i < kTurns; ++i) {
    const auto claim = parse_sigv4(request, kThen);
    ASSERT_TRUE(claim && verify_sigv4(request, *claim, kSecret, keys));
  }
  const auto each = std::chrono::duration_cast<std::chrono::nanoseconds>(
                        std::chrono::steady_clock::now() - begin) /
                    kTurns;
  RecordProperty("nanoseconds_each", std::to_string(each.count()));
  std::printf("verification: %lld ns\n", static_cast<long long>(each.count()));
}

}  // namespace
}  // namespace beringia::wire

// Signed URLs: whoever has one may do what it says, until it expires, and nothing else.
#include "base/checksum.h"
#include "protocol/gcs/test_service.h"
#include "wire/sigv2.h"
#include "wire/sigv4.h"

namespace beringia::protocol::gcs::test {
namespace {

class SignedUrlTest : public LakeTest {
 protected:
  /// As Google's libraries make them. @param headers  signed with the URL, and to be sent
  std::string v4(const KeyFile& key, const std::string& method, std::string target,
                 const Headers& headers = {}, int64_t seconds = 60) {
    wire::SigV4Claim claim;
    claim.dialect = &wire::kGoog4Rsa;
    claim.presigned = true;
    claim.time_text = to_basic_iso8601(world_.clock().wall());
    claim.scope = claim.time_text.substr(0, 8) + "/auto/storage/goog4_request";
    claim.payload_hash = "UNSIGNED-PAYLOAD";
    io::HttpHeaders sent;
    sent.add("Host", kHost);
    std::string names = "host";
    claim.signed_headers = {"host"};
    for (const auto& [name, value] : headers) {
      sent.add(name, value);
      claim.signed_headers.push_back(name);
      names += ";" + name;
    }
    target += target.find('?') == std::string::npos ? "?" : "&";
    const auto name = [this](const std::string& suffix) {
      return small_names_ ? "x-goog-" + ascii_lower(suffix) : "X-Goog-" + suffix;
    };
    target += name("Algorithm") + "=GOOG4-RSA-SHA256&" + name("Credential") + "=" +
              percent_encode(key.file.client_email + "/" + claim.scope) + "&" + name("Date") + "=" +
              claim.time_text + "&" + name("Expires") + "=" + std::to_string(seconds) + "&" +
              name("SignedHeaders") + "=" + percent_encode(names);
    const size_t at = target.find('?');
    const std::string path = target.substr(0, at), query = target.substr(at + 1);
    const std::string text = must(wire::string_to_sign({method, path, query, sent}, claim));
    return target + "&" + name("Signature") + "=" + to_hex(must(key.key.sign(text)));
  }
  bool small_names_ = false;  // of the query's parameters, as gsutil has them
  std::string v2(const KeyFile& key, const std::string& method, const std::string& resource,
                 const std::string& headers = "", int64_t seconds = 60) {
    const std::string expires = std::to_string(now() + seconds);
    const std::string text = method + "\n\n\n" + expires + "\n" + headers + resource;
    return resource + (resource.find('?') == std::string::npos ? "?" : "&") +
           "GoogleAccessId=" + percent_encode(key.file.client_email) + "&Expires=" + expires +
           "&Signature=" + percent_encode(to_base64(must(key.key.sign(text))));
  }
  Answer open(const std::string& target, const std::string& method = "GET",
              const std::string& body = "", Headers headers = {}) {
    return ask({.method = method,
                .target = target,
                .body = body,
                .headers = std::move(headers),
                .anonymous = true});
  }
};

TEST_F(SignedUrlTest, both_versions_read_write_list_and_delete) {
  ASSERT_EQ(put("a b", "1").status, 200);
  for (const int version : {2, 4}) {
    auto url = [&](const std::string& method, const std::string& target) {
      return version == 2 ? v2(*root_key_, method, target) : v4(*root_key_, method, target);
    };
    EXPECT_EQ(open(url("GET", "/lake/a%20b")).body, "1") << version;
    EXPECT_EQ(open(url("GET", "/lake")).status, 200) << version;
    EXPECT_EQ(open(url("PUT", "/lake/new"), "PUT", "bytes").status, 200) << version;
    EXPECT_EQ(media("new"), "bytes");
    EXPECT_EQ(open(url("DELETE", "/lake/new"), "DELETE").status, 204) << version;
  }
}

TEST_F(SignedUrlTest, nothing_but_what_was_signed) {
  ASSERT_EQ(put("x", "1").status, 200);
  ASSERT_EQ(put("y", "2").status, 200);
  for (const std::string& url :
       {v2(*root_key_, "GET", "/lake/x"), v4(*root_key_, "GET", "/lake/x")}) {
    EXPECT_EQ(open(url).status, 200);
    EXPECT_EQ(open(url, "DELETE").status, 403);
    std::string other = url;
    other.replace(other.find("/x"), 2, "/y");
    EXPECT_EQ(open(other).status, 403);
    EXPECT_EQ(open(url + "&generation=1").status, 403) << "a parameter that was not signed";
    std::string forged = url;
    forged.back() = forged.back() == 'a' ? 'b' : 'a';
    EXPECT_GE(open(forged).status, 400);
  }
  EXPECT_EQ(open(v4(*root_key_, "GET", "/lake/x"), "GET", "", {{"x-goog-meta-a", "1"}}).status, 403)
      << "a header that was not signed";
  const Answer refused = open(v4(make_key("ann"), "GET", "/lake/x"));
  EXPECT_EQ(refused.status, 403) << "a good signature of someone without the right";
  EXPECT_NE(refused.body.find("AccessDenied"), std::string::npos) << refused.body;
}

TEST_F(SignedUrlTest, they_expire_and_end_with_their_key) {
  ASSERT_EQ(put("x", "1").status, 200);
  const std::string old2 = v2(*root_key_, "GET", "/lake/x", "", 10);
  const std::string old4 = v4(*root_key_, "GET", "/lake/x", {}, 10);
  const std::string fresh2 = v2(*root_key_, "GET", "/lake/x");
  const std::string fresh4 = v4(*root_key_, "GET", "/lake/x");
  clock_.pass(std::chrono::seconds{11});
  for (const std::string& url : {old2, old4}) {
    const Answer expired = open(url);
    EXPECT_EQ(expired.status, 400);
    EXPECT_NE(expired.body.find("ExpiredToken"), std::string::npos) << expired.body;
  }
  EXPECT_EQ(open(fresh2).status, 200);
  EXPECT_EQ(open(fresh4).status, 200);
  must(world_.directory().disable_key(world_.context, root_key_->file.private_key_id));
  EXPECT_EQ(open(fresh2).status, 403);
  EXPECT_EQ(open(fresh4).status, 403);
}

TEST_F(SignedUrlTest, names_of_parameters_may_be_in_small_letters) {
  ASSERT_EQ(put("x", "1").status, 200);
  small_names_ = true;
  const std::string url = v4(make_key("root"), "GET", "/lake/x");
  EXPECT_EQ(open(url).body, "1");
  EXPECT_EQ(open(url, "DELETE").status, 403);
  EXPECT_NE(open(url + "&X-Goog-Signature=00").status, 200) << "one signature only";
}

TEST_F(SignedUrlTest, access_keys_sign_urls_and_requests) {
  ASSERT_EQ(put("x", "1").status, 200);
  const auto key = must(world_.directory().create_access_key(world_.context, "root"));
  for (const wire::SigV4Dialect* dialect : {&wire::kGoog4, &wire::kAws4}) {
    const wire::SigV4Signer signer{key.id, key.secret, "auto", dialect};
    io::HttpHeaders headers;
    headers.add("Host", kHost);
    const std::string url =
        must(signer.presign("GET", "/lake/x", headers, 60, world_.clock().wall()));
    EXPECT_EQ(open(url).body, "1") << dialect->algorithm;
    EXPECT_EQ(open(url, "DELETE").status, 403) << dialect->algorithm;
    ASSERT_TRUE(signer.sign("PUT", "/lake/signed", headers, to_hex(sha256("bytes")),
                            world_.clock().wall()));
    Headers sent;
    for (const auto& [name, value] : headers.fields()) {
      if (name != "Host") sent.emplace_back(name, value);
    }
    EXPECT_EQ(open("/lake/signed", "PUT", "other", sent).status, 400) << "not what was signed";
    EXPECT_EQ(get(object("signed")).status, 404);
    EXPECT_EQ(open("/lake/signed", "PUT", "bytes", sent).status, 200) << dialect->algorithm;
    EXPECT_EQ(remove(object("signed")).status, 204);
  }
  const std::string expires = std::to_string(now() + 60);
  const std::string text = "GET\n\n\n" + expires + "\n/lake/x";
  EXPECT_EQ(open("/lake/x?GoogleAccessId=" + key.id + "&Expires=" + expires +
                 "&Signature=" + percent_encode(wire::sign_v2(key.secret, text)))
                .body,
            "1");
}

TEST_F(SignedUrlTest, a_resumable_upload_goes_on_by_its_address) {
  for (const int version : {2, 4}) {
    const std::string url =
        version == 2 ? v2(*root_key_, "POST", "/lake/up", "x-goog-resumable:start\n")
                     : v4(*root_key_, "POST", "/lake/up", {{"x-goog-resumable", "start"}});
    EXPECT_EQ(open(url, "POST").status, 403);
    const Answer begun = open(url, "POST", "", {{"x-goog-resumable", "start"}});
    ASSERT_EQ(begun.status, 201) << begun.body;
    const std::string address = begun.header("Location").substr(std::string{kUrl}.size());
    std::string other = address;
    other.replace(other.find("name=up"), 7, "name=uq");
    EXPECT_GE(open(other, "PUT", "bytes").status, 400) << "another object";
    const size_t pass = address.find("&session_pass=");
    EXPECT_EQ(open(address.substr(0, pass), "PUT", "bytes").status, 401);
    EXPECT_EQ(open(address.substr(0, pass + 20), "PUT", "bytes").status, 401);
    EXPECT_EQ(open(address, "PUT", "bytes").status, 200);
    EXPECT_EQ(media("up"), "bytes");
    ASSERT_EQ(remove(object("up")).status, 204);
  }
  // Whoever has a credential has to show it again.
  const Answer begun =
      ask({.method = "POST", .target = "/lake/up", .headers = {{"x-goog-resumable", "start"}}});
  ASSERT_EQ(begun.status, 201);
  EXPECT_EQ(begun.header("Location").find("session_pass"), std::string::npos);
}

TEST_F(SignedUrlTest, the_json_api_takes_none) {
  ASSERT_EQ(put("x", "1").status, 200);
  EXPECT_EQ(open(v4(*root_key_, "GET", "/storage/v1/b/lake/o/x")).status, 401);
  EXPECT_EQ(open(v2(*root_key_, "GET", "/storage/v1/b/lake/o/x")).status, 401);
}

}  // namespace
}  // namespace beringia::protocol::gcs::test

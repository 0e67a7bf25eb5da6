#include "wire/website.h"

#include <gtest/gtest.h>

namespace beringia::wire {
namespace {

std::string document(const std::string& inner) {
  return "<WebsiteConfiguration>" + inner + "</WebsiteConfiguration>";
}
const std::string kIndex = "<IndexDocument><Suffix>index.html</Suffix></IndexDocument>";
std::string rule(const std::string& condition, const std::string& redirect) {
  return "<RoutingRules><RoutingRule>" +
         (condition.empty() ? "" : "<Condition>" + condition + "</Condition>") + "<Redirect>" +
         redirect + "</Redirect></RoutingRule></RoutingRules>";
}
std::string tag_of(const std::string& inner) {
  const auto website = s3::parse_website(document(inner));
  return website ? "taken" : website.error().tag();
}

TEST(Website, is_read_back_as_it_was_put) {
  for (const std::string& inner :
       {kIndex, kIndex + "<ErrorDocument><Key>errors/e.html</Key></ErrorDocument>",
        "<RedirectAllRequestsTo><HostName>example.com</HostName><Protocol>https</Protocol>"
        "</RedirectAllRequestsTo>" +
            std::string{},
        kIndex + rule("<KeyPrefixEquals>a/</KeyPrefixEquals><HttpErrorCodeReturnedEquals>404"
                      "</HttpErrorCodeReturnedEquals>",
                      "<HostName>h</HostName><HttpRedirectCode>302</HttpRedirectCode>"
                      "<ReplaceKeyPrefixWith></ReplaceKeyPrefixWith>")}) {
    const auto website = s3::parse_website(document(inner));
    ASSERT_TRUE(website) << website.error().to_string();
    const auto stored = decode_website(encode(*website));
    ASSERT_TRUE(stored) << stored.error().to_string();
    EXPECT_EQ(*stored, *website);
    EXPECT_EQ(s3::parse_website(s3::render_website(*stored)).value(), *website);
  }
}

TEST(Website, is_refused_with_amazons_codes) {
  EXPECT_EQ(tag_of(""), "InvalidArgument");
  EXPECT_EQ(tag_of("<IndexDocument><Suffix>a/b</Suffix></IndexDocument>"), "InvalidArgument");
  EXPECT_EQ(tag_of("<IndexDocument/>"), "MalformedXML");
  EXPECT_EQ(tag_of(kIndex + "<Other/>"), "MalformedXML");
  EXPECT_EQ(
      tag_of(kIndex + "<RedirectAllRequestsTo><HostName>h</HostName></RedirectAllRequestsTo>"),
      "InvalidArgument");
  EXPECT_EQ(tag_of(kIndex + rule("", "")), "MalformedXML");
  EXPECT_EQ(tag_of(kIndex + rule("", "<HttpRedirectCode>200</HttpRedirectCode>")),
            "InvalidRequest");
  EXPECT_EQ(tag_of(kIndex + rule("", "<Protocol>ftp</Protocol>")), "InvalidRequest");
  EXPECT_EQ(tag_of(kIndex + rule("", "<HostName>a/b</HostName>")), "InvalidArgument");
  EXPECT_EQ(tag_of(kIndex + rule("", "<HostName>a\nb</HostName>")), "InvalidArgument");
  EXPECT_EQ(tag_of(kIndex + rule("",
                                 "<ReplaceKeyWith>a</ReplaceKeyWith>"
                                 "<ReplaceKeyPrefixWith>b</ReplaceKeyPrefixWith>")),
            "InvalidRequest");
  std::string many = "<RoutingRules>";
  for (int i = 0; i < 51; ++i) {
    many += "<RoutingRule><Redirect><HostName>h</HostName></Redirect></RoutingRule>";
  }
  EXPECT_EQ(tag_of(kIndex + many + "</RoutingRules>"), "InvalidRequest");
  EXPECT_EQ(decode_website("[]").error().code(), Code::kCorrupt);
}

TEST(Website, redirects_replace_keys_or_prefixes) {
  WebsiteRedirect redirect;
  EXPECT_EQ(location_of(redirect, "", "a b/\xc3\xbc", "h:80", false), "http://h:80/a%20b/%C3%BC");
  redirect.replace_prefix = "docs/";
  EXPECT_EQ(location_of(redirect, "old/", "old/x", "h", true), "https://h/docs/x");
  redirect.replace_prefix.reset();
  redirect.replace_key = "error.html";
  redirect.host = "other";
  redirect.protocol = "https";
  EXPECT_EQ(location_of(redirect, "", "x", "h", false), "https://other/error.html");
}

TEST(Website, the_first_rule_that_fits_counts) {
  Website website;
  website.rules = {{"a/", 404, {}}, {"", 404, {}}, {"b/", 0, {}}};
  EXPECT_EQ(find_rule(website, "a/x", 404), &website.rules[0]);
  EXPECT_EQ(find_rule(website, "c", 404), &website.rules[1]);
  EXPECT_EQ(find_rule(website, "b/x", 0), &website.rules[2]);
  EXPECT_EQ(find_rule(website, "c", 403), nullptr);
}

}  // namespace
}  // namespace beringia::wire

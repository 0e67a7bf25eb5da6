#include <gtest/gtest.h>

#include "wire/s3xml.h"

namespace beringia::wire::s3 {
namespace {

TEST(S3AccessXml, reads_lists_back) {
  AclDocument acl;
  acl.owner = {"ann", "ann"};
  acl.grants = {{"CanonicalUser", "ann", "FULL_CONTROL"},
                {"Group", "http://acs.amazonaws.com/groups/global/AllUsers", "READ"}};
  const auto again = parse_acl(render(acl));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->owner.id, "ann");
  ASSERT_EQ(again->grants.size(), 2U);
  EXPECT_EQ(again->grants[1].type, "Group");
  EXPECT_EQ(again->grants[1].id, "http://acs.amazonaws.com/groups/global/AllUsers");
  EXPECT_EQ(again->grants[1].permission, "READ");
}

TEST(S3AccessXml, refuses_lists_that_are_not_whole) {
  const std::string owner = "<Owner><ID>a</ID></Owner>";
  for (const std::string& inner :
       {owner, std::string{"<AccessControlList/>"},
        owner + "<AccessControlList><Grant><Permission>READ</Permission></Grant></"
                "AccessControlList>"}) {
    const auto acl = parse_acl("<AccessControlPolicy>" + inner + "</AccessControlPolicy>");
    ASSERT_FALSE(acl) << inner;
    EXPECT_EQ(acl.error().tag(), "MalformedACLError");
  }
  EXPECT_EQ(parse_acl("<Other/>").error().tag(), "MalformedXML");
}

TEST(S3AccessXml, reads_cors_rules_back) {
  CorsRule rule;
  rule.id = "one";
  rule.origins = {"https://*.example.com"};
  rule.methods = {"GET", "PUT"};
  rule.headers = {"x-amz-*"};
  rule.exposed = {"ETag"};
  rule.max_age_s = 60;
  const auto rules = parse_cors(render_cors({rule}));
  ASSERT_TRUE(rules);
  ASSERT_EQ(rules->size(), 1U);
  EXPECT_EQ((*rules)[0].methods, rule.methods);
  EXPECT_EQ((*rules)[0].headers, rule.headers);
  EXPECT_EQ((*rules)[0].exposed, rule.exposed);
  EXPECT_EQ((*rules)[0].max_age_s, rule.max_age_s);
  const auto with = [](const std::string& inner) {
    return parse_cors("<CORSConfiguration><CORSRule>" + inner + "</CORSRule></CORSConfiguration>");
  };
  EXPECT_EQ(with("<AllowedOrigin>*</AllowedOrigin>").error().tag(), "MalformedXML");
  EXPECT_EQ(
      with("<AllowedOrigin>*</AllowedOrigin><AllowedMethod>FLY</AllowedMethod>").error().tag(),
      "InvalidRequest");
  EXPECT_EQ(
      with("<AllowedOrigin>*a*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>").error().tag(),
      "InvalidRequest");
}

TEST(S3AccessXml, reads_switches_and_ownership) {
  const auto block =
      parse_public_access_block(render(PublicAccessBlockDocument{true, false, true}));
  ASSERT_TRUE(block);
  EXPECT_TRUE(block->block_acls && !block->ignore_acls && block->block_policy);
  EXPECT_FALSE(
      parse_public_access_block("<PublicAccessBlockConfiguration><BlockPublicAcls>maybe</"
                                "BlockPublicAcls></PublicAccessBlockConfiguration>"));
  EXPECT_EQ(parse_ownership_controls(render_ownership_controls("ObjectWriter")).value(),
            "ObjectWriter");
  EXPECT_FALSE(parse_ownership_controls("<OwnershipControls/>"));
}

}  // namespace
}  // namespace beringia::wire::s3

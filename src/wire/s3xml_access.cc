// AccessControlPolicy, PublicAccessBlockConfiguration, OwnershipControls, CORSConfiguration.
#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "wire/s3xml.h"
#include "wire/s3xml_reader.h"

namespace beringia::wire::s3 {
namespace {

constexpr std::string_view kXsi =
    "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"";

Error bad_acl(std::string why) {
  return invalid(
             "The XML you provided was not well-formed or did not validate against our published "
             "schema",
             std::move(why))
      .with_tag("MalformedACLError");
}

Result<void> read_text(const pugi::xml_node& node, std::string& into) {
  BR_TRY(text, text_of(node));
  into = trimmed(text);
  return {};
}

Result<bool> read_flag(const pugi::xml_node& node) {
  BR_TRY(text, text_of(node));
  const std::string word = ascii_lower(trimmed(text));
  if (word != "true" && word != "false") {
    return std::unexpected(malformed(std::string{local_name(node)} + " is neither true nor false"));
  }
  return word == "true";
}

Result<void> read_owner(const pugi::xml_node& node, Owner& owner) {
  return each_element(node,
                      [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
                        if (name == "ID") return read_text(child, owner.id);
                        if (name == "DisplayName") return read_text(child, owner.name);
                        return {};
                      });
}

Result<void> read_grantee(const pugi::xml_node& node, AclDocument::Grant& grant) {
  for (const auto& attribute : node.attributes()) {
    std::string_view name{attribute.name()};
    if (const size_t colon = name.find(':'); colon != std::string_view::npos) {
      name.remove_prefix(colon + 1);
    }
    if (name == "type") grant.type = attribute.value();
  }
  const std::string_view wanted = grant.type == "Group"                   ? "URI"
                                  : grant.type == "AmazonCustomerByEmail" ? "EmailAddress"
                                                                          : "ID";
  return each_element(node,
                      [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
                        return name == wanted ? read_text(child, grant.id) : Result<void>{};
                      });
}

Result<void> read_grant(const pugi::xml_node& node, AclDocument& acl) {
  AclDocument::Grant grant;
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        if (name == "Grantee") return read_grantee(child, grant);
        if (name == "Permission") return read_text(child, grant.permission);
        return {};
      }));
  const bool known = grant.type == "CanonicalUser" || grant.type == "Group" ||
                     grant.type == "AmazonCustomerByEmail";
  if (!known || grant.id.empty() || grant.permission.empty()) {
    return std::unexpected(bad_acl("a Grant has no Grantee, or no Permission"));
  }
  if (acl.grants.size() == kMaxAclGrants) return std::unexpected(bad_acl("more than 100 grants"));
  acl.grants.push_back(std::move(grant));
  return {};
}

void list_texts(XmlWriter& xml, std::string_view name, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) xml.text(name, text);
}

}  // namespace

std::string render(const AclDocument& acl) {
  XmlWriter xml{"AccessControlPolicy"};
  xml.open("Owner").text("ID", acl.owner.id).text("DisplayName", acl.owner.name).close();
  xml.open("AccessControlList");
  for (const AclDocument::Grant& grant : acl.grants) {
    xml.open("Grant");
    xml.open_with("Grantee", std::string{kXsi} + grant.type + "\"");
    if (grant.type == "Group") {
      xml.text("URI", grant.id).close();
    } else {
      xml.text("ID", grant.id).text("DisplayName", grant.id).close();
    }
    xml.text("Permission", grant.permission).close();
  }
  return xml.take();
}

Result<AclDocument> parse_acl(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "AccessControlPolicy"));
  AclDocument acl;
  bool listed = false;
  BR_TRY(each_element(root, [&](std::string_view name, const pugi::xml_node& node) -> Result<void> {
    if (name == "Owner") return read_owner(node, acl.owner);
    if (name != "AccessControlList") return {};
    listed = true;
    return each_element(node,
                        [&](std::string_view inner, const pugi::xml_node& child) -> Result<void> {
                          return inner == "Grant" ? read_grant(child, acl) : Result<void>{};
                        });
  }));
  if (!listed || acl.owner.id.empty()) {
    return std::unexpected(bad_acl("it has no Owner, or no AccessControlList"));
  }
  return acl;
}

std::string render(const PublicAccessBlockDocument& block) {
  XmlWriter xml{"PublicAccessBlockConfiguration"};
  xml.flag("BlockPublicAcls", block.block_acls).flag("IgnorePublicAcls", block.ignore_acls);
  xml.flag("BlockPublicPolicy", block.block_policy);
  xml.flag("RestrictPublicBuckets", block.restrict_buckets);
  return xml.take();
}

Result<PublicAccessBlockDocument> parse_public_access_block(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "PublicAccessBlockConfiguration"));
  PublicAccessBlockDocument block;
  BR_TRY(each_element(root, [&](std::string_view name, const pugi::xml_node& node) -> Result<void> {
    bool* into = name == "BlockPublicAcls"         ? &block.block_acls
                 : name == "IgnorePublicAcls"      ? &block.ignore_acls
                 : name == "BlockPublicPolicy"     ? &block.block_policy
                 : name == "RestrictPublicBuckets" ? &block.restrict_buckets
                                                   : nullptr;
    if (into == nullptr) return std::unexpected(malformed(std::string{name} + " is not known"));
    BR_TRY(value, read_flag(node));
    *into = value;
    return {};
  }));
  return block;
}

Result<std::string> parse_ownership_controls(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "OwnershipControls"));
  std::string ownership;
  BR_TRY(each_element(root, [&](std::string_view name, const pugi::xml_node& node) -> Result<void> {
    if (name != "Rule" || !ownership.empty()) {
      return std::unexpected(malformed("it has not exactly one Rule"));
    }
    return each_element(
        node, [&](std::string_view inner, const pugi::xml_node& child) -> Result<void> {
          return inner == "ObjectOwnership" ? read_text(child, ownership) : Result<void>{};
        });
  }));
  if (ownership.empty()) return std::unexpected(malformed("it has no ObjectOwnership"));
  return ownership;
}

std::string render_ownership_controls(std::string_view ownership) {
  XmlWriter xml{"OwnershipControls"};
  xml.open("Rule").text("ObjectOwnership", ownership);
  return xml.take();
}

Result<std::vector<CorsRule>> parse_cors(const std::string& xml) {
  constexpr std::string_view kMethods[] = {"GET", "PUT", "POST", "DELETE", "HEAD"};
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "CORSConfiguration"));
  std::vector<CorsRule> rules;
  BR_TRY(each_element(root, [&](std::string_view name, const pugi::xml_node& node) -> Result<void> {
    if (name != "CORSRule" || rules.size() == kMaxCorsRules) {
      return std::unexpected(malformed("it holds something else than up to 100 CORSRules"));
    }
    CorsRule rule;
    BR_TRY(each_element(node,
                        [&](std::string_view inner, const pugi::xml_node& child) -> Result<void> {
                          std::string text;
                          BR_TRY(read_text(child, text));
                          if (inner == "ID") rule.id = text;
                          if (inner == "AllowedOrigin") rule.origins.push_back(text);
                          if (inner == "AllowedMethod") rule.methods.push_back(text);
                          if (inner == "AllowedHeader") rule.headers.push_back(text);
                          if (inner == "ExposeHeader") rule.exposed.push_back(text);
                          if (inner == "MaxAgeSeconds") {
                            rule.max_age_s = parse_u64(text);
                            if (!rule.max_age_s)
                              return std::unexpected(malformed("MaxAgeSeconds is no number"));
                          }
                          return {};
                        }));
    if (rule.origins.empty() || rule.methods.empty()) {
      return std::unexpected(malformed("a CORSRule has no AllowedOrigin, or no AllowedMethod"));
    }
    for (const std::string& method : rule.methods) {
      if (std::ranges::find(kMethods, method) == std::end(kMethods)) {
        return std::unexpected(
            invalid("Found unsupported HTTP method in CORS config. Unsupported method is " + method)
                .with_tag("InvalidRequest"));
      }
    }
    for (const auto* patterns : {&rule.origins, &rule.headers}) {
      for (const std::string& pattern : *patterns) {
        if (std::ranges::count(pattern, '*') <= 1) continue;
        return std::unexpected(invalid("\"" + pattern + "\" can not have more than one wildcard.")
                                   .with_tag("InvalidRequest"));
      }
    }
    rules.push_back(std::move(rule));
    return {};
  }));
  if (rules.empty()) return std::unexpected(malformed("it has no CORSRule"));
  return rules;
}

std::string render_cors(const std::vector<CorsRule>& rules) {
  XmlWriter xml{"CORSConfiguration"};
  for (const CorsRule& rule : rules) {
    xml.open("CORSRule");
    if (!rule.id.empty()) xml.text("ID", rule.id);
    list_texts(xml, "AllowedOrigin", rule.origins);
    list_texts(xml, "AllowedMethod", rule.methods);
    list_texts(xml, "AllowedHeader", rule.headers);
    list_texts(xml, "ExposeHeader", rule.exposed);
    if (rule.max_age_s) xml.number("MaxAgeSeconds", *rule.max_age_s);
    xml.close();
  }
  return xml.take();
}

}  // namespace beringia::wire::s3

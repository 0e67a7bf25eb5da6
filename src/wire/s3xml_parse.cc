#include <algorithm>
#include <pugixml.hpp>
#include <set>

#include "base/encoding.h"
#include "wire/s3xml.h"
#include "wire/s3xml_reader.h"

namespace beringia::wire::s3 {
namespace {

std::string unquoted(std::string text) {
  const auto blank = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && blank(text.back())) text.pop_back();
  while (!text.empty() && blank(text.front())) text.erase(0, 1);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

Result<CompletedPart> part_of(const pugi::xml_node& node) {
  CompletedPart part;
  bool numbered = false;
  for (const auto& child : node.children()) {
    if (child.type() != pugi::node_element) continue;
    const std::string_view name = local_name(child);
    BR_TRY(text, text_of(child));
    if (name == "PartNumber") {
      const auto number = parse_u64(trimmed(text));
      if (!number || *number > UINT32_MAX) {
        return std::unexpected(malformed("PartNumber is not a number"));
      }
      part.number = static_cast<uint32_t>(*number);
      numbered = true;
    } else if (name == "ETag") {
      part.etag = unquoted(text);
    } else if (name.starts_with("Checksum")) {
      part.checksums.emplace_back(ascii_lower(name.substr(8)), trimmed(text));
    }
  }
  if (!numbered || part.etag.empty()) {
    return std::unexpected(malformed("a Part lacks PartNumber or ETag"));
  }
  return part;
}

Result<DeleteRequest::Key> key_of(const pugi::xml_node& node) {
  DeleteRequest::Key key;
  bool named = false;
  for (const auto& child : node.children()) {
    if (child.type() != pugi::node_element) continue;
    const std::string_view name = local_name(child);
    BR_TRY(text, text_of(child));
    if (name == "Key") {
      key.key = text;
      named = !text.empty();
    } else if (name == "VersionId") {
      key.version_id = trimmed(text);
    } else if (name == "ETag") {
      key.etag = unquoted(text);
    } else if (name == "LastModifiedTime") {
      key.modified = parse_http_date(std::string{trimmed(text)});
      if (key.modified->micros == 0) key.modified = parse_rfc3339(std::string{trimmed(text)});
      if (key.modified->micros == 0) {
        return std::unexpected(malformed("LastModifiedTime is not a date"));
      }
    } else if (name == "Size") {
      key.size = parse_u64(trimmed(text));
      if (!key.size) return std::unexpected(malformed("Size is not a number"));
    }
  }
  if (!named) return std::unexpected(malformed("an Object has no Key"));
  return key;
}

}  // namespace

Result<std::vector<CompletedPart>> parse_complete_upload(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "CompleteMultipartUpload"));
  std::vector<CompletedPart> parts;
  for (const auto& child : root.children()) {
    if (child.type() != pugi::node_element || local_name(child) != "Part") continue;
    if (parts.size() == kMaxListedParts) return std::unexpected(malformed("it has too many parts"));
    BR_TRY(part, part_of(child));
    parts.push_back(std::move(part));
  }
  if (parts.empty()) return std::unexpected(malformed("it names no part"));
  return parts;
}

Result<DeleteRequest> parse_delete(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "Delete"));
  DeleteRequest request;
  for (const auto& child : root.children()) {
    if (child.type() != pugi::node_element) continue;
    if (local_name(child) == "Quiet") {
      BR_TRY(text, text_of(child));
      request.quiet = ascii_lower(trimmed(text)) == "true";
    } else if (local_name(child) == "Object") {
      if (request.keys.size() == kMaxDeleteKeys) {
        return std::unexpected(malformed("it names more than 1000 keys"));
      }
      BR_TRY(key, key_of(child));
      request.keys.push_back(std::move(key));
    }
  }
  if (request.keys.empty()) return std::unexpected(malformed("it names no key"));
  return request;
}

Result<std::string> parse_create_bucket(const std::string& xml) {
  if (trimmed(xml).empty()) return std::string{};
  pugi::xml_document document;
  auto root = load(document, xml, "CreateBucketConfiguration");
  if (!root) return std::unexpected(std::move(root).error());
  for (const auto& child : root->children()) {
    if (child.type() != pugi::node_element || local_name(child) != "LocationConstraint") continue;
    BR_TRY(text, text_of(child));
    return std::string{trimmed(text)};
  }
  return std::string{};
}

Result<VersioningRequest> parse_versioning(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "VersioningConfiguration"));
  VersioningRequest request;
  std::string status;
  BR_TRY(each_element(root, [&](std::string_view name, const pugi::xml_node& node) -> Result<void> {
    BR_TRY(text, text_of(node));
    if (name == "Status") status = trimmed(text);
    if (name == "MfaDelete") request.mfa_delete = trimmed(text) == "Enabled";
    return {};
  }));
  if (status.empty()) {
    return std::unexpected(invalid("The Versioning element must be specified")
                               .with_tag("IllegalVersioningConfigurationException"));
  }
  if (status != "Enabled" && status != "Suspended") {
    return std::unexpected(malformed("Status is Enabled or Suspended"));
  }
  request.enabled = status == "Enabled";
  return request;
}

Result<Tags> parse_tagging(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "Tagging"));
  Tags tags;
  for (const auto& set : root.children()) {
    if (set.type() != pugi::node_element || local_name(set) != "TagSet") continue;
    for (const auto& tag : set.children()) {
      if (tag.type() != pugi::node_element || local_name(tag) != "Tag") continue;
      std::pair<std::string, std::string> pair;
      for (const auto& child : tag.children()) {
        if (child.type() != pugi::node_element) continue;
        BR_TRY(text, text_of(child));
        if (local_name(child) == "Key") pair.first = text;
        if (local_name(child) == "Value") pair.second = text;
      }
      tags.push_back(std::move(pair));
      // check_tags() has the real bound; buckets may have 50.
      if (tags.size() > 64) return std::unexpected(malformed("it has too many tags"));
    }
  }
  return tags;
}

Result<void> check_tags(const Tags& tags, size_t most) {
  // S3 API, PutObjectTagging: 10 tags, keys to 128 and values to 256 characters, unique keys.
  if (tags.size() > most) {
    return std::unexpected(invalid(most == kMaxTags ? "Object tags cannot be greater than 10"
                                                    : "Bucket tags cannot be greater than 50")
                               .with_tag("BadRequest"));
  }
  const auto characters = [](const std::string& text) {
    return std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
  };
  std::set<std::string_view> keys;
  for (const auto& [key, value] : tags) {
    if (key.empty() || characters(key) > 128 || !is_utf8(key)) {
      return std::unexpected(
          invalid("The TagKey you have provided is invalid").with_tag("InvalidTag"));
    }
    if (characters(value) > 256 || !is_utf8(value)) {
      return std::unexpected(
          invalid("The TagValue you have provided is invalid").with_tag("InvalidTag"));
    }
    if (!keys.insert(key).second) {
      return std::unexpected(
          invalid("Cannot provide multiple Tags with the same key").with_tag("InvalidTag"));
    }
  }
  return {};
}

}  // namespace beringia::wire::s3

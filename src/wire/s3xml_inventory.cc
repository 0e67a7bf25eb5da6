// InventoryConfiguration.
#include <algorithm>
#include <utility>

#include "wire/inventory.h"
#include "wire/s3xml.h"
#include "wire/s3xml_reader.h"

namespace beringia::wire::s3 {
namespace {

using Format = InventoryConfiguration::Format;

constexpr std::string_view kArn = "arn:aws:s3:::";
constexpr size_t kMaxId = 64;  // S3 API
constexpr size_t kMaxPrefix = 512;

Error bad_argument(std::string what) {
  return invalid(std::move(what)).with_tag("InvalidArgument");
}
Error unknown(std::string_view place, std::string_view name) {
  return malformed(std::string{place} + " cannot hold " + std::string{name});
}

Result<std::string> word_of(const pugi::xml_node& node) {
  BR_TRY(text, text_of(node));
  return std::string{trimmed(text)};
}

Result<void> read_encryption(const pugi::xml_node& node, InventoryConfiguration& one) {
  return each_element(node, [&](std::string_view name, const pugi::xml_node& kind) -> Result<void> {
    one.encrypted = true;
    if (name == "SSE-S3") return {};
    if (name != "SSE-KMS") return std::unexpected(unknown("Encryption", name));
    return each_element(kind, [&](std::string_view, const pugi::xml_node& key) -> Result<void> {
      BR_TRY(id, word_of(key));
      one.key_id = std::move(id);
      return {};
    });
  });
}

Result<void> read_target(const pugi::xml_node& node, InventoryConfiguration& one) {
  return each_element(
      node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        if (name == "Encryption") return read_encryption(child, one);
        BR_TRY(text, word_of(child));
        if (name == "AccountId") {
          one.target_account = std::move(text);
        } else if (name == "Bucket") {
          if (!text.starts_with(kArn) || text.size() == kArn.size()) {
            return std::unexpected(bad_argument("Invalid destination bucket ARN"));
          }
          one.target_bucket = text.substr(kArn.size());
        } else if (name == "Prefix") {
          one.target_prefix = std::move(text);
        } else if (name == "Format") {
          if (text == "ORC") {
            return std::unexpected(
                unsupported("Inventories in ORC are not offered").with_tag("NotImplemented"));
          }
          if (text != "CSV" && text != "Parquet")
            return std::unexpected(malformed("Format is unknown"));
          one.format = text == "Parquet" ? Format::kParquet : Format::kCsv;
        } else {
          return std::unexpected(unknown("S3BucketDestination", name));
        }
        return {};
      });
}

Result<void> read_fields(const pugi::xml_node& node, InventoryConfiguration& one) {
  return each_element(
      node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        BR_TRY(text, word_of(child));
        if (name != "Field" || !is_inventory_field(text)) {
          return std::unexpected(malformed("OptionalFields holds an unknown field"));
        }
        if (std::ranges::find(one.fields, text) == one.fields.end()) one.fields.push_back(text);
        return {};
      });
}

/// The text of the only element of `node`, which has that name.
Result<std::string> only_text(const pugi::xml_node& node, std::string_view wanted) {
  std::string text;
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        if (name != wanted) return std::unexpected(unknown(local_name(node), name));
        BR_TRY(read, text_of(child));
        text = std::move(read);
        return {};
      }));
  return text;
}

struct Seen {
  bool enabled = false, versions = false, schedule = false;
};

Result<void> read_member(std::string_view name, const pugi::xml_node& child,
                         InventoryConfiguration& one, Seen& seen) {
  if (name == "Destination") {
    return each_element(child, [&](std::string_view inner, const pugi::xml_node& target) {
      return inner == "S3BucketDestination"
                 ? read_target(target, one)
                 : Result<void>{std::unexpected(unknown("Destination", inner))};
    });
  }
  if (name == "OptionalFields") return read_fields(child, one);
  if (name == "Filter") {
    BR_TRY(prefix, only_text(child, "Prefix"));
    one.prefix = std::move(prefix);
    return {};
  }
  if (name == "Schedule") {
    BR_TRY(frequency, only_text(child, "Frequency"));
    const std::string word{trimmed(frequency)};
    if (word != "Daily" && word != "Weekly")
      return std::unexpected(malformed("Frequency is unknown"));
    one.weekly = word == "Weekly";
    seen.schedule = true;
    return {};
  }
  BR_TRY(text, word_of(child));
  if (name == "Id") {
    one.id = std::move(text);
  } else if (name == "IsEnabled") {
    if (text != "true" && text != "false")
      return std::unexpected(malformed("IsEnabled is no boolean"));
    one.enabled = text == "true";
    seen.enabled = true;
  } else if (name == "IncludedObjectVersions") {
    if (text != "All" && text != "Current") {
      return std::unexpected(malformed("IncludedObjectVersions is unknown"));
    }
    one.all_versions = text == "All";
    seen.versions = true;
  } else {
    return std::unexpected(unknown("InventoryConfiguration", name));
  }
  return {};
}

void write(XmlWriter& xml, const InventoryConfiguration& one) {
  xml.open("Destination").open("S3BucketDestination");
  if (!one.target_account.empty()) xml.text("AccountId", one.target_account);
  xml.text("Bucket", std::string{kArn} + one.target_bucket);
  xml.text("Format", one.format == Format::kParquet ? "Parquet" : "CSV");
  if (!one.target_prefix.empty()) xml.text("Prefix", one.target_prefix);
  if (one.encrypted) {
    xml.open("Encryption");
    if (one.key_id.empty()) {
      xml.open("SSE-S3").close();
    } else {
      xml.open("SSE-KMS").text("KeyId", one.key_id).close();
    }
    xml.close();
  }
  xml.close().close().flag("IsEnabled", one.enabled);
  if (!one.prefix.empty()) xml.open("Filter").text("Prefix", one.prefix).close();
  xml.text("Id", one.id).text("IncludedObjectVersions", one.all_versions ? "All" : "Current");
  if (!one.fields.empty()) {
    xml.open("OptionalFields");
    for (const std::string& field : one.fields) xml.text("Field", field);
    xml.close();
  }
  xml.open("Schedule").text("Frequency", one.weekly ? "Weekly" : "Daily").close();
}

}  // namespace

Result<InventoryConfiguration> parse_inventory(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "InventoryConfiguration"));
  InventoryConfiguration one;
  Seen seen;
  BR_TRY(each_element(root, [&](std::string_view name, const pugi::xml_node& child) {
    return read_member(name, child, one, seen);
  }));
  if (one.id.empty() || one.target_bucket.empty() || !seen.enabled || !seen.versions ||
      !seen.schedule) {
    return std::unexpected(malformed("InventoryConfiguration lacks a member"));
  }
  const bool has_good_id =
      one.id.size() <= kMaxId && std::ranges::all_of(one.id, [](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '_' || c == '.';
      });
  if (!has_good_id) return std::unexpected(bad_argument("Invalid inventory configuration id"));
  if (one.target_prefix.size() > kMaxPrefix || one.prefix.size() > 1024) {
    return std::unexpected(bad_argument("A prefix is too long"));
  }
  return one;
}

std::string render_inventory(const InventoryConfiguration& configuration) {
  XmlWriter xml{"InventoryConfiguration"};
  write(xml, configuration);
  return xml.take();
}

std::string render_inventories(const std::vector<InventoryConfiguration>& all) {
  XmlWriter xml{"ListInventoryConfigurationsResult"};
  for (const InventoryConfiguration& one : all) {
    xml.open("InventoryConfiguration");
    write(xml, one);
    xml.close();
  }
  xml.flag("IsTruncated", false);
  return xml.take();
}

}  // namespace beringia::wire::s3

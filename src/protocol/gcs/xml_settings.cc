// XML API reference, Bucket requests: billing, cors, encryptionConfig, lifecycle, location,
// logging, storageClass, tagging, versioning, website.
#include "protocol/gcs/xml_settings.h"

#include <array>
#include <pugixml.hpp>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "protocol/gcs/xml_lifecycle.h"
#include "protocol/gcs/xml_text.h"

namespace beringia::protocol::gcs {
namespace {

using pugi::xml_node;
using wire::Value;

constexpr size_t kMaxDepth = 6;
constexpr size_t kMaxNodes = 4096;

std::string_view text_of(const xml_node& node) { return node.text().as_string(); }

const Value* member(const Value* table, std::string_view name) {
  return table == nullptr ? nullptr : table->find(name);
}
std::string text_in(const Value* table, std::string_view name) {
  const Value* value = member(table, name);
  return value == nullptr ? std::string{} : value->text;
}
bool flag_in(const Value* table, std::string_view name) {
  const Value* value = member(table, name);
  return value != nullptr && value->boolean;
}

/// A member with the text of a child; null where there is none, which takes it away.
void put_text(JsonWriter& json, std::string_view name, const xml_node& node) {
  json.key(name);
  if (text_of(node).empty()) {
    json.null();
  } else {
    json.value(text_of(node));
  }
}

/// "Enabled", or "Disabled" (of versions: "Suspended").
Result<bool> is_enabled(const xml_node& node) {
  if (text_of(node) == "Enabled") return true;
  if (text_of(node) == "Disabled" || text_of(node) == "Suspended") return false;
  return std::unexpected(malformed_xml("a status is neither on nor off"));
}

// ---- read: the root's children become members -------------------------------------------------

Result<void> read_billing(const xml_node& root, JsonWriter& json) {
  BR_TRY(on, is_enabled(root.child("RequesterPays")));
  json.key("billing").begin_object().member("requesterPays", on).end_object();
  return {};
}

Result<void> read_versioning(const xml_node& root, JsonWriter& json) {
  BR_TRY(on, is_enabled(root.child("Status")));
  json.key("versioning").begin_object().member("enabled", on).end_object();
  return {};
}

void put_texts(JsonWriter& json, std::string_view name, const xml_node& list, const char* item) {
  json.key(name).begin_array();
  for (const xml_node one : list.children(item)) json.value(text_of(one));
  json.end_array();
}

Result<void> read_cors(const xml_node& root, JsonWriter& json) {
  json.key("cors").begin_array();
  for (const xml_node rule : root.children("Cors")) {
    json.begin_object();
    put_texts(json, "origin", rule.child("Origins"), "Origin");
    put_texts(json, "method", rule.child("Methods"), "Method");
    put_texts(json, "responseHeader", rule.child("ResponseHeaders"), "ResponseHeader");
    if (const xml_node age = rule.child("MaxAgeSec")) {
      const auto seconds = parse_u64(text_of(age));
      if (!seconds || *seconds > INT32_MAX) return std::unexpected(malformed_xml("MaxAgeSec"));
      json.member("maxAgeSeconds", *seconds);
    }
    json.end_object();
  }
  json.end_array();
  return {};
}

Result<void> read_encryption(const xml_node& root, JsonWriter& json) {
  json.key("encryption").begin_object();
  put_text(json, "defaultKmsKeyName", root.child("DefaultKmsKeyName"));
  json.end_object();
  return {};
}

Result<void> read_logging(const xml_node& root, JsonWriter& json) {
  json.key("logging");
  if (text_of(root.child("LogBucket")).empty()) {
    json.null();
    return {};
  }
  json.begin_object().member("logBucket", text_of(root.child("LogBucket")));
  if (const xml_node prefix = root.child("LogObjectPrefix")) {
    json.member("logObjectPrefix", text_of(prefix));
  }
  json.end_object();
  return {};
}

Result<void> read_storage_class(const xml_node& root, JsonWriter& json) {
  if (text_of(root).empty()) return std::unexpected(malformed_xml("StorageClass is empty"));
  json.member("storageClass", text_of(root));
  return {};
}

Result<void> read_website(const xml_node& root, JsonWriter& json) {
  json.key("website");
  if (!root.first_child()) {
    json.null();
    return {};
  }
  json.begin_object();
  put_text(json, "mainPageSuffix", root.child("MainPageSuffix"));
  put_text(json, "notFoundPage", root.child("NotFoundPage"));
  json.end_object();
  return {};
}

// ---- write ------------------------------------------------------------------------------------

void append_texts(std::string& xml, const char* list, const char* item, const Value* texts) {
  if (texts == nullptr || texts->items.empty()) return;
  xml.append("<").append(list).append(">");
  for (const Value& one : texts->items) append_xml(xml, item, one.text);
  xml.append("</").append(list).append(">");
}

void append_if(std::string& xml, const char* name, const std::string& text) {
  if (!text.empty()) append_xml(xml, name, text);
}

void write_billing(std::string& xml, const Value& bucket) {
  const bool pays = flag_in(bucket.find("billing"), "requesterPays");
  append_xml(xml, "RequesterPays", pays ? "Enabled" : "Disabled");
}

void write_versioning(std::string& xml, const Value& bucket) {
  if (bucket.find("versioning") == nullptr) return;  // it never had any
  append_xml(xml, "Status",
             flag_in(bucket.find("versioning"), "enabled") ? "Enabled" : "Suspended");
}

void write_cors(std::string& xml, const Value& bucket) {
  const Value* rules = bucket.find("cors");
  if (rules == nullptr) return;
  for (const Value& rule : rules->items) {
    xml += "<Cors>";
    append_texts(xml, "Origins", "Origin", rule.find("origin"));
    append_texts(xml, "Methods", "Method", rule.find("method"));
    append_texts(xml, "ResponseHeaders", "ResponseHeader", rule.find("responseHeader"));
    if (const Value* age = rule.find("maxAgeSeconds")) {
      append_xml(xml, "MaxAgeSec", std::to_string(age->integer));
    }
    xml += "</Cors>";
  }
}

void write_encryption(std::string& xml, const Value& bucket) {
  append_if(xml, "DefaultKmsKeyName", text_in(bucket.find("encryption"), "defaultKmsKeyName"));
}

void write_logging(std::string& xml, const Value& bucket) {
  const Value* logging = bucket.find("logging");
  append_if(xml, "LogBucket", text_in(logging, "logBucket"));
  append_if(xml, "LogObjectPrefix", text_in(logging, "logObjectPrefix"));
}

void write_website(std::string& xml, const Value& bucket) {
  const Value* website = bucket.find("website");
  append_if(xml, "MainPageSuffix", text_in(website, "mainPageSuffix"));
  append_if(xml, "NotFoundPage", text_in(website, "notFoundPage"));
}

Result<void> read_labels(const xml_node& root, JsonWriter& json) {
  // Those that are not named go: the caller adds them as null.
  json.key("labels").begin_object();
  for (const xml_node tag : root.child("TagSet").children("Tag")) {
    json.member(text_of(tag.child("Key")), text_of(tag.child("Value")));
  }
  json.end_object();
  return {};
}

void write_labels(std::string& xml, const Value& bucket) {
  xml += "<TagSet>";
  if (const Value* labels = bucket.find("labels")) {
    for (const Value::Member& label : labels->members) {
      xml += "<Tag>";
      append_xml(xml, "Key", label.name);
      append_xml(xml, "Value", label.value.text);
      xml += "</Tag>";
    }
  }
  xml += "</TagSet>";
}

struct Setting {
  const char* name;
  const char* root;
  Result<void> (*read)(const xml_node&, JsonWriter&);  // null: it cannot be changed
  void (*write)(std::string&, const Value&);           // null: the root holds a text
  const char* member = "";                             // of that text
};
constexpr std::array<Setting, 10> kSettings = {{
    {"billing", "BillingConfiguration", read_billing, write_billing},
    {"cors", "CorsConfig", read_cors, write_cors},
    {"encryptionConfig", "EncryptionConfiguration", read_encryption, write_encryption},
    {"lifecycle", "LifecycleConfiguration", read_xml_lifecycle, write_xml_lifecycle},
    {"location", "LocationConstraint", nullptr, nullptr, "location"},
    {"logging", "Logging", read_logging, write_logging},
    {"storageClass", "StorageClass", read_storage_class, nullptr, "storageClass"},
    {"tagging", "Tagging", read_labels, write_labels},
    {"versioning", "VersioningConfiguration", read_versioning, write_versioning},
    {"website", "WebsiteConfiguration", read_website, write_website},
}};

const Setting* find_setting(std::string_view name) {
  for (const Setting& one : kSettings) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

/// Documents are small: nothing of theirs is deep or long.
bool is_bounded(const xml_node& root) {
  struct Walker final : pugi::xml_tree_walker {
    size_t nodes = 0;
    bool for_each(xml_node&) override {
      return ++nodes <= kMaxNodes && depth() <= static_cast<int>(kMaxDepth);
    }
  } walker;
  return xml_node{root}.traverse(walker);
}

}  // namespace

bool is_xml_setting(std::string_view name) { return find_setting(name) != nullptr; }

Result<std::string> json_of_xml_setting(std::string_view name, const std::string& xml) {
  const Setting* setting = find_setting(name);
  if (setting == nullptr || setting->read == nullptr) {
    return std::unexpected(
        unsupported("Method not allowed", "?" + std::string{name} + " cannot be changed")
            .with_tag("method"));
  }
  pugi::xml_document document;
  // pugixml knows no external entities and expands none that a document declares.
  if (!document.load_buffer(xml.data(), xml.size()))
    return std::unexpected(malformed_xml("no XML"));
  const xml_node root = document.child(setting->root);
  if (!root || !is_bounded(root)) {
    return std::unexpected(malformed_xml("its root is not " + std::string{setting->root}));
  }
  JsonWriter json;
  json.begin_object();
  BR_TRY(setting->read(root, json));
  return json.end_object().take();
}

std::string xml_of_setting(std::string_view name, const Value& bucket) {
  std::string xml = "<?xml version='1.0' encoding='UTF-8'?>";
  const Setting* setting = find_setting(name);
  if (setting == nullptr) return xml;
  if (setting->write == nullptr) {
    append_xml(xml, setting->root, text_in(&bucket, setting->member));
    return xml;
  }
  xml.append("<").append(setting->root).append(">");
  setting->write(xml, bucket);
  return xml.append("</").append(setting->root).append(">");
}

}  // namespace beringia::protocol::gcs

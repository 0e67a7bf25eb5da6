// Buckets in the XML API: made, removed, and their settings, by the verbs of the JSON API.
#include <pugixml.hpp>
#include <utility>

#include "base/json_writer.h"
#include "protocol/gcs/verbs.h"
#include "protocol/gcs/xml_settings.h"
#include "protocol/gcs/xml_text.h"
#include "wire/document.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {
namespace {

/// The call with another verb and body, as the JSON API would have it.
Result<io::HttpResponse> ask_json(Call& call, Verb verb, std::string method, std::string body,
                                  Result<io::HttpResponse> (*answer)(Call&)) {
  io::StringSource source{body};
  call.route.verb = verb;
  call.method = std::move(method);
  call.request.has_body = !body.empty();
  call.request.body = &source;
  auto response = answer(call);
  call.request.has_body = false;
  call.request.body = nullptr;
  return response;
}

Result<wire::Value> resource_of(Call& call) {
  BR_TRY(response, ask_json(call, Verb::kGetBucket, "GET", "", get_bucket));
  return wire::parse_json(response.text, wire::gcs::kMaxAnswerBytes, "a bucket");
}

/// Labels that the document does not name go, which a patch says by null.
Result<std::string> with_labels_that_go(const std::string& patch, const wire::Value& before) {
  BR_TRY(document, wire::parse_json(patch, wire::gcs::kMaxResourceBytes, "labels"));
  const wire::Value* labels = document.find("labels");
  const wire::Value* old = before.find("labels");
  JsonWriter json;
  json.begin_object().key("labels").begin_object();
  for (const auto& label : labels->members) {
    json.member(label.name, std::string_view{label.value.text});
  }
  if (old != nullptr) {
    for (const auto& label : old->members) {
      if (labels->find(label.name) == nullptr) json.key(label.name).null();
    }
  }
  return json.end_object().end_object().take();
}

}  // namespace

Result<io::HttpResponse> xml_bucket_setting(Call& call) {
  const std::string name = call.route.entity;
  if (call.method == "GET") {
    BR_TRY(bucket, resource_of(call));
    return xml_response(200, xml_of_setting(name, bucket));
  }
  if (!call.header("x-goog-if-metageneration-match").empty()) {
    return std::unexpected(
        unsupported("x-goog-if-metageneration-match of buckets is not offered in the XML API", "",
                    "use the JSON API"));
  }
  BR_TRY(xml, call.read_body(wire::gcs::kMaxResourceBytes));
  BR_TRY(patch, json_of_xml_setting(name, xml));
  if (name == "tagging") {
    BR_TRY(bucket, resource_of(call));
    BR_TRY(whole, with_labels_that_go(patch, bucket));
    patch = std::move(whole);
  }
  BR_TRY(ask_json(call, Verb::kPatchBucket, "PATCH", std::move(patch), patch_bucket));
  return empty_response(200);
}

Result<io::HttpResponse> xml_insert_bucket(Call& call) {
  if (!call.header("x-goog-acl").empty()) {
    return std::unexpected(unsupported("x-goog-acl of new buckets is not offered", "",
                                       "make the bucket with predefinedAcl of the JSON API"));
  }
  BR_TRY(xml, call.read_body(wire::gcs::kMaxResourceBytes));
  JsonWriter json;
  json.begin_object().member("name", call.route.bucket);
  if (!xml.empty()) {
    pugi::xml_document document;
    const bool is_read = document.load_buffer(xml.data(), xml.size());
    const auto root = document.child("CreateBucketConfiguration");
    if (!is_read || !root) {
      return std::unexpected(invalid("The XML you provided was not well-formed.",
                                     "its root is not CreateBucketConfiguration"));
    }
    for (const auto node : root.children()) {
      const std::string_view name = node.name();
      const std::string_view text = node.text().as_string();
      if (name == "LocationConstraint") {
        json.member("location", text);
      } else if (name == "StorageClass") {
        json.member("storageClass", text);
      } else {
        return std::unexpected(unsupported("CreateBucketConfiguration cannot be heeded in full",
                                           std::string{name} + " is not offered"));
      }
    }
  }
  BR_TRY(ask_json(call, Verb::kInsertBucket, "POST", json.end_object().take(), insert_bucket));
  return empty_response(200);
}

Result<io::HttpResponse> xml_delete_bucket(Call& call) {
  call.route.verb = Verb::kDeleteBucket;
  return delete_bucket(call);
}

}  // namespace beringia::protocol::gcs

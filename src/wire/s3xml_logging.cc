// BucketLoggingStatus, RequestPaymentConfiguration.
#include <utility>

#include "wire/bucket_logging.h"
#include "wire/s3xml.h"
#include "wire/s3xml_reader.h"

namespace beringia::wire::s3 {
namespace {

using Naming = BucketLogging::Naming;

Result<void> read_naming(const pugi::xml_node& node, BucketLogging& logging) {
  size_t members = 0;
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        ++members;
        if (name == "SimplePrefix") return {};
        if (name != "PartitionedPrefix") {
          return std::unexpected(
              malformed("a TargetObjectKeyFormat cannot hold " + std::string{name}));
        }
        // S3 API, PartitionedPrefix: without a word it is the time of delivery.
        logging.naming = Naming::kByDeliveryTime;
        return each_element(
            child, [&](std::string_view inner, const pugi::xml_node& source) -> Result<void> {
              BR_TRY(text, text_of(source));
              const std::string_view word = trimmed(text);
              if (inner != "PartitionDateSource" ||
                  (word != "EventTime" && word != "DeliveryTime")) {
                return std::unexpected(
                    malformed("PartitionDateSource is neither EventTime nor DeliveryTime"));
              }
              if (word == "EventTime") logging.naming = Naming::kByEventTime;
              return {};
            });
      }));
  if (members == 1) return {};
  return std::unexpected(malformed("a TargetObjectKeyFormat holds not exactly one element"));
}

Result<BucketLogging> read_logging(const pugi::xml_node& node) {
  constexpr size_t kMaxPrefix = 800;  // with the dates and names behind it, a key
  BucketLogging logging;
  bool has_prefix = false;
  BR_TRY(
      each_element(node, [&](std::string_view name, const pugi::xml_node& child) -> Result<void> {
        if (name == "TargetBucket") {
          BR_TRY(text, text_of(child));
          logging.target_bucket = trimmed(text);
        } else if (name == "TargetPrefix") {
          BR_TRY(text, text_of(child));
          logging.target_prefix = text;
          has_prefix = true;
        } else if (name == "TargetObjectKeyFormat") {
          return read_naming(child, logging);
        } else if (name != "TargetGrants") {
          return std::unexpected(malformed("LoggingEnabled cannot hold " + std::string{name}));
        }
        return {};
      }));
  if (logging.target_bucket.empty() || !has_prefix || logging.target_prefix.size() > kMaxPrefix) {
    return std::unexpected(
        malformed("LoggingEnabled has no TargetBucket, no TargetPrefix, or too long a one"));
  }
  return logging;
}

}  // namespace

Result<std::string> parse_request_payment(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "RequestPaymentConfiguration"));
  std::string payer;
  BR_TRY(each_element(root, [&](std::string_view name, const pugi::xml_node& node) -> Result<void> {
    if (name != "Payer") return {};
    BR_TRY(text, text_of(node));
    payer = trimmed(text);
    return {};
  }));
  if (payer == "Requester" || payer == "BucketOwner") return payer;
  return std::unexpected(malformed("Payer is neither Requester nor BucketOwner"));
}

Result<std::optional<BucketLogging>> parse_bucket_logging(const std::string& xml) {
  pugi::xml_document document;
  BR_TRY(root, load(document, xml, "BucketLoggingStatus"));
  std::optional<BucketLogging> logging;
  BR_TRY(each_element(root, [&](std::string_view name, const pugi::xml_node& node) -> Result<void> {
    if (name != "LoggingEnabled" || logging) {
      return std::unexpected(malformed("it holds something else than one LoggingEnabled"));
    }
    BR_TRY(read, read_logging(node));
    logging = std::move(read);
    return {};
  }));
  return logging;
}

std::string render_bucket_logging(const std::optional<BucketLogging>& logging) {
  XmlWriter xml{"BucketLoggingStatus"};
  if (!logging) return xml.take();
  xml.open("LoggingEnabled").text("TargetBucket", logging->target_bucket);
  xml.text("TargetPrefix", logging->target_prefix).open("TargetObjectKeyFormat");
  if (logging->naming == Naming::kSimple) {
    xml.open("SimplePrefix").close();
  } else {
    xml.open("PartitionedPrefix");
    xml.text("PartitionDateSource",
             logging->naming == Naming::kByEventTime ? "EventTime" : "DeliveryTime");
    xml.close();
  }
  return xml.take();
}

}  // namespace beringia::wire::s3

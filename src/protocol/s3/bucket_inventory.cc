// Get-, List-, Put- and DeleteBucketInventoryConfiguration.
#include <algorithm>
#include <utility>

#include "protocol/s3/bucket_settings.h"
#include "protocol/s3/upload_body.h"
#include "protocol/s3/verbs.h"
#include "wire/inventory.h"

namespace beringia::protocol::s3 {
namespace {

constexpr size_t kMaxDocumentBytes = 64 << 10;

Error no_such_configuration() {
  return not_found("The specified configuration does not exist.").with_tag("NoSuchConfiguration");
}

Result<std::string> id_of(const Call& call) {
  const std::string& id = call.query.get("id");
  if (!id.empty()) return id;
  return std::unexpected(s3_error("InvalidArgument", "The id parameter is missing"));
}

}  // namespace

Result<io::HttpResponse> get_bucket_inventory(Call& call) {
  BR_TRY(info, read_bucket(call));
  BR_TRY(all, wire::decode_inventories(attribute_of(info, wire::kInventoryAttribute)));
  if (!call.query.has("id")) return xml_response(200, wire::s3::render_inventories(all));
  const std::string& id = call.query.get("id");
  const auto found = std::ranges::find_if(all, [&](const auto& one) { return one.id == id; });
  if (found == all.end()) return std::unexpected(no_such_configuration());
  return xml_response(200, wire::s3::render_inventory(*found));
}

Result<io::HttpResponse> put_bucket_inventory(Call& call) {
  BR_TRY(id, id_of(call));
  BR_TRY(document, read_document(call, kMaxDocumentBytes));
  BR_TRY(wanted, wire::s3::parse_inventory(document));
  if (wanted.id != id) {
    return std::unexpected(
        s3_error("InvalidArgument", "The id of the request is not that of the configuration"));
  }
  BR_TRY(bucket, open_bucket(call));
  auto target = call.rooms.names.bucket_path(wanted.target_bucket);
  const auto view = target ? call.rooms.gate.look(*target)
                           : Result<std::optional<access::BucketView>>{std::nullopt};
  if (!view || !*view || target->directories().size() != 1) {
    return std::unexpected(
        s3_error("InvalidS3DestinationBucket", "The destination bucket does not exist"));
  }
  BR_TRY(call.rooms.names.edit_directory_attribute(
      call.context, *bucket.grant, std::string{wire::kInventoryAttribute},
      [&](const std::string& before) -> Result<std::string> {
        BR_TRY(all, wire::decode_inventories(before));
        std::erase_if(all, [&](const auto& one) { return one.id == wanted.id; });
        all.push_back(wanted);
        std::ranges::sort(all, {}, &wire::InventoryConfiguration::id);
        return wire::encode(all);
      }));
  return empty_response(200);
}

Result<io::HttpResponse> delete_bucket_inventory(Call& call) {
  BR_TRY(id, id_of(call));
  BR_TRY(bucket, open_bucket(call));
  BR_TRY(call.rooms.names.edit_directory_attribute(
      call.context, *bucket.grant, std::string{wire::kInventoryAttribute},
      [&](const std::string& before) -> Result<std::string> {
        BR_TRY(all, wire::decode_inventories(before));
        if (std::erase_if(all, [&](const auto& one) { return one.id == id; }) == 0) {
          return std::unexpected(no_such_configuration());
        }
        return all.empty() ? std::string{} : wire::encode(all);
      }));
  return empty_response(204);
}

}  // namespace beringia::protocol::s3

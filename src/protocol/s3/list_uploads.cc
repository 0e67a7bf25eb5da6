#include <algorithm>
#include <utility>

#include "protocol/s3/multipart_terms.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {
namespace {

constexpr uint64_t kMaxUploads = 1000;

Result<wire::s3::UploadList> read_parameters(const Call& call) {
  const Query& query = call.query;
  wire::s3::UploadList list;
  list.bucket = call.route.bucket;
  list.prefix = query.get("prefix");
  list.delimiter = query.get("delimiter");
  list.key_marker = query.get("key-marker");
  // S3 API: without a key marker the upload marker is ignored.
  if (!list.key_marker.empty()) list.upload_id_marker = query.get("upload-id-marker");
  BR_TRY(limit, query.number("max-uploads", kMaxUploads));
  if (limit < 1) {
    return std::unexpected(s3_error("InvalidArgument", "max-uploads must be 1 or more"));
  }
  list.max_uploads = std::min(limit, kMaxUploads);
  if (query.has("encoding-type")) {
    if (query.get("encoding-type") != "url") {
      return std::unexpected(
          s3_error("InvalidArgument", "Invalid Encoding Method specified in Request"));
    }
    list.url_encoded = true;
  }
  return list;
}

wire::s3::ListedUpload listed(const meta::UploadRecord& upload, std::string key) {
  const UploadTerms terms = terms_of(upload);
  wire::s3::ListedUpload listed;
  listed.key = std::move(key);
  listed.upload_id = upload.id;
  listed.storage_class = storage_class_of(upload.storage_class);
  listed.owner = {upload.owner, upload.owner};
  listed.started = upload.started;
  if (terms.is_asked) {
    listed.checksum_algorithm = wire_name(terms.algorithm);
    listed.checksum_type = terms.type;
  }
  return listed;
}

/// Uploads come by key, then by their start. Behind the markers: a greater key, or the same key
/// behind the upload that the upload marker names.
class Page {
 public:
  /// @param marker_is_there  the upload that the upload marker names was not ended meanwhile
  Page(wire::s3::UploadList& list, bool marker_is_there)
      : list_{list}, marker_is_there_{marker_is_there} {}

  void add(const meta::UploadRecord& upload, const std::string& key) {
    if (list_.truncated || !key.starts_with(list_.prefix) || !is_behind(key, upload.id)) return;
    if (!list_.delimiter.empty()) {
      const size_t at = key.find(list_.delimiter, list_.prefix.size());
      if (at != std::string::npos) {
        add_prefix(key.substr(0, at + list_.delimiter.size()));
        return;
      }
    }
    if (is_full()) return;
    list_.uploads.push_back(listed(upload, key));
    list_.next_key_marker = key;
    list_.next_upload_id_marker = upload.id;
  }

 private:
  bool is_behind(const std::string& key, const std::string& id) {
    if (key != list_.key_marker) return key > list_.key_marker;
    if (list_.upload_id_marker.empty()) return false;
    // S3 API, upload-id-marker: ids that are greater.
    if (!marker_is_there_) return id > list_.upload_id_marker;
    const bool behind = marker_seen_;
    if (id == list_.upload_id_marker) marker_seen_ = true;
    return behind;
  }
  void add_prefix(const std::string& prefix) {
    const bool known = !list_.prefixes.empty() && list_.prefixes.back() == prefix;
    if (known || prefix == list_.key_marker) return;
    if (is_full()) return;
    list_.prefixes.push_back(prefix);
    list_.next_key_marker = prefix;
    list_.next_upload_id_marker.clear();
  }
  bool is_full() {
    list_.truncated = list_.uploads.size() + list_.prefixes.size() == list_.max_uploads;
    return list_.truncated;
  }

  wire::s3::UploadList& list_;
  const bool marker_is_there_;
  bool marker_seen_ = false;
};

}  // namespace

Result<io::HttpResponse> list_multipart_uploads(Call& call) {
  BR_TRY(list, read_parameters(call));
  BR_TRY(path, call.bucket_path());
  BR_TRY(grant, call.admit(core::Action::kList, path));
  BR_TRY(call.rooms.names.stat_directory(call.context, *grant));
  BR_TRY(uploads, call.rooms.names.list_uploads(call.context, *grant, kUploadProtocol));
  const auto key_of = [&](const meta::UploadRecord& upload) {
    return upload.path.substr(path.text().size());
  };
  const bool marker_is_there = std::ranges::any_of(uploads, [&](const auto& upload) {
    return upload.id == list.upload_id_marker && key_of(upload) == list.key_marker;
  });
  Page page{list, marker_is_there};
  for (const auto& upload : uploads) page.add(upload, key_of(upload));
  if (!list.truncated) {
    list.next_key_marker.clear();
    list.next_upload_id_marker.clear();
  }
  return xml_response(200, wire::s3::render(list));
}

}  // namespace beringia::protocol::s3

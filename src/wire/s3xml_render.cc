#include "base/encoding.h"
#include "wire/s3xml.h"

namespace beringia::wire::s3 {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

void owner_of(XmlWriter& xml, std::string_view name, const Owner& owner) {
  xml.open(name).text("ID", owner.id).text("DisplayName", owner.name).close();
}

std::string quoted_etag(std::string_view etag) { return "\"" + std::string{etag} + "\""; }

/// Keys as the client asked for them: url-encoded like S3 does ('/' kept), or as XML text.
class KeyText {
 public:
  explicit KeyText(bool url_encoded) : url_encoded_{url_encoded} {}
  std::string operator()(std::string_view key) const {
    return url_encoded_ ? percent_encode(key, true) : std::string{key};
  }

 private:
  bool url_encoded_;
};

void add_checksums(XmlWriter& xml, const std::vector<std::pair<std::string, std::string>>& sums) {
  for (const auto& [algorithm, value] : sums) {
    const std::string_view element = checksum_element(algorithm);
    if (!element.empty()) xml.text(element, value);
  }
}

void list_head(XmlWriter& xml, const ObjectList& list, const KeyText& key) {
  xml.text("Name", list.bucket).text("Prefix", key(list.prefix));
  switch (list.form) {
    case ObjectList::Form::kV1:
      xml.text("Marker", key(list.marker));
      if (list.next) xml.text("NextMarker", key(*list.next));
      break;
    case ObjectList::Form::kV2:
      if (list.has_start_after) xml.text("StartAfter", key(list.start_after));
      if (list.has_token) xml.text("ContinuationToken", list.continuation_token);
      if (list.next) xml.text("NextContinuationToken", *list.next);
      xml.number("KeyCount", list.objects.size() + list.prefixes.size());
      break;
    case ObjectList::Form::kVersions:
      xml.text("KeyMarker", key(list.marker)).text("VersionIdMarker", list.version_id_marker);
      if (list.next) xml.text("NextKeyMarker", key(*list.next));
      if (!list.next_version_id.empty()) xml.text("NextVersionIdMarker", list.next_version_id);
      break;
  }
  xml.number("MaxKeys", list.max_keys);
  if (!list.delimiter.empty()) xml.text("Delimiter", key(list.delimiter));
  if (list.url_encoded) xml.text("EncodingType", "url");
  xml.flag("IsTruncated", list.truncated);
}

}  // namespace

void append_xml_escaped(std::string& out, std::string_view text) {
  size_t plain = 0;
  const auto replace = [&](size_t at, size_t length, std::string_view with) {
    out += text.substr(plain, at - plain);
    out += with;
    plain = at + length;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    switch (c) {
      case '&': replace(i, 1, "&amp;"); break;
      case '<': replace(i, 1, "&lt;"); break;
      case '>': replace(i, 1, "&gt;"); break;
      case '"': replace(i, 1, "&quot;"); break;
      case '\'': replace(i, 1, "&apos;"); break;
      case '\t': replace(i, 1, "&#9;"); break;
      case '\n': replace(i, 1, "&#10;"); break;
      case '\r': replace(i, 1, "&#13;"); break;
      default:
        if (c < 0x20) {
          replace(i, 1, kReplacement);
        } else if (c == 0xEF && i + 2 < text.size() && text[i + 1] == '\xBF' &&
                   (text[i + 2] == '\xBE' || text[i + 2] == '\xBF')) {
          replace(i, 3, kReplacement);  // U+FFFE and U+FFFF are no XML characters
          i += 2;
        }
    }
  }
  out += text.substr(plain);
}

XmlWriter::XmlWriter(std::string_view root, bool with_namespace) {
  out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<";
  out_ += root;
  if (with_namespace) {
    out_ += " xmlns=\"";
    out_ += kNamespace;
    out_ += '"';
  }
  out_ += '>';
  open_.emplace_back(root);
}

XmlWriter& XmlWriter::open(std::string_view name) { return open_with(name, {}); }

XmlWriter& XmlWriter::open_with(std::string_view name, std::string_view attributes) {
  out_ += '<';
  out_ += name;
  if (!attributes.empty()) {
    out_ += ' ';
    out_ += attributes;
  }
  out_ += '>';
  open_.emplace_back(name);
  return *this;
}

XmlWriter& XmlWriter::close() {
  out_ += "</";
  out_ += open_.back();
  out_ += '>';
  open_.pop_back();
  return *this;
}

XmlWriter& XmlWriter::text(std::string_view name, std::string_view value) {
  out_ += '<';
  out_ += name;
  out_ += '>';
  append_xml_escaped(out_, value);
  out_ += "</";
  out_ += name;
  out_ += '>';
  return *this;
}

XmlWriter& XmlWriter::number(std::string_view name, uint64_t value) {
  return text(name, std::to_string(value));
}
XmlWriter& XmlWriter::flag(std::string_view name, bool value) {
  return text(name, value ? "true" : "false");
}
XmlWriter& XmlWriter::time(std::string_view name, Timestamp value) {
  return text(name, to_iso8601(value));
}

std::string XmlWriter::take() {
  while (!open_.empty()) close();
  return std::move(out_);
}

std::string_view checksum_element(std::string_view algorithm) {
  if (algorithm == "crc32") return "ChecksumCRC32";
  if (algorithm == "crc32c") return "ChecksumCRC32C";
  if (algorithm == "crc64nvme") return "ChecksumCRC64NVME";
  if (algorithm == "sha1") return "ChecksumSHA1";
  if (algorithm == "sha256") return "ChecksumSHA256";
  if (algorithm == "sha512") return "ChecksumSHA512";
  if (algorithm == "md5") return "ChecksumMD5";
  if (algorithm == "xxhash64") return "ChecksumXXHASH64";
  if (algorithm == "xxhash3") return "ChecksumXXHASH3";
  if (algorithm == "xxhash128") return "ChecksumXXHASH128";
  return {};
}

std::string render(const ObjectList& list) {
  const bool versions = list.form == ObjectList::Form::kVersions;
  const KeyText key{list.url_encoded};
  XmlWriter xml{versions ? "ListVersionsResult" : "ListBucketResult"};
  list_head(xml, list, key);
  for (const auto& object : list.objects) {
    const std::string_view element = object.is_marker ? "DeleteMarker" : "Version";
    xml.open(versions ? element : "Contents").text("Key", key(object.key));
    if (versions) xml.text("VersionId", object.version_id).flag("IsLatest", object.is_latest);
    if (object.is_marker) {
      xml.time("LastModified", object.modified);
      owner_of(xml, "Owner", object.owner);
      xml.close();
      continue;
    }
    xml.time("LastModified", object.modified).text("ETag", quoted_etag(object.etag));
    if (!object.checksum_algorithm.empty()) {
      xml.text("ChecksumAlgorithm", object.checksum_algorithm);
      xml.text("ChecksumType", object.checksum_type);
    }
    xml.number("Size", object.size).text("StorageClass", object.storage_class);
    if (list.with_owner) owner_of(xml, "Owner", object.owner);
    xml.close();
  }
  for (const auto& prefix : list.prefixes) {
    xml.open("CommonPrefixes").text("Prefix", key(prefix)).close();
  }
  return xml.take();
}

std::string render_buckets(const Owner& owner, const std::vector<ListedBucket>& buckets,
                           std::string_view prefix, std::string_view next_token) {
  XmlWriter xml{"ListAllMyBucketsResult"};
  owner_of(xml, "Owner", owner);
  xml.open("Buckets");
  for (const auto& bucket : buckets) {
    xml.open("Bucket").text("Name", bucket.name).time("CreationDate", bucket.created);
    xml.text("BucketRegion", bucket.region).close();
  }
  xml.close();
  if (!prefix.empty()) xml.text("Prefix", prefix);
  if (!next_token.empty()) xml.text("ContinuationToken", next_token);
  return xml.take();
}

std::string render(const PartList& list) {
  XmlWriter xml{"ListPartsResult"};
  xml.text("Bucket", list.bucket).text("Key", list.key).text("UploadId", list.upload_id);
  xml.number("PartNumberMarker", list.marker);
  xml.number("NextPartNumberMarker", list.parts.empty() ? 0 : list.parts.back().number);
  xml.number("MaxParts", list.max_parts).flag("IsTruncated", list.truncated);
  for (const auto& part : list.parts) {
    xml.open("Part").number("PartNumber", part.number).time("LastModified", part.modified);
    xml.text("ETag", quoted_etag(part.etag)).number("Size", part.size);
    add_checksums(xml, part.checksums);
    xml.close();
  }
  owner_of(xml, "Initiator", list.initiator);
  owner_of(xml, "Owner", list.owner);
  xml.text("StorageClass", list.storage_class);
  if (!list.checksum_algorithm.empty()) {
    xml.text("ChecksumAlgorithm", list.checksum_algorithm).text("ChecksumType", list.checksum_type);
  }
  return xml.take();
}

std::string render(const UploadList& list) {
  const KeyText key{list.url_encoded};
  XmlWriter xml{"ListMultipartUploadsResult"};
  xml.text("Bucket", list.bucket).text("KeyMarker", key(list.key_marker));
  xml.text("UploadIdMarker", list.upload_id_marker);
  if (list.truncated) {
    xml.text("NextKeyMarker", key(list.next_key_marker));
    xml.text("NextUploadIdMarker", list.next_upload_id_marker);
  }
  xml.text("Prefix", key(list.prefix));
  if (!list.delimiter.empty()) xml.text("Delimiter", key(list.delimiter));
  if (list.url_encoded) xml.text("EncodingType", "url");
  xml.number("MaxUploads", list.max_uploads).flag("IsTruncated", list.truncated);
  for (const auto& upload : list.uploads) {
    xml.open("Upload").text("Key", key(upload.key)).text("UploadId", upload.upload_id);
    owner_of(xml, "Initiator", upload.owner);
    owner_of(xml, "Owner", upload.owner);
    xml.text("StorageClass", upload.storage_class).time("Initiated", upload.started);
    if (!upload.checksum_algorithm.empty()) {
      xml.text("ChecksumAlgorithm", upload.checksum_algorithm);
      xml.text("ChecksumType", upload.checksum_type);
    }
    xml.close();
  }
  for (const auto& prefix : list.prefixes) {
    xml.open("CommonPrefixes").text("Prefix", key(prefix)).close();
  }
  return xml.take();
}

std::string render_delete_result(const std::vector<DeleteOutcome>& outcomes, bool quiet) {
  XmlWriter xml{"DeleteResult"};
  for (const auto& outcome : outcomes) {
    if (outcome.code.empty()) {
      if (quiet) continue;
      xml.open("Deleted").text("Key", outcome.key);
      if (!outcome.version_id.empty()) xml.text("VersionId", outcome.version_id);
      if (!outcome.marker_version_id.empty()) {
        xml.flag("DeleteMarker", true);
        xml.text("DeleteMarkerVersionId", outcome.marker_version_id);
      }
      xml.close();
      continue;
    }
    xml.open("Error").text("Key", outcome.key);
    if (!outcome.version_id.empty()) xml.text("VersionId", outcome.version_id);
    xml.text("Code", outcome.code).text("Message", outcome.message).close();
  }
  return xml.take();
}

std::string render(const ErrorBody& error) {
  XmlWriter xml{"Error", false};
  xml.text("Code", error.code).text("Message", error.message);
  for (const auto& [name, value] : error.details) xml.text(name, value);
  xml.text("Resource", error.resource).text("RequestId", error.request_id);
  xml.text("HostId", error.host_id);
  std::string text = xml.take();
  // Messages quote conditions of policies; Amazon writes the marks as they are, and clients look.
  constexpr std::string_view kQuote = "&quot;";
  for (size_t at = text.find(kQuote); at != std::string::npos; at = text.find(kQuote, at + 1)) {
    text.replace(at, kQuote.size(), "\"");
  }
  return text;
}

std::string render_tagging(const Tags& tags) {
  XmlWriter xml{"Tagging"};
  xml.open("TagSet");
  for (const auto& [key, value] : tags) {
    xml.open("Tag").text("Key", key).text("Value", value).close();
  }
  return xml.take();
}

}  // namespace beringia::wire::s3

#include "policy/inventory_source.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "io/runtime.h"

namespace beringia::policy {
namespace {

constexpr size_t kPage = 1000;
/// Rows of one row group, before compression: what memory holds.
constexpr size_t kGroupBytes = 4 << 20;

std::string encryption_of(const meta::EntryRecord& record) {
  switch (record.encryption.method) {
    case meta::Encryption::Method::kServer: return "SSE-S3";
    case meta::Encryption::Method::kNamed: return "SSE-KMS";
    case meta::Encryption::Method::kCustomer: return "SSE-C";
    case meta::Encryption::Method::kNone: break;
  }
  return "NOT-SSE";
}

std::optional<std::string> checksum_algorithm_of(const meta::EntryRecord& record) {
  for (const auto& [name, value] : record.checksums) {
    if (name == "type" || value.empty()) continue;
    std::string upper = name.substr(0, name.find(':'));
    for (char& c : upper) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return upper;
  }
  return std::nullopt;
}

}  // namespace

Result<size_t> InventorySource::read(const io::Context& context, std::span<char> buffer) {
  while (position_ == bytes_.size() && !ended_) BR_TRY(fill(context));
  const size_t n = std::min(buffer.size(), bytes_.size() - position_);
  std::copy_n(bytes_.data() + position_, n, buffer.data());
  position_ += n;
  return n;
}

Result<void> InventorySource::fill(const io::Context& context) {
  while (!listed_ && encoder_.pending_bytes() < kGroupBytes) {
    BR_TRY(configuration_.all_versions ? next_versions(context) : next_page(context));
  }
  // Compressing megabytes would hold the loop.
  auto taken = io::blocking([&] { return encoder_.take(listed_); });
  BR_TRY(bytes, std::move(taken));
  bytes_ = std::move(bytes);
  position_ = 0;
  ended_ = listed_;
  return {};
}

Result<void> InventorySource::next_page(const io::Context& context) {
  core::ListRequest request;
  request.prefix = configuration_.prefix;
  request.start_after = after_;
  request.limit = kPage;
  BR_TRY(page, names_.list(context, grant_, request));
  for (const auto& item : page.items) {
    wire::InventoryRow row;
    add(item.name, item.record, std::move(row));
  }
  after_ = page.last;
  listed_ = !page.truncated;
  return {};
}

Result<void> InventorySource::next_versions(const io::Context& context) {
  core::ListVersionsRequest request;
  request.prefix = configuration_.prefix;
  request.start_after = after_;
  request.after_generation = after_generation_;
  request.limit = kPage;
  BR_TRY(page, names_.list_versions(context, grant_, request));
  for (const auto& item : page.items) {
    wire::InventoryRow row;
    const meta::EntryRecord& record = item.version.record;
    row.version_id = record.versioned ? std::to_string(record.generation) : std::string{};
    row.is_latest = item.is_current;
    row.is_delete_marker = item.version.delete_marker;
    add(item.name, record, std::move(row));
  }
  after_ = page.last;
  after_generation_ = page.last_generation;
  listed_ = !page.truncated;
  return {};
}

void InventorySource::add(const std::string& key, const meta::EntryRecord& record,
                          wire::InventoryRow row) {
  ++rows_;
  row.bucket = bucket_;
  row.key = key;
  row.modified = record.created;
  row.owner = record.owner;
  if (!row.is_delete_marker.value_or(false)) {
    row.size = record.size;
    row.etag = record.effective_etag();
    row.storage_class = record.storage_class.empty() ? "STANDARD" : record.storage_class;
    row.is_multipart = record.part_sizes.size() > 1 || row.etag->find('-') != std::string::npos;
    row.encryption_status = encryption_of(record);
    row.bucket_key_status = record.encryption.reuses_key ? "ENABLED" : "DISABLED";
    row.checksum_algorithm = checksum_algorithm_of(record);
    if (record.lock.mode != meta::Lock::Mode::kNone) {
      const bool is_compliance = record.lock.mode == meta::Lock::Mode::kCompliance;
      row.lock_mode = is_compliance ? "COMPLIANCE" : "GOVERNANCE";
      row.retain_until = record.lock.until;
    }
    row.legal_hold = record.lock.hold ? "ON" : "OFF";
  }
  encoder_.add(row);
}

}  // namespace beringia::policy

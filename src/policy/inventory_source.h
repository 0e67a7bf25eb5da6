#pragma once

#include <memory>
#include <string>

#include "core/gate.h"
#include "core/namespace.h"
#include "io/byte_source.h"
#include "wire/inventory.h"

namespace beringia::policy {

/// The data file of an inventory: lists the bucket as it is read. Used by one fiber.
class InventorySource final : public io::ByteSource {
 public:
  /// @param grant  to list the bucket; all outlive it
  InventorySource(core::Namespace& names, const core::Grant& grant,
                  const wire::InventoryConfiguration& configuration, std::string bucket,
                  wire::InventoryEncoder& encoder)
      : names_{names},
        grant_{grant},
        configuration_{configuration},
        bucket_{std::move(bucket)},
        encoder_{encoder} {}

  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;
  uint64_t rows() const { return rows_; }

 private:
  Result<void> fill(const io::Context& context);
  Result<void> next_page(const io::Context& context);
  Result<void> next_versions(const io::Context& context);
  void add(const std::string& key, const meta::EntryRecord& record, wire::InventoryRow row);

  core::Namespace& names_;
  const core::Grant& grant_;
  const wire::InventoryConfiguration& configuration_;
  const std::string bucket_;
  wire::InventoryEncoder& encoder_;
  std::string after_;
  std::optional<uint64_t> after_generation_;
  bool listed_ = false;  // all of it
  bool ended_ = false;   // and taken from the encoder
  std::string bytes_;
  size_t position_ = 0;
  uint64_t rows_ = 0;
};

}  // namespace beringia::policy

#pragma once

#include <string>
#include <string_view>

#include "core/namespace.h"

namespace beringia::protocol::gcs {

/// What notifications carry of an object: its resource. Checksums of bytes under a customer's key
/// are left out.
/// @param base_url  "https://host": how clients reach us
std::string notification_payload(const std::string& base_url, std::string_view bucket,
                                 std::string_view name, const meta::EntryRecord& record);

}  // namespace beringia::protocol::gcs

#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "wire/document.h"

namespace beringia::protocol::gcs {

// Attributes of a bucket's directory that only this front end reads (docs/formats/catalog.md), and
// the texts that they hold.
inline constexpr std::string_view kLocation = "location";
inline constexpr std::string_view kStorageClass = "storage-class";
inline constexpr std::string_view kLabel = "label:";
inline constexpr std::string_view kAutoclass = "autoclass";
inline constexpr std::string_view kDataLocations = "data-locations";  // "US-EAST1 US-WEST1"
inline constexpr std::string_view kRpo = "rpo";
inline constexpr std::string_view kIpFilter = "ip-filter";      // JSON
inline constexpr std::string_view kHierarchy = "hierarchical";  // "true" or "false"; set once
/// When uniform access was turned on, in microseconds.
inline constexpr std::string_view kUniformSince = "uniform-since";

/// Google's three methods of encryption, and the words of core::kRefusedEncryption for them.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kEnforced = {
    {{"googleManagedEncryption", "unnamed"},
     {"customerManagedEncryption", "named"},
     {"customerSuppliedEncryption", "customer"}}};

/// "on NEARLINE TOGGLED CLASS-SET", "off - TOGGLED -".
struct AutoclassText {
  bool enabled = false;
  std::string storage_class, toggled, class_set;
};
AutoclassText parse_autoclass(std::string_view text);
std::string render_autoclass(const AutoclassText& autoclass);

/// Word -> when it was refused, or "open": "named=2026-...Z customer=open".
using EnforcementText = std::map<std::string, std::string>;
EnforcementText parse_enforcement(std::string_view text);
std::string render_enforcement(const EnforcementText& enforcement);

/// A value as JSON text again.
std::string to_json(const wire::Value& value);

}  // namespace beringia::protocol::gcs

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "meta/estate.h"

namespace beringia::meta {

// Rows of the estate as JSON documents (docs/formats/catalog.md). `position` keeps the order of
// the declaration. Unknown members are ignored, absent ones have their defaults.

struct EstateState {
  uint64_t epoch = 0;
  uint64_t revision = 0;
  uint32_t last_backend_id = 0;
  bool applied = false;
};
template <class T>
using Positioned = std::pair<uint64_t, T>;

std::string encode_state(const EstateState& state);
std::string encode_row(uint64_t position, const BackendDeclaration& backend);
std::string encode_row(uint64_t position, const MountDeclaration& mount);
std::string encode_row(uint64_t position, const AliasDeclaration& alias);
std::string encode_row(uint64_t position, const PolicyDeclaration& policy);
std::string encode_row(uint64_t position, const IdentityProviderDeclaration& provider);
std::string encode_row(uint64_t position, const NotificationTargetDeclaration& target);

// @error kCorrupt: not such a document
[[nodiscard]] Result<EstateState> decode_state(std::string_view json);
[[nodiscard]] Result<Positioned<BackendDeclaration>> decode_backend(std::string_view json);
[[nodiscard]] Result<Positioned<MountDeclaration>> decode_mount(std::string_view json);
[[nodiscard]] Result<Positioned<AliasDeclaration>> decode_alias(std::string_view json);
[[nodiscard]] Result<Positioned<PolicyDeclaration>> decode_policy(std::string_view json);
[[nodiscard]] Result<Positioned<IdentityProviderDeclaration>> decode_identity_provider(
    std::string_view json);
[[nodiscard]] Result<Positioned<NotificationTargetDeclaration>> decode_notification_target(
    std::string_view json);

}  // namespace beringia::meta

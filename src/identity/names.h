#pragma once

#include <string_view>

namespace beringia::identity {

/// [A-Za-z0-9._@-]{1,64}: principals and groups. No ':' (the server's own names have one), no '/'.
bool is_principal_name(std::string_view name);
/// [a-z0-9-]{1,63}
bool is_instance_name(std::string_view name);
/// [A-Za-z0-9._-]{3,128}: what SigV4's credential scope and HTTP headers carry unescaped.
bool is_access_key_id(std::string_view id);
/// 8 to 128 printable ASCII characters.
bool is_access_key_secret(std::string_view secret);

}  // namespace beringia::identity

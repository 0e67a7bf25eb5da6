#pragma once

#include <optional>

#include "protocol/s3/call.h"
#include "wire/post_form.h"
#include "wire/post_policy.h"

namespace beringia::protocol::s3 {

/// Who signed the form; anonymous when it has no policy. Sets the call's principal.
/// @return the policy, checked against the fields
/// @error kDenied or kInvalid, with S3's codes as tags
[[nodiscard]] Result<std::optional<wire::PostPolicy>> authenticate_form(Call& call,
                                                                        const wire::PostForm& form);

}  // namespace beringia::protocol::s3

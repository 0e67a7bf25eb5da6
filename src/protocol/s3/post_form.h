#pragma once

#include <memory>
#include <string>

#include "protocol/s3/call.h"
#include "wire/multipart.h"
#include "wire/post_policy.h"

namespace beringia::protocol::s3 {

/// A browser's form up to its file, which is still to be read.
struct PostForm {
  /// Before the file; what comes behind it is ignored, as at S3. The file's name is in the key.
  wire::FormFields fields;
  std::unique_ptr<wire::MultipartReader> reader;  // its part() is the file
};

/// Reads up to the field "file". @error kInvalid: tags MalformedPOSTRequest, InvalidArgument,
/// MaxPostPreDataLengthExceeded
[[nodiscard]] Result<PostForm> read_form(Call& call);

/// Who signed the form; anonymous when it has no policy. Sets the call's principal.
/// @return the policy, checked against the fields
/// @error kDenied or kInvalid, with S3's codes as tags
[[nodiscard]] Result<std::optional<wire::PostPolicy>> authenticate_form(Call& call,
                                                                        const PostForm& form);

}  // namespace beringia::protocol::s3

#pragma once

#include <memory>
#include <string_view>

#include "io/byte_source.h"
#include "wire/multipart.h"
#include "wire/post_policy.h"

namespace beringia::wire {

/// A browser's form up to its file, which is still to be read.
struct PostForm {
  /// Before the file; what comes behind it is ignored, as at S3. The file's name is in the key.
  FormFields fields;
  std::unique_ptr<MultipartReader> reader;  // its part() is the file
};

/// Reads up to the field "file". @param body  null: there is none
/// @error kInvalid: tags MalformedPOSTRequest, InvalidArgument, MaxPostPreDataLengthExceeded
[[nodiscard]] Result<PostForm> read_post_form(const io::Context& context, io::ByteSource* body,
                                              std::string_view content_type);

}  // namespace beringia::wire

#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace beringia::backend::file {

// How object names become paths below the root, and back. docs/formats/native-names.md is the rule;
// in short: an ordinary component is itself, every other one begins with kMark and a letter.

inline constexpr std::string_view kMark = "%br-";
inline constexpr char kLiteralLetter = 'x';  // "", ".", "..", and names that begin with kMark
inline constexpr char kAsideLetter = 'f';    // an object whose own name is taken by a directory
inline constexpr char kContinuationLetter =
    'l';  // the beginning of a component longer than NAME_MAX

inline constexpr size_t kMaxComponentBytes = 255;  // NAME_MAX of the usual file systems
inline constexpr size_t kChunkBytes = 240;

enum class Place { kOwn, kAside };

/// Path below the root of object `name` ("a//b" -> "a/%br-x/b"). Any bytes but NUL.
std::string encode_object(std::string_view name, Place place = Place::kOwn);

/// Path below the root of directory `name`, which is "" or ends in '/'; without the last '/'.
std::string encode_directory(std::string_view name);

/// Names below kReservedPrefix are paths as they are. @error kInvalid: "", "." or ".." in it
[[nodiscard]] Result<void> check_reserved(std::string_view name);
bool is_reserved(std::string_view name);

/// What one item of a native directory says about a component.
struct DecodedItem {
  enum class Kind { kWhole, kAside, kContinuation, kForeign } kind = Kind::kForeign;
  std::string text;  ///< the component, or the chunk of it
};
DecodedItem decode_item(std::string_view native);

}  // namespace beringia::backend::file

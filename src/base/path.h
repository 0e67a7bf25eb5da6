#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace beringia {

/// A canonical name in the namespace: "/" + components joined by "/". Bytes, not characters.
///
/// The one canonicalizer is Path::parse / Path::from_bucket_key: front ends decode percent escapes
/// once, hand the bytes here, and never join or compare strings themselves. Components are plain
/// bytes: empty components, "." and ".." are ordinary names (object keys may hold them); they are
/// never path steps. A path that ends in "/" has an empty last name: it names the directory, or the
/// object-store marker object of that name ("a/"); verbs say which they mean.
class Path {
 public:
  /// S3 API: object keys are at most 1,024 bytes of UTF-8. A bucket name adds up to 63 + 2 more.
  static constexpr size_t kMaxBytes = 1024 + 256;

  Path() : text_{"/"} {}
  /// @error kInvalid: empty, not starting with '/', over kMaxBytes, NUL, or not UTF-8
  static Result<Path> parse(std::string_view text);
  /// "/" + bucket + "/" + key. @error kInvalid: as parse; bucket empty or with '/'; key > 1,024 B
  static Result<Path> from_bucket_key(std::string_view bucket, std::string_view key);

  const std::string& text() const { return text_; }
  bool is_root() const { return text_ == "/"; }
  /// Ends in '/': names a directory (or its marker object).
  bool is_directory_form() const { return text_.back() == '/'; }
  /// Last component, without '/'; empty in directory form.
  std::string_view name() const;
  /// Directory form of the parent: "/a/b" -> "/a/", "/a/b/" -> "/a/b/" is the parent of its
  /// marker object, as the tree of docs/formats/catalog.md has it.
  Path directory() const;
  /// Directory components, top first: "/a//b" -> {"a", ""}; "/a/" -> {"a"}; "/x" -> {}.
  std::vector<std::string_view> directories() const;
  /// First component (the bucket); empty for "/".
  std::string_view bucket() const;
  /// What follows "/bucket/"; empty if there is none.
  std::string_view key() const;
  /// This path lies at or below `directory` (which must be in directory form).
  bool is_under(const Path& directory) const;
  /// The bytes after `directory`; requires is_under(directory).
  std::string_view relative_to(const Path& directory) const;
  /// "/a" -> "/a/"; unchanged in directory form.
  Path as_directory() const;
  /// Appends relative bytes to a path in directory form. @error kInvalid: as parse
  [[nodiscard]] Result<Path> join(std::string_view relative) const;

  auto operator<=>(const Path&) const = default;

 private:
  explicit Path(std::string text) : text_{std::move(text)} {}
  std::string text_;
};

}  // namespace beringia

#include "base/path.h"

#include "base/encoding.h"

namespace beringia {
namespace {

constexpr size_t kMaxKeyBytes = 1024;  // S3 API, "Object key names"; GCS has the same limit

}  // namespace

Result<Path> Path::parse(std::string_view text) {
  if (text.empty() || text[0] != '/') {
    return std::unexpected(invalid("not a path", "it must begin with '/'"));
  }
  if (text.size() > kMaxBytes) {
    return std::unexpected(invalid("the path is too long", std::to_string(text.size()) + " bytes")
                               .with_tag("too_long"));
  }
  if (text.find('\0') != std::string_view::npos) {
    return std::unexpected(invalid("not a path", "it holds a NUL byte"));
  }
  if (!is_utf8(text)) return std::unexpected(invalid("not a path", "it is not UTF-8"));
  return Path{std::string{text}};
}

Result<Path> Path::from_bucket_key(std::string_view bucket, std::string_view key) {
  if (bucket.empty() || bucket.find('/') != std::string_view::npos) {
    return std::unexpected(invalid("not a bucket name", "it is empty or holds '/'"));
  }
  if (key.size() > kMaxKeyBytes) {
    return std::unexpected(
        invalid("the key is too long", std::to_string(key.size()) + " bytes, 1024 are allowed")
            .with_tag("too_long"));
  }
  std::string text = "/";
  text += bucket;
  text += '/';
  text += key;
  return parse(text);
}

std::string_view Path::name() const { return std::string_view{text_}.substr(text_.rfind('/') + 1); }

Path Path::directory() const { return Path{text_.substr(0, text_.rfind('/') + 1)}; }

std::vector<std::string_view> Path::directories() const {
  std::vector<std::string_view> parts;
  const std::string_view text{text_};
  for (size_t start = 1;;) {
    const size_t slash = text.find('/', start);
    if (slash == std::string_view::npos) return parts;
    parts.push_back(text.substr(start, slash - start));
    start = slash + 1;
  }
}

std::string_view Path::bucket() const {
  const std::string_view rest = std::string_view{text_}.substr(1);
  return rest.substr(0, rest.find('/'));
}

std::string_view Path::key() const {
  const std::string_view rest = std::string_view{text_}.substr(1);
  const size_t slash = rest.find('/');
  return slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
}

bool Path::is_under(const Path& directory) const { return text_.starts_with(directory.text_); }

std::string_view Path::relative_to(const Path& directory) const {
  return std::string_view{text_}.substr(directory.text_.size());
}

Path Path::as_directory() const { return is_directory_form() ? *this : Path{text_ + "/"}; }

Result<Path> Path::join(std::string_view relative) const {
  return parse(text_ + std::string{relative});
}

}  // namespace beringia

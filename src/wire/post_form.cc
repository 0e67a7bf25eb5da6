#include "wire/post_form.h"

#include <optional>
#include <string>
#include <utility>

#include "base/encoding.h"

namespace beringia::wire {
namespace {

constexpr size_t kMaxFields = 200;
constexpr std::string_view kFileName = "${filename}";
constexpr size_t kMaxFieldBytes = 20 << 10;  // S3 API, POST Object: 20 KB before the file

Error malformed(std::string why) {
  return invalid("The body of your POST request is not well-formed multipart/form-data.",
                 std::move(why))
      .with_tag("MalformedPOSTRequest");
}

/// The value of name="..." in a Content-Disposition; nullopt if there is none.
std::optional<std::string> parameter(std::string_view disposition, std::string_view name) {
  const std::string wanted = std::string{name} + "=";
  size_t at = 0;
  while ((at = disposition.find(wanted, at)) != std::string_view::npos) {
    const char before = at == 0 ? ';' : disposition[at - 1];
    at += wanted.size();
    if (before != ';' && before != ' ') continue;
    std::string_view rest = disposition.substr(at);
    if (!rest.starts_with('"')) return std::string{rest.substr(0, rest.find(';'))};
    rest.remove_prefix(1);
    std::string value;
    while (!rest.empty() && rest.front() != '"') {
      // Browsers escape a quote only.
      if (rest.starts_with("\\\"")) rest.remove_prefix(1);
      value += rest.front();
      rest.remove_prefix(1);
    }
    return value;
  }
  return std::nullopt;
}

/// Browsers of old sent whole paths.
std::string base_name(std::string name) {
  const size_t slash = name.find_last_of("/\\");
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

/// Before the policy is looked at, as S3 does it.
void fill_in_file_name(PostForm& form, const std::string& file_name) {
  for (auto& [name, value] : form.fields) {
    if (name != "key") continue;
    const size_t at = value.find(kFileName);
    if (at != std::string::npos) value.replace(at, kFileName.size(), file_name);
  }
}

}  // namespace

Result<PostForm> read_post_form(const io::Context& context, io::ByteSource* body,
                                std::string_view content_type) {
  if (body == nullptr) return std::unexpected(malformed("it has no body"));
  auto boundary = multipart_boundary(content_type, "form-data");
  if (!boundary) return std::unexpected(malformed(boundary.error().why()));
  PostForm form;
  form.reader = std::make_unique<MultipartReader>(*body, std::move(*boundary));
  size_t bytes = 0;
  for (;;) {
    auto part = form.reader->next(context);
    if (!part) {
      if (part.error().tag() != "malformed_multipart") return std::unexpected(part.error());
      return std::unexpected(malformed(part.error().why()));
    }
    if (!*part) {
      return std::unexpected(invalid("POST requires exactly one file upload per request.")
                                 .with_tag("InvalidArgument"));
    }
    const std::string_view disposition = (*part)->get_or("content-disposition", "");
    auto name = parameter(disposition, "name");
    if (!name || name->empty()) return std::unexpected(malformed("a field has no name"));
    *name = ascii_lower(*name);
    if (*name == "file") {
      fill_in_file_name(form, base_name(parameter(disposition, "filename").value_or("")));
      return form;
    }
    auto value = io::read_all(context, form.reader->part(), kMaxFieldBytes);
    if (!value && value.error().tag() != "too_large") return std::unexpected(value.error());
    bytes += name->size() + (value ? value->size() : kMaxFieldBytes);
    if (bytes > kMaxFieldBytes || form.fields.size() == kMaxFields) {
      return std::unexpected(
          invalid("Your POST request fields preceding the upload file were too large.")
              .with_tag("MaxPostPreDataLengthExceeded"));
    }
    if (!is_utf8(*value)) return std::unexpected(malformed("a field is not UTF-8"));
    form.fields.emplace_back(std::move(*name), std::move(*value));
  }
}

}  // namespace beringia::wire

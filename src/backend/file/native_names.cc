#include "backend/file/native_names.h"

#include "backend/backend.h"

namespace beringia::backend::file {
namespace {

bool needs_mark(std::string_view component) {
  return component.empty() || component == "." || component == ".." || component.starts_with(kMark);
}

/// Where a long component is cut: at most kChunkBytes, never inside a UTF-8 sequence.
size_t cut_of(std::string_view component) {
  size_t cut = kChunkBytes;
  for (int back = 0; back < 3 && (component[cut] & 0xC0) == 0x80; ++back) --cut;
  return cut;
}

void append_component(std::string& out, std::string_view component, Place place) {
  for (;;) {
    const bool marked = place == Place::kAside || needs_mark(component);
    const size_t limit = marked ? kMaxComponentBytes - kMark.size() - 1 : kMaxComponentBytes;
    if (component.size() <= limit) {
      if (marked) {
        out += kMark;
        out += place == Place::kAside ? kAsideLetter : kLiteralLetter;
      }
      out += component;
      return;
    }
    const size_t cut = cut_of(component);
    out += kMark;
    out += kContinuationLetter;
    out += component.substr(0, cut);
    out += '/';
    component.remove_prefix(cut);
  }
}

}  // namespace

bool is_reserved(std::string_view name) { return name.starts_with(kReservedPrefix); }

Result<void> check_reserved(std::string_view name) {
  std::string_view rest = name;
  if (rest.ends_with('/')) rest.remove_suffix(1);
  for (;;) {
    const size_t slash = rest.find('/');
    const auto component = rest.substr(0, slash);
    if (component.empty() || component == "." || component == "..") {
      return std::unexpected(
          invalid("cannot use the name " + std::string{name}, "it is no path below .beringia/"));
    }
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

std::string encode_directory(std::string_view name) {
  if (is_reserved(name)) return std::string{name.substr(0, name.size() - 1)};
  std::string out;
  while (!name.empty()) {
    const size_t slash = name.find('/');
    if (!out.empty()) out += '/';
    append_component(out, name.substr(0, slash), Place::kOwn);
    name.remove_prefix(slash + 1);
  }
  return out;
}

std::string encode_object(std::string_view name, Place place) {
  if (is_reserved(name)) return std::string{name};
  const size_t slash = name.rfind('/');
  const size_t leaf = slash == std::string_view::npos ? 0 : slash + 1;
  std::string out = encode_directory(name.substr(0, leaf));
  if (!out.empty()) out += '/';
  append_component(out, name.substr(leaf), place);
  return out;
}

DecodedItem decode_item(std::string_view native) {
  using Kind = DecodedItem::Kind;
  if (!native.starts_with(kMark)) return {Kind::kWhole, std::string{native}};
  native.remove_prefix(kMark.size());
  if (native.empty()) return {};
  const char letter = native[0];
  std::string text{native.substr(1)};
  switch (letter) {
    case kLiteralLetter: return needs_mark(text) ? DecodedItem{Kind::kWhole, text} : DecodedItem{};
    case kAsideLetter: return {Kind::kAside, std::move(text)};
    case kContinuationLetter:
      return text.empty() ? DecodedItem{} : DecodedItem{Kind::kContinuation, text};
    default: return {};
  }
}

}  // namespace beringia::backend::file

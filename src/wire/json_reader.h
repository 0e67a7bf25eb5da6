#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace beringia::wire {

/// Nesting a JSON text from outside may have; deeper is refused (nothing we read nests over 8).
inline constexpr size_t kMaxJsonDepth = 32;

/// A parsed JSON object text, bounded and without exceptions. Owns its storage: elements live as
/// long as it. Only for .cc files of this room (simdjson is heavy to include).
class JsonDocument {
 public:
  /// @param subject what the text is, for messages ("object resource")
  /// @error kInvalid: over `max_bytes`, not JSON, too deep, not an object
  static Result<JsonDocument> parse(std::string_view json, size_t max_bytes,
                                    std::string_view subject) {
    if (json.size() > max_bytes) {
      return std::unexpected(
          invalid("cannot read " + std::string{subject},
                  "the JSON text is larger than " + std::to_string(max_bytes) + " bytes"));
    }
    JsonDocument document;
    document.parser_ = std::make_unique<simdjson::dom::parser>();
    // The depth bound makes deep nesting a parse error instead of a deep recursion here.
    if (document.parser_->allocate(json.size() + 1, kMaxJsonDepth) != simdjson::SUCCESS) {
      return std::unexpected(busy("cannot read " + std::string{subject}, "out of memory"));
    }
    simdjson::dom::element root;
    if (auto error = document.parser_->parse(json.data(), json.size(), true).get(root);
        error != simdjson::SUCCESS) {
      return std::unexpected(
          invalid("cannot read " + std::string{subject}, simdjson::error_message(error)));
    }
    if (root.get(document.root_) != simdjson::SUCCESS) {
      return std::unexpected(
          invalid("cannot read " + std::string{subject}, "the JSON text is not an object"));
    }
    return document;
  }

  const simdjson::dom::object& root() const { return root_; }

 private:
  std::unique_ptr<simdjson::dom::parser> parser_;
  simdjson::dom::object root_;
};

/// "member X is not a Y".
inline Error wrong_member(std::string_view key, std::string_view expected) {
  return invalid("cannot read member \"" + std::string{key} + "\"",
                 "it is not " + std::string{expected});
}

}  // namespace beringia::wire

#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "base/error.h"

namespace beringia::wire::s3 {

// What the parsers of S3's request documents share.

/// Tag MalformedXML.
Error malformed(std::string why);

/// Name without a namespace prefix.
std::string_view local_name(const pugi::xml_node& node);

/// Parses, with the bounds of s3xml.h, and checks the root's name. @error kInvalid (MalformedXML)
[[nodiscard]] Result<pugi::xml_node> load(pugi::xml_document& document, const std::string& xml,
                                          std::string_view root);

/// All text of an element (it may be split by comments and CDATA). @error an element inside
[[nodiscard]] Result<std::string> text_of(const pugi::xml_node& node);

/// Without blanks at the ends.
std::string_view trimmed(std::string_view text);

/// Calls `visit(local name, node)` for each element below; the first error ends it.
template <class Visit>
[[nodiscard]] Result<void> each_element(const pugi::xml_node& node, const Visit& visit) {
  for (const auto& child : node.children()) {
    if (child.type() != pugi::node_element) continue;
    if (Result<void> done = visit(local_name(child), child); !done) return done;
  }
  return {};
}

}  // namespace beringia::wire::s3

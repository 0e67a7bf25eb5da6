#include "wire/s3xml_reader.h"

#include "base/encoding.h"
#include "wire/s3xml.h"

namespace beringia::wire::s3 {
namespace {

/// Deeper than any S3 document? Walks without recursion.
Result<void> check_depth(const pugi::xml_document& document) {
  pugi::xml_node node = document.first_child();
  size_t depth = 1;
  while (node) {
    if (node.type() == pugi::node_doctype) return std::unexpected(malformed("it has a DTD"));
    if (node.first_child()) {
      node = node.first_child();
      if (++depth > kMaxXmlDepth) return std::unexpected(malformed("it is nested too deeply"));
      continue;
    }
    while (node && !node.next_sibling()) {
      node = node.parent();
      --depth;
      if (depth == 0) return {};
    }
    node = node.next_sibling();
  }
  return {};
}

}  // namespace

Error malformed(std::string why) {
  return invalid(
             "The XML you provided was not well-formed or did not validate against our published "
             "schema",
             std::move(why))
      .with_tag("MalformedXML");
}

std::string_view local_name(const pugi::xml_node& node) {
  const std::string_view name{node.name()};
  const size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

Result<pugi::xml_node> load(pugi::xml_document& document, const std::string& xml,
                            std::string_view root) {
  if (xml.size() > kMaxXmlBytes) return std::unexpected(malformed("it is too large"));
  if (!is_utf8(xml) || xml.find('\0') != std::string::npos) {
    return std::unexpected(malformed("it is not UTF-8"));
  }
  // pugixml passes over text outside the root.
  const size_t first = xml.find_first_not_of(" \t\r\n");
  const size_t last = xml.find_last_not_of(" \t\r\n");
  if (first != std::string::npos && xml[last] != '>') {
    return std::unexpected(malformed("text stands outside its root"));
  }
  // pugixml knows no custom entities; a DOCTYPE is parsed only to be refused.
  const unsigned options = pugi::parse_default | pugi::parse_ws_pcdata_single | pugi::parse_doctype;
  const auto parsed = document.load_buffer(xml.data(), xml.size(), options, pugi::encoding_utf8);
  if (!parsed) return std::unexpected(malformed(parsed.description()));
  BR_TRY(check_depth(document));
  const pugi::xml_node node = document.document_element();
  if (local_name(node) != root || node.next_sibling()) {
    return std::unexpected(malformed("its root is not " + std::string{root}));
  }
  return node;
}

Result<std::string> text_of(const pugi::xml_node& node) {
  std::string text;
  for (const auto& child : node.children()) {
    if (child.type() == pugi::node_element) {
      return std::unexpected(malformed(std::string{local_name(node)} + " holds elements"));
    }
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
      text += child.value();
    }
  }
  return text;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace beringia::wire::s3

#include "protocol/gcs/xml_text.h"

#include <utility>

namespace beringia::protocol::gcs {
namespace {

constexpr std::string_view kHeader = "<?xml version='1.0' encoding='UTF-8'?>";

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\r': out += "&#13;"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
          out += "\xEF\xBF\xBD";  // U+FFFD
        } else {
          out += c;
        }
    }
  }
}

}  // namespace

void append_xml(std::string& out, std::string_view name, std::string_view text) {
  out.append("<").append(name).append(">");
  append_escaped(out, text);
  out.append("</").append(name).append(">");
}

Error malformed_xml(std::string why) {
  return invalid("The XML you provided was not well-formed or did not validate.", std::move(why));
}

std::string render_xml_error(std::string_view code, std::string_view message) {
  std::string out{kHeader};
  out += "<Error>";
  append_xml(out, "Code", code);
  append_xml(out, "Message", message);
  out += "</Error>";
  return out;
}

io::HttpResponse xml_response(int status, std::string xml) {
  io::HttpResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/xml; charset=UTF-8");
  response.text = std::move(xml);
  return response;
}

}  // namespace beringia::protocol::gcs

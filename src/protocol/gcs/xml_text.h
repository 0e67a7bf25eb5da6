#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "io/http.h"

namespace beringia::protocol::gcs {

/// Appends `<name>text</name>`, escaped. Characters that XML 1.0 cannot hold become U+FFFD.
void append_xml(std::string& out, std::string_view name, std::string_view text);
/// For a document of a client that does not say what it should.
Error malformed_xml(std::string why);
std::string render_xml_error(std::string_view code, std::string_view message);
io::HttpResponse xml_response(int status, std::string xml);

}  // namespace beringia::protocol::gcs

#include "protocol/gcs/call.h"
#include "protocol/gcs/gunzip_source.h"

namespace beringia::protocol::gcs {

Result<void> unpack_body(Call& call) {
  const std::string_view coding = call.header("Content-Encoding");
  if (call.route.is_xml || coding.empty() || coding == "identity") return {};
  if (coding != "gzip" && coding != "x-gzip") {
    return std::unexpected(unsupported("The body's compression is not known",
                                       "Content-Encoding: " + std::string{coding},
                                       "send it as it is, or by gzip; for objects that are stored "
                                       "compressed set contentEncoding"));
  }
  if (call.request.body == nullptr || call.request.content_length == 0) return {};
  call.unpacked = std::make_unique<GunzipSource>(*call.request.body, GunzipSource::Of::kRequest);
  call.request.body = call.unpacked.get();
  call.request.content_length.reset();
  return {};
}

}  // namespace beringia::protocol::gcs

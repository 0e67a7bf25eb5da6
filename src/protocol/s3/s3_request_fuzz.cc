// Whatever a request line and its headers hold: the router, the query and the small header parsers
// neither crash nor break their promises.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/fuzz_seeds.h"
#include "protocol/s3/checksums.h"
#include "protocol/s3/conditions.h"
#include "protocol/s3/http_range.h"
#include "protocol/s3/object_headers.h"
#include "protocol/s3/router.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// Cuts a line off the input.
std::string_view line_of(std::string_view& rest) {
  const size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          "GET\n/b/a%20key\nlist-type=2&delimiter=%2F&continuation-token=x\nh\nbytes=1-5",
          "PUT\n/b/k\npartNumber=1&uploadId=u\nb.s3.test\nbytes=0-9",
          "POST\n/b\ndelete\nh\nW/\"a\", \"b\", *",
          "DELETE\n/b/k\ntagging&versionId=null\nh\na=b&c=d%20e",
          "PUT\n/b/k\n\nb.s3.test:9000\nSHA256",
      });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace s3 = beringia::protocol::s3;
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  beringia::io::HttpRequest request;
  request.method = line_of(rest);
  request.path = line_of(rest);
  request.query = line_of(rest);
  request.headers.add("Host", std::string{line_of(rest)});
  const std::string_view header = line_of(rest);

  if (const auto query = s3::Query::parse(request.query)) {
    require(query->items().size() <= s3::Query::kMax);
    if (const auto found = s3::route(request, *query, {"s3.test"})) {
      require(!s3::operation_name(*found).empty());
      require(found->bucket.find('/') == std::string::npos);
    }
  }
  const uint64_t length = size % 1000;
  if (const auto range = s3::parse_range(header, length); range && *range) {
    require((**range).length > 0 && (**range).offset + (**range).length <= length);
  }
  if (const auto range = s3::parse_copy_range(header, length)) {
    require(range->length > 0 && range->offset + range->length <= length);
  }
  std::vector<std::string> etags;
  s3::append_etags(etags, header);
  for (const std::string& etag : etags) require(!etag.empty());
  if (const auto tags = s3::tags_of(header)) require(tags->size() <= 10);
  if (const auto algorithm = s3::parse_algorithm(header)) {
    require(s3::digest_bytes(*algorithm) > 0);
  }
  return 0;
}

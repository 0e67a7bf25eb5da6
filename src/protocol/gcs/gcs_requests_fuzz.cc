// What a request of the GCS endpoint says outside of JSON and multipart bodies: addresses, queries,
// ranges, settings in XML, globs, saved MD5 states, compressed objects.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/fuzz_seeds.h"
#include "base/running_md5.h"
#include "protocol/gcs/glob.h"
#include "protocol/gcs/gunzip_source.h"
#include "protocol/gcs/http_range.h"
#include "protocol/gcs/parameters.h"
#include "protocol/gcs/router.h"
#include "protocol/gcs/xml_acl.h"
#include "protocol/gcs/xml_settings.h"

using namespace beringia;
using namespace beringia::protocol::gcs;

namespace {

constexpr size_t kMaxUnpacked = 1 << 20;

void check_range(std::string_view header, uint64_t size) {
  const auto range = parse_range(header, size);
  if (!range || !*range) return;
  const bool inside = (*range)->length > 0 && (*range)->offset < size &&
                      (*range)->length <= size - (*range)->offset;
  if (!inside) std::abort();
}

void check_content_range(std::string_view header) {
  const auto range = parse_content_range(header);
  if (!range || !range->first || !range->total || range->length == UINT64_MAX) return;
  if (range->length > *range->total || *range->first > *range->total - range->length) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          "/storage/v1/b/bucket/o/a%2Fb\nalt=media&ifGenerationMatch=0&generation=5&userProject=p",
          "/upload/storage/v1/b/bucket/o\nuploadType=resumable&name=a&upload_id=x",
          "/storage/v1/b/a/o/x/rewriteTo/b/b/o/"
          "y\nifSourceGenerationMatch=1&ifMetagenerationNotMatch=2",
          "bytes=5-10\n0123456789abcdef",
          "bytes 0-9/20\n",
          "**/day=[0-9]{1,2}/*.{csv,parquet}\na/day=1/b.csv",
          "cors\n<CorsConfig><Cors><Origins><Origin>*</Origin></Origins></Cors></CorsConfig>",
          "tagging\n<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
          beringia::RunningMd5{}.save(),
          std::string{"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x4c\x4a\x06\x00\xc2\x41\x24\x35"
                      "\x03\x00\x00\x00",
                      23},
      });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const size_t line = text.find('\n');
  const std::string_view first = text.substr(0, line);
  const std::string_view rest = line == std::string_view::npos ? "" : text.substr(line + 1);
  if (const auto query = Parameters::parse(rest)) {
    for (const char* method : {"GET", "POST", "PUT", "DELETE"}) (void)route(method, first, *query);
    (void)conditions_of(*query);
    (void)source_conditions_of(*query);
  }
  (void)json_of_xml_setting(first, std::string{rest});
  if (const auto controls = controls_of_xml(std::string{rest})) {
    (void)controls_of_xml(xml_of_controls(first, *controls));
  }
  check_range(first, rest.size());
  check_content_range(first);
  if (size < 200) {
    if (const auto glob = Glob::parse(std::string{first})) {
      if (glob->matches(std::string{rest}) &&
          !std::string_view{rest}.starts_with(glob->literal_prefix())) {
        std::abort();
      }
    }
  }
  if (auto md5 = RunningMd5::restore(text)) {
    if (md5->save() != text) std::abort();
    md5->update(text);
    (void)md5->value();
  }
  GunzipSource source{std::make_unique<io::StringSource>(std::string{text})};
  (void)io::read_all(io::Context{}, source, kMaxUnpacked);
  return 0;
}

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "backend/backend.h"
#include "backend/file/native_names.h"
#include "backend/file/object_seal.h"
#include "backend/gcs/location.h"
#include "backend/gcs/retry.h"
#include "base/fuzz_seeds.h"

namespace {

using namespace beringia::backend;

void must(bool holds) {
  if (!holds) std::abort();
}

/// Any object name is a path below the root, of components that file systems take.
void check_native_path(std::string_view name) {
  if (name.empty() || name.find('\0') != std::string_view::npos || file::is_reserved(name)) return;
  for (const auto place : {file::Place::kOwn, file::Place::kAside}) {
    const std::string path = file::encode_object(name, place);
    must(!path.empty() && path.front() != '/' && path.back() != '/');
    std::string_view left = path;
    while (!left.empty()) {
      const size_t slash = left.find('/');
      const std::string_view component = left.substr(0, slash);
      must(!component.empty() && component != "." && component != "..");
      must(component.size() <= file::kMaxComponentBytes);
      must(file::decode_item(component).kind != file::DecodedItem::Kind::kForeign);
      left = slash == std::string_view::npos ? std::string_view{} : left.substr(slash + 1);
    }
  }
  must(file::encode_object(name) != file::encode_object(name, file::Place::kAside));
}

/// What is stored beside the bytes of a file reads back as what was stored.
void check_seal(std::string_view text) {
  const auto seal = file::decode_seal(text);
  if (!seal) return;
  const auto again = file::decode_seal(file::encode(*seal));
  must(again && again->size == seal->size && again->mtime_nanos == seal->mtime_nanos &&
       again->crc32c == seal->crc32c && again->md5 == seal->md5 &&
       again->content_type == seal->content_type && again->attributes == seal->attributes);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  beringia::backend::file::ObjectSeal seal;
  seal.size = 3;
  seal.mtime_nanos = 5;
  seal.crc32c = 7;
  seal.md5 = std::string(16, 'm');
  seal.content_type = "text/plain";
  seal.attributes = {{"a", "b"}, {"c", "d\n"}};
  return beringia::write_fuzz_seeds(*argc, *argv,
                                    {
                                        beringia::backend::file::encode(seal),
                                        "a/b//c/../.hidden/%2e/name",
                                        "gs://bucket/some/prefix/",
                                        "http://127.0.0.1:4443/upload/resumable?upload_id=x",
                                        "Thu, 01 Jan 2026 00:00:00 GMT",
                                    });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  check_native_path(text);
  check_seal(text);
  check_seal("beringia 1\n" + std::string{text});
  (void)file::decode_item(text);
  (void)gcs::Location::parse(text);
  must(gcs::target_of_url(text).starts_with('/'));
  (void)gcs::parse_retry_after(text, beringia::Timestamp{1});
  return 0;
}

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzz_seeds.h"
#include "meta/records.h"

// First byte picks the decoder. What decodes must survive an encode and decode unchanged.

namespace {

template <class T>
void check(const beringia::Result<T>& decoded, beringia::Result<T> (*decode)(std::string_view)) {
  if (!decoded) return;
  const std::string once = encode(*decoded);
  const auto again = decode(once);
  if (!again || encode(*again) != once) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  using namespace beringia::meta;
  EntryRecord entry;
  entry.generation = 7;
  entry.size = 3;
  entry.crc32c = 1;
  entry.md5 = std::string(16, 'm');
  entry.content_type = "text/plain";
  entry.owner = "root";
  entry.metadata = {{"a", "b"}};
  entry.checksums = {{"crc64nvme", "AAAAAAAAAAA="}};
  entry.part_sizes = {5, 6};
  entry.copies = {{1, CopyState::kValid, "native", "version", "NEARLINE", {5}}};
  DirectoryEntry directory;
  directory.id = 9;
  directory.attributes = {{"location", "EU"}};
  IntentRecord intent;
  intent.path = "/a/b";
  intent.entry = encode(entry);
  intent.replaced = encode(entry);
  intent.kept = {{1, ".beringia/versions/07/7-a"}};
  UploadRecord upload;
  upload.options = {{"checksum", "CRC32C"}};
  PartRecord part;
  part.md5 = std::string(16, 'p');
  MoveRecord move;
  move.note = "no room";
  RunRecord run;
  run.policies = {"cold"};
  run.problems = {{"reason", 1, {"/a"}}};
  FeedRecord feed;
  feed.path = "/a";
  const std::string records[] = {encode(entry),
                                 encode(directory),
                                 encode(DirectoryRecord{2, "name", {{1, "old/"}}}),
                                 encode(SyncRecord{{4}, 2, "t"}),
                                 encode(intent),
                                 encode(OutcomeRecord{}),
                                 encode(upload),
                                 encode(part),
                                 encode(move),
                                 encode(run),
                                 encode(VersionRecord{entry, false, {6}}),
                                 encode(feed)};
  std::vector<std::string> seeds;
  for (const std::string& record : records) {
    seeds.push_back(static_cast<char>(seeds.size()) + record);
  }
  return beringia::write_fuzz_seeds(*argc, *argv, seeds);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace beringia::meta;
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  switch (data[0] % 11) {
    case 0: check(decode_entry(bytes), decode_entry); break;
    case 1: check(decode_directory_entry(bytes), decode_directory_entry); break;
    case 2: check(decode_directory(bytes), decode_directory); break;
    case 3: check(decode_sync(bytes), decode_sync); break;
    case 4: check(decode_intent(bytes), decode_intent); break;
    case 5: check(decode_outcome(bytes), decode_outcome); break;
    case 6: check(decode_upload(bytes), decode_upload); break;
    case 7: check(decode_part(bytes), decode_part); break;
    case 8: check(decode_move(bytes), decode_move); break;
    case 9: check(decode_run(bytes), decode_run); break;
    default: check(decode_version(bytes), decode_version); break;
  }
  check(decode_feed(bytes), decode_feed);
  return 0;
}

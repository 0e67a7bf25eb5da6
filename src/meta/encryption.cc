#include "meta/encryption.h"

#include "meta/records.h"

namespace beringia::meta {

wire::StreamLayout Encryption::layout(uint64_t plain_bytes) const {
  if (runs.empty()) return wire::StreamLayout{plain_bytes};
  std::vector<wire::StreamRun> pairs;
  pairs.reserve(runs.size() / 2);
  for (size_t i = 0; i + 1 < runs.size(); i += 2) pairs.push_back({runs[i], runs[i + 1]});
  return wire::StreamLayout{std::move(pairs)};
}

std::string_view to_string(Encryption::Method method) {
  switch (method) {
    case Encryption::Method::kNone: break;
    case Encryption::Method::kServer: return "server";
    case Encryption::Method::kNamed: return "named";
    case Encryption::Method::kCustomer: return "customer";
  }
  return {};
}

void append_stream(std::vector<uint64_t>& runs, uint64_t plain_bytes) {
  if (runs.size() >= 2 && runs[runs.size() - 2] == plain_bytes) {
    ++runs.back();
    return;
  }
  runs.push_back(plain_bytes);
  runs.push_back(1);
}

uint64_t EntryRecord::stored_size() const {
  return encryption ? encryption.layout(size).stored_bytes() : size;
}
std::optional<uint32_t> EntryRecord::stored_crc32c() const {
  return encryption ? encryption.stored_crc32c : crc32c;
}
std::optional<std::string> EntryRecord::stored_md5() const {
  return encryption ? std::nullopt : md5;
}

}  // namespace beringia::meta

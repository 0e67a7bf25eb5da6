#include "protocol/gcs/appendable.h"

#include "base/checksum.h"
#include "base/encoding.h"

namespace beringia::protocol::gcs {
namespace {

/// What the mark begins with.
std::string mark_of_name(std::string_view bucket, std::string_view name) {
  return std::to_string(Crc32c::of(std::string{bucket} + "/" + std::string{name})) + " ";
}

}  // namespace

std::string_view asked_of_appendable(const Call& call) {
  return call.door_name == "gcs-grpc" ? call.header(kAppendableHeader) : std::string_view{};
}

std::string unfinalized_mark(std::string_view bucket, std::string_view name, uint64_t origin) {
  return mark_of_name(bucket, name) + std::to_string(origin);
}

uint64_t unfinalized_since(std::string_view bucket, std::string_view name,
                           const meta::EntryRecord& record) {
  const auto found = record.http.find(kUnfinalized);
  if (found == record.http.end()) return 0;
  const std::string mine = mark_of_name(bucket, name);
  if (!found->second.starts_with(mine)) return 0;
  const auto origin = parse_u64(std::string_view{found->second}.substr(mine.size()));
  if (!origin) return 0;
  return *origin == 0 ? record.generation : *origin;
}

}  // namespace beringia::protocol::gcs

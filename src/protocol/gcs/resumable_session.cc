#include "protocol/gcs/resumable_session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"

namespace beringia::protocol::gcs {
namespace {

using Number = std::optional<uint64_t> core::Conditions::*;
constexpr std::array<std::pair<const char*, Number>, 4> kConditions = {{
    {"ifGenerationMatch", &core::Conditions::generation_match},
    {"ifGenerationNotMatch", &core::Conditions::generation_not_match},
    {"ifMetagenerationMatch", &core::Conditions::metageneration_match},
    {"ifMetagenerationNotMatch", &core::Conditions::metageneration_not_match},
}};

// Names in PartRecord::checksums.
const std::string kOffset = "offset";
const std::string kMd5State = "md5-state";  // hex of RunningMd5::save()

Result<std::optional<uint64_t>> number_in(const meta::StringMap& options, const char* name) {
  const auto found = options.find(name);
  if (found == options.end()) return std::nullopt;
  const auto number = parse_u64(found->second);
  if (!number) {
    return std::unexpected(corrupt("reading a resumable upload", "its options are damaged"));
  }
  return number;
}

}  // namespace

Result<meta::UploadRecord> own_upload(Call& call, const core::Grant& grant, const std::string& id,
                                      std::string_view protocol) {
  BR_TRY(upload, call.rooms.names.find_upload(call.context, grant, id));
  if (upload.protocol != protocol || upload.owner != call.principal->name()) {
    return std::unexpected(
        not_found("There is no such upload session.").with_tag("foreign_upload"));
  }
  return std::move(upload);
}

meta::StringMap options_of(const SessionTerms& terms) {
  meta::StringMap options;
  for (const auto& [name, field] : kConditions) {
    if (terms.conditions.*field) options[name] = std::to_string(*(terms.conditions.*field));
  }
  if (terms.range.least != 0) options["least"] = std::to_string(terms.range.least);
  if (terms.range.most != UINT64_MAX) options["most"] = std::to_string(terms.range.most);
  if (terms.expected.size) options["size"] = std::to_string(*terms.expected.size);
  if (terms.expected.crc32c) options["crc32c"] = std::to_string(*terms.expected.crc32c);
  if (terms.expected.md5) options["md5"] = to_hex(*terms.expected.md5);
  return options;
}

Result<SessionTerms> terms_of(const meta::StringMap& options) {
  SessionTerms terms;
  for (const auto& [name, field] : kConditions) {
    BR_TRY(number, number_in(options, name));
    terms.conditions.*field = number;
  }
  BR_TRY(size, number_in(options, "size"));
  terms.expected.size = size;
  BR_TRY(crc32c, number_in(options, "crc32c"));
  if (crc32c) terms.expected.crc32c = static_cast<uint32_t>(*crc32c);
  if (const auto md5 = options.find("md5"); md5 != options.end()) {
    terms.expected.md5 = from_hex(md5->second);
  }
  BR_TRY(least, number_in(options, "least"));
  BR_TRY(most, number_in(options, "most"));
  terms.range = {least.value_or(0), most.value_or(UINT64_MAX)};
  return terms;
}

meta::StringMap marks_of_part(uint64_t offset, const RunningMd5& after) {
  return {{kOffset, std::to_string(offset)}, {kMd5State, to_hex(after.save())}};
}

Result<SessionProgress> progress_of(const std::vector<meta::PartRecord>& parts) {
  SessionProgress progress;
  for (const meta::PartRecord& part : parts) {
    const auto offset = part.checksums.find(kOffset);
    const bool joins = offset != part.checksums.end() && part.number == progress.parts + 1 &&
                       parse_u64(offset->second) == progress.bytes;
    if (!joins) {
      return std::unexpected(Error{Code::kUnavailable, Retry::kNever,
                                   "The upload session cannot be continued.",
                                   "two requests wrote to it at once", "begin the upload anew"});
    }
    progress.bytes += part.size;
    ++progress.parts;
  }
  if (parts.empty()) return progress;
  const auto state = parts.back().checksums.find(kMd5State);
  const auto saved = state == parts.back().checksums.end() ? std::nullopt : from_hex(state->second);
  auto md5 = saved ? RunningMd5::restore(*saved) : std::nullopt;
  if (!md5) return std::unexpected(corrupt("reading a resumable upload", "its MD5 is damaged"));
  progress.md5 = std::move(*md5);
  return progress;
}

Result<size_t> SliceSource::read(const io::Context& context, std::span<char> buffer) {
  if (left_ == 0 || ended_) return size_t{0};
  BR_TRY(n, inner_.read(context, buffer.first(std::min<uint64_t>(buffer.size(), left_))));
  left_ -= n;
  taken_ += n;
  md5_.update({buffer.data(), n});
  ended_ = n == 0;
  return n;
}

std::optional<uint64_t> SliceSource::remaining() const {
  const auto inner = inner_.remaining();
  if (!inner) return std::nullopt;
  return std::min(*inner, left_);
}

}  // namespace beringia::protocol::gcs

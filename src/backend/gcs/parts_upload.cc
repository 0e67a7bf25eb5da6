#include "backend/gcs/parts_upload.h"

#include <cstdio>

#include "backend/gcs/whole_upload.h"
#include "base/checksum.h"
#include "io/runtime.h"
#include "observe/metrics.h"

namespace beringia::backend::gcs {

namespace {

const observe::Counter kParts{"beringia_backend_gcs_upload_parts_total",
                              "Parts of long bodies that were sent to Cloud Storage."};

constexpr size_t kWaitingParts = 5;
constexpr std::string_view kPartType = "application/octet-stream";
/// A failed upload takes its parts back for this long; the sweep does the rest.
constexpr Duration kDiscardTime = std::chrono::seconds{5};

}  // namespace

PartsUpload::PartsUpload(const io::Context& context, const ObjectCalls& calls, UploadPool& pool,
                         size_t parallel, std::string storage_class)
    : calls_{calls},
      pool_{pool},
      id_{calls.new_upload_id()},
      storage_class_{std::move(storage_class)},
      room_{static_cast<int64_t>(parallel + kWaitingParts)},
      slots_{static_cast<int64_t>(parallel)},
      scope_{context} {
  pool_.begin(id_);
}

PartsUpload::~PartsUpload() {
  scope_.cancel();
  (void)scope_.join();
  pool_.end(id_);
}

std::string PartsUpload::part_name(size_t number) const {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%08zu", number);
  return std::string{kStagingPrefix} + id_ + "-" + digits;
}

Error PartsUpload::failure() {
  scope_.cancel();
  auto joined = scope_.join();
  return joined ? cancelled("the upload was given up") : joined.error();
}

Result<bool> PartsUpload::take_memory(int64_t share) {
  while (!pool_.budget().try_acquire(share)) {
    if (in_memory_ == 0) return false;
    BR_TRY(ended_.acquire(scope_.context()));
  }
  ++in_memory_;
  return true;
}

Result<void> PartsUpload::add(std::string bytes) {
  const size_t number = begun_++;
  {
    std::lock_guard lock{mutex_};
    if (number % kMaxComposeSources == 0) groups_.emplace_back();
    groups_.back().parts.emplace_back();
  }
  if (!room_.acquire(scope_.context())) return std::unexpected(failure());
  const auto share = static_cast<int64_t>(bytes.size());
  const auto taken = take_memory(share);
  if (!taken) return std::unexpected(failure());
  if (!*taken) {
    // No memory for a second buffer: the caller's own share is this part's.
    auto sent = send(number, bytes);
    room_.release();
    if (!sent) scope_.cancel();
    return sent;
  }
  scope_.spawn([this, number, share, bytes = std::move(bytes)]() mutable -> Result<void> {
    auto sent = send(number, bytes);
    bytes = std::string{};
    pool_.budget().release(share);
    --in_memory_;
    ended_.release();
    room_.release();
    return sent;
  });
  return {};
}

Result<void> PartsUpload::send(size_t number, const std::string& bytes) {
  WholeUpload part;
  BR_TRY(slots_.acquire(scope_.context()));
  part.name = part_name(number);
  part.bytes = bytes;
  part.crc32c = Crc32c::of(bytes);
  part.content_type = kPartType;
  part.upload_id = calls_.new_upload_id();
  part.fields = to_change({part.content_type, storage_class_, {}, part.upload_id});
  kParts.add();
  auto object = upload_whole(scope_.context(), calls_, part, kAbsentGeneration,
                             "write " + calls_.at().display(part.name));
  slots_.release();
  if (!object) return std::unexpected(std::move(object).error());
  return note(number, {part.name, object->generation, object->size, object->crc32c, true});
}

Result<void> PartsUpload::note(size_t number, ComposePiece piece) {
  const size_t place = number / kMaxComposeSources;
  std::vector<ComposePiece> parts;
  {
    std::lock_guard lock{mutex_};
    auto& group = groups_[place];
    group.parts[number % kMaxComposeSources] = std::move(piece);
    if (++group.done < kMaxComposeSources) return {};
    parts = group.parts;
  }
  const auto name = std::string{kStagingPrefix} + id_ + "-j" + std::to_string(place);
  BR_TRY(joined, join_pieces(scope_.context(), calls_, parts, name, storage_class_));
  {
    std::lock_guard lock{mutex_};
    groups_[place].joined = std::move(joined);
  }
  remove_pieces(scope_.context(), calls_, parts);
  BR_TRY(scope_.context().check(io::now()));  // else some may be left, for discard()
  std::lock_guard lock{mutex_};
  groups_[place].parts.clear();
  return {};
}

Result<std::vector<ComposePiece>> PartsUpload::finish() {
  BR_TRY(scope_.join());
  std::vector<ComposePiece> out;
  std::lock_guard lock{mutex_};
  for (const auto& group : groups_) {
    if (group.joined) {
      out.push_back(*group.joined);
    } else {
      out.insert(out.end(), group.parts.begin(), group.parts.end());
    }
  }
  return out;
}

void PartsUpload::discard() {
  scope_.cancel();
  (void)scope_.join();
  const auto brief = scope_.context().unbounded().with_deadline(io::now() + kDiscardTime);
  std::vector<ComposePiece> left;
  {
    std::lock_guard lock{mutex_};
    for (size_t place = 0; place < groups_.size(); ++place) {
      const auto& group = groups_[place];
      if (group.joined) left.push_back(*group.joined);
      for (size_t i = 0; i < group.parts.size(); ++i) {
        auto piece = group.parts[i];
        // Not known to be there; its answer may have been lost.
        if (piece.name.empty()) piece.name = part_name(place * kMaxComposeSources + i);
        left.push_back(std::move(piece));
      }
    }
  }
  remove_pieces(brief, calls_, left);
}

}  // namespace beringia::backend::gcs

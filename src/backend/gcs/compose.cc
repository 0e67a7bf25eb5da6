#include "backend/gcs/compose.h"

#include "base/checksum.h"
#include "io/sync.h"
#include "observe/log.h"

namespace beringia::backend::gcs {

namespace {

constexpr size_t kMaxFanIn = 32;  // Objects: compose
constexpr int kMaxAnyRounds = 4;  // as for uploads
constexpr size_t kParallelCalls = 8;

}  // namespace

Result<std::vector<Compose::Piece>> Compose::look_at_sources(const io::Context& context) const {
  const auto& names = request_.sources;
  std::vector<Piece> pieces(names.size());
  io::Scope scope{context};
  const size_t workers = std::min(kParallelCalls, names.size());
  for (size_t worker = 0; worker < workers; ++worker) {
    scope.spawn([&, worker]() -> Result<void> {
      for (size_t i = worker; i < names.size(); i += workers) {
        BR_TRY(object, calls_.get(scope.context(), names[i]));
        if (i < request_.source_versions.size() &&
            request_.source_versions[i] != std::to_string(object.generation)) {
          return std::unexpected(
              conflict("cannot " + what(),
                       "the source " + calls_.at().display(names[i]) + " is another version now"));
        }
        pieces[i] = {names[i], object.generation, object.size, object.crc32c, false};
      }
      return {};
    });
  }
  BR_TRY(scope.join());
  return pieces;
}

Result<void> Compose::check(const std::vector<Piece>& pieces) const {
  uint64_t size = 0;
  std::optional<uint32_t> crc32c = 0;
  for (const auto& piece : pieces) {
    if (crc32c && piece.crc32c) {
      crc32c = size == 0 ? *piece.crc32c : Crc32c::combine(*crc32c, *piece.crc32c, piece.size);
    } else {
      crc32c.reset();
    }
    size += piece.size;
  }
  if (size != request_.seal.size || (crc32c && *crc32c != request_.seal.crc32c)) {
    return std::unexpected(
        corrupt("cannot " + what(), "the sources do not add up to the bytes that were announced"));
  }
  return {};
}

Result<Compose::Piece> Compose::join(const io::Context& context, const std::vector<Piece>& pieces) {
  ComposeCall call;
  call.upload_id = calls_.new_upload_id();
  call.to = std::string{kStagingPrefix} + call.upload_id;
  call.if_generation = kAbsentGeneration;
  call.fields = to_change({request_.seal.content_type, {}, {}, call.upload_id});
  for (const auto& piece : pieces) call.sources.emplace_back(piece.name, piece.generation);
  BR_TRY(object, calls_.compose(context, call));
  intermediates_.push_back({call.to, object.generation, object.size, object.crc32c, true});
  return intermediates_.back();
}

Result<wire::gcs::ObjectResource> Compose::publish(const io::Context& context,
                                                   const std::vector<Piece>& pieces) {
  BR_TRY(check(pieces));
  ComposeCall call;
  call.to = request_.name;
  call.upload_id = calls_.new_upload_id();
  call.fields = to_change({request_.seal.content_type, request_.storage_class,
                           request_.seal.attributes, call.upload_id});
  for (const auto& piece : pieces) call.sources.emplace_back(piece.name, piece.generation);
  const auto& expected =
      request_.seal.expectation ? *request_.seal.expectation : request_.expectation;
  for (int round = 1;; ++round) {
    BR_TRY(generation, calls_.generation_to_match(context, request_.name, expected));
    call.if_generation = generation;
    auto object = calls_.compose(context, call);
    if (object) return object;
    const bool raced = object.error().code() == Code::kConflict;
    if (!raced || expected.kind != Expectation::Kind::kAny || round == kMaxAnyRounds) {
      return object;
    }
  }
}

Result<wire::gcs::ObjectResource> Compose::build(const io::Context& context,
                                                 std::vector<Piece> pieces) {
  // Each pass divides by 32: 10,000 parts need two.
  while (pieces.size() > kMaxFanIn) {
    std::vector<Piece> next;
    for (size_t i = 0; i < pieces.size(); i += kMaxFanIn) {
      const auto begin = pieces.begin() + static_cast<ptrdiff_t>(i);
      const auto end =
          pieces.begin() + static_cast<ptrdiff_t>(std::min(pieces.size(), i + kMaxFanIn));
      if (end - begin == 1) {
        next.push_back(*begin);
        continue;
      }
      BR_TRY(piece, join(context, {begin, end}));
      next.push_back(piece);
    }
    pieces = std::move(next);
  }
  return publish(context, pieces);
}

void Compose::remove_all(const io::Context& context, const std::vector<Piece>& pieces) const {
  for (const auto& piece : pieces) {
    auto removed = calls_.remove(context, piece.name, piece.generation);
    if (!removed && removed.error().code() != Code::kNotFound) {
      observe::log_warn("gcs_compose_source_kept", "A source of a compose could not be removed.",
                        {observe::field("why", removed.error().to_string())});
    }
  }
}

Result<CopyInfo> Compose::run(const io::Context& context) {
  if (request_.sources.empty()) {
    return std::unexpected(invalid("cannot " + what(), "there is nothing to compose"));
  }
  BR_TRY(pieces, look_at_sources(context));
  auto object = build(context, pieces);
  remove_all(context, intermediates_);
  if (!object) return std::unexpected(object.error());
  if (object->size != request_.seal.size ||
      (object->crc32c && *object->crc32c != request_.seal.crc32c)) {
    (void)calls_.remove(context, request_.name, object->generation);
    return std::unexpected(
        corrupt("cannot " + what(), "Cloud Storage made other bytes of the sources"));
  }
  if (request_.remove_sources) remove_all(context, pieces);
  return to_copy(*object, calls_.at().prefix());
}

}  // namespace beringia::backend::gcs

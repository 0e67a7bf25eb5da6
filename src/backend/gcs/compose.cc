#include "backend/gcs/compose.h"

#include "base/checksum.h"
#include "io/sync.h"
#include "observe/log.h"

namespace beringia::backend::gcs {

namespace {

constexpr int kMaxAnyRounds = 4;  // as for uploads
constexpr size_t kParallelCalls = 8;
constexpr size_t kParallelRemovals = 16;

}  // namespace

Result<std::vector<ComposePiece>> Compose::look_at_sources(const io::Context& context) const {
  const auto& names = request_.sources;
  std::vector<ComposePiece> pieces(names.size());
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

Result<void> Compose::check(const std::vector<ComposePiece>& pieces) const {
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

Result<wire::gcs::ObjectResource> Compose::publish(const io::Context& context,
                                                   const std::vector<ComposePiece>& pieces) {
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

Result<std::vector<ComposePiece>> Compose::join_level(const io::Context& context,
                                                      const std::vector<ComposePiece>& pieces) {
  const size_t count = (pieces.size() + kMaxComposeSources - 1) / kMaxComposeSources;
  std::vector<ComposePiece> next(count);
  io::Scope scope{context};
  for (size_t worker = 0; worker < std::min(kParallelCalls, count); ++worker) {
    scope.spawn([&, worker]() -> Result<void> {
      for (size_t i = worker; i < count; i += kParallelCalls) {
        const auto begin = pieces.begin() + static_cast<ptrdiff_t>(i * kMaxComposeSources);
        const auto end = pieces.begin() + static_cast<ptrdiff_t>(std::min(
                                              pieces.size(), (i + 1) * kMaxComposeSources));
        const auto name = std::string{kStagingPrefix} + calls_.new_upload_id();
        BR_TRY(joined, join_pieces(scope.context(), calls_, {begin, end}, name, {}));
        next[i] = std::move(joined);
      }
      return {};
    });
  }
  auto joined = scope.join();
  for (const auto& piece : next) {
    if (!piece.name.empty()) intermediates_.push_back(piece);
  }
  if (!joined) return std::unexpected(std::move(joined).error());
  return next;
}

Result<wire::gcs::ObjectResource> Compose::build(const io::Context& context,
                                                 std::vector<ComposePiece> pieces) {
  // Each pass divides by 32: 10,000 parts need two.
  while (pieces.size() > kMaxComposeSources) {
    BR_TRY(next, join_level(context, pieces));
    pieces = std::move(next);
  }
  return publish(context, pieces);
}

Result<ComposePiece> join_pieces(const io::Context& context, const ObjectCalls& calls,
                                 const std::vector<ComposePiece>& pieces, const std::string& to,
                                 const std::string& storage_class) {
  ComposeCall call;
  call.upload_id = calls.new_upload_id();
  call.to = to;
  call.if_generation = kAbsentGeneration;
  call.fields = to_change({"application/octet-stream", storage_class, {}, call.upload_id});
  for (const auto& piece : pieces) call.sources.emplace_back(piece.name, piece.generation);
  BR_TRY(object, calls.compose(context, call));
  return ComposePiece{to, object.generation, object.size, object.crc32c, true};
}

void remove_pieces(const io::Context& context, const ObjectCalls& calls,
                   const std::vector<ComposePiece>& pieces) {
  auto remove_one = [&](const ComposePiece& piece) -> Result<void> {
    uint64_t generation = piece.generation;
    if (generation == 0) {
      BR_TRY(object, calls.get(context, piece.name));
      generation = object.generation;
    }
    return calls.remove(context, piece.name, generation);
  };
  io::Scope scope{context};
  const size_t workers = std::min(kParallelRemovals, pieces.size());
  for (size_t worker = 0; worker < workers; ++worker) {
    scope.spawn([&, worker]() -> Result<void> {
      for (size_t i = worker; i < pieces.size(); i += workers) {
        auto removed = remove_one(pieces[i]);
        if (removed || removed.error().code() == Code::kNotFound) continue;
        if (removed.error().code() == Code::kCancelled) return {};
        observe::log_warn("gcs_piece_kept", "A piece of an upload or compose stays behind.",
                          {observe::field("why", removed.error().to_string())});
      }
      return {};
    });
  }
  (void)scope.join();
}

Result<wire::gcs::ObjectResource> Compose::assemble(const io::Context& context,
                                                    const std::vector<ComposePiece>& pieces) {
  auto object = build(context, pieces);
  remove_pieces(context, calls_, intermediates_);
  if (!object) return object;
  if (object->size != request_.seal.size ||
      (object->crc32c && *object->crc32c != request_.seal.crc32c)) {
    (void)calls_.remove(context, request_.name, object->generation);
    return std::unexpected(
        corrupt("cannot " + what(), "Cloud Storage made other bytes of the sources"));
  }
  return object;
}

Result<CopyInfo> Compose::run(const io::Context& context) {
  if (request_.sources.empty()) {
    return std::unexpected(invalid("cannot " + what(), "there is nothing to compose"));
  }
  BR_TRY(pieces, look_at_sources(context));
  BR_TRY(object, assemble(context, pieces));
  if (request_.remove_sources) remove_pieces(context, calls_, pieces);
  return to_copy(object, calls_.at().prefix());
}

}  // namespace beringia::backend::gcs

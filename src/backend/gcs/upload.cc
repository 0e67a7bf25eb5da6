#include "backend/gcs/upload.h"

#include <algorithm>
#include <utility>

#include "backend/gcs/whole_upload.h"
#include "observe/log.h"

namespace beringia::backend::gcs {

namespace {

using wire::gcs::ObjectResource;

/// Expectation::any looks, then matches; somebody may write in between this often.
constexpr int kMaxAnyRounds = 4;
constexpr size_t kMinBudget = 64 << 10;
constexpr std::string_view kStandardClass = "STANDARD";

/// Holds part of the memory budget. Owned by one upload.
class BudgetShare {
 public:
  BudgetShare(io::Semaphore& budget, int64_t amount) : budget_{budget}, amount_{amount} {}
  ~BudgetShare() { budget_.release(amount_); }
  BudgetShare(const BudgetShare&) = delete;
  BudgetShare& operator=(const BudgetShare&) = delete;

 private:
  io::Semaphore& budget_;
  int64_t amount_;
};

}  // namespace

Result<CopyInfo> Upload::run(const io::Context& context) {
  const uint64_t wanted = std::clamp<uint64_t>(request_.size.value_or(options_.chunk_bytes),
                                               kMinBudget, options_.chunk_bytes);
  const auto share = static_cast<int64_t>(std::min(wanted, options_.buffer_bytes));
  BR_TRY(pool_.budget().acquire(context, share));
  BudgetShare held{pool_.budget(), share};
  BR_TRY(ended, fill(context, options_.chunk_bytes + 1));
  // One byte more than a chunk tells whether the chunk is the last, without a second buffer.
  const bool known = !request_.seal && request_.expectation.kind == Expectation::Kind::kAbsent;
  const bool is_long = request_.size.value_or(UINT64_MAX) >= options_.parts_from_bytes;
  auto object = ended && buffer_.size() <= options_.chunk_bytes ? write_whole(context)
                : options_.without_temporaries                  ? write_in_place(context)
                : is_long                                       ? write_parts(context)
                : known                                         ? write_in_place(context)
                                                                : write_staged(context);
  if (!object && object.error().code() == Code::kNotFound) {
    // Of a write that can only be a part, or what was staged.
    return std::unexpected(unavailable(
        "cannot " + what(), "what it was to be put together from is gone: " + object.error().why(),
        "send it again; if that goes on, look who deletes below " + std::string{kReservedPrefix} +
            " in the bucket: a lifecycle rule?"));
  }
  if (!object) return std::unexpected(object.error());
  return to_copy(*object, calls_.at().prefix());
}

Result<bool> Upload::fill(const io::Context& context, size_t size) {
  constexpr size_t kStep = 256 << 10;
  if (request_.size && buffer_.empty()) {
    buffer_.reserve(static_cast<size_t>(std::min<uint64_t>(*request_.size + 1, size)));
  }
  while (buffer_.size() < size) {
    const size_t before = buffer_.size();
    size_t room = std::min(size - before, kStep);
    if (buffer_.capacity() > before) room = std::min(room, buffer_.capacity() - before);
    buffer_.resize(before + room);
    auto count = request_.body->read(context, {buffer_.data() + before, room});
    buffer_.resize(before + count.value_or(0));
    if (!count) return std::unexpected(count.error());
    if (*count == 0) return true;
    std::string_view fresh{buffer_.data() + before, *count};
    crc32c_.update(fresh);
    size_ += fresh.size();
  }
  return false;
}

Result<Seal> Upload::sealed() {
  Seal seal;
  seal.size = size_;
  seal.crc32c = crc32c_.value();
  seal.content_type = request_.content_type;
  seal.attributes = request_.attributes;
  if (!request_.seal) return seal;
  BR_TRY(given, request_.seal());
  if (given.size != size_ || given.crc32c != crc32c_.value()) {
    return std::unexpected(
        corrupt("cannot " + what(), "the bytes that came are not those that were to be written"));
  }
  seal = std::move(given);
  md5_ = seal.md5;
  if (seal.content_type.empty()) seal.content_type = request_.content_type;
  for (const auto& [name, value] : request_.attributes) seal.attributes.try_emplace(name, value);
  return seal;
}

Expectation Upload::expectation(const Seal& seal) const {
  return seal.expectation ? *seal.expectation : request_.expectation;
}

Result<void> Upload::check(const ObjectResource& object) const {
  const bool same = object.size == size_ && (!object.crc32c || *object.crc32c == crc32c_.value()) &&
                    (!object.md5 || !md5_ || *object.md5 == *md5_);
  if (same) return {};
  return std::unexpected(corrupt(
      "cannot " + what(), "Cloud Storage holds other bytes than were sent", "send it again"));
}

Result<ObjectResource> Upload::write_whole(const io::Context& context) {
  BR_TRY(seal, sealed());
  WholeUpload upload;
  upload.name = request_.name;
  upload.bytes = buffer_;
  upload.crc32c = crc32c_.value();
  upload.md5 = md5_;
  upload.content_type = seal.content_type;
  upload.upload_id = calls_.new_upload_id();
  upload.fields =
      to_change({seal.content_type, request_.storage_class, seal.attributes, upload.upload_id});
  const auto expected = expectation(seal);
  for (int round = 1;; ++round) {
    BR_TRY(generation, calls_.generation_to_match(context, request_.name, expected));
    auto object = upload_whole(context, calls_, upload, generation, what());
    if (object) return object;
    const bool raced = object.error().code() == Code::kConflict;
    if (!raced || expected.kind != Expectation::Kind::kAny || round == kMaxAnyRounds) {
      return object;
    }
  }
}

Result<ObjectResource> Upload::send_chunks(const io::Context& context, ResumableUpload& session,
                                           const std::function<Result<void>()>& at_end) {
  auto give_up = [&](Error error) {
    session.cancel(context);
    return std::unexpected(std::move(error));
  };
  bool ended = false;
  while (!ended || buffer_.size() > options_.chunk_bytes) {
    if (buffer_.size() > options_.chunk_bytes) {
      auto sent = session.send(context, std::string_view{buffer_}.substr(0, options_.chunk_bytes));
      if (!sent) return give_up(sent.error());
      buffer_.erase(0, options_.chunk_bytes);
    }
    if (!ended) {
      auto filled = fill(context, options_.chunk_bytes + 1);
      if (!filled) return give_up(filled.error());
      ended = *filled;
    }
  }
  auto agreed = at_end ? at_end() : Result<void>{};
  if (!agreed) return give_up(agreed.error());
  auto object = session.finish(context, buffer_, crc32c_.value());
  if (!object) return give_up(object.error());
  buffer_.clear();
  buffer_.shrink_to_fit();
  return object;
}

Result<ObjectResource> Upload::write_in_place(const io::Context& context) {
  const auto upload_id = calls_.new_upload_id();
  auto fields =
      to_change({request_.content_type, request_.storage_class, request_.attributes, upload_id});
  BR_TRY(generation, calls_.generation_to_match(context, request_.name, request_.expectation));
  BR_TRY(session, ResumableUpload::begin(context, calls_, request_.name, fields, generation));
  std::optional<Seal> seal;
  const auto seal_it = [&]() -> Result<void> {
    BR_TRY(given, sealed());
    const bool same = !given.expectation || *given.expectation == request_.expectation;
    seal = std::move(given);
    if (same) return {};
    return std::unexpected(
        conflict("cannot " + what(), "the object is another version now").with_tag("precondition"));
  };
  const std::function<Result<void>()> at_end = seal_it;
  auto object =
      send_chunks(context, session, request_.seal ? at_end : std::function<Result<void>()>{});
  if (!object || session.ended_by_question()) {
    // The answer to the last chunk is lost: what lies under the name tells.
    auto there = calls_.get(context, request_.name);
    if (there && upload_id_of(*there) == upload_id) {
      object = std::move(there);
    } else if (object && there) {
      return std::unexpected(
          conflict("cannot " + what(), "somebody else wrote it first").with_tag("precondition"));
    } else {
      auto error = object ? there.error() : object.error();
      const bool unknown = !there && there.error().code() != Code::kNotFound;
      if (!unknown && error.retry() == Retry::kNever) return std::unexpected(std::move(error));
      // The session is given up: what is not there now will not come any more.
      return std::unexpected(Error{
          error.code() == Code::kNotFound ? Code::kUnavailable : error.code(),
          unknown ? Retry::kMaybeApplied : Retry::kSafe, error.what(), error.why(), error.hint()}
                                 .with_tag(error.tag()));
    }
  }
  if (auto same = check(*object); !same) {
    (void)calls_.remove(context, request_.name, object->generation);
    return std::unexpected(same.error());
  }
  return seal ? add_attributes(context, *object, *seal) : object;
}

Result<ObjectResource> Upload::add_attributes(const io::Context& context,
                                              const ObjectResource& object, const Seal& seal) {
  auto patched = calls_.patch(context, request_.name, object,
                              to_patch({seal.content_type, {}, seal.attributes, {}}, object));
  if (patched) return patched;
  // The bytes are there, and cannot always be taken back.
  const auto& error = patched.error();
  return std::unexpected(
      Error{error.code(), Retry::kMaybeApplied, error.what(), error.why(), error.hint()}.with_tag(
          error.tag()));
}

Result<ObjectResource> Upload::publish(const io::Context& context, const std::string& staged_name,
                                       const ObjectResource& staged) {
  BR_TRY(check(staged));
  BR_TRY(seal, sealed());
  RewriteCall call;
  call.from = staged_name;
  call.from_generation = staged.generation;
  call.to = request_.name;
  call.upload_id = calls_.new_upload_id();
  call.fields =
      to_change({seal.content_type, request_.storage_class, seal.attributes, call.upload_id});
  const auto expected = expectation(seal);
  for (int round = 1;; ++round) {
    BR_TRY(generation, calls_.generation_to_match(context, request_.name, expected));
    call.if_generation = generation;
    auto object = calls_.rewrite(context, call);
    if (object) return object;
    const bool raced = object.error().code() == Code::kConflict;
    if (!raced || expected.kind != Expectation::Kind::kAny || round == kMaxAnyRounds) {
      return object;
    }
  }
}

std::string Upload::staging_class() const {
  // A class with a minimum storage time would bill the staged object for all of it: the class is
  // given when the object is put in place.
  return request_.storage_class.empty() ? std::string{} : std::string{kStandardClass};
}

size_t Upload::part_bytes(size_t number) const {
  // The first ones are of rising size: else all connections would end their parts, and wait for the
  // answers, at the same time again and again.
  const size_t step = options_.chunk_bytes / options_.parallel_parts;
  return std::min((number + 1) * step, options_.chunk_bytes);
}

Result<std::vector<ComposePiece>> Upload::send_parts(const io::Context& context,
                                                     PartsUpload& parts) {
  bool ended = false;
  for (size_t number = 0; !ended || !buffer_.empty(); ++number) {
    // The buffer has a byte more than a chunk, which tells whether the chunk is the last.
    const size_t size = std::min(part_bytes(number), buffer_.size());
    std::string rest;
    rest.reserve(options_.chunk_bytes + 1);
    rest.assign(buffer_, size);
    buffer_.resize(size);
    BR_TRY(parts.add(std::exchange(buffer_, std::move(rest))));
    if (ended) continue;
    BR_TRY(now_ended, fill(context, options_.chunk_bytes + 1));
    ended = now_ended;
  }
  return parts.finish();
}

Result<ObjectResource> Upload::write_parts(const io::Context& context) {
  PartsUpload parts{context, calls_, pool_, options_.parallel_parts, staging_class()};
  auto pieces = send_parts(context, parts);
  auto seal = pieces ? sealed() : std::unexpected(pieces.error());
  if (!seal) {
    // Nothing can be visible under the real name, whatever became of the parts.
    parts.discard();
    const auto& error = seal.error();
    if (error.retry() != Retry::kMaybeApplied) return std::unexpected(error);
    return std::unexpected(
        Error{error.code(), Retry::kSafe, error.what(), error.why(), error.hint()}.with_tag(
            error.tag()));
  }
  ComposeRequest request;
  request.name = request_.name;
  request.expectation = expectation(*seal);
  request.storage_class = request_.storage_class;
  request.seal = std::move(*seal);
  auto object = Compose{calls_, request}.assemble(context, *pieces);
  parts.discard();
  if (!object) return std::unexpected(std::move(object).error().during(what()));
  return object;
}

Result<ObjectResource> Upload::write_staged(const io::Context& context) {
  const auto staged_name = std::string{kStagingPrefix} + calls_.new_upload_id();
  const auto storage_class = staging_class();
  BR_TRY(session, ResumableUpload::begin(context, calls_, staged_name,
                                         to_change({request_.content_type, storage_class, {}, {}}),
                                         kAbsentGeneration));
  auto staged = send_chunks(context, session);
  if (!staged) {
    // Nothing can be visible under the real name, whatever became of the staged object.
    const auto& error = staged.error();
    if (error.retry() != Retry::kMaybeApplied) return std::unexpected(error);
    return std::unexpected(
        Error{error.code(), Retry::kSafe, error.what(), error.why(), error.hint()}.with_tag(
            error.tag()));
  }
  auto published = publish(context, staged_name, *staged);
  auto removed = calls_.remove(context, staged_name, staged->generation);
  if (!removed) {
    observe::log_warn("gcs_staging_kept",
                      "A staged upload could not be removed; the next sweep does it.",
                      {observe::field("why", removed.error().to_string())});
  }
  if (!published) return published;
  if (auto same = check(*published); !same) {
    (void)calls_.remove(context, request_.name, published->generation);
    return std::unexpected(same.error());
  }
  return published;
}

}  // namespace beringia::backend::gcs

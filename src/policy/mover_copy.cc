#include <algorithm>

#include "base/checksum.h"
#include "base/kill_point.h"
#include "core/reconcile.h"
#include "policy/mover.h"

namespace beringia::policy {
namespace {

constexpr size_t kReadAtOnce = 256 << 10;
constexpr const char* kChanged = "changed";  // tag: the entry is not the one that was planned

/// The source's bytes on their way: counted, checksummed, slowed down to the caps.
class MoveBody final : public io::ByteSource {
 public:
  using AtEnd = std::function<Result<void>()>;
  MoveBody(io::ByteSource& inner, RunShare& share, RateLimit* policy, AtEnd at_end)
      : inner_{inner}, share_{share}, policy_{policy}, at_end_{std::move(at_end)} {}

  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    if (ended_) return size_t{0};
    BR_TRY(n, inner_.read(context, buffer.first(std::min(buffer.size(), kReadAtOnce))));
    if (n == 0) {
      if (at_end_) BR_TRY(at_end_());
      ended_ = true;
      return size_t{0};
    }
    crc32c_.update({buffer.data(), n});
    size_ += n;
    BR_TRY(share_.whole.take(context, n));
    if (policy_ != nullptr) BR_TRY(policy_->take(context, n));
    share_.note_bytes(n);
    return n;
  }
  std::optional<uint64_t> remaining() const override { return inner_.remaining(); }
  uint32_t crc32c() const { return crc32c_.value(); }
  uint64_t size() const { return size_; }

 private:
  io::ByteSource& inner_;
  RunShare& share_;
  RateLimit* policy_;
  AtEnd at_end_;
  Crc32c crc32c_;
  uint64_t size_ = 0;
  bool ended_ = false;
};

std::string attribute(const backend::Attributes& attributes, std::string_view name) {
  const auto found = attributes.find(std::string{name});
  return found == attributes.end() ? std::string{} : found->second;
}

}  // namespace

backend::Attributes Mover::target_attributes(const meta::EntryRecord& record) const {
  backend::Attributes attributes = core::native_attributes(record);
  attributes[std::string{core::kMoveMark}] = reservation().mark;
  return attributes;
}

/// What stands under the target's name? Ours: the very generation, whole. Remains of this move that
/// are not whole are removed.
Result<Mover::Found> Mover::look_at_target(View& view) {
  backend::Backend& target = *view.to.backend->client;
  auto there = target.stat(context_, {move_.to_name});
  if (!there && there.error().code() == Code::kNotFound) return Found::kNothing;
  if (!there) return std::unexpected(std::move(there).error());
  const meta::EntryRecord& record = view.entry();
  const bool marked = attribute(there->attributes, core::kMoveMark) == reservation().mark;
  const bool same_write =
      !record.write_id.empty() &&
      attribute(there->attributes, "beringia-write-id") == record.write_id &&
      attribute(there->attributes, "beringia-generation") == std::to_string(record.generation);
  // Without a checksum of the entry nothing proves that the bytes are whole.
  const auto crc32c = record.stored_crc32c();
  const bool whole = there->size == record.stored_size() && crc32c && there->crc32c == crc32c;
  if ((marked || same_write) && whole) {
    move_.to_version = there->version;
    move_.crc32c = *crc32c;
    target_info_ = std::move(*there);
    copied_metageneration_ = 0;
    return Found::kOurs;
  }
  if (!marked) return Found::kForeign;
  BR_TRY(take_back());
  return Found::kNothing;
}

/// Removes this move's own object, if it is there and still its own. Under the path's lock, because
/// a writer of the entry may be about to replace it.
Result<void> Mover::take_back() {
  const auto live = parts_.mounts.get()->backend(move_.to);
  if (!live) return {};
  core::PathLocks::Guard held;
  if (!guard_) {
    BR_TRY(guard, parts_.locks.lock(context_, path_));
    held = std::move(guard);
  }
  auto there = live->client->stat(context_, {move_.to_name});
  if (!there && there.error().code() == Code::kNotFound) return {};
  if (!there) return std::unexpected(std::move(there).error());
  if (attribute(there->attributes, core::kMoveMark) != reservation().mark) return {};
  auto removed = live->client->remove(context_, {move_.to_name, there->version});
  const bool gone = !removed && (removed.error().code() == Code::kNotFound ||
                                 removed.error().code() == Code::kConflict);
  if (!removed && !gone) return removed;
  return {};
}

/// The source has been read to its end: from here to the publication nobody else may publish.
Result<void> Mover::lock_for_publication() {
  BR_TRY(guard, parts_.locks.lock(context_, path_));
  guard_ = std::move(guard);
  BR_TRY(view, open_view());
  if (view.changed.empty()) {
    BR_TRY(location, parts_.tree.resolve(context_, path_));
    view.location = std::move(location);
    check_entry(view);
  }
  if (view.changed.empty()) {
    BR_TRY(intent, parts_.store.get(context_, meta::intent_key(move_.path)));
    if (intent) view.changed = "it is being written";
  }
  if (view.changed.empty()) return {};
  return std::unexpected(conflict("cannot move " + move_.path, view.changed).with_tag(kChanged));
}

Result<void> Mover::copy_bytes(View& view, core::Grant& grant) {
  const meta::EntryRecord& record = view.entry();
  backend::Backend& source = *view.from.backend->client;
  backend::Backend& target = *view.to.backend->client;
  auto lease = parts_.open_reads.open(move_.from, move_.from_name, move_.from_version);
  BR_TRY(bytes, source.read(copying_, {move_.from_name, {0, move_.size}, move_.from_version}));
  // A file is synced between the end of its body and the seal, so the lock is taken in the seal; an
  // upload in place has no seal, and the lock is taken before its last piece is sent.
  const bool sealed = target.capabilities().native_directories;
  const auto limit = share_.by_policy.find(move_.rule);
  std::unique_ptr<MoveBody> body;
  const auto at_end = [&]() -> Result<void> {
    const auto crc32c = record.stored_crc32c();
    if (body->size() != record.stored_size() || (crc32c && *crc32c != body->crc32c())) {
      return std::unexpected(
          corrupt("cannot move " + move_.path, "the source does not match its checksum")
              .with_tag("source"));
    }
    BR_KILL_POINT("move.read");
    return lock_for_publication();
  };
  body = std::make_unique<MoveBody>(*bytes, share_,
                                    limit == share_.by_policy.end() ? nullptr : limit->second.get(),
                                    sealed ? MoveBody::AtEnd{} : MoveBody::AtEnd{at_end});

  backend::WriteRequest request;
  request.name = move_.to_name;
  request.body = body.get();
  request.size = record.stored_size();
  request.expectation = backend::Expectation::absent();
  request.storage_class = move_.to_class;
  request.content_type = record.content_type;
  request.attributes = target_attributes(record);
  if (sealed) {
    request.seal = [&]() -> Result<backend::Seal> {
      BR_TRY(at_end());
      return backend::Seal{body->size(),        body->crc32c(),     record.stored_md5(),
                           record.content_type, request.attributes, request.expectation};
    };
  }
  copied_metageneration_ = record.metageneration;
  auto written = target.write(copying_, request);
  if (!written) return std::unexpected(std::move(written).error());
  BR_KILL_POINT("move.copied");
  move_.to_version = written->version;
  move_.crc32c = body->crc32c();
  target_info_ = std::move(*written);
  grant.note_bytes(body->size());
  return {};
}

Result<void> Mover::copy() {
  BR_TRY(grant, admit(core::Action::kRead, "move.copy"));
  BR_TRY(view, look(false));
  if (!view.changed.empty()) return give_up(State::kSkipped, view.changed);
  grant.note_generation(move_.generation);
  grant.note_backend(view.to.backend->declaration.name);
  Found found = Found::kNothing;
  if (!fresh_) {
    BR_TRY(seen, look_at_target(view));
    found = seen;
  }
  fresh_ = false;
  if (found == Found::kNothing) {
    auto copied = copy_bytes(view, grant);
    guard_.release();
    if (!copied) {
      const Error& error = copied.error();
      if (error.tag() == kChanged) return give_up(State::kSkipped, error.why());
      if (error.tag() == "source") return give_up(State::kFailed, error.why());
      // Lost answer, or somebody was first: what stands there tells. Else the source is gone.
      const bool raced = error.code() == Code::kConflict || error.code() == Code::kNotFound;
      if (error.retry() != Retry::kMaybeApplied && !raced) return copied;
      BR_TRY(seen, look_at_target(view));
      found = seen;
      if (found == Found::kNothing) {
        if (!raced) return copied;
        BR_TRY(core::refresh(context_, parts_, *view.mounts, path_));
        return std::unexpected(conflict(error.what(), error.why()));
      }
    }
  }
  if (found == Found::kForeign) {
    return give_up(State::kSkipped, "another object has its name in the target");
  }
  kv::Batch batch;
  add_row(batch, State::kVerifying);
  batch.append(std::string{audit::kStream}, grant.record_for_commit());
  BR_TRY(save(std::move(batch), kv::Durability::kBuffered));
  grant.committed();
  move_.state = State::kVerifying;
  BR_KILL_POINT("move.verifying");
  return {};
}

}  // namespace beringia::policy

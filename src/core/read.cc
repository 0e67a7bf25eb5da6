#include <algorithm>

#include "core/encryption.h"
#include "core/parts.h"
#include "core/reconcile.h"
#include "core/soft_delete.h"
#include "core/versions.h"

namespace beringia::core {
namespace {

constexpr int kMaxAttempts = 4;  // of finding a source that still is what the catalog says

/// How old a foreign change of a file must be before it is read.
constexpr Duration kSettlingTime = std::chrono::milliseconds{100};

/// The bytes of one copy with a lease that keeps a move from removing it.
class LeasedSource final : public io::ByteSource {
 public:
  LeasedSource(std::unique_ptr<io::ByteSource> inner, OpenReads::Lease lease)
      : inner_{std::move(inner)}, lease_{std::move(lease)} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    return inner_->read(context, buffer);
  }
  std::optional<io::FileRegion> as_file() override { return inner_->as_file(); }
  std::optional<uint64_t> remaining() const override { return inner_->remaining(); }

 private:
  std::unique_ptr<io::ByteSource> inner_;
  OpenReads::Lease lease_;
};

/// Readable copies, nearest first: valid before retiring, files before remote stores, backends
/// that failed a moment ago last.
std::vector<const meta::Copy*> order_sources(const Mounts& mounts, const meta::EntryRecord& entry) {
  std::vector<std::pair<int, const meta::Copy*>> ranked;
  for (const auto& copy : entry.copies) {
    const auto live = mounts.backend(copy.backend);
    if (!live) continue;
    int rank = copy.state == meta::CopyState::kValid ? 0 : 4;
    if (is_avoided(*live)) rank += 2;
    if (!live->client->capabilities().zero_copy_read) rank += 1;
    ranked.emplace_back(rank, &copy);
  }
  // Copies lie in one vector: their addresses keep the written order among equals.
  std::sort(ranked.begin(), ranked.end());
  std::vector<const meta::Copy*> ordered;
  for (const auto& [rank, copy] : ranked) ordered.push_back(copy);
  return ordered;
}

struct Opened {
  std::unique_ptr<io::ByteSource> body;
  std::string backend;
};

/// One try on one copy.
Result<Opened> open_copy(const io::Context& context, Namespace::Parts& parts, const Mounts& mounts,
                         const meta::Location& location, const meta::Copy& copy,
                         io::ByteRange range, const std::optional<Secret>& data_key) {
  const LiveMount* mount = mounts.find(location.path);
  if (mount == nullptr) {
    return std::unexpected(
        not_found("cannot read " + location.path.text(), "no mount holds this path any more"));
  }
  const auto place = mount->location_of(mounts.backend(copy.backend));
  const std::string name = native_name_of(copy, *mount, place, location);
  auto lease = parts.open_reads.open(copy.backend, name, copy.version);
  const auto& entry = *location.entry;
  const auto open_stored = [&](io::ByteRange stored) {
    const bool whole = stored == io::ByteRange{0, entry.stored_size()};
    backend::ReadRequest request{name, stored, copy.version,
                                 whole ? entry.stored_crc32c() : std::nullopt};
    request.watched = !mount->declaration.freshness.exclusive;
    // What carries no checksum of ours was written by others, who may not have finished.
    if (!entry.stored_crc32c()) request.settled = kSettlingTime;
    return place.backend->client->read(context, request);
  };
  auto inner =
      data_key ? open_decrypted(context, entry, *data_key, range, open_stored) : open_stored(range);
  if (!inner) {
    note_backend_failure(*place.backend, inner.error());
    return std::unexpected(std::move(inner).error());
  }
  return Opened{std::make_unique<LeasedSource>(std::move(*inner), std::move(lease)),
                place.backend->declaration.name};
}

bool is_stale(const Error& error) {
  return error.code() == Code::kNotFound || error.code() == Code::kConflict;
}

}  // namespace

Result<OpenRead> Namespace::read(const io::Context& context, const Grant& grant,
                                 const ReadRequest& request) {
  const auto mounts = parts_.mounts.get();
  BR_TRY(found, parts_.tree.resolve(context, grant.path()));
  meta::Location location = std::move(found);
  // A known entry needs no look of its own: reading a copy at its version is the look.
  const LiveMount* mount = mounts->find(grant.path());
  const bool several = location.entry && location.entry->copies.size() > 1;
  const bool shared = mount != nullptr && !mount->declaration.freshness.exclusive;
  // On a union there may be a file before the copy.
  const bool behind = location.entry && mount != nullptr && mount->locations.size() > 1 &&
                      (shared || !is_copied_to(*location.entry, mount->locations.front()));
  if (!location.entry || several || behind || (shared && !request.conditions.empty())) {
    BR_TRY(fresh, locate(context, parts_, *mounts, grant.path(), Need::kRead));
    location = std::move(fresh);
  }
  for (int attempt = 1;; ++attempt) {
    std::optional<meta::StoredVersionRow> noncurrent;
    auto found_one = request.soft_deleted
                         ? choose_soft_deleted(context, parts_, std::move(location),
                                               request.generation, &noncurrent)
                         : choose_generation(context, parts_, std::move(location),
                                             request.generation, &noncurrent);
    BR_TRY(chosen, std::move(found_one));
    location = std::move(chosen);
    if (!location.entry) return std::unexpected(no_generation(location, request.generation));
    grant.note_generation(location.entry->generation);
    BR_TRY(check_conditions(request.conditions, location.entry, true));
    OpenRead open{
        noncurrent ? entry_of(location, noncurrent->version) : entry_of(location, *location.entry),
        {0, location.entry->size},
        nullptr};
    if (request.range) {
      BR_TRY(range, request.range(open.entry));
      if (range) open.range = *range;
    }
    std::optional<Secret> data_key;
    if (request.as_stored) {
      open.range = {0, location.entry->stored_size()};
    } else if (location.entry->encryption || request.customer_key) {
      BR_TRY(key, data_key_of(context, parts_, location.entry->encryption, request.customer_key));
      data_key = std::move(key);
    }
    std::optional<Error> last;
    for (const meta::Copy* copy : order_sources(*mounts, *location.entry)) {
      auto opened = open_copy(context, parts_, *mounts, location, *copy, open.range, data_key);
      if (opened) {
        grant.note_backend(opened->backend);
        open.body = std::move(opened->body);
        return open;
      }
      last = std::move(opened).error();
      if (is_stale(*last)) break;
    }
    if (!last) last = unavailable("cannot read " + grant.path().text(), "no backend has it");
    if (!is_stale(*last) || attempt == kMaxAttempts) {
      return std::unexpected(Error{is_stale(*last) ? Code::kUnavailable : last->code(),
                                   Retry::kSafe, "cannot read " + grant.path().text(),
                                   last->to_string()});
    }
    // The bytes are not what the catalog says, and nothing has been sent yet: look again.
    BR_TRY(fresh, refresh(context, parts_, *mounts, grant.path()));
    location = std::move(fresh);
  }
}

}  // namespace beringia::core

#include <mutex>

#include "backend/gcs/credentials.h"
#include "io/runtime.h"
#include "io/sync.h"

namespace beringia::backend::gcs {

namespace {

/// Google's libraries refresh tokens 3 min 45 s before their end; a request that starts with an
/// older token could end after it.
constexpr Duration kRefreshAhead = std::chrono::seconds{225};
/// A token is not used closer than this to its end.
constexpr Duration kUnusableAhead = std::chrono::seconds{10};

}  // namespace

struct TokenCache::State {
  /// One fetch under way. Owners: the fetching caller and those who wait.
  struct Flight {
    io::Event done;
    std::optional<Error> error;  // set before done
  };

  Fetch fetch;
  std::mutex mutex;  // guards all below; never held over a wait
  std::optional<Secret> token;
  MonotonicTime refresh_at;
  MonotonicTime unusable_at;
  std::shared_ptr<Flight> flight;
};

TokenCache::TokenCache(Fetch fetch) : state_{std::make_unique<State>()} {
  state_->fetch = std::move(fetch);
}

TokenCache::~TokenCache() = default;

Result<Secret> TokenCache::get(const io::Context& context) {
  while (true) {
    BR_TRY(context.check(io::now()));
    std::shared_ptr<State::Flight> flight;
    {
      std::lock_guard lock{state_->mutex};
      const auto now = io::now();
      const bool usable = state_->token && now < state_->unusable_at;
      // While one caller refreshes ahead, the others go on with the old token.
      if (usable && (now < state_->refresh_at || state_->flight)) return *state_->token;
      if (state_->flight) {
        flight = state_->flight;
      } else {
        state_->flight = std::make_shared<State::Flight>();
      }
    }
    if (flight) {
      BR_TRY(flight->done.wait(context));
      // Cancelled was the caller who fetched, not we: look again.
      if (flight->error && flight->error->code() != Code::kCancelled) {
        return std::unexpected(*flight->error);
      }
      continue;
    }
    auto fetched = state_->fetch(context);
    std::lock_guard lock{state_->mutex};
    auto own = std::move(state_->flight);
    const auto now = io::now();
    if (fetched) {
      // A short-lived token is used for half its life at least.
      const auto lifetime = fetched->lifetime;
      state_->token = fetched->token;
      state_->refresh_at = now + std::max(lifetime - kRefreshAhead, lifetime / 2);
      state_->unusable_at = now + std::max(lifetime - kUnusableAhead, lifetime / 2);
    } else {
      own->error = fetched.error();
    }
    own->done.set();
    if (state_->token && now < state_->unusable_at) return *state_->token;
    if (!fetched) return std::unexpected(fetched.error());
    return fetched->token;
  }
}

void TokenCache::reject(const Secret& token) {
  std::lock_guard lock{state_->mutex};
  if (state_->token && *state_->token == token) state_->token.reset();
}

}  // namespace beringia::backend::gcs

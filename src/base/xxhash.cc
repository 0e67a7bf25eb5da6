#include <xxhash.h>

#include <new>

#include "base/checksum.h"

namespace beringia {

struct XxHash::State {
  explicit State(Kind which) : kind{which} {
    if (kind == Kind::k64) {
      small = XXH64_createState();
      if (small == nullptr) throw std::bad_alloc{};
      XXH64_reset(small, 0);
      return;
    }
    wide = XXH3_createState();
    if (wide == nullptr) throw std::bad_alloc{};
    if (kind == Kind::k3) {
      XXH3_64bits_reset(wide);
    } else {
      XXH3_128bits_reset(wide);
    }
  }
  ~State() {
    XXH64_freeState(small);
    XXH3_freeState(wide);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Kind kind;
  XXH64_state_t* small = nullptr;  // of k64
  XXH3_state_t* wide = nullptr;    // of the others
};

XxHash::XxHash(Kind kind) : state_{std::make_unique<State>(kind)} {}
XxHash::XxHash(XxHash&&) noexcept = default;
XxHash& XxHash::operator=(XxHash&&) noexcept = default;
XxHash::~XxHash() = default;

void XxHash::update(std::string_view bytes) {
  switch (state_->kind) {
    case Kind::k64: XXH64_update(state_->small, bytes.data(), bytes.size()); return;
    case Kind::k3: XXH3_64bits_update(state_->wide, bytes.data(), bytes.size()); return;
    case Kind::k128: XXH3_128bits_update(state_->wide, bytes.data(), bytes.size()); return;
  }
}

std::string XxHash::finish() {
  if (state_->kind == Kind::k128) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_->wide));
    return {reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest};
  }
  XXH64_canonical_t canonical;
  XXH64_canonicalFromHash(&canonical, state_->kind == Kind::k64 ? XXH64_digest(state_->small)
                                                                : XXH3_64bits_digest(state_->wide));
  return {reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest};
}

}  // namespace beringia

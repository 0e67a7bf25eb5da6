#include "base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/encoding.h"

namespace beringia {
namespace {

uint64_t rotate_left(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

/// splitmix64, the seeding that xoshiro's authors recommend.
uint64_t split_mix(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

uint64_t Rng::below(uint64_t bound) {
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;  // rejects the uneven rest
  for (;;) {
    const uint64_t value = next();
    if (value < limit) return value % bound;
  }
}

uint64_t SystemRng::next() {
  uint64_t value = 0;
  fill({reinterpret_cast<char*>(&value), sizeof value});
  return value;
}

void SystemRng::fill(std::span<char> out) {
  while (!out.empty()) {
    const ssize_t n = getrandom(out.data(), out.size(), 0);
    if (n < 0) std::abort();  // no entropy source: nothing that follows could be trusted
    out = out.subspan(static_cast<size_t>(n));
  }
}

SeededRng::SeededRng(uint64_t seed) {
  for (auto& word : state_) word = split_mix(seed);
}

uint64_t SeededRng::next() {
  std::lock_guard lock{mutex_};
  const uint64_t result = rotate_left(state_[1] * 5, 7) * 9;
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

void SeededRng::fill(std::span<char> out) {
  while (!out.empty()) {
    const uint64_t value = next();
    const size_t n = std::min(out.size(), sizeof value);
    std::memcpy(out.data(), &value, n);
    out = out.subspan(n);
  }
}

std::string random_hex(Rng& rng, size_t bytes) {
  std::string raw(bytes, '\0');
  rng.fill(raw);
  return to_hex(raw);
}

}  // namespace beringia

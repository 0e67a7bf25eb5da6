#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>

namespace beringia {

/// Source of randomness. Implementations are thread-safe. Simulation seeds it.
class Rng {
 public:
  virtual ~Rng() = default;
  virtual uint64_t next() = 0;
  /// Fills `out` with random bytes.
  virtual void fill(std::span<char> out) = 0;
  /// Uniform in [0, bound); bound >= 1.
  uint64_t below(uint64_t bound);
};

/// getrandom(2): fit for keys, ids and tokens.
class SystemRng final : public Rng {
 public:
  uint64_t next() override;
  void fill(std::span<char> out) override;
};

/// xoshiro256** from a seed; the same seed gives the same sequence. NOT for secrets.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(uint64_t seed);
  uint64_t next() override;
  void fill(std::span<char> out) override;

 private:
  std::mutex mutex_;
  uint64_t state_[4];
};

/// `bytes` random bytes as lower-case hex (2 * bytes characters).
std::string random_hex(Rng& rng, size_t bytes);

}  // namespace beringia

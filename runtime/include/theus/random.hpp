#pragma once

#include <array>
#include <cstdint>
#include <limits>

namespace theus {

/// A stream of random numbers that is a function of seed and stream number alone: streams of one seed are independent
/// of each other and of the order in which they are read. A UniformRandomBitGenerator, but the distributions of
/// <random> differ between standard libraries; the members here do not. Belongs to one thread.
///
/// Philox4x32-10: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011. Not
/// for secrets. The period of one stream is 2^65 numbers.
class RandomStream {
public:
  using result_type = std::uint64_t;

  RandomStream(std::uint64_t seed, std::uint64_t stream) noexcept : seed_(seed), stream_(stream) {}

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return std::numeric_limits<result_type>::max(); }
  /// All 64 bits at random.
  result_type operator()() noexcept;

  /// From 0 up to, but not including, 1; a multiple of 2^-53.
  double uniform() noexcept;
  /// Each of least ... most with the same chance. REQUIRES: least <= most.
  std::int64_t between(std::int64_t least, std::int64_t most) noexcept;
  /// True with that chance; never for 0 or less, always for 1 or more.
  bool chance(double probability) noexcept { return uniform() < probability; }

private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t block_ = 0;  // the next one to compute
  std::array<std::uint64_t, 2> numbers_{};
  unsigned left_ = 0;  // of numbers_, from its end
};

}  // namespace theus
